package store

import (
	"io"
	"runtime"
	"sync"
	"sync/atomic"

	"libstatus1to1/chat/port"
)

// sealPart is the number of records a goroutine seals at a time: some 20 us of work,
// against 1 us to start it.
const sealPart = 32

// sealWrites seals the values of all writes that have one, on all cores when there
// are many. Their nonces are drawn at once.
func (c *crypt) sealWrites(writes []write, memory *arena) error {
	count := 0
	for i := range writes {
		if w := &writes[i]; w.act == actPut && w.id != headerBucket {
			count++
		}
	}
	nonces := memory.room(count * nonceSize)[:count*nonceSize]
	if _, err := io.ReadFull(c.rand, nonces); err != nil {
		return ioError("reading randomness", err)
	}
	for i := range writes {
		w := &writes[i]
		switch {
		case w.act != actPut:
		case w.id == headerBucket:
			w.box = w.plain
		default:
			w.box = memory.room(len(w.plain) + sealGrowth)[:nonceSize]
			nonces = nonces[copy(w.box, nonces[:nonceSize]):]
		}
	}
	return inParts(len(writes), sealPart, func(from, to int) {
		var placeRoom [64]byte
		for i := from; i < to; i++ {
			w := &writes[i]
			if w.act != actPut || w.id == headerBucket {
				continue
			}
			at := append(append(placeRoom[:0], w.id...), w.key...)
			w.box = c.aead.Seal(w.box, w.box, w.plain, at)
			c.traceTo(&w.trace, w.box)
		}
	})
}

// inParts runs f for parts of 0 to n, on all cores. A panic of f is an error.
func inParts(n, size int, f func(from, to int)) error {
	parts := (n + size - 1) / size
	workers := min(parts, runtime.GOMAXPROCS(0))
	if workers <= 1 {
		return noPanic(func() { f(0, n) })
	}
	var next atomic.Int64
	failures := make([]error, workers)
	var all sync.WaitGroup
	for worker := range workers {
		all.Go(func() {
			failures[worker] = noPanic(func() {
				for i := int(next.Add(1)) - 1; i < parts; i = int(next.Add(1)) - 1 {
					f(i*size, min(n, (i+1)*size))
				}
			})
		})
	}
	all.Wait()
	for _, err := range failures {
		if err != nil {
			return err
		}
	}
	return nil
}

// noPanic turns a panic of f into an error.
func noPanic(f func()) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = port.Errorf(port.CodeInternal, "", "sealing records panicked")
		}
	}()
	f()
	return nil
}
