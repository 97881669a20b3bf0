package chat

import (
	"sync"
	"time"

	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
)

// chatClocks holds the Lamport clocks of the chats that were used in this run.
type chatClocks struct {
	mu   sync.Mutex
	last map[key.Public]uint64
	// margin is, by chat, the last clock given out at the margin.
	margin map[key.Public]uint64
}

// clockMargin keeps our clocks below what receivers refuse
// (message.MaxClockAhead): when somebody whose time is ahead has moved the clock
// of a chat, our next messages rather fall behind it than are refused.
const clockMargin = message.MaxClockAhead - 10*time.Second

// marginRoom is how far past the margin clocks go, so that no two messages share one:
// the same text in the same millisecond would be the same message.
const marginRoom = 9 * time.Second

// next is the clock of the next message of the chat with peer, ms. A clock that
// was drawn and not used leaves a gap, which does no harm.
// Spec: 62/STATUS-PAYLOADS, "Clock vs Timestamp and message ordering".
func (l *chatClocks) next(c *Client, peer key.Public, now time.Time) (uint64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.load(c, peer); err != nil {
		return 0, err
	}
	clock := message.NextClock(l.last[peer], uint64(now.UnixMilli()))
	if limit := uint64(now.Add(clockMargin).UnixMilli()); clock > limit {
		clock = l.atMargin(peer, limit)
	}
	l.set(peer, max(clock, l.last[peer]))
	return clock, nil
}

// load reads the clock of a chat that was not used in this run.
func (l *chatClocks) load(c *Client, peer key.Public) error {
	if _, ok := l.last[peer]; ok {
		return nil
	}
	var rec wire.ChatRecord
	if _, err := c.record(tableChats, peer.Compressed(), &rec); err != nil {
		return err
	}
	l.set(peer, rec.GetClock())
	return nil
}

// judged is the time by which the clock of a message of the chat with peer is judged:
// that of its envelope, unless the chat is further, because our own time was wrong.
// Honest clients follow the clock of the chat then.
func (l *chatClocks) judged(c *Client, peer key.Public, envelope time.Time) time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.load(c, peer); err != nil {
		return envelope
	}
	if followed := time.UnixMilli(int64(min(l.last[peer], maxTime))).Add(-clockMargin); followed.After(envelope) {
		return followed
	}
	return envelope
}

// atMargin is limit, or the next clock after the last one given out there.
func (l *chatClocks) atMargin(peer key.Public, limit uint64) uint64 {
	clock := limit
	if next := l.margin[peer] + 1; next > limit && next-limit < uint64(marginRoom.Milliseconds()) {
		clock = next
	}
	if l.margin == nil {
		l.margin = map[key.Public]uint64{}
	}
	l.margin[peer] = clock
	return clock
}

// saw raises the clock of a chat to that of a message received in it.
func (l *chatClocks) saw(peer key.Public, clock uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if last, ok := l.last[peer]; ok && clock > last {
		l.set(peer, clock)
	}
}

func (l *chatClocks) set(peer key.Public, clock uint64) {
	if l.last == nil {
		l.last = map[key.Public]uint64{}
	}
	l.last[peer] = clock
}
