// Package expiry erases messages when their time is over, and keeps the timers of chats,
// which say what that time is.
//
// A message is erased so many seconds after it was written, by its Lamport clock: both sides
// know that, so it goes at the same time on all devices of both, read or not. What comes
// later than that is not stored at all.
//
//	expiry.go  the part: its list, what is due, its checks
//	timers.go  the timers of chats
//	anew.go    a clock that was ahead when messages were written
package expiry

import (
	"sync"
	"time"

	"libstatus1to1/chat/enum"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/wire"
)

// list names the history of the store that has the messages that will expire, the next one
// last: it is read from that end. The ids of conversations begin with a small number.
var list = []byte("expiring")

const (
	// atOnce bounds the messages that are erased in one turn, some 50 ms: the loop has other work, too.
	atOnce = 128
	// eventsAtOnce bounds those of one chat that are reported one by one then. More are one
	// event about the chat: the events that wait for the program are few.
	eventsAtOnce = 16
)

// Options are the arguments of New; all fields are required.
type Options struct {
	Ledger *ledger.Ledger
	Now    func() time.Time
	Log    port.Logger
	// Messages and Chats are the tables of the history.
	Messages, Chats port.Table
	// Record reads a message as it is now.
	Record func(tx port.Tx, id [32]byte) (rec *wire.MessageRecord, found bool, err error)
	// Retime changes when a message is erased, which tells nobody.
	Retime func(tx *ledger.Tx, id [32]byte, fn func(*wire.MessageRecord) (changed bool)) error
	// Erase removes a message and all that is kept because of it, and keeps it from coming
	// back.
	Erase func(tx *ledger.Tx, rec *wire.MessageRecord) error
	// Event is a message as programs see it.
	Event func(rec *wire.MessageRecord) event.Message
	// Chat returns the record of a conversation, to be changed.
	Chat func(tx *ledger.Tx, in []byte) (*wire.ChatRecord, error)
	// ChatChanged emits that a conversation has changed.
	ChatChanged func(tx *ledger.Tx, in message.ConversationID, cause enum.ChatChange) error
	// Wake has the loop look for work.
	Wake func()
}

// Expiry is the part. What is due belongs to the holder of the Turn; Watch and the timers may
// be called from any goroutine.
type Expiry struct {
	Options
	timers timers
	anew   anew

	mu      sync.Mutex
	next    int64  // when the next message is due, ms; 0 if there is none
	changes uint64 // how often next was changed by a message that came
}

// New makes the part.
func New(o Options) *Expiry {
	return &Expiry{Options: o, timers: timers{known: map[message.ConversationID]message.Timer{}}}
}

// place is where a message is in the list.
func place(rec *wire.MessageRecord) port.Position {
	return position(rec.GetExpiresAt(), [32]byte(rec.GetId()))
}

// position is the place of a message that is due at a time, ms: the sooner, the later in the
// list.
func position(at int64, id [32]byte) port.Position {
	return port.Position{Clock: ^uint64(max(0, at)), ID: id}
}

// due is the time of a place, ms.
func due(p port.Position) int64 { return int64(^p.Clock) }

// Load reads when the next message is due.
func (e *Expiry) Load(tx port.Tx) error {
	first, err := tx.Page(list, nil, 1)
	if err != nil {
		return err
	}
	e.mu.Lock()
	e.next = 0
	if len(first) > 0 {
		e.next = due(first[0])
	}
	e.mu.Unlock()
	return e.anew.load(tx, e.Now())
}

// Watch keeps the list as messages come, change and go .
func (e *Expiry) Watch(tx *ledger.Tx, before, after *wire.MessageRecord) error {
	was, is := before.GetExpiresAt(), after.GetExpiresAt()
	if was == is {
		return nil
	}
	if was != 0 {
		if err := tx.Remove(list, place(before)); err != nil {
			return err
		}
	}
	if is == 0 {
		return nil
	}
	tx.After(func() { e.sooner(is) })
	_, err := tx.Insert(list, place(after))
	return err
}

// sooner notes that a message is due at a time.
func (e *Expiry) sooner(at int64) {
	e.mu.Lock()
	e.changes++
	first := e.next == 0 || at < e.next
	if first {
		e.next = at
	}
	e.mu.Unlock()
	if first {
		e.Wake()
	}
}

