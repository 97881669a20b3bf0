// Package actions keeps edits, deletions, reactions and pins that came before the message
// they are about, until that comes. How they change a message is up to package history, and
// who may is up to the engine, when they are taken out again.
//
// All of it is bounded: for each person, for each message, and in time. A later action takes
// the place of an earlier one of the same kind, and a deletion that of an edit, so that
// nothing is kept of a text that was deleted.
//
//	actions.go  the part: its table, bounds, care and checks
//	waiting.go  what comes and what is taken out
package actions

import (
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/wire"
)

// tableWaiting has a record for each message of a conversation that actions wait for.
const tableWaiting port.Table = "waiting" // message.ConversationID, then message id -> WaitingRecord

// The bounds of what waits, each with its reason.
const (
	// MaxNumber and MaxBytes are for one contact: who was away for a month may come back to
	// some hundred, if the messages took another way.
	MaxNumber = 1000
	MaxBytes  = 4 << 20
	// MaxStrangerNumber and MaxStrangerBytes are for one stranger, as for their texts.
	MaxStrangerNumber = 64
	MaxStrangerBytes  = 64 << 10
	// MaxEach is for one message: an edit, a deletion, a pin, and more reactions than people
	// give.
	MaxEach = 32
	// keep is the time after which an action no longer waits: store nodes have its message no
	// longer, and its sender repeats neither.
	keep = 30 * 24 * time.Hour
	// forgetAtOnce bounds the records that one transaction of Care writes.
	forgetAtOnce = 256
)

// Options are needed to make an Actions; all fields are required.
type Options struct {
	Ledger *ledger.Ledger
	Now    func() time.Time
	Log    port.Logger
	// Stranger reports whether a conversation is with a stranger.
	Stranger func(message.ConversationID) bool
	// Self is the conversation with ourselves, "" before there is an identity: our own devices
	// name no conversation when they delete for us.
	Self func() message.ConversationID
}

// Actions is the part described above. Its methods may be called from any goroutine.
type Actions struct {
	Options

	mu    sync.Mutex
	loads map[message.ConversationID]load
}

// load counts the actions that wait in a conversation, and their bytes.
type load struct{ number, bytes int }

func (l load) add(o load) load { return load{l.number + o.number, l.bytes + o.bytes} }

// New makes the part.
func New(o Options) *Actions { return &Actions{Options: o, loads: map[message.ConversationID]load{}} }

// Load counts what waits.
func (a *Actions) Load(tx port.Tx) error {
	loads := map[message.ConversationID]load{}
	err := tx.Each(tableWaiting, func(name, value []byte) error {
		rec := &wire.WaitingRecord{}
		if err := ledger.Decode(tableWaiting, value, rec); err != nil {
			return nil // Check reports it
		}
		if in, ok := conversationOf(name); ok {
			loads[in] = loads[in].add(sizeOf(rec.GetActions()))
		}
		return nil
	})
	a.mu.Lock()
	defer a.mu.Unlock()
	a.loads = loads
	return err
}

// Work has nothing to do.
func (a *Actions) Work(*ledger.Turn) error { return nil }

// Due is never.
func (a *Actions) Due(*ledger.Turn) time.Time { return time.Time{} }

// Care forgets what has waited for too long.
func (a *Actions) Care(t *ledger.Turn) {
	if err := a.forget(t.Now.Add(-keep).UnixMilli()); err != nil {
		a.Log.Log("warn", "forgetting actions on messages that did not come failed", "code", string(port.CodeOf(err)))
	}
}

// forget forgets what came before a time, some records a transaction.
func (a *Actions) forget(before int64) error {
	var names [][]byte
	err := a.Ledger.View(func(tx port.Tx) error {
		return tx.Each(tableWaiting, func(name, value []byte) error {
			rec := &wire.WaitingRecord{}
			if err := ledger.Decode(tableWaiting, value, rec); err != nil {
				return err
			}
			for _, w := range rec.GetActions() {
				if w.GetAt() < before {
					names = append(names, append([]byte(nil), name...))
					break
				}
			}
			return nil
		})
	})
	for err == nil && len(names) > 0 {
		some := names[:min(len(names), forgetAtOnce)]
		names = names[len(some):]
		err = a.Ledger.Update(func(tx *ledger.Tx) error {
			for _, name := range some {
				late := func(w *wire.WaitingActionRecord) bool { return w.GetAt() < before }
				if err := a.drop(tx, name, late); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return err
}

// Check reports records that are not what their names say.
func (a *Actions) Check(w *ledger.Walk) error {
	return w.Each(tableWaiting, func(name, value []byte) error {
		rec := &wire.WaitingRecord{}
		if err := ledger.Decode(tableWaiting, value, rec); err != nil {
			return err
		}
		_, ok := conversationOf(name)
		if !ok || len(rec.GetActions()) == 0 || len(rec.GetActions()) > MaxEach {
			w.Report(tableWaiting, "the actions that wait for a message are not what their name says")
		}
		return nil
	})
}

// nameOf names the record of a message.
func nameOf(in message.ConversationID, id [32]byte) []byte { return append(in.Bytes(), id[:]...) }

// conversationOf returns whose actions a record holds.
func conversationOf(name []byte) (message.ConversationID, bool) {
	if len(name) <= 32 {
		return "", false
	}
	return message.ParseConversationID(name[:len(name)-32])
}

// sizeOf is the load that a list makes.
func sizeOf(list []*wire.WaitingActionRecord) (l load) {
	for _, w := range list {
		l = l.add(load{1, int(w.GetSize())})
	}
	return l
}

// read reads the actions that wait for a message.
func read(tx port.Tx, name []byte) ([]*wire.WaitingActionRecord, error) {
	rec := &wire.WaitingRecord{}
	_, err := ledger.Get(tx, tableWaiting, name, rec)
	return rec.GetActions(), err
}

// changed are the loads that a transaction changes.
type changed map[message.ConversationID]load

// changedKey is the key of ledger.Local for them.
type changedKey struct{}

// loadOf returns the load of a conversation, including the changes of this transaction.
func (a *Actions) loadOf(tx *ledger.Tx, in message.ConversationID) load {
	a.mu.Lock()
	l := a.loads[in]
	a.mu.Unlock()
	return l.add((*a.changes(tx))[in])
}

// changes are the loads that a transaction has changed; memory follows it.
func (a *Actions) changes(tx *ledger.Tx) *changed {
	c, first := ledger.Local[changed](tx, changedKey{})
	if first {
		*c = changed{}
		tx.After(func() {
			a.mu.Lock()
			defer a.mu.Unlock()
			for in, by := range *c {
				if a.loads[in] = a.loads[in].add(by); a.loads[in] == (load{}) {
					delete(a.loads, in)
				}
			}
		})
	}
	return c
}

// put stores the actions that wait for a message, in place of those that were there.
func (a *Actions) put(tx *ledger.Tx, name []byte, before, after []*wire.WaitingActionRecord) error {
	in, _ := conversationOf(name)
	was, is := sizeOf(before), sizeOf(after)
	c := *a.changes(tx)
	c[in] = c[in].add(load{is.number - was.number, is.bytes - was.bytes})
	if len(after) == 0 {
		return tx.Delete(tableWaiting, name)
	}
	b, err := proto.Marshal(&wire.WaitingRecord{Actions: after})
	if err != nil {
		return err
	}
	return tx.Put(tableWaiting, name, b)
}
