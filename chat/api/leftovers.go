package api

import (
	"context"
	"sync"

	"libstatus1to1/chat"
)

// leftovers are the events of a closed client that nobody has read; the closed
// event is the last.
type leftovers struct {
	mu     sync.Mutex
	events []*chat.DeliveredEvent
}

// takeFrom takes what is left of the stream of a closed engine. A reader that
// finds the stream empty finds the events here.
func (l *leftovers) takeFrom(engine *chat.Client) {
	l.mu.Lock()
	defer l.mu.Unlock()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for {
		e, err := engine.NextEvent(ctx)
		if e == nil || err != nil {
			return
		}
		l.events = append(l.events, e)
	}
}

func (l *leftovers) empty() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.events) == 0
}

// take is the first of them, or nil.
func (l *leftovers) take() *chat.DeliveredEvent {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.events) == 0 {
		return nil
	}
	e := l.events[0]
	l.events = l.events[1:]
	return e
}
