//go:build unix

package api

import "syscall"

// readiness is a pipe that is readable exactly while events wait: one byte lies in it
// then. Hosts put its read end into poll, epoll, select or an event loop, and never
// read it themselves.
type readiness struct {
	read, write int
	pipe        fileIdentity // of both ends
}

// fileIdentity identifies an open file independently of its descriptor number.
type fileIdentity struct{ device, inode uint64 }

func identityOf(fd int) (fileIdentity, error) {
	var stat syscall.Stat_t
	err := syscall.Fstat(fd, &stat)
	return fileIdentity{uint64(stat.Dev), uint64(stat.Ino)}, err
}

// newReadiness makes the pipe: non-blocking, and closed when the process runs
// another program.
func newReadiness() (*readiness, error) {
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
	r := &readiness{read: p[0], write: p[1]}
	var err error
	if r.pipe, err = identityOf(r.read); err != nil {
		_, _ = syscall.Close(r.read), syscall.Close(r.write)
		return nil, err
	}
	return r, nil
}

// ours reports whether a descriptor is still our pipe. If a host closes descriptors
// that it does not own, their numbers may be reused, and we would read, write and close
// another file.
func (r *readiness) ours(fd int) bool {
	if fd == noDescriptor {
		return false
	}
	is, err := identityOf(fd)
	return err == nil && is == r.pipe
}

func (r *readiness) descriptor() int { return r.read }

func (r *readiness) raise() {
	if r.ours(r.write) {
		_, _ = syscall.Write(r.write, []byte{0})
	}
}

func (r *readiness) lower() {
	if r.ours(r.read) {
		_, _ = syscall.Read(r.read, []byte{0})
	}
}

// close closes both ends, those that are still there.
func (r *readiness) close() {
	for _, fd := range []int{r.write, r.read} {
		if r.ours(fd) {
			_ = syscall.Close(fd)
		}
	}
	r.read, r.write = noDescriptor, noDescriptor
}
