package chat_test

import (
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/chat/protocol/topic"
	"libstatus1to1/chat/wire"
	"libstatus1to1/store"
)

// TestAttemptsOfVersion2: an attempt that a store of version 2 left unpublished names
// its messages by their MVDS ids, and the messages count their sends themselves. It
// goes out, once, and nothing of it is left.
func TestAttemptsOfVersion2(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 11})
	alice, bob := newHome(t, "alice", net), newHome(t, "bob", net)
	alice.send(bob.person, "one")
	bob.waitText("one")
	eventually(t, "peace", func() bool { return waiting(alice.person)+waiting(bob.person) == 0 })
	tried := make(chan struct{}, 1000)
	code := topic.ContactCode(alice.key()).ContentTopic()
	alice.gate.Refuse(func(e chat.Envelope) error {
		if e.ContentTopic != code {
			tried <- struct{}{}
		}
		return errors.New("the cable is cut")
	})
	stuck, err := alice.Send(context.Background(), chat.SendRequest{To: bob.key(), Text: "stuck"})
	if err != nil {
		t.Fatal(err)
	}
	<-tried // so it is stored
	if err := alice.Close(); err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(store.Options{
		Path: alice.path, Passphrase: "a passphrase", KDF: store.Argon2Params{Time: 1, MemoryKiB: 64, Threads: 1}, NoSync: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	if n := asVersion2(t, s); n != 1 {
		t.Fatalf("%d attempts", n)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	alice.start()
	bob.waitText("stuck")
	alice.waitState(stuck.ID, "delivered")
	if got := bob.texts(alice.person); !slices.Equal(got, []string{"one", "stuck"}) {
		t.Errorf("bob has %q", got)
	}
	eventually(t, "peace", func() bool { return waiting(alice.person)+waiting(bob.person) == 0 })
	if check, err := alice.CheckStore(context.Background()); err != nil || len(check.Problems) != 0 {
		t.Errorf("%+v, %v", check, err)
	}
}

// asVersion2 writes attempts and rows as they were in version 2.
func asVersion2(t *testing.T, s chat.Store) (attempts int) {
	ids := map[uint64][]byte{}
	for name, value := range records(t, s, "#outbox") {
		var row wire.OutboxRecord
		if err := proto.Unmarshal(value, &row); err != nil {
			t.Fatal(err)
		}
		ids[binary.BigEndian.Uint64([]byte(name))] = row.GetMvdsId()
		row.Sends = 1
		put(t, s, "#outbox", name, &row)
	}
	for name, value := range records(t, s, "#attempts") {
		var at wire.AttemptRecord
		if err := proto.Unmarshal(value, &at); err != nil {
			t.Fatal(err)
		}
		for _, row := range at.GetRows() {
			at.MvdsIds = append(at.MvdsIds, ids[row.GetRow()])
			attempts++
		}
		at.Rows = nil
		put(t, s, "#attempts", name, &at)
	}
	return attempts
}

func put(t *testing.T, s chat.Store, table chat.Table, name string, m proto.Message) {
	b, err := proto.Marshal(m)
	if err == nil {
		err = s.Update(func(tx chat.Tx) error { return tx.Put(table, []byte(name), b) })
	}
	if err != nil {
		t.Fatal(err)
	}
}
