package chat_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"libstatus1to1/chat"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/chat/port"
	"libstatus1to1/store"
)

// What a message costs a phone: commits, which are two fsyncs each, and wake-ups of the engine's
// loop. They are counted, with the settings that programs have if they choose none, and by a
// clock that is not the machine's.

// phoneCost is the cost of one message for somebody, on average.
type phoneCost struct{ commits, wakeups, envelopes float64 }

// The most that a message may cost who sends it, with its receipt, and who receives it, if both
// programs take and acknowledge each event.
//
// Sent: it is accepted with its ciphertext, it is noted that this is out, its receipt comes, and
// the program acknowledges. Received: it is stored, the receipt's ciphertext is, and the program
// acknowledges; that the receipt is out is noted with the next message.
var (
	mostSent     = phoneCost{commits: 4, wakeups: 3.5, envelopes: 1}
	mostReceived = phoneCost{commits: 3, wakeups: 2, envelopes: 1}
)

func TestMessageOnAPhone(t *testing.T) {
	const messages = 20
	today := time.Now().Round(0)
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(today)) // synctest begins in 2000, and memnet when the process does
		alice, bob := openPhones(t)
		for range 3 {
			alice.write(bob, "hello")
			bob.write(alice, "hello")
		}
		time.Sleep(10 * time.Minute) // what is late has been done
		for _, p := range []*phone{alice, bob} {
			p.take()
		}
		aliceBefore, bobBefore := alice.paid(), bob.paid()
		for i := range messages {
			alice.write(bob, fmt.Sprint("a text like others ", i))
		}
		sent, received := alice.paid().since(aliceBefore, messages), bob.paid().since(bobBefore, messages)
		t.Logf("sent: %+v, received: %+v", sent, received)
		if sent.exceeds(mostSent) {
			t.Errorf("a message sent costs %+v, at most %+v", sent, mostSent)
		}
		if received.exceeds(mostReceived) {
			t.Errorf("a message received costs %+v, at most %+v", received, mostReceived)
		}
		for _, p := range []*phone{alice, bob} { // no goroutine may outlive the test
			if err := p.Close(); err != nil {
				t.Error(err)
			}
		}
	})
}

// phone is a person whose commits and envelopes are counted.
type phone struct {
	*person
	store *phoneStore
	net   *phoneTransport
}

// openPhones opens two people in light mode, whose loops look at the clock as seldom as on
// phones.
func openPhones(t *testing.T) (alice, bob *phone) {
	net := memnet.New(memnet.Options{Seed: 12})
	open := func(name string) *phone {
		p := &phone{store: &phoneStore{Store: store.Memory()}, net: &phoneTransport{Transport: lightTransport{net.Join()}}}
		p.person = openPerson(t, name, p.store, p.net, chat.Settings{})
		if _, _, err := p.CreateIdentity(context.Background(), 12, name); err != nil {
			t.Fatal(err)
		}
		return p
	}
	return open("alice"), open("bob")
}

// write sends a text, and lets the programs of both take what follows of it: the text, then its
// receipt.
func (p *phone) write(to *phone, text string) {
	p.send(to.person, text)
	time.Sleep(100 * time.Millisecond)
	to.take()
	time.Sleep(10 * time.Second)
	p.take()
}

// take takes all events that wait, and acknowledges them.
func (p *phone) take() {
	p.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // only what is there
	var last uint64
	for {
		e, err := p.NextEvent(ctx)
		if err != nil {
			p.t.Fatal(err)
		}
		if e == nil {
			break
		}
		last = max(last, e.Seq)
	}
	if last > 0 {
		if err := p.AckEvents(last); err != nil {
			p.t.Fatal(err)
		}
	}
}

func (p *phone) paid() phoneCost {
	p.t.Helper()
	d, err := p.Diagnostics()
	if err != nil {
		p.t.Fatal(err)
	}
	return phoneCost{float64(p.store.commits.Load()), float64(d.LoopWakeups), float64(p.net.published.Load())}
}

func (c phoneCost) since(before phoneCost, n float64) phoneCost {
	return phoneCost{(c.commits - before.commits) / n, (c.wakeups - before.wakeups) / n, (c.envelopes - before.envelopes) / n}
}

func (c phoneCost) exceeds(most phoneCost) bool {
	return c.commits > most.commits || c.wakeups > most.wakeups || c.envelopes > most.envelopes
}

// phoneTransport counts what is published.
type phoneTransport struct {
	chat.Transport
	published atomic.Int64
}

func (n *phoneTransport) Publish(ctx context.Context, e chat.Envelope) (chat.Evidence, error) {
	n.published.Add(1)
	return n.Transport.Publish(ctx, e)
}

// phoneStore counts the transactions that write something: each is a commit on disk, unless
// it shares one with another, which with one message at a time it does not.
type phoneStore struct {
	port.Store
	commits atomic.Int64
}

func (s *phoneStore) Update(fn func(port.Tx) error) error {
	w := &phoneTx{}
	err := s.Store.Update(func(tx port.Tx) error {
		w.Tx = tx
		return fn(w)
	})
	if err == nil && w.wrote {
		s.commits.Add(1)
	}
	return err
}

// phoneTx notes whether anything is written.
type phoneTx struct {
	port.Tx
	wrote bool
}

func (w *phoneTx) Put(t port.Table, key, value []byte) error {
	w.wrote = true
	return w.Tx.Put(t, key, value)
}

func (w *phoneTx) Delete(t port.Table, key []byte) error {
	w.wrote = true
	return w.Tx.Delete(t, key)
}

func (w *phoneTx) Append(q port.Queue, value []byte) (uint64, error) {
	w.wrote = true
	return w.Tx.Append(q, value)
}

func (w *phoneTx) Trim(q port.Queue, upTo uint64) error {
	w.wrote = true
	return w.Tx.Trim(q, upTo)
}

func (w *phoneTx) Insert(chat []byte, p port.Position) (bool, error) {
	w.wrote = true
	return w.Tx.Insert(chat, p)
}

func (w *phoneTx) Remove(chat []byte, p port.Position) error {
	w.wrote = true
	return w.Tx.Remove(chat, p)
}

func (w *phoneTx) DropHistory(chat []byte) error {
	w.wrote = true
	return w.Tx.DropHistory(chat)
}
