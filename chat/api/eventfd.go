package api

import (
	"sync"
	"syscall"
)

// noDescriptor is what EventFD gives when there is none.
const noDescriptor = -1

// The two things that can wait in an event stream.
const (
	engineEvents = 1 << iota
	logEvents
)

// signal is a pipe that is readable exactly while events wait: one byte lies in
// it then. Hosts put its read end into poll, epoll, select or an event loop, and
// never read it themselves.
type signal struct {
	mu      sync.Mutex
	r, w    int
	sources int // who has events waiting
}

// newSignal makes the pipe: non-blocking, and closed when the process runs
// another program.
func newSignal() (*signal, error) {
	var p [2]int
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	if err := syscall.Pipe(p[:]); err != nil {
		return nil, err
	}
	for _, fd := range p {
		syscall.CloseOnExec(fd)
		if err := syscall.SetNonblock(fd, true); err != nil {
			_, _ = syscall.Close(p[0]), syscall.Close(p[1])
			return nil, err
		}
	}
	return &signal{r: p[0], w: p[1]}, nil
}

// set notes whether events of source wait and makes the pipe readable or not.
// It never blocks, whatever a host did to the pipe.
func (s *signal) set(source int, waiting bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.sources
	if waiting {
		s.sources |= source
	} else {
		s.sources &^= source
	}
	if s.w == noDescriptor || (before != 0) == (s.sources != 0) {
		return
	}
	one := []byte{0}
	if s.sources != 0 {
		_, _ = syscall.Write(s.w, one)
	} else {
		_, _ = syscall.Read(s.r, one)
	}
}

// close closes both ends.
func (s *signal) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.w != noDescriptor {
		_, _ = syscall.Close(s.w), syscall.Close(s.r)
		s.r, s.w = noDescriptor, noDescriptor
	}
}
