package chat_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"libstatus1to1/chat"
	"libstatus1to1/chat/chattest"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/chat/message"
	"libstatus1to1/store"
)

// refusing is a store that refuses some transactions, as on a disk that is full
// for a while.
type refusing struct {
	chat.Store
	mu      sync.Mutex
	random  *rand.Rand
	chance  float64
	refused int
	inARow  int // refusals since the last success
	longest int // the most in a row, since longest was last set
}

func (s *refusing) Update(fn func(chat.Tx) error) error {
	s.mu.Lock()
	refuse := s.random.Float64() < s.chance
	if refuse {
		s.refused++
		s.inARow++
		s.longest = max(s.longest, s.inARow)
	} else {
		s.inARow = 0
	}
	s.mu.Unlock()
	if !refuse {
		return s.Store.Update(fn)
	}
	return s.Store.Update(func(tx chat.Tx) error {
		if err := fn(tx); err != nil { // all is done, and then it cannot be written
			return err
		}
		return chat.Errorf(chat.CodeStoreIO, "", "no space left")
	})
}

// TestFaultStoreRefuses: a fifth of all transactions fail. What Send accepted
// arrives once and in order, and what it refused can be sent again.
func TestFaultStoreRefuses(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	net := memnet.New(memnet.Options{Seed: seed, Loss: 0.05})
	clock := &chattest.Clock{}
	var people []*person
	var stores []*refusing
	for i, name := range []string{"alice", "bob"} {
		s := &refusing{Store: store.Memory(), random: rand.New(rand.NewPCG(seed, uint64(i)))}
		c, err := chat.Open(context.Background(), chat.Options{Store: s, Transport: net.Join(), Clock: clock, Logger: testLog{t, name}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		people, stores = append(people, &person{Client: c, t: t, name: name}), append(stores, s)
		if _, _, err := c.CreateIdentity(context.Background(), 12, ""); err != nil {
			t.Fatal(err)
		}
	}
	setChance := func(chance float64) {
		for _, s := range stores {
			s.mu.Lock()
			s.chance = chance
			s.mu.Unlock()
		}
	}
	setChance(0.2)
	const n = 60
	refusals := 0
	want := make([][]string, 2)
	for i := range n {
		for who, me := range people {
			text := fmt.Sprintf("%s %d", me.name, i)
			for {
				_, err := me.Send(context.Background(), chat.SendRequest{To: people[1-who].key(), Text: text, ClientRef: text})
				if err == nil {
					break
				}
				refusals++
				wantCode(t, "a refused send", err, chat.CodeStoreIO, "")
			}
			want[who] = append(want[who], text)
		}
		time.Sleep(time.Millisecond)
		clock.Advance(2 * time.Second)
	}
	setChance(0.05)
	for range 4000 {
		if waiting(people[0])+waiting(people[1]) == 0 {
			break
		}
		time.Sleep(2 * time.Millisecond)
		clock.Advance(5 * time.Second)
	}
	setChance(0)
	refused := stores[0].refused + stores[1].refused
	t.Logf("refused: %d transactions, %d of them sends", refused, refusals)
	for i, reader := range people {
		all := reader.texts(people[1-i])
		for who, writer := range people {
			got := slices.DeleteFunc(slices.Clone(all), func(s string) bool { return len(s) < 3 || s[:3] != writer.name[:3] })
			if !slices.Equal(got, want[who]) {
				t.Errorf("%s has of %s %q", reader.name, writer.name, got)
			}
		}
		if check, err := reader.CheckStore(context.Background()); err != nil || len(check.Problems) != 0 {
			t.Errorf("%s: %+v, %v", reader.name, check, err)
		}
	}
	if refusals == 0 || refused == refusals {
		t.Error("nothing was refused: the test tests nothing")
	}
}

// deafStore fails once to look up whether an MVDS message was seen before.
type deafStore struct {
	chat.Store
	fails atomic.Int32
}

type deafTx struct {
	chat.Tx
	s *deafStore
}

func (s *deafStore) View(fn func(chat.Tx) error) error {
	return s.Store.View(func(tx chat.Tx) error { return fn(deafTx{tx, s}) })
}

func (tx deafTx) Get(table chat.Table, name []byte) ([]byte, error) {
	if table == "seen" && name[0] == 'm' && tx.s.fails.Add(-1) >= 0 {
		return nil, chat.Errorf(chat.CodeStoreIO, "", "a read fails")
	}
	return tx.Tx.Get(table, name)
}

// A message is not acknowledged when the store could not be read: it comes again.
func TestFaultUnreadMarkLosesNothing(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 4})
	s := &deafStore{Store: store.Memory()}
	alice, bob := newPerson(t, "alice", net), openPerson(t, "bob", s, net.Join(), fast)
	if _, _, err := bob.CreateIdentity(context.Background(), 12, "bob"); err != nil {
		t.Fatal(err)
	}
	s.fails.Store(1)
	m := alice.send(bob, "once")
	alice.waitState(m.ID, "delivered")
	if s.fails.Load() > 0 {
		t.Fatal("no read failed")
	}
	if got := bob.texts(alice); len(got) != 1 || got[0] != "once" {
		t.Fatalf("delivered, and bob has %q", got)
	}
}

// What a store node has given is fetched again when our own store could not be read: its
// sender may never repeat it.
func TestFaultUnreadMarkOfArchived(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 5})
	s, node := &deafStore{Store: store.Memory()}, net.Join().(*memnet.Node)
	alice, bob := newHome(t, "alice", net), openPerson(t, "bob", s, node, fast)
	if _, _, err := bob.CreateIdentity(context.Background(), 12, "bob"); err != nil {
		t.Fatal(err)
	}
	acquaint(alice.person, bob)
	newPerson(t, "carol", net) // somebody who takes what alice publishes
	node.SetOnline(false)
	before := len(alice.gate.Published())
	m := alice.send(bob, "while away")
	alice.waitState(m.ID, "sent")
	batch := alice.gate.Published()[before:]
	s.fails.Store(100)
	if _, err := bob.ReceiveAtOnce(batch); chat.CodeOf(err) != chat.CodeStoreIO {
		t.Errorf("an unreadable store is reported as %v", err)
	}
	s.fails.Store(0)
	if _, err := bob.ReceiveAtOnce(batch); err != nil {
		t.Fatal(err)
	}
	if _, err := bob.Message(mustID(t, m.ID)); err != nil {
		t.Error(err)
	}
}

// A damaged record of one person does not keep others from being heard.
func TestFaultDamagedRecordHoldsUpNobody(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 9})
	s := store.Memory()
	alice, carol, bob := newPerson(t, "alice", net), newPerson(t, "carol", net), openPerson(t, "bob", s, net.Join(), fast)
	if _, _, err := bob.CreateIdentity(context.Background(), 12, "bob"); err != nil {
		t.Fatal(err)
	}
	for _, p := range []*person{alice, carol} {
		p.send(bob, "hello")
		bob.waitText("hello")
	}
	if err := s.Update(func(tx chat.Tx) error {
		return tx.Put("chats", message.ConversationWith(alice.key()).Bytes(), []byte{0xff})
	}); err != nil {
		t.Fatal(err)
	}
	alice.send(bob, "into a damaged chat")
	eventually(t, "the damage to show", func() bool { d, err := bob.Diagnostics(); return err == nil && d.Dropped["store"] > 0 })
	m := carol.send(bob, "still there?")
	bob.waitText("still there?")
	carol.waitState(m.ID, "delivered")
}
