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
	write   func([]byte)
}

func newBatch(requests []request, write func([]byte)) *batch {
	b := &batch{write: write}
	for _, r := range requests {
		if r.id != nil {
			b.missing++
		}
	}
	return b
}

// add adds an answer.
func (b *batch) add(answer []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.answers = append(b.answers, answer)
	if b.missing--; b.missing == 0 {
		b.write(append(append([]byte("["), bytes.Join(b.answers, []byte(","))...), ']'))
	}
}
