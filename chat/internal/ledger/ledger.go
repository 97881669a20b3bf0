// Package ledger writes to the store: one transaction at a time, together with the events
// that report it.
//
// A part of the engine reads and writes records in a Tx, emits events in it, and registers
// what is to be written once at its end (AtEnd) and what is to change in memory once all of
// it is durable (After). Programs learn of an event only after that, so the memory of the
// engine already agrees with any event that was read.
//
// The package knows no part by name. A Turn is the engine's lock, held; a Walk is one
// check of the whole store.
package ledger

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/event"
	"libstatus1to1/chat/internal/parallel"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
)

// The tables and the queue that the ledger itself keeps.
const (
	// QueueEvents holds the stored events, as JSON.
	QueueEvents port.Queue = "events"
	// TableMeta is shared: each part has names of its own in it.
	TableMeta port.Table = "meta"
)

// metaLostEvents is the name in TableMeta of the LostEventsRecord.
var metaLostEvents = []byte("lost_events")

// Options configure a Ledger. All fields but Messages and Probe are required.
type Options struct {
	Store port.Store
	Now   func() time.Time
	// Messages is the table with the records that EmitReceived is given, by their ids.
	Messages port.Table
	// MaxEvents and MaxEventBytes bound the events that wait to be acknowledged.
	MaxEvents, MaxEventBytes int
	// Stranger reports whether somebody is neither a contact nor ourselves: their events
	// have a share of the queue only.
	Stranger func(key.Compact) bool
	// Blocked reports whether events about somebody's actions are kept from the program.
	Blocked func(key.Compact) bool
	// Withheld is called for each event of a stranger that is not kept.
	Withheld func()
	// Panicked handles the panic of a transaction's closure and returns its report id.
	Panicked func(value any, stack []byte) (reportID string)
	// Probe is called at the points of ProbePoints; nil in production.
	Probe func(point string)
}

// Says knows what is said in messages and chats, now. It is asked when an event is handed out,
// and must not ask for the next one.
type Says interface {
	// Message is a message as programs see it; found is false if it is not there any more.
	Message(id string) (m event.Message, found bool, err error)
	// InChat is the last message of a chat, nil if there is none, and its draft.
	InChat(id string) (last *event.Message, draft string, err error)
	// Received is a message as programs see it, by its record, which is the stored one.
	Received(rec *wire.MessageRecord) (m event.Message, found bool)
}

// Ledger is the store of a client together with its events. All methods may be called
// from any goroutine.
type Ledger struct {
	Options
	// Events hands out what transactions emitted.
	Events *Stream

	index    eventIndex
	inFlight inFlight
	arrivals arrivals
}

// New makes the ledger of a store. The store's closures are watched from here on: see
// watch.go. Nothing is read before Load.
func New(o Options) *Ledger {
	l := &Ledger{Options: o}
	l.arrivals.table = o.Messages
	l.Store = watchedStore{o.Store, o.Panicked, &l.arrivals}
	if l.Probe == nil {
		l.Probe = func(string) {}
	}
	l.Events = newStream(l.Store, l.Now, l.Blocked, &l.arrivals)
	return l
}

// Load reads what waits in the store; once, before any other method is called.
func (l *Ledger) Load() error {
	if err := l.Events.load(); err != nil {
		return err
	}
	return l.Store.View(l.index.load)
}

// View runs fn on a consistent snapshot of the store.
func (l *Ledger) View(fn func(port.Tx) error) error { return l.Store.View(fn) }

// Get reads the record under name into m, in a transaction of its own, and reports
// whether there is one.
func (l *Ledger) Get(table port.Table, name []byte, m proto.Message) (found bool, err error) {
	err = l.View(func(tx port.Tx) error {
		found, err = Get(tx, table, name, m)
		return err
	})
	return found, err
}

// Update runs fn in one transaction. When it is durable, its After functions run, and
// then readers learn of its events.
func (l *Ledger) Update(fn func(*Tx) error) error {
	t := &Tx{ledger: l}
	err := l.Store.Update(func(tx port.Tx) error {
		t.Tx = tx
		if err := fn(t); err != nil {
			return err
		}
		for i := 0; i < len(t.last); i++ { // by index: one may register another
			if err := t.last[i](); err != nil {
				return err
			}
		}
		l.Probe(ProbeBeforeCommit)
		return nil
	})
	defer l.finish(t, err == nil) // also after a panic: readers of later events wait for it
	if err != nil {
		for _, f := range t.otherwise {
			f()
		}
		return err
	}
	for _, f := range t.after {
		f()
	}
	return nil
}

// finish releases events to readers, up to the first one of a transaction whose After
// functions have not run.
func (l *Ledger) finish(t *Tx, committed bool) {
	if t.lastSeq > 0 {
		l.Events.committed(l.inFlight.finish(t, committed))
	}
}

