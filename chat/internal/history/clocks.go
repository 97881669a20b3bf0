package history

import (
	"sync"
	"time"

	"libstatus1to1/chat/message"
	"libstatus1to1/chat/wire"
)

// clocks are the Lamport clocks of the conversations that were used in this run.
type clocks struct {
	mu    sync.Mutex
	chats map[message.ConversationID]clock
}

// clock is that of one conversation, ms.
type clock struct {
	// last is the highest that was given out, seen and followed, or is in the history.
	last uint64
	// anew is the last one given out while last is too far ahead to be followed.
	anew uint64
}

const (
	// clockMargin is how far our clocks are ahead of their envelopes at most: below
	// what receivers refuse (message.MaxClockAhead), with room for the time that an
	// envelope travels.
	clockMargin = message.MaxClockAhead - 10*time.Second
	// MaxFollow is how far ahead of our own time the clock of a conversation is followed,
	// so that what we say next comes after what was said before: a time that is wrong by
	// an hour of daylight saving, with room. Further, the clock begins anew at our time.
	MaxFollow = 2 * time.Hour
	// MaxEnvelopeAhead is how far ahead of our own time the time of an envelope counts
	// when a state is judged. Nobody signs it, and our own time may be wrong: by a time
	// zone at most, or all that comes waits until it is put right.
	MaxEnvelopeAhead = 24 * time.Hour
	// MaxTime is the largest time we hand on, ms: JSON numbers are exact up to 2^53.
	MaxTime = 1<<53 - 1
)

// Millis is a time as clocks are, ms; one before 1970 is 0.
func Millis(t time.Time) uint64 { return uint64(max(0, t.UnixMilli())) }

// followed is the latest clock that is followed at a time.
func followed(now time.Time) uint64 { return Millis(now.Add(MaxFollow)) }

// NextClock draws the clock of the next message of a conversation, ms. One that was drawn
// and not used leaves a gap, which does no harm. It may be ahead of our time: see
// EnvelopeTime.
// Spec: 62/STATUS-PAYLOADS, "Clock vs Timestamp and message ordering".
func (h *History) NextClock(in message.ConversationID, now time.Time) (uint64, error) {
	h.clocks.mu.Lock()
	defer h.clocks.mu.Unlock()
	known, err := h.clock(in)
	if err != nil {
		return 0, err
	}
	next := message.NextClock(known.last, Millis(now))
	if limit := followed(now); next > limit { // our own time was that far ahead once
		if known.anew >= limit {
			known.anew = 0
		}
		next = message.NextClock(known.anew, Millis(now))
		known.anew = next
	}
	known.last = max(known.last, next)
	h.clocks.chats[in] = known
	return next, nil
}

// clock reads the clock of a conversation that was not used in this run. clocks.mu is held.
func (h *History) clock(in message.ConversationID) (clock, error) {
	if known, ok := h.clocks.chats[in]; ok {
		return known, nil
	}
	var rec wire.ChatRecord
	if _, err := h.Ledger.Get(tableChats, in.Bytes(), &rec); err != nil {
		return clock{}, err
	}
	if h.clocks.chats == nil {
		h.clocks.chats = map[message.ConversationID]clock{}
	}
	h.clocks.chats[in] = clock{last: rec.GetClock()}
	return h.clocks.chats[in], nil
}

// Judged returns the time by which a state that came in a conversation is judged: the
// latest of our own, that of the conversation and, within bounds, that of the envelope.
// So a wrong time of ours refuses nobody, and no envelope makes a clock of any year good.
func (h *History) Judged(in message.ConversationID, envelope, now time.Time) time.Time {
	h.clocks.mu.Lock()
	defer h.clocks.mu.Unlock()
	at := now
	if limit := now.Add(MaxEnvelopeAhead); envelope.After(limit) {
		at = limit
	} else if envelope.After(at) {
		at = envelope
	}
	known, err := h.clock(in)
	if err != nil {
		return at
	}
	if chat := time.UnixMilli(int64(min(known.last, MaxTime))); chat.After(at) {
		at = chat
	}
	return at
}

// saw raises the clock of a conversation to one that is followed.
func (c *clocks) saw(in message.ConversationID, seen uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if known, ok := c.chats[in]; ok && seen > known.last {
		known.last = seen
		c.chats[in] = known
	}
}

// EnvelopeTime returns the timestamp of an envelope that carries a clock: deployed clients
// refuse a message whose clock is more than message.MaxClockAhead past its envelope. It
// is another one each time, so that an envelope that is published again is a new one.
func EnvelopeTime(now time.Time, clock uint64) time.Time {
	if least := time.UnixMilli(int64(min(clock, MaxTime))).Add(-clockMargin); least.After(now) {
		return least.Add(time.Duration(now.Nanosecond()))
	}
	return now
}

// placed says where a message stands in its conversation.
type placed struct {
	clock uint64 // its place: orders the conversation
	// skew is how far its own clock is ahead of our time, ms, if it is further ahead
	// of us and of the conversation than honest clocks are; else 0.
	skew int64
}

// place finds the place of a message by its clock, in a conversation whose newest message
// is at newest and whose Lamport clock is last. A clock too far ahead of our time places
// nothing, whatever its envelope says: the message is then the newest, as it came. So
// is one of a conversation that is ahead itself, because our own time once was. Nothing
// stays the newest for longer than message.MaxClockAhead.
func place(clock, newest, last uint64, now time.Time) (p placed) {
	own, latest := Millis(now), message.LatestClock(now)
	p.clock = clock
	if clock > latest || newest > latest {
		p.clock = max(own, message.NextClock(newest, 0))
	}
	if clock > message.LatestClock(time.UnixMilli(int64(min(max(own, last), MaxTime)))) {
		p.skew = int64(min(clock-own, MaxTime))
	}
	return p
}
