package chat_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"libstatus1to1/chat"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/chat/protocol/datasync"
	"libstatus1to1/store"
)

// TestHostileBlockedIsSilent: somebody who writes as fast as they can is blocked. From
// the return of that call on nothing of theirs is stored, and no event of theirs handed
// out: not of the batch in work, and not of what waited unread.
func TestHostileBlockedIsSilent(t *testing.T) {
	for round, remove := range []bool{false, true, false, true} {
		b := newBesieged(t)
		m := newMallory(t, b.net, b.victim.key())
		m.learn(b.envelopes())
		if _, err := b.victim.AddContact(m.public, ""); err != nil {
			t.Fatal(err)
		}
		const envelopes, each = 300, 10
		var flood []chat.Envelope
		for i := range envelopes {
			var p datasync.Payload
			for j := range each {
				p.Messages = append(p.Messages, m.text(fmt.Sprint(i, " ", j)))
			}
			flood = append(flood, m.envelope(m.encrypted(m.sync(p), nil)))
		}
		var running sync.WaitGroup
		running.Go(func() {
			for _, e := range flood {
				b.net.Inject(e)
			}
		})
		messages := func() uint64 { c, _ := b.victim.Chat(m.public); return c.Messages }
		eventually(t, "the flood to begin", func() bool { return messages() > uint64(20*round) })
		var blocked atomic.Bool
		ended, end := context.WithCancel(context.Background())
		late := 0
		var reader sync.WaitGroup
		reader.Go(func() { // slower than the flood: some events wait when they are blocked
			for {
				before := blocked.Load()
				e, err := b.victim.NextEvent(ended)
				if e == nil || err != nil {
					return
				}
				if before && theirs(*e, m.public.Hex()) {
					late++
				}
				if !before {
					time.Sleep(time.Millisecond)
				}
			}
		})
		if remove {
			if err := b.victim.RemoveContact(m.public); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := b.victim.BlockContact(m.public); err != nil {
			t.Fatal(err)
		}
		blocked.Store(true)
		at := messages()
		running.Wait()
		b.honest(t) // behind the flood
		eventually(t, "all events to be read", func() bool { d, err := b.victim.Diagnostics(); return err == nil && d.EventsUnread == 0 })
		end()
		reader.Wait()
		if got := messages(); got != at || late > 0 {
			t.Errorf("round %d: after the block %d messages were stored, %d events handed out", round, got-at, late)
		}
	}
}

// theirs reports whether an event is of what somebody did. That the contact is another
// one now is the work of who blocked them.
func theirs(e chat.DeliveredEvent, publicKey string) bool {
	if e.Type == "contact_changed" || e.Type == "contact_removed" || e.Type == "message_state" {
		return false
	}
	var about any
	return json.Unmarshal(e.Data, &about) == nil && strings.Contains(string(e.Data), publicKey)
}

// heldStore lets a test hold up one transaction before it begins.
type heldStore struct {
	chat.Store
	mu   sync.Mutex
	hold func()
}

func (s *heldStore) Update(fn func(chat.Tx) error) error {
	s.mu.Lock()
	hold := s.hold
	s.hold = nil
	s.mu.Unlock()
	if hold != nil {
		hold()
	}
	return s.Store.Update(fn)
}

// TestBlockedBetweenOpeningAndStoring: a batch of theirs is opened, and about to be
// stored, when they are blocked.
func TestBlockedBetweenOpeningAndStoring(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 3})
	s := &heldStore{Store: store.Memory()}
	alice, bob := newPerson(t, "alice", net), openPerson(t, "bob", s, net.Join(), fast)
	if _, _, err := bob.CreateIdentity(t.Context(), 12, "bob"); err != nil {
		t.Fatal(err)
	}
	alice.delivered(alice.send(bob, "hello").ID)
	eventually(t, "all to be quiet", func() bool { d, err := alice.Diagnostics(); return err == nil && d.Outbox == 0 })
	arrived, returned := make(chan struct{}), make(chan struct{})
	s.mu.Lock()
	s.hold = func() {
		close(arrived)
		select { // the call waits for the batch, or else comes before it
		case <-returned:
		case <-time.After(300 * time.Millisecond):
		}
	}
	s.mu.Unlock()
	alice.send(bob, "too late")
	<-arrived
	if _, err := bob.BlockContact(alice.key()); err != nil {
		t.Fatal(err)
	}
	at := len(bob.texts(alice))
	close(returned)
	eventually(t, "the rest to come and go", func() bool { d, err := alice.Diagnostics(); return err == nil && d.Outbox == 0 })
	if got := len(bob.texts(alice)); got != at {
		t.Errorf("after the block %d messages were stored", got-at)
	}
}
