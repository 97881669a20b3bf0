package api

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"libstatus1to1/chat"
)

// client is an open engine together with the state that the API adds to it.
type client struct {
	handle   uint64
	registry *Registry
	engine   *chat.Client
	log      *logger // nil: silent
	force    *forced
	// ctx ends when the client closes; calls in flight run under it.
	ctx    context.Context
	cancel context.CancelFunc

	closing atomic.Bool
	done    chan struct{} // closed when closing is over
	result  error         // what closing failed with; valid after done
	left    *leftovers

	mu     sync.Mutex
	signal *signal // nil until EventFD asks for it
	pump   *pump   // of the last callback; nil before the first
}

// shut closes the client, once, and waits until it is closed and its callback
// has seen the closed event. In an event callback, this client's or another's, inside
// is true, and it does not wait for callbacks: two could wait for each other.
func (c *client) shut(inside bool) error {
	if !c.closing.CompareAndSwap(false, true) {
		if inside {
			return nil
		}
		<-c.done
		return errors.Join(c.result, c.waitForCallback())
	}
	c.cancel()
	c.result = c.engine.Close()
	var late error
	if !inside {
		late = c.waitForCallback()
	}
	if p := c.currentPump(); !inside || p == nil || p.stopped() { // else the callback gets the rest
		c.left.takeFrom(c.engine)
	}
	c.dropSignal()
	c.log.close()
	close(c.done)
	return errors.Join(c.result, late)
}

// waitForCallback waits for the last invocation of the callback. The engine has
// ended the event stream, so it comes, if the callback returns.
func (c *client) waitForCallback() error {
	p := c.currentPump()
	if p == nil {
		return nil
	}
	return p.wait(c.registry.patience)
}

// dropSignal closes the descriptor of EventFD.
func (c *client) dropSignal() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.signal != nil {
		c.signal.close()
	}
}

// NextEvent waits at most timeoutMS (0 polls, negative waits for ever) for the
// next event. The result is null when none came.
func (r *Registry) NextEvent(handle uint64, timeoutMS int32) string {
	c := r.find(handle)
	if c == nil {
		return r.lastEvent(handle)
	}
	return r.guard(c, "next_event", func() (any, error) {
		ctx := context.Background()
		if timeoutMS >= 0 {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, time.Duration(timeoutMS)*time.Millisecond)
			defer cancel()
		}
		return c.next(ctx)
	})
}

// lastEvent gives what a closed client left unread, the closed event at the end.
func (r *Registry) lastEvent(handle uint64) string {
	e, err := r.takeLeft(handle)
	if err != nil {
		return Failure(err)
	}
	return Success(e)
}

// takeLeft is lastEvent without the envelope.
func (r *Registry) takeLeft(handle uint64) (*chat.DeliveredEvent, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if left := r.unread[handle]; left != nil {
		if e := left.take(); e != nil {
			return e, nil
		}
		delete(r.unread, handle)
	}
	return nil, badClient()
}

// next waits for an event of the engine or a log event until ctx ends; then nil.
func (c *client) next(ctx context.Context) (*chat.DeliveredEvent, error) {
	if c.log == nil || c.log.events == nil {
		return c.nextOfEngine(ctx)
	}
	for {
		if line := c.log.events.take(); line != nil {
			return line, nil
		}
		wait, cancel := context.WithCancel(ctx)
		forget := c.log.events.onLine(cancel)
		e, err := c.nextOfEngine(wait)
		forget()
		cancel()
		if e != nil || err != nil {
			return e, err
		}
		if ctx.Err() != nil {
			return c.log.events.take(), nil
		}
	}
}

// nextOfEngine waits for an event of the engine. When closing was quicker to
// take the last ones, it gives those.
func (c *client) nextOfEngine(ctx context.Context) (*chat.DeliveredEvent, error) {
	e, err := c.engine.NextEvent(ctx)
	if err != nil {
		if last := c.left.take(); last != nil {
			return last, nil
		}
	}
	return e, err
}

// EventFD is a descriptor that is readable while events wait, or -1. It belongs
// to the library and is valid until Close returns.
func (r *Registry) EventFD(handle uint64) (fd int) {
	c := r.find(handle)
	if c == nil {
		return noDescriptor
	}
	fd = noDescriptor
	r.guard(c, "event_fd", func() (any, error) {
		s, err := c.eventSignal()
		if err == nil {
			fd = s.descriptor()
		}
		return nil, err
	})
	return fd
}

// eventSignal makes the signal at the first call.
func (c *client) eventSignal() (*signal, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.signal != nil {
		return c.signal, nil
	}
	if c.ctx.Err() != nil {
		return nil, badClient()
	}
	s, err := newSignal()
	if err != nil {
		return nil, err
	}
	c.signal = s
	c.engine.OnEventsWaiting(func(waiting bool) { s.set(engineEvents, waiting) })
	if c.log != nil && c.log.events != nil {
		c.log.events.onWaiting(func(waiting bool) { s.set(logEvents, waiting) })
	}
	return s, nil
}
