package store

import "sync"

// readers counts the Views in progress, so that pages out of use are overwritten only
// when no View can still read them.
type readers struct {
	mu      sync.Mutex
	current *sync.WaitGroup // of those that came since the last drain
}

// enter counts one more View. The caller calls Done on the group afterwards.
func (r *readers) enter() *sync.WaitGroup {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.current == nil {
		r.current = &sync.WaitGroup{}
	}
	r.current.Add(1)
	return r.current
}

// drain waits until all Views that are inside now have left. Others may enter
// meanwhile.
func (r *readers) drain() {
	r.mu.Lock()
	inside := r.current
	r.current = nil
	r.mu.Unlock()
	if inside != nil {
		inside.Wait()
	}
}
