package chat_test

import (
	"testing"
	"time"

	"libstatus1to1/chat"
	"libstatus1to1/chat/memnet"
)

// waitingMessage is a message of alice to bob that waits, after one that was delivered.
func waitingMessage(t *testing.T) (alice *home, id [32]byte) {
	t.Helper()
	net := memnet.New(memnet.Options{Seed: 31})
	alice = newHome(t, "alice", net)
	bob := newHome(t, "bob", net)
	alice.waitState(alice.send(bob.person, "one").ID, "delivered")
	alice.gate.Refuse(func(chat.Envelope) error { return chat.ErrNoPeers })
	m := alice.send(bob.person, "two")
	eventually(t, "a refused publish", func() bool { return len(alice.gate.Refused()) > 0 })
	return alice, mustID(t, m.ID)
}

// A message that is cancelled and tried again, again and again, leaves one mark.
func TestCancelledAgain(t *testing.T) {
	alice, id := waitingMessage(t)
	for range 3 {
		if _, _, err := alice.Cancel(id); err != nil {
			t.Fatal(err)
		}
		checked(t, alice.person)
		if _, err := alice.Retry(id); err != nil {
			t.Fatal(err)
		}
	}
	checked(t, alice.person)
}

// What somebody has acknowledged under an installation id that no bundle names is
// delivered, and is not kept as failed when its attempts are spent.
func TestDeliveredIsNotKeptAsFailed(t *testing.T) {
	alice, id := waitingMessage(t)
	if err := alice.GiveUpAcknowledged(id); err != nil {
		t.Fatal(err)
	}
	if m, err := alice.Message(id); err != nil || m.State != "delivered" {
		t.Errorf("%q, %v", m.State, err)
	}
	checked(t, alice.person)
}

// A transaction that looks at events does not wait for a reader of them, who may wait for
// the transaction: a memory store lets neither run beside the other.
func TestEventsAreReadBesideTransactions(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 32})
	alice, bob := newPerson(t, "alice", net), newPerson(t, "bob", net)
	alice.waitState(alice.send(bob, "one").ID, "delivered")
	held, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- bob.HoldTransaction(func() { close(held); time.Sleep(200 * time.Millisecond) })
	}()
	<-held
	go func() { // unread events wait in the store, so this reads it
		for {
			if e, err := bob.NextEvent(t.Context()); e == nil || err != nil {
				return
			}
		}
	}()
	select {
	case err := <-ended:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the transaction and the reader wait for each other")
	}
}
