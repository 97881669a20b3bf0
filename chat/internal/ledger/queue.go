package ledger

import (
	"encoding/json"
	"fmt"

	"libstatus1to1/chat/event"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
)

// How events get into the store. Three bounds hold there: how many may wait, how many
// bytes they may have, and what share of both one stranger, and all strangers
// together, may take. Past the first two the oldest give way, and one record says
// which; past the third the stranger's own events are not kept.

const (
	// overflowShare: one tenth of what may wait is dropped at a time, so that not each
	// event that comes costs a change of the record of lost ones.
	overflowShare = 10
	// strangerShare of the queue is for one stranger: with the default 400 events, more
	// than MaxStrangerMessages messages make. strangersShare is for all of them.
	strangerShare  = 50
	strangersShare = 4
	// minStrangerEvents is what a first message makes: the person, the session, the
	// request and the message. Small queues have room for it.
	minStrangerEvents = 4
	// withheldNotices is how many events_withheld a stranger may have in the queue. A
	// new one is needed only when the one before was handed out.
	withheldNotices = 8
)

// Emit stores e with the rest of the transaction.
func (t *Tx) Emit(e event.Event) error {
	data, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("encoding event %s: %w", e.Type(), err)
	}
	return t.EmitEncoded(e.Type(), data)
}

// EmitEncoded is Emit for an event of that type that is encoded already.
func (t *Tx) EmitEncoded(kind string, data []byte) error {
	queue := &t.ledger.index
	queue.mu.Lock()
	defer queue.mu.Unlock()
	if err := queue.follow(t.Tx); err != nil {
		return err
	}
	// A session is theirs even where our acknowledgement begins it: each of theirs makes one.
	theirs := t.byOthers || kind == (event.SessionChanged{}).Type()
	if who, found := eventAbout(kind, data); found && theirs {
		withheld, err := t.withhold(who, len(data))
		if withheld || err != nil {
			return err
		}
	}
	return t.append(kind, data)
}

// append makes room for an event and stores it; the index is locked and up to date.
func (t *Tx) append(kind string, data []byte) error {
	value := encodeEvent(kind, t.ledger.Now().UnixMilli(), data)
	if err := t.makeRoom(len(value)); err != nil {
		return err
	}
	seq, err := t.Append(QueueEvents, value)
	if err != nil {
		return err
	}
	if t.firstSeq == 0 {
		t.firstSeq = seq
		t.ledger.inFlight.begin(t, seq)
	}
	t.lastSeq = seq
	t.ledger.index.add(kind, data, len(value))
	return nil
}

// makeRoom drops the oldest events when there are too many for one more of size bytes.
func (t *Tx) makeRoom(size int) error {
	queue, s := &t.ledger.index, t.ledger
	if len(queue.list) < s.MaxEvents && queue.bytes+size <= s.MaxEventBytes {
		return nil
	}
	from := queue.first
	queue.dropTo(s.MaxEvents-max(1, s.MaxEvents/overflowShare), s.MaxEventBytes-s.MaxEventBytes/overflowShare-size)
	to := queue.first - 1
	if to < from {
		return nil // one that is larger than all may be, and nothing else waits
	}
	var lost wire.LostEventsRecord
	if _, err := Get(t, TableMeta, metaLostEvents, &lost); err != nil {
		return err
	}
	if lost.FromSeq == 0 {
		lost.FromSeq = from
	}
	lost.ToSeq = to
	if err := Put(t, TableMeta, metaLostEvents, &lost); err != nil {
		return err
	}
	t.After(func() { t.ledger.Events.gaveWay(to) })
	return t.Trim(QueueEvents, to)
}

// withhold reports whether an event about somebody is not kept, because they are a
// stranger who has their share, or strangers have theirs. The host is told whose
// events are missing, once until it reads that.
func (t *Tx) withhold(who key.Compact, size int) (bool, error) {
	if !t.ledger.Stranger(who) {
		return false, nil
	}
	queue, s := &t.ledger.index, t.ledger
	number := max(s.MaxEvents/strangerShare, minStrangerEvents)
	theirs := queue.of(who)
	all := queue.sum(t.ledger.Stranger)
	if theirs.number < number && theirs.bytes+size <= s.MaxEventBytes/strangerShare &&
		all.number < max(s.MaxEvents/strangersShare, minStrangerEvents) && all.bytes+size <= s.MaxEventBytes/strangersShare {
		return false, nil
	}
	t.ledger.Withheld()
	if theirs.notice >= t.ledger.Events.FirstUnread() || theirs.number >= number+withheldNotices {
		return true, nil
	}
	k, err := key.ParsePublic(who[:])
	if err != nil {
		return true, nil // nobody's: the event was none of ours
	}
	e := event.EventsWithheld{PublicKey: k.Hex()}
	data, err := json.Marshal(e)
	if err != nil {
		return true, err
	}
	return true, t.append(e.Type(), data)
}

// acknowledge lets go of all events up to and including upTo, and of what says that
// others are lost.
func (t *Tx) acknowledge(upTo uint64) error {
	var lost wire.LostEventsRecord
	found, err := Get(t, TableMeta, metaLostEvents, &lost)
	switch {
	case err != nil:
	case found && lost.GetToSeq() <= upTo:
		err = t.Delete(TableMeta, metaLostEvents)
	case found && lost.GetFromSeq() <= upTo:
		lost.FromSeq = upTo + 1
		err = Put(t, TableMeta, metaLostEvents, &lost)
	}
	if err != nil {
		return err
	}
	return t.Trim(QueueEvents, upTo)
}

// ReadLost is the range of events that is lost and not acknowledged; 0, 0 is none.
func ReadLost(tx port.Tx) (from, to uint64, err error) {
	var lost wire.LostEventsRecord
	_, err = Get(tx, TableMeta, metaLostEvents, &lost)
	return lost.GetFromSeq(), lost.GetToSeq(), err
}
