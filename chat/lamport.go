package chat

import (
	"sync"
	"time"

	"libstatus1to1/chat/message"
	"libstatus1to1/chat/wire"
)

// chatClocks holds the Lamport clocks of the chats that were used in this run.
type chatClocks struct {
	mu    sync.Mutex
	chats map[message.ConversationID]chatClock
}

// chatClock is that of one chat.
type chatClock struct {
	// last is the highest that was given out, seen and followed, or is in the history.
	last uint64
	// anew is the last one given out while last is too far ahead to be followed.
	anew uint64
}

const (
	// clockMargin is how far our clocks are ahead of their envelopes at most: below
	// what receivers refuse (message.MaxClockAhead), with room for what the way takes.
	clockMargin = message.MaxClockAhead - 10*time.Second
	// maxFollow is how far ahead of our own time the clock of a chat is followed, so
	// that what we say next comes after what was said before: a time that is wrong by
	// an hour of daylight saving, with room. Further, the clock begins anew at our time.
	maxFollow = 2 * time.Hour
	// maxEnvelopeAhead is how far ahead of our own time the time of an envelope counts
	// when a state is judged. Nobody signs it, and our own time may be wrong: by a time
	// zone at most, or all that comes waits until it is put right.
	maxEnvelopeAhead = 24 * time.Hour
)

func millis(t time.Time) uint64 { return uint64(max(0, t.UnixMilli())) }

// next is the clock of the next message of the conversation in, ms. A clock that
// was drawn and not used leaves a gap, which does no harm. It may be ahead of our time:
// see envelopeTime.
// Spec: 62/STATUS-PAYLOADS, "Clock vs Timestamp and message ordering".
func (l *chatClocks) next(c *Client, in message.ConversationID, now time.Time) (uint64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	known, err := l.load(c, in)
	if err != nil {
		return 0, err
	}
	clock := message.NextClock(known.last, millis(now))
	if limit := millis(now.Add(maxFollow)); clock > limit { // our own time was that far ahead once
		if known.anew >= limit {
			known.anew = 0
		}
		clock = message.NextClock(known.anew, millis(now))
		known.anew = clock
	}
	known.last = max(known.last, clock)
	l.chats[in] = known
	return clock, nil
}

// load reads the clock of a chat that was not used in this run.
func (l *chatClocks) load(c *Client, in message.ConversationID) (chatClock, error) {
	if known, ok := l.chats[in]; ok {
		return known, nil
	}
	var rec wire.ChatRecord
	if _, err := c.record(tableChats, in.Bytes(), &rec); err != nil {
		return chatClock{}, err
	}
	if l.chats == nil {
		l.chats = map[message.ConversationID]chatClock{}
	}
	l.chats[in] = chatClock{last: rec.GetClock()}
	return l.chats[in], nil
}

// judged is the time by which a state that came in the conversation in is judged: the
// latest of our own, that of the chat and, within bounds, that of the envelope. So a
// wrong time of ours refuses nobody, and no envelope makes a clock of any year good.
func (l *chatClocks) judged(c *Client, in message.ConversationID, envelope, now time.Time) time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := now
	if limit := now.Add(maxEnvelopeAhead); envelope.After(limit) {
		at = limit
	} else if envelope.After(at) {
		at = envelope
	}
	known, err := l.load(c, in)
	if err != nil {
		return at
	}
	if chat := time.UnixMilli(int64(min(known.last, maxTime))); chat.After(at) {
		at = chat
	}
	return at
}

// saw raises the clock of a chat to one that is followed.
func (l *chatClocks) saw(in message.ConversationID, clock uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if known, ok := l.chats[in]; ok && clock > known.last {
		known.last = clock
		l.chats[in] = known
	}
}

// envelopeTime is the timestamp of an envelope that carries a clock: deployed clients
// refuse a message whose clock is more than message.MaxClockAhead past its envelope. It
// is another one each time, so that an envelope that is published again is a new one.
func envelopeTime(now time.Time, clock uint64) time.Time {
	if least := time.UnixMilli(int64(min(clock, maxTime))).Add(-clockMargin); least.After(now) {
		return least.Add(time.Duration(now.Nanosecond()))
	}
	return now
}

// placed is where a message stands in its chat.
type placed struct {
	clock uint64 // its place: orders the chat
	// skew is how far its own clock is ahead of our time, ms, if it is further ahead
	// of us and of the chat than honest clocks are; else 0.
	skew int64
}

// place finds the place of a message by its clock, in a chat whose newest message is at
// newest and whose Lamport clock is last. A clock too far ahead of our time places
// nothing, whatever its envelope says: the message is then the newest, as it came. So
// is one of a chat that is ahead itself, because our own time once was. Nothing stays
// the newest for longer than message.MaxClockAhead.
func place(clock, newest, last uint64, now time.Time) (p placed) {
	own, latest := millis(now), message.LatestClock(now)
	p.clock = clock
	if clock > latest || newest > latest {
		p.clock = max(own, message.NextClock(newest, 0))
	}
	if clock > message.LatestClock(time.UnixMilli(int64(min(max(own, last), maxTime)))) {
		p.skew = int64(min(clock-own, maxTime))
	}
	return p
}
