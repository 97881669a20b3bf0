package chat_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/wire"
	"libstatus1to1/store"
)

// spoilt is a store that cannot take some records while it is spoilt.
type spoilt struct {
	chat.Store
	spoils func(table chat.Table, name, value []byte) error
	on     atomic.Bool
	failed atomic.Int32
}

type spoiltTx struct {
	chat.Tx
	s *spoilt
}

func (s *spoilt) Update(fn func(chat.Tx) error) error {
	return s.Store.Update(func(tx chat.Tx) error { return fn(spoiltTx{tx, s}) })
}

func (tx spoiltTx) Put(table chat.Table, name, value []byte) error {
	if tx.s.on.Load() {
		if err := tx.s.spoils(table, name, value); err != nil {
			tx.s.failed.Add(1)
			return err
		}
	}
	return tx.Tx.Put(table, name, value)
}

// unstorable are the kinds of errors that are of what is to be written, by the reason
// under which they are counted.
var unstorable = map[string]error{
	"too_large": chat.Errorf(chat.CodeTooLarge, "", "a record of the store is too large"),
	"store":     chat.Errorf(chat.CodeStoreCorrupt, "", "a record does not decode"),
	"internal":  errors.New("a codec that fails"),
}

// besideOthers is bob, whose store cannot take something, and two who talk with him.
type besideOthers struct {
	alice, carol, bob *person
	store             *spoilt
}

func newBesideOthers(t *testing.T) *besideOthers {
	t.Helper()
	net := memnet.New(memnet.Options{Seed: 9})
	o := &besideOthers{store: &spoilt{Store: store.Memory()}}
	o.alice, o.carol, o.bob = newPerson(t, "alice", net), newPerson(t, "carol", net), openPerson(t, "bob", o.store, net.Join(), fast)
	if _, _, err := o.bob.CreateIdentity(context.Background(), 12, "bob"); err != nil {
		t.Fatal(err)
	}
	for _, p := range []*person{o.alice, o.carol} {
		p.send(o.bob, "hello")
		o.bob.waitText("hello")
		p.waitState(o.bob.deliveredTo(p), "delivered")
	}
	return o
}

// deliveredTo sends a text to somebody and waits until they have it; it gives the id of
// what they answer.
func (p *person) deliveredTo(to *person) string {
	p.t.Helper()
	m := p.send(to, "hello yourself")
	p.waitState(m.ID, "delivered")
	return to.send(p, "well").ID
}

func (o *besideOthers) heard(t *testing.T, reason string) {
	t.Helper()
	eventually(t, "the error to be counted as "+reason, func() bool {
		d, err := o.bob.Diagnostics()
		return err == nil && d.Dropped[reason] > 0
	})
}

// What cannot be stored of one person keeps nobody else from being heard, and is heard
// when it can be.
func TestFaultUnstorableMessageHoldsUpNobody(t *testing.T) {
	for reason, err := range unstorable {
		t.Run(reason, func(t *testing.T) {
			o := newBesideOthers(t)
			chatOfAlice := string(message.ConversationWith(o.alice.key()))
			o.store.spoils = func(table chat.Table, name, _ []byte) error {
				if table == "chats" && string(name) == chatOfAlice {
					return err
				}
				return nil
			}
			o.store.on.Store(true)
			var fromAlice, fromCarol []event.Message
			for i := range 20 {
				fromAlice = append(fromAlice, o.alice.send(o.bob, fmt.Sprint("a", i)))
				fromCarol = append(fromCarol, o.carol.send(o.bob, fmt.Sprint("c", i)))
			}
			for _, m := range fromCarol {
				o.carol.delivered(m.ID)
			}
			o.heard(t, reason)
			o.store.on.Store(false)
			for _, m := range fromAlice {
				o.alice.delivered(m.ID)
			}
			if n := len(o.bob.texts(o.alice)); n != 3+len(fromAlice) {
				t.Errorf("bob has %d messages of alice", n)
			}
		})
	}
}

// delivered waits until a message is, whatever was read of the events.
func (p *person) delivered(id string) {
	p.t.Helper()
	eventually(p.t, "a message to be delivered", func() bool {
		m, err := p.Message(mustID(p.t, id))
		return err == nil && m.State == "delivered"
	})
}

// An attempt that cannot be stored keeps no other from going out, nor anybody from being
// heard.
func TestFaultUnstorableAttemptHoldsUpNobody(t *testing.T) {
	for reason, err := range unstorable {
		t.Run(reason, func(t *testing.T) {
			o := newBesideOthers(t)
			alice := string(o.alice.key().Compressed())
			o.store.spoils = func(table chat.Table, _, value []byte) error {
				var at wire.AttemptRecord
				if table == "#attempts" && proto.Unmarshal(value, &at) == nil && len(at.GetRows()) > 0 && string(at.GetPeer()) == alice {
					return err
				}
				return nil
			}
			o.store.on.Store(true)
			toAlice := o.bob.send(o.alice, "not to be stored")
			for i := range 5 {
				o.bob.delivered(o.bob.send(o.carol, fmt.Sprint("to carol ", i)).ID)
				o.carol.delivered(o.carol.send(o.bob, fmt.Sprint("from carol ", i)).ID)
			}
			o.heard(t, "attempt_"+reason)
			o.store.on.Store(false)
			o.bob.delivered(toAlice.ID)
		})
	}
}

