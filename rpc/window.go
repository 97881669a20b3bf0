package rpc

import "sync"

// window counts the stored events of a client that were sent and are not acknowledged. Events
// that are not stored cannot be acknowledged and do not count: the engine keeps few of them.
type window struct {
	mu      sync.Mutex
	changed *sync.Cond
	sent    []sentEvent // rising
	bytes   int
	open    bool // the limits do not hold any more: the client closes
}

type sentEvent struct {
	seq  uint64
	size int
}

func newWindow() *window {
	w := &window{}
	w.changed = sync.NewCond(&w.mu)
	return w
}

// full reports whether no stored event may be sent now.
func (w *window) full() bool { return len(w.sent) >= maxUnacked || w.bytes >= maxUnackedBytes }

// wait waits until a stored event may be sent, or the client closes.
func (w *window) wait() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.full() && !w.open {
		w.changed.Wait()
	}
}

// take reports whether a stored event may be sent, and counts it.
func (w *window) take(seq uint64, size int) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.full() {
		return false
	}
	w.sent = append(w.sent, sentEvent{seq, size})
	w.bytes += size
	return true
}

// acknowledge makes room for as many as were acknowledged.
func (w *window) acknowledge(upTo uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for ; n < len(w.sent) && w.sent[n].seq <= upTo; n++ {
		w.bytes -= w.sent[n].size
	}
	w.sent = append(w.sent[:0], w.sent[n:]...)
	w.changed.Broadcast()
}

// lift ends the waiting: what is left of the stream is read to its end.
func (w *window) lift() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open = true
	w.changed.Broadcast()
}