// Due returns when the next message is to be erased.
func (e *Expiry) Due(t *ledger.Turn) time.Time {
	if e.anew.walking {
		return t.Now
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.next == 0 {
		return time.Time{}
	}
	return time.UnixMilli(e.next)
}

// Work erases what is due, some of it at a time.
func (e *Expiry) Work(t *ledger.Turn) error {
	if err := e.walk(t); err != nil {
		return err
	}
	e.mu.Lock()
	next, changes := e.next, e.changes
	e.mu.Unlock()
	now := t.Now.UnixMilli()
	if next == 0 || next > now {
		return nil
	}
	var places []port.Position
	err := e.Ledger.View(func(tx port.Tx) (err error) {
		places, err = tx.Page(list, nil, atOnce+1)
		return err
	})
	if err != nil {
		return err
	}
	n := 0
	for n < min(len(places), atOnce) && due(places[n]) <= now {
		n++
	}
	if n > 0 {
		if _, err := ledger.Isolated(places[:n], e.erase, e.giveUp); err != nil {
			return err
		}
	}
	e.follow(places[n:], changes)
	return nil
}

// follow notes when the next message is due, by the places that are left. What came since
// they were read was noted by itself.
func (e *Expiry) follow(left []port.Position, changes uint64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	next := int64(0)
	if len(left) > 0 {
		next = due(left[0])
	}
	if e.changes != changes && e.next != 0 && (next == 0 || e.next < next) {
		return // at worst it is looked at once too often
	}
	e.next = next
}

// erase erases messages in one transaction, and emits that.
func (e *Expiry) erase(places []port.Position) error {
	return e.Ledger.Update(func(tx *ledger.Tx) error {
		gone := map[message.ConversationID][]*wire.MessageRecord{}
		for _, at := range places {
			rec, found, err := e.Record(tx, at.ID)
			switch {
			case err != nil:
				return err
			case !found || place(rec) != at: // another place of it, if it is there, is the right one
				if err := tx.Remove(list, at); err != nil {
					return err
				}
				continue
			}
			if err := e.Erase(tx, rec); err != nil {
				return err
			}
			if !rec.GetRequest() { // it was never reported
				in := message.ConversationID(rec.GetChat())
				gone[in] = append(gone[in], rec)
			}
		}
		return e.report(tx, gone)
	})
}

// report emits that messages are gone, by chat.
func (e *Expiry) report(tx *ledger.Tx, gone map[message.ConversationID][]*wire.MessageRecord) error {
	for in, records := range gone {
		if len(records) > eventsAtOnce {
			if err := e.ChatChanged(tx, in, "expired"); err != nil {
				return err
			}
			continue
		}
		for _, rec := range records {
			if err := tx.Emit(event.MessageChanged{Message: e.Event(Tombstone(rec)), Cause: "expired"}); err != nil {
				return err
			}
		}
	}
	return nil
}

// Tombstone returns what programs learn about an expired message: which one it was, and none
// of its content. It lists the fields that it keeps, so that one that is added later does not
// get into it by accident.
func Tombstone(rec *wire.MessageRecord) *wire.MessageRecord {
	return &wire.MessageRecord{
		Id: rec.GetId(), Chat: rec.GetChat(), From: rec.GetFrom(), Kind: rec.GetKind(), Clock: rec.GetClock(), SentAt: rec.GetSentAt(),
		ReceivedAt: rec.GetReceivedAt(), State: rec.GetState(), Failure: rec.GetFailure(), Read: rec.GetRead(), Outgoing: rec.GetOutgoing(),
		ClientRef: rec.GetClientRef(), ExpiresIn: rec.GetExpiresIn(), ExpiresAt: rec.GetExpiresAt(),
	}
}

// giveUp leaves a message out that cannot be erased because a record is damaged: the others
// go on. store.check reports it.
func (e *Expiry) giveUp(at port.Position, why error) {
	e.Log.Log("error", "erasing a message failed", "code", string(port.CodeOf(why)))
	if err := e.Ledger.Update(func(tx *ledger.Tx) error { return tx.Remove(list, at) }); err != nil {
		e.Log.Log("error", "leaving out a message failed", "code", string(port.CodeOf(err)))
	}
}

// Check reports places of no message, and messages that will expire and have no place.
func (e *Expiry) Check(w *ledger.Walk) error {
	places := uint64(0)
	for before := (*port.Position)(nil); ; {
		page, err := w.Page(list, before, atOnce)
		if err != nil {
			return err
		}
		for _, at := range page {
			rec, found, err := e.Record(w.Tx, at.ID)
			if err != nil {
				return err
			}
			if !found || place(rec) != at {
				w.Report(e.Messages, "a message that is to expire is not there, or at another time")
			} else {
				places++
			}
			if err := w.Pause(); err != nil {
				return err
			}
		}
		if len(page) < atOnce {
			break
		}
		before = &page[len(page)-1]
	}
	expiring := uint64(0)
	err := w.Each(e.Messages, func(_, value []byte) error {
		var rec wire.MessageRecord
		if err := ledger.Decode(e.Messages, value, &rec); err != nil {
			return err
		}
		if rec.GetExpiresAt() != 0 {
			expiring++
		}
		return nil
	})
	if err == nil && expiring != places {
		w.Report(e.Messages, "%d messages are to expire, %d would", expiring, places)
	}
	return err
}
