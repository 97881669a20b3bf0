package waku

import (
	"context"
	"sync"
)

// news lets goroutines wait until something about peers changes. The zero value is ready.
type news struct {
	mu     sync.Mutex
	signal chan struct{}
}

// next is closed at the next call of spread.
func (n *news) next() <-chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.signal == nil {
		n.signal = make(chan struct{})
	}
	return n.signal
}

// spread wakes all who wait.
func (n *news) spread() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.signal != nil {
		close(n.signal)
		n.signal = nil
	}
}

// waitFor waits until condition holds, looking again whenever something about peers has
// changed; it reports false when ctx ends first.
func (r *run) waitFor(ctx context.Context, condition func() bool) bool {
	for {
		changed := r.news.next()
		if condition() {
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-changed:
		}
	}
}