// That what went out cannot be marked so keeps nothing from going out.
func TestFaultUnstorableMarkHoldsUpNobody(t *testing.T) {
	for reason, err := range unstorable {
		t.Run(reason, func(t *testing.T) {
			o := newBesideOthers(t)
			o.store.spoils = func(table chat.Table, _, value []byte) error {
				var at wire.AttemptRecord
				if table == "#attempts" && proto.Unmarshal(value, &at) == nil && len(at.GetRows()) > 0 && len(at.GetPayload()) == 0 {
					return err
				}
				return nil
			}
			alice := o.alice.key()
			_ = o.alice.Close() // what goes to her is not acknowledged
			o.store.on.Store(true)
			for i := range 5 {
				if _, err := o.bob.Send(context.Background(), chat.SendRequest{To: alice, Text: fmt.Sprint("to alice ", i)}); err != nil {
					t.Fatal(err)
				}
				o.bob.delivered(o.bob.send(o.carol, fmt.Sprint("to carol ", i)).ID)
				o.carol.delivered(o.carol.send(o.bob, fmt.Sprint("from carol ", i)).ID)
			}
			o.heard(t, "attempt_"+reason)
			if d, err := o.bob.Diagnostics(); err != nil || d.Dropped[reason] > 0 {
				t.Errorf("%d envelopes were dropped for it (%v)", d.Dropped[reason], err)
			}
		})
	}
}

// A pairing that cannot be stored keeps nobody from being heard, and goes on when it can.
func TestFaultUnstorablePairingHoldsUpNobody(t *testing.T) {
	for reason, err := range unstorable {
		t.Run(reason, func(t *testing.T) {
			o := newBesideOthers(t)
			o.store.spoils = func(table chat.Table, _, _ []byte) error {
				if table == "pairings" {
					return err
				}
				return nil
			}
			shown, failure := o.bob.StartPairing(false)
			if failure != nil {
				t.Fatal(failure)
			}
			o.store.on.Store(true)
			scanned, failure := o.alice.ScanPairing(shown.Invitation)
			if failure != nil {
				t.Fatal(failure)
			}
			o.heard(t, "noise_"+reason)
			for i := range 5 {
				o.carol.delivered(o.carol.send(o.bob, fmt.Sprint("from carol ", i)).ID)
				o.bob.delivered(o.bob.send(o.carol, fmt.Sprint("to carol ", i)).ID)
			}
			o.store.on.Store(false)
			eventually(t, "the authcode", func() bool {
				p, err := o.alice.Pairings()
				return err == nil && len(p) == 1 && p[0].ID == scanned.ID && p[0].State == "compare"
			})
		})
	}
}

// A store that cannot be written puts everything off, and nothing is dropped.
func TestFaultFullDiskDropsNothing(t *testing.T) {
	o := newBesideOthers(t)
	o.store.spoils = func(chat.Table, []byte, []byte) error {
		return chat.Errorf(chat.CodeStoreIO, "", "no space left")
	}
	before, err := o.bob.Diagnostics()
	if err != nil {
		t.Fatal(err)
	}
	o.store.on.Store(true)
	m := o.carol.send(o.bob, "while the disk is full")
	eventually(t, "a write to fail", func() bool { return o.store.failed.Load() > 0 })
	o.store.on.Store(false)
	o.carol.delivered(m.ID)
	after, err := o.bob.Diagnostics()
	if err != nil {
		t.Fatal(err)
	}
	for _, reason := range []string{string(chat.CodeStoreIO), "store", "error"} {
		if after.Dropped[reason] != before.Dropped[reason] {
			t.Errorf("%d envelopes were dropped as %s", after.Dropped[reason]-before.Dropped[reason], reason)
		}
	}
}

// damagedEvents is a store in which one event does not read back.
type damagedEvents struct {
	chat.Store
	at uint64
}

type damagedTx struct {
	chat.Tx
	at uint64
}

func (s damagedEvents) View(fn func(chat.Tx) error) error {
	return s.Store.View(func(tx chat.Tx) error { return fn(damagedTx{tx, s.at}) })
}

func (s damagedEvents) Update(fn func(chat.Tx) error) error {
	return s.Store.Update(func(tx chat.Tx) error { return fn(damagedTx{tx, s.at}) })
}

func (tx damagedTx) Range(q chat.Queue, from uint64, fn func(uint64, []byte) (bool, error)) error {
	return tx.Tx.Range(q, from, func(seq uint64, value []byte) (bool, error) {
		if q == "events" && seq == tx.at {
			return false, chat.Errorf(chat.CodeStoreCorrupt, "", "a record does not decrypt")
		}
		return fn(seq, value)
	})
}

// An event that is damaged keeps nobody from being heard, and is dropped in its turn.
func TestFaultDamagedEventHoldsUpNobody(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 9})
	s := damagedEvents{store.Memory(), 2}
	if err := s.Store.Update(func(tx chat.Tx) (err error) {
		for range 3 {
			_, err = tx.Append("events", []byte(`{"type":"x","at":1,"data":{}}`))
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	set := fast
	set.MaxEvents = 16
	alice, bob := newPerson(t, "alice", net), openPerson(t, "bob", s, net.Join(), set)
	if _, _, err := bob.CreateIdentity(context.Background(), 12, "bob"); err != nil {
		t.Fatal(err)
	}
	if _, err := bob.AddContact(alice.key(), ""); err != nil {
		t.Fatal(err)
	}
	for i := range 2 * set.MaxEvents {
		alice.delivered(alice.send(bob, fmt.Sprint(i)).ID)
	}
	wait(bob, "what says that it is lost", func(e event.Overflow) bool { return e.FromSeq == 1 && e.ToSeq > 2 })
}
