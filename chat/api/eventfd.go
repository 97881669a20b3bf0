package api

import (
	"sync"
	"syscall"
)

// noDescriptor is the result of EventFD if there is no descriptor.
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
	pipe    fileIdentity // of both ends
	sources int          // who has events waiting
}

// fileIdentity identifies an open file independently of its descriptor number.
type fileIdentity struct{ device, inode uint64 }

func identityOf(fd int) (fileIdentity, error) {
	var stat syscall.Stat_t
	err := syscall.Fstat(fd, &stat)
	return fileIdentity{uint64(stat.Dev), uint64(stat.Ino)}, err
}

// ours reports whether a descriptor is still our pipe. If a host closes descriptors
// that it does not own, their numbers may be reused, and we would read, write and close
// another file.
func (s *signal) ours(fd int) bool {
	if fd == noDescriptor {
		return false
	}
	is, err := identityOf(fd)
	return err == nil && is == s.pipe
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
	s := &signal{r: p[0], w: p[1]}
	var err error
	if s.pipe, err = identityOf(s.r); err != nil {
		_, _ = syscall.Close(s.r), syscall.Close(s.w)
		return nil, err
	}
	return s, nil
}

// set records whether events of source wait, and makes the pipe readable or not. It
// never blocks, even if the host has tampered with the pipe.
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
	one := []byte{0}
	if s.sources != 0 && s.ours(s.w) {
		_, _ = syscall.Write(s.w, one)
	} else if s.sources == 0 && s.ours(s.r) {
		_, _ = syscall.Read(s.r, one)
	}
}

// close closes both ends, those that are still there.
func (s *signal) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, fd := range []int{s.w, s.r} {
		if s.ours(fd) {
			_ = syscall.Close(fd)
		}
	}
	s.r, s.w = noDescriptor, noDescriptor
}
