package api

import "golang.org/x/sys/windows"

// readiness is an event object with manual reset, set exactly while events wait.
// Hosts give its handle to WaitForMultipleObjects or an event loop, and neither reset
// nor close it. A handle fits into an int: Windows uses 32 bits of it.
type readiness struct{ event windows.Handle }

// The arguments of CreateEvent.
const (
	manualReset = 1
	lowered     = 0
)

// newReadiness makes the event object, which child processes do not inherit.
func newReadiness() (*readiness, error) {
	event, err := windows.CreateEvent(nil, manualReset, lowered, nil)
	if err != nil {
		return nil, err
	}
	return &readiness{event: event}, nil
}

func (r *readiness) descriptor() int {
	if r.event == windows.InvalidHandle {
		return noDescriptor
	}
	return int(int32(r.event)) // as Windows itself extends a handle of 32 bits
}

func (r *readiness) raise() { _ = windows.SetEvent(r.event) }

func (r *readiness) lower() { _ = windows.ResetEvent(r.event) }

func (r *readiness) close() {
	if r.event != windows.InvalidHandle {
		_ = windows.CloseHandle(r.event)
		r.event = windows.InvalidHandle
	}
}
