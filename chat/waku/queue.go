package waku

import (
	"context"
	"sync"
)

// queue is a bounded first-in-first-out list with one reader and any number of writers,
// which never wait.
type queue[T any] struct {
	maxItems, maxBytes int

	mu    sync.Mutex
	items []sized[T]
	bytes int
	full  bool // the last put was refused
	woken chan struct{}
}

type sized[T any] struct {
	item  T
	bytes int
}

func newQueue[T any](maxItems, maxBytes int) *queue[T] {
	return &queue[T]{maxItems: maxItems, maxBytes: maxBytes, woken: make(chan struct{}, 1)}
}

// put appends item, or refuses it when the queue is full; first tells that the
// refusal is the first of a row.
func (q *queue[T]) put(item T, bytes int) (ok, first bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.items) >= q.maxItems || q.bytes+bytes > q.maxBytes {
		first, q.full = !q.full, true
		return false, first
	}
	q.full = false
	q.items = append(q.items, sized[T]{item, bytes})
	q.bytes += bytes
	select {
	case q.woken <- struct{}{}:
	default:
	}
	return true, false
}

// take waits for an item; ok is false when ctx ends first.
func (q *queue[T]) take(ctx context.Context) (item T, ok bool) {
	for {
		if item, ok := q.poll(); ok && ctx.Err() == nil {
			return item, true
		}
		select {
		case <-ctx.Done():
			return item, false
		case <-q.woken:
		}
	}
}

func (q *queue[T]) poll() (item T, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.items) == 0 {
		return item, false
	}
	head := q.items[0]
	q.items[0] = sized[T]{}
	q.items = q.items[1:]
	q.bytes -= head.bytes
	if len(q.items) == 0 {
		q.items = nil // let go of the array's used front
	}
	return head.item, true
}
