package store

import (
	"runtime"
	"runtime/debug"

	"libstatus1to1/chat/port"
)

// request is a closure waiting for the writer.
type request struct {
	fn   func(*batch) error
	done chan error // capacity 1
	err  error
}

// submit hands fn to the writer and waits until it is durable or failed.
func (s *fileStore) submit(fn func(*batch) error) error {
	r := &request{fn: fn, done: make(chan error, 1)}
	s.requests <- r
	return <-r.done
}

// write is the writer goroutine: the only one that changes the file. It commits
// whatever is waiting, without waiting for more; while it does, more gathers.
func (s *fileStore) write() {
	debug.SetPanicOnFault(true)
	ended := false
	defer func() {
		if !ended { // a closure called runtime.Goexit, as t.FailNow does
			go s.write()
		}
	}()
	for {
		select {
		case r := <-s.requests:
			s.commit(r)
		case <-s.quit:
			ended = true
			return
		}
	}
}

// commit runs first and those waiting behind it as one bbolt transaction.
func (s *fileStore) commit(first *request) {
	group := []*request{first}
	err := error(port.Errorf(port.CodeInternal, "", "a transaction's closure ended its goroutine"))
	b, beginErr := s.newBatch()
	defer func() {
		s.finish(b, group, err)
	}()
	if beginErr != nil {
		err = beginErr
		return
	}
	b.run(first)
	s.gather(b, &group)
	if panicked := guard("file", func() { err = b.commit() }); panicked != nil {
		b.hung, err = true, panicked
	}
}

// gather runs what waits for the writer behind the first request. Where several come
// at a time, those that are about to come are let come: a commit costs as much as
// several of its messages.
func (s *fileStore) gather(b *batch, group *[]*request) {
	before := 0
	for len(*group) < maxClosures && b.bytes < maxBatchBytes && b.fatal == nil {
		select {
		case r := <-s.requests:
			*group = append(*group, r)
			b.run(r)
			continue
		default:
		}
		n := len(*group)
		if n == before || n >= enoughClosures || max(n, s.lastGroup) == 1 {
			break
		}
		before = n
		runtime.Gosched()
	}
	s.lastGroup = len(*group)
}

// run runs one closure in the batch.
func (b *batch) run(r *request) {
	n := len(b.steps)
	if panicked := guard("file", func() { r.err = r.fn(b) }); panicked != nil {
		r.err = panicked
	}
	if r.err == nil && b.fatal == nil {
		b.keep()
	} else {
		b.takeBack(n)
	}
}

// finish answers every request of a group. err is of the commit.
func (s *fileStore) finish(b *batch, group []*request, err error) {
	if b != nil {
		b.abort()
		b.room.leave(b)
		if b.hung {
			s.hang(err)
		}
	}
	for _, r := range group {
		if r.err == nil {
			r.err = err
		}
		r.done <- r.err
	}
}

// newBatch starts a batch, unless bbolt hangs.
func (s *fileStore) newBatch() (*batch, error) {
	if err := s.hung(); err != nil {
		return nil, err
	}
	b, err := newBatch(s.crypt, s.file, &s.room)
	if err == nil {
		err = s.file.awaitWalk(b.bolt.Size())
	}
	return b, err
}

// hang keeps everybody off bbolt from now on: it may hold its locks for ever, or
// show what is not on disk. Opening the store again shows what is there.
func (s *fileStore) hang(cause error) {
	err := port.Errorf(port.CodeOf(cause), "", "the store failed before; open it again").BecauseOS(cause)
	s.broken.CompareAndSwap(nil, err)
}

// hung returns the error for which bbolt must not be used any more, or nil.
func (s *fileStore) hung() error {
	if err := s.broken.Load(); err != nil {
		return err
	}
	return nil
}
