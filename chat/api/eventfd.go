package api

import "sync"

// noDescriptor is the result of EventFD if there is no descriptor.
const noDescriptor = -1

// The two things that can wait in an event stream.
const (
	engineEvents = 1 << iota
	logEvents
)

// signal tells a host's event loop whether events wait, by something that the
// operating system can wait for: a pipe, or an event object on Windows.
type signal struct {
	mu      sync.Mutex
	ready   *readiness
	sources int // who has events waiting
}

func newSignal() (*signal, error) {
	ready, err := newReadiness()
	if err != nil {
		return nil, err
	}
	return &signal{ready: ready}, nil
}

// descriptor returns the descriptor that hosts wait for.
func (s *signal) descriptor() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ready.descriptor()
}

// set records whether events of source wait, and makes the descriptor ready or not. It
// never blocks, even if the host has tampered with the descriptor.
func (s *signal) set(source int, waiting bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.sources
	if waiting {
		s.sources |= source
	} else {
		s.sources &^= source
	}
	if (before != 0) == (s.sources != 0) {
		return
	}
	if s.sources != 0 {
		s.ready.raise()
	} else {
		s.ready.lower()
	}
}

func (s *signal) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ready.close()
}
