package rpc

import (
	"bytes"
	"sync"
)

// batch collects the answers to the requests of a batch, in the order in which they come, and
// writes them when the last is there.
type batch struct {
	mu      sync.Mutex
	missing int
	answers [][]byte
	afters  []func()
	write   func(text []byte, after func())
}

func newBatch(requests []request, write func([]byte, func())) *batch {
	b := &batch{write: write}
	for _, r := range requests {
		if r.id != nil {
			b.missing++
		}
	}
	return b
}

// add adds an answer. What follows it, such as the events of a client that was opened, waits
// for the batch to be written.
func (b *batch) add(answer []byte, after func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.answers = append(b.answers, answer)
	if after != nil {
		b.afters = append(b.afters, after)
	}
	if b.missing--; b.missing == 0 {
		b.write(append(append([]byte("["), bytes.Join(b.answers, []byte(","))...), ']'), func() {
			for _, after := range b.afters {
				after()
			}
		})
	}
}
