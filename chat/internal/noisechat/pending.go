package noisechat

import (
	"slices"
	"time"

	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/noise/noisepeer"
)

// pending holds the work that handshakes have to do. It is in memory only: after a restart
// noisepeer repeats what was not answered, and what waits for a handshake asks for one again.
type pending struct {
	due map[key.Public]time.Time // when Tick has something to do
	// unknown are people of whom that has still to be found out.
	unknown map[key.Public]bool
	todo    map[key.Public]*Todo
}

func newPending() pending {
	return pending{due: map[key.Public]time.Time{}, unknown: map[key.Public]bool{}, todo: map[key.Public]*Todo{}}
}

func (p *pending) forget(k key.Public) {
	delete(p.due, k)
	delete(p.unknown, k)
	delete(p.todo, k)
}

// at is when there is something to do for somebody, the zero time for at once: what was put off
// holds back what is due by the clock, since that would fail in the same way.
func (p *pending) at(k key.Public) time.Time {
	if t := p.todo[k]; t != nil {
		return t.at
	}
	return p.due[k]
}

// Todo holds what has to be sent to somebody: handshake frames and payloads of their sessions
// that were made already, and handshakes to begin with those of their devices with which
// there is no session (Begin).
type Todo struct {
	Frames   []noisepeer.Frame
	Outgoing []noisepeer.Outgoing
	Begin    bool
	at       time.Time // not before; zero is now
}

// maxFrames bounds what waits for one person: the answers to a handshake with each of their
// devices. What is dropped, the handshake repeats.
const maxFrames = 32

// retryAfter is the time after which what failed is tried again: randomness, our own key.
const retryAfter = time.Minute

func (c *Chats) todo(k key.Public) *Todo {
	t := c.pending.todo[k]
	if t == nil {
		t = &Todo{}
		c.pending.todo[k] = t
	}
	return t
}

// Queue has frames and payloads sent.
func (c *Chats) Queue(k key.Public, frames []noisepeer.Frame, outgoing []noisepeer.Outgoing) {
	if len(frames) == 0 && len(outgoing) == 0 {
		return
	}
	t := c.todo(k)
	t.Frames = append(t.Frames, frames[:min(len(frames), maxFrames-min(maxFrames, len(t.Frames)))]...)
	t.Outgoing = append(t.Outgoing, outgoing[:min(len(outgoing), maxFrames-min(maxFrames, len(t.Outgoing)))]...)
	t.at = time.Time{}
	c.Wake()
}

// Want has handshakes begun with the devices of somebody with which there is no session.
func (c *Chats) Want(k key.Public) {
	t := c.todo(k)
	if !t.Begin {
		t.Begin = true
		c.Wake()
	}
}

// Take gives what is to be done for somebody, which is no longer pending then: the caller does
// it, or gives it back (Later).
func (c *Chats) Take(k key.Public) Todo {
	delete(c.pending.due, k)
	c.pending.unknown[k] = true
	t := c.pending.todo[k]
	if t == nil {
		return Todo{}
	}
	delete(c.pending.todo, k)
	return *t
}

// Later puts off what could not be done now, with all that is due by the clock.
func (c *Chats) Later(k key.Public, t Todo, at time.Time) {
	t.at = at
	c.pending.todo[k] = &t
}

// People lists, in an order that is always the same, whose handshakes have something to do.
func (c *Chats) People(now time.Time) (all []key.Public) {
	c.findDue(now)
	for k := range c.pending.due {
		if !c.pending.at(k).After(now) {
			all = append(all, k)
		}
	}
	for k := range c.pending.todo {
		if _, ticks := c.pending.due[k]; !ticks && !c.pending.at(k).After(now) {
			all = append(all, k)
		}
	}
	slices.SortFunc(all, func(a, b key.Public) int { return slices.Compare(a.Compressed(), b.Compressed()) })
	return all
}

// findDue finds out when the people of whom that is not known are due.
func (c *Chats) findDue(now time.Time) {
	if len(c.pending.unknown) == 0 {
		return
	}
	self, err := c.Self()
	if err != nil {
		c.Log.Log("warn", "our Noise key cannot be read", "error", err.Error())
	}
	for k := range c.pending.unknown {
		delete(c.pending.unknown, k)
		delete(c.pending.due, k)
		at := now.Add(retryAfter)
		if err == nil {
			at = c.Peer(k).Due(self, now)
		}
		if !at.IsZero() {
			c.pending.due[k] = at
		}
	}
}

// Work tells the network of topics that were read from the store, and finds out what is due.
// The outbox sends what there is to send.
func (c *Chats) Work(t *ledger.Turn) error {
	c.mu.Lock()
	topics := c.unheard
	c.unheard = nil
	c.mu.Unlock()
	if len(topics) > 0 {
		if err := c.Topics.Subscribe(topics...); err != nil {
			c.warn(err)
		}
	}
	c.findDue(t.Now)
	return nil
}

// Due is when a handshake has something to do, while the network is there.
func (c *Chats) Due(t *ledger.Turn) (due time.Time) {
	if !t.Online {
		return due
	}
	if len(c.pending.unknown) > 0 {
		return t.Now
	}
	for k := range c.pending.due {
		due = earliest(due, c.pending.at(k))
	}
	for k := range c.pending.todo {
		at := c.pending.at(k)
		if at.IsZero() {
			at = t.Now
		}
		due = earliest(due, at)
	}
	return due
}

// ShiftClock follows a clock that was set back.
func (c *Chats) ShiftClock(_ *ledger.Turn, by time.Duration) {
	for k := range c.peers {
		c.pending.unknown[k] = true
	}
	for _, t := range c.pending.todo {
		if !t.at.IsZero() {
			t.at = t.at.Add(by)
		}
	}
}
