package chat_test

import (
	"context"
	"encoding/json"
	"sync/atomic"
	"testing"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat"
	"libstatus1to1/chat/contact"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/chat/wire"
	"libstatus1to1/store"
)

// dyingStore takes nothing any more once a transaction has brought it to a state: as
// if the process had died after that.
type dyingStore struct {
	chat.Store
	last atomic.Pointer[func(chat.Tx) bool]
	dead atomic.Bool
}

func (s *dyingStore) Update(fn func(chat.Tx) error) error {
	if s.dead.Load() {
		return chat.Errorf(chat.CodeStoreIO, "", "the process is dead")
	}
	err := s.Store.Update(fn)
	_ = s.View(func(tx chat.Tx) error {
		if last := s.last.Load(); last != nil && (*last)(tx) {
			s.dead.Store(true)
		}
		return nil
	})
	return err
}

func hasRecord[M proto.Message](tx chat.Tx, table chat.Table, m M, ok func(M) bool) (found bool) {
	_ = tx.Each(table, func(_, value []byte) error {
		found = found || proto.Unmarshal(value, m) == nil && ok(m)
		return nil
	})
	return found
}

// What one call does is in the store as a whole, whenever the process dies.
func TestCrashWithinOneCall(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 14})
	s := &dyingStore{Store: store.Memory()}
	alice, bob := openPerson(t, "alice", s, net.Join(), fast), newPerson(t, "bobby", net)
	if _, _, err := alice.CreateIdentity(context.Background(), 12, "alice"); err != nil {
		t.Fatal(err)
	}
	befriend(t, alice, bob)
	if _, err := alice.AskContact(bob.key(), "Where did we meet?"); err != nil {
		t.Fatal(err)
	}
	bob.question("asked")
	if _, err := bob.AnswerContact(alice.key(), "In Jerusalem"); err != nil {
		t.Fatal(err)
	}
	alice.question("answered")

	after := func(f func(chat.Tx) bool) { s.last.Store(&f) }
	after(func(tx chat.Tx) bool {
		return hasRecord(tx, "verifications", &wire.VerificationRecord{}, func(v *wire.VerificationRecord) bool { return v.GetState() == "confirmed" })
	})
	if _, err := alice.ConfirmAnswer(bob.key(), true); err != nil {
		t.Errorf("confirming: %v", err)
	}
	if c := alice.contact(bob.key()); c.Trust != "verified" || c.VerifiedBy != "question" {
		t.Errorf("confirmed, and the contact is %+v", c)
	}

	after(func(tx chat.Tx) bool {
		return !hasRecord(tx, "contacts", &wire.ContactRecord{}, func(c *wire.ContactRecord) bool { return c.GetAdded() })
	})
	s.dead.Store(false)
	if err := alice.RemoveContact(bob.key()); err != nil {
		t.Errorf("removing: %v", err)
	}
	told := false
	err := s.View(func(tx chat.Tx) error {
		return tx.Range("events", 0, func(_ uint64, value []byte) (bool, error) {
			var e chat.DeliveredEvent
			told = told || json.Unmarshal(value, &e) == nil && e.Type == "contact_removed"
			return true, nil
		})
	})
	if err != nil || !told {
		t.Errorf("removed, and no event says so (%v)", err)
	}
}

// momentStore calls a function once, when a transaction that brought it to a state is durable
// and its caller does not know it yet.
type momentStore struct {
	chat.Store
	reached atomic.Pointer[func(chat.Tx) bool]
	then    func()
}

func (s *momentStore) Update(fn func(chat.Tx) error) error {
	err := s.Store.Update(fn)
	at := false
	_ = s.View(func(tx chat.Tx) error {
		reached := s.reached.Load()
		at = reached != nil && (*reached)(tx)
		return nil
	})
	if at && s.reached.Swap(nil) != nil {
		s.then()
	}
	return err
}

// Whoever is told by Contact that both are contacts may ask at once.
func TestAskAtTheMomentOfContact(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 15})
	s := &momentStore{Store: store.Memory()}
	alice, bob := openPerson(t, "alice", s, net.Join(), fast), newPerson(t, "bobby", net)
	if _, _, err := alice.CreateIdentity(context.Background(), 12, "alice"); err != nil {
		t.Fatal(err)
	}
	asked := make(chan error, 1)
	s.then = func() {
		_, err := alice.AskContact(bob.key(), "Where did we meet?")
		asked <- err
	}
	mutual := func(tx chat.Tx) bool {
		return hasRecord(tx, "contacts", &wire.ContactRecord{}, func(c *wire.ContactRecord) bool {
			return contact.Request{
				Local:  contact.Half{State: contact.State(c.GetLocalState())},
				Remote: contact.Half{State: contact.State(c.GetRemoteState())},
			}.Mutual()
		})
	}
	s.reached.Store(&mutual)
	befriend(t, alice, bob)
	if err := <-asked; err != nil {
		t.Fatalf("asking at that moment: %v", err)
	}
	bob.question("asked")
}
