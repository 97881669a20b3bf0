package api

import (
	"context"
	"runtime"
	"time"

	"libstatus1to1/chat"
	"libstatus1to1/chat/event"
)

// pump hands the events of a client to a callback, on one thread of its own.
type pump struct {
	ctx  context.Context // ends when the pump is stopped
	stop context.CancelFunc
	done chan struct{} // closed after the last invocation
}

// stopped reports whether this callback will not be called any more. One call of it may
// still be running.
func (p *pump) stopped() bool { return p.ctx.Err() != nil }

// callbackPatience is the longest time that closing a client, or replacing its
// callback, waits for a running call of the callback. Showing an event to a person
// takes less, and a host whose callback never returns can go on.
const callbackPatience = 10 * time.Second

// wait waits for the last invocation. If that does not end within patience, none comes
// after it, and the error says that it still runs.
func (p *pump) wait(patience time.Duration) error {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-p.done:
		return nil
	case <-timer.C:
		p.stop()
		return chat.Errorf(chat.CodeTimeout, "", "the event callback still runs after %s; keep what it uses until it returns", patience)
	}
}

// readAgain is the time a pump waits after events could not be read, for example
// because the disk failed: the callback must not miss later events.
const readAgain = 200 * time.Millisecond

// SetCallback has f called with every event from now on, in the form NextEvent
// gives; nil takes the callback away. It returns after the last invocation of
// the callback before, or after callbackPatience with an error; in an event callback,
// whosever, inside is true, and it does not wait: two callbacks could wait for each
// other.
func (r *Registry) SetCallback(handle uint64, f func(response string), inside bool) string {
	c := r.find(handle)
	if c == nil {
		return Failure(badClient())
	}
	return r.guard(c, "set_event_callback", func() (any, error) {
		before := c.currentPump()
		if before != nil {
			before.stop()
			if !inside {
				if err := before.wait(r.patience); err != nil {
					return nil, err
				}
			}
		}
		if f == nil {
			return nil, nil
		}
		return nil, r.startPump(c, f, before)
	})
}

// currentPump is the pump of the last callback that was set, running or not.
func (c *client) currentPump() *pump {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.pump
}

// startPump starts the pump of f in place of before, whose last invocation it
// lets end first.
func (r *Registry) startPump(c *client, f func(string), before *pump) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ctx.Err() != nil {
		return badClient()
	}
	if c.pump != before {
		return chat.Errorf(chat.CodeTooMany, "", "another thread set a callback at the same time")
	}
	ctx, cancel := context.WithCancel(context.Background())
	c.pump = &pump{ctx: ctx, stop: cancel, done: make(chan struct{})}
	go func(done chan struct{}) {
		defer close(done)
		defer cancel()
		if before != nil {
			<-before.done
		}
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		r.pumpEvents(ctx, c, f)
	}(c.pump.done)
	return nil
}

// pumpEvents runs until the pump is stopped or the stream has ended. An event
// that was taken is handed over even if the pump is being stopped: nobody else
// would get it in this run.
func (r *Registry) pumpEvents(ctx context.Context, c *client, f func(string)) {
	for last := false; !last && ctx.Err() == nil; {
		last = true // also if this panics
		r.guard(c, "event callback", func() (any, error) {
			e, err := c.next(ctx)
			if e != nil {
				f(Success(e))
			}
			if last = isClosed(e) || chat.CodeOf(err) == chat.CodeClosed; err != nil && !last {
				pause(ctx, readAgain)
			}
			return nil, err
		})
	}
}

// pause waits for d, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// isClosed reports whether e is the last event of a stream.
func isClosed(e *chat.DeliveredEvent) bool {
	return e != nil && e.Type == event.Closed{}.Type()
}