// inFlight are the transactions that have emitted something and are not finished. Several
// may be durable at the same time, by one commit, and their After functions then run side
// by side: an event must not be read because a later transaction was faster.
type inFlight struct {
	mu        sync.Mutex
	first     map[*Tx]uint64 // their first event
	committed uint64         // highest number of a finished one
}

func (f *inFlight) begin(t *Tx, seq uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.first == nil {
		f.first = map[*Tx]uint64{}
	}
	f.first[t] = seq
}

// finish returns the number up to which events may be read.
func (f *inFlight) finish(t *Tx, committed bool) uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.first, t)
	if committed {
		f.committed = max(f.committed, t.lastSeq)
	}
	readable := f.committed
	for _, first := range f.first {
		readable = min(readable, first-1)
	}
	return readable
}

// Tx is one write transaction: the store's, the events emitted in it, and what is to be
// done around its commit. It is dead when its closure returns.
type Tx struct {
	port.Tx
	ledger *Ledger

	firstSeq, lastSeq uint64 // of its events; 0 before there is one
	byOthers          bool
	locals            map[any]any
	last              []func() error
	after, otherwise  []func()
}

// After runs f once the transaction is durable, before anybody reads its events. Memory
// that mirrors the store changes there.
func (t *Tx) After(f func()) { t.after = append(t.after, f) }

// Otherwise runs f if the transaction does not become durable.
func (t *Tx) Otherwise(f func()) { t.otherwise = append(t.otherwise, f) }

// AtEnd runs write at the end of the transaction, for a record that several steps of it
// change and that is to be written once.
func (t *Tx) AtEnd(write func() error) { t.last = append(t.last, write) }

// ByOthers notes that the transaction is about what others sent: only of the events of
// such transactions do strangers have a share.
func (t *Tx) ByOthers() { t.byOthers = true }

// Local returns the value that a part keeps for the length of a transaction under key,
// which should be of a type of its own. first is true for the call that made it, as the
// zero value: that is the time to register its AtEnd.
func Local[T any](t *Tx, key any) (value *T, first bool) {
	if v, ok := t.locals[key]; ok {
		return v.(*T), false
	}
	if t.locals == nil {
		t.locals = map[any]any{}
	}
	value = new(T)
	t.locals[key] = value
	return value, true
}

// Get reads the record under name into m and reports whether there is one.
func Get(tx port.Tx, table port.Table, name []byte, m proto.Message) (found bool, err error) {
	b, err := tx.Get(table, name)
	if err != nil || b == nil {
		return false, err
	}
	return true, Decode(table, b, m)
}

// Decode reads a record of a table into m. What does not decode is CodeStoreCorrupt.
func Decode(table port.Table, b []byte, m proto.Message) error {
	if err := proto.Unmarshal(b, m); err != nil {
		return port.Errorf(port.CodeStoreCorrupt, "", "a record of table %s does not decode", table).Because(err)
	}
	return nil
}

// Put writes m under name.
func Put(tx port.Tx, table port.Table, name []byte, m proto.Message) error {
	b, err := proto.Marshal(m)
	if err != nil {
		return fmt.Errorf("encoding a record of table %s: %w", table, err)
	}
	return tx.Put(table, name, b)
}

// The points at which Options.Probe is called. A crash test ends its process
// there; in production there is no probe. It is called on the goroutine that got
// to the point, may be called from several at once, and must not call the client.
const (
	// ProbeBeforeCommit: a transaction has written all it writes and is not durable.
	ProbeBeforeCommit = "before commit"
	// ProbeBeforePublish: attempts are durable and none of them is out.
	ProbeBeforePublish = "after commit before publish"
	// ProbeBeforeMark: an attempt is out and the store does not know it.
	ProbeBeforeMark = "after publish before mark"
)

// ProbePoints lists them.
var ProbePoints = []string{ProbeBeforeCommit, ProbeBeforePublish, ProbeBeforeMark}

// readAtOnce is the number of things read in one transaction, because beginning one costs
// as much as reading a record.
const readAtOnce = 16

// ReadAll calls read(tx, 0) to read(tx, n-1) on all cores, several in one transaction.
func (l *Ledger) ReadAll(n int, read func(tx port.Tx, i int) error) error {
	chunks := (n + readAtOnce - 1) / readAtOnce
	failures := make([]error, chunks)
	parallel.Do(chunks, func(chunk int) {
		failures[chunk] = l.View(func(tx port.Tx) error {
			for i := chunk * readAtOnce; i < min(n, (chunk+1)*readAtOnce); i++ {
				if err := read(tx, i); err != nil {
					return err
				}
			}
			return nil
		})
	})
	return errors.Join(failures...)
}
