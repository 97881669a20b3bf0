// Package parallel runs computations without side effects on all processors.
package parallel

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// Do calls f(0) to f(n-1), in any order, on as many goroutines as there are processors,
// and returns when all have returned. A panic of f is raised again here, on the goroutine
// of the caller, who knows what to do about it.
func Do(n int, f func(i int)) {
	workers := min(n, runtime.GOMAXPROCS(0))
	if workers <= 1 {
		for i := range n {
			f(i)
		}
		return
	}
	var next atomic.Int64
	work := func() {
		for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
			f(i)
		}
	}
	var all sync.WaitGroup
	var broken atomic.Pointer[panicked]
	for range workers - 1 {
		all.Go(func() {
			defer func() {
				if v := recover(); v != nil {
					broken.CompareAndSwap(nil, &panicked{v})
				}
			}()
			work()
		})
	}
	work()
	all.Wait()
	if p := broken.Load(); p != nil {
		panic(p.value)
	}
}

// panicked is the value of a panic on another goroutine.
type panicked struct{ value any }
