package chat_test

import (
	"context"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/session"
	"libstatus1to1/chat/wire"
	"libstatus1to1/store"
)

// someFriend is the key of somebody who never answers.
func someFriend(t *testing.T) key.Public {
	t.Helper()
	return newPerson(t, "carol", memnet.New(memnet.Options{})).key()
}

// unhurried is somebody with others to publish to, who sends nothing a second time soon.
func unhurried(t *testing.T) *home {
	t.Helper()
	net := memnet.New(memnet.Options{Seed: 21})
	newPerson(t, "bob", net)
	alice := newHome(t, "alice", net)
	alice.set.ResendBase = time.Hour
	alice.restart()
	return alice
}

// everywhere returns a message as messages.get, messages.list and chats.list report it: the
// last one of its chat.
func (p *person) everywhere(chatWith key.Public, id string) event.Message {
	p.t.Helper()
	got, err := p.Message(mustID(p.t, id))
	if err != nil {
		p.t.Fatal(err)
	}
	page, err := p.Messages(chatWith, chat.PageRequest{})
	if err != nil {
		p.t.Fatal(err)
	}
	chats, err := p.Chats(chat.PageRequest{})
	if err != nil || len(chats.Items) != 1 || chats.Items[0].LastMessage == nil {
		p.t.Fatalf("%+v, %v", chats, err)
	}
	one, err := p.Chat(chatWith)
	if err != nil || one.LastMessage == nil {
		p.t.Fatalf("%+v, %v", one, err)
	}
	for what, m := range map[string]event.Message{"list": page.Items[0], "chats": *chats.Items[0].LastMessage, "chat": *one.LastMessage} {
		if m.ID != got.ID || m.State != got.State || fmt.Sprint(evidence(m)) != fmt.Sprint(evidence(got)) {
			p.t.Errorf("%s tells %s %+v, get tells %s %+v", what, m.State, m.Evidence, got.State, got.Evidence)
		}
	}
	return got
}

func evidence(m event.Message) event.Evidence {
	if m.Evidence == nil {
		return event.Evidence{}
	}
	return *m.Evidence
}

// inFile reads the record of a message, and changes the store, while the client is away.
func (h *home) inFile(id string, change func(s chat.Store)) *wire.MessageRecord {
	h.t.Helper()
	if err := h.Close(); err != nil {
		h.t.Fatal(err)
	}
	s, err := store.Open(store.Options{Path: h.path, Passphrase: "a passphrase", NoSync: true})
	if err != nil {
		h.t.Fatal(err)
	}
	defer s.Close()
	name := mustID(h.t, id)
	rec := &wire.MessageRecord{}
	if err := proto.Unmarshal(records(h.t, s, "messages")[string(name[:])], rec); err != nil {
		h.t.Fatal(err)
	}
	if change != nil {
		change(s)
	}
	return rec
}

// TestSentByAttempt: that a message is sent is stored with its attempt, is told by
// everything that reports the message, survives a restart, and moves into the message when
// it goes out again.
func TestSentByAttempt(t *testing.T) {
	alice, to := unhurried(t), someFriend(t)
	m, err := alice.Send(context.Background(), chat.SendRequest{To: to, Text: "hello", ClientRef: "first"})
	if err != nil {
		t.Fatal(err)
	}
	told := alice.waitState(m.ID, "sent")
	if told.ClientRef != "first" || told.ChatID != to.Hex() || told.Evidence == nil || told.Evidence.Kind != "memory" || told.Evidence.At == 0 {
		t.Errorf("told %+v, evidence %+v", told, told.Evidence)
	}
	check := func(when string) {
		t.Helper()
		if got := alice.everywhere(to, m.ID); got.State != "sent" || !reflect.DeepEqual(evidence(got), *told.Evidence) || got.ClientRef != "first" {
			t.Errorf("%s: %s, %+v, want sent, %+v", when, got.State, got.Evidence, told.Evidence)
		}
		if problems, err := alice.CheckStore(context.Background()); err != nil || len(problems.Problems) != 0 {
			t.Errorf("%s: %+v, %v", when, problems, err)
		}
	}
	check("at first")
	if rec := alice.inFile(m.ID, nil); rec.GetState() != "queued" {
		t.Errorf("the message was written again: %s", rec.GetState())
	}
	alice.start()
	check("after a restart")

	alice.set.ResendBase = time.Millisecond
	alice.restart() // it is due again at once: its wait is cut to what is usual
	eventually(t, "a second attempt", func() bool {
		d, err := alice.Diagnostics()
		return err == nil && d.Outbox == 1 && len(alice.gate.Published()) > 2
	})
	check("after a second attempt")
	alice.set.ResendBase = time.Hour
	if rec := alice.inFile(m.ID, nil); rec.GetState() != "sent" && rec.GetState() != "failed" || rec.GetEvidenceAt() != told.Evidence.At {
		t.Errorf("the second attempt left %s, %d", rec.GetState(), rec.GetEvidenceAt())
	}
}

// TestSentOfOlderRows: rows of an earlier version do not say whether their message is in
// a history, and their messages hold the state themselves.
func TestSentOfOlderRows(t *testing.T) {
	alice, to := unhurried(t), someFriend(t)
	m, err := alice.Send(context.Background(), chat.SendRequest{To: to, Text: "hello", ClientRef: "mine"})
	if err != nil {
		t.Fatal(err)
	}
	alice.waitState(m.ID, "sent")
	var last uint64
	for _, e := range alice.events {
		last = max(last, e.Seq)
	}
	if err := alice.AckEvents(last); err != nil {
		t.Fatal(err)
	}
	// As if it had not gone out yet: what is left is the row, and the message is queued.
	alice.inFile(m.ID, func(s chat.Store) {
		for name, value := range records(t, s, "#outbox") {
			var row wire.OutboxRecord
			if err := proto.Unmarshal(value, &row); err != nil {
				t.Fatal(err)
			}
			if !row.GetInHistory() || row.GetClientRef() != "mine" {
				t.Errorf("row %v", &row)
			}
			row.InHistory, row.ClientRef = false, ""
			put(t, s, "#outbox", name, &row)
		}
		for name := range records(t, s, "#attempts") {
			if err := s.Update(func(tx chat.Tx) error { return tx.Delete("#attempts", []byte(name)) }); err != nil {
				t.Fatal(err)
			}
		}
	})
	alice.start()
	if told := alice.waitState(m.ID, "sent"); told.ClientRef != "mine" {
		t.Errorf("told %+v", told)
	}
	if got := alice.everywhere(to, m.ID); got.State != "sent" {
		t.Errorf("it is %s", got.State)
	}
}

// TestDeliveredPastNotedDevices: when as many devices of ours have a message as are noted
// with one, the recipient's acknowledgement still delivers it.
func TestDeliveredPastNotedDevices(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 23})
	alice, bob := newHome(t, "alice", net), newHome(t, "bob", net)
	newPerson(t, "carol", net) // somebody to publish to
	alice.send(bob.person, "one")
	bob.waitText("one")
	to := bob.key()
	if err := bob.Close(); err != nil {
		t.Fatal(err)
	}
	m, err := alice.Send(context.Background(), chat.SendRequest{To: to, Text: "two"})
	if err != nil {
		t.Fatal(err)
	}
	alice.waitState(m.ID, "sent")
	alice.inFile(m.ID, func(s chat.Store) {
		name := mustID(t, m.ID)
		var rec wire.MessageRecord
		if err := proto.Unmarshal(records(t, s, "messages")[string(name[:])], &rec); err != nil {
			t.Fatal(err)
		}
		for i := range 2 * session.MaxKnownInstallations {
			rec.Devices = append(rec.Devices, &wire.DeviceAckRecord{InstallationId: fmt.Sprint("ours ", i), At: 1, Own: true})
		}
		put(t, s, "messages", string(name[:]), &rec)
	})
	alice.start()
	bob.start()
	alice.waitState(m.ID, "delivered")
	if got, err := alice.Message(mustID(t, m.ID)); err != nil || got.State != "delivered" {
		t.Errorf("it is %s, %v", got.State, err)
	}
}

// TestAcceptTogether: many callers at one time, each message once, the same client_ref
// the same message, and one chat that cannot be written holds up no other.
func TestAcceptTogether(t *testing.T) {
	s := store.Memory()
	alice := openPerson(t, "alice", s, memnet.New(memnet.Options{}).Join(), fast)
	if _, _, err := alice.CreateIdentity(context.Background(), 12, ""); err != nil {
		t.Fatal(err)
	}
	good, bad := someFriend(t), someFriend(t)
	send := func(to key.Public, text, ref string) (event.Message, error) {
		return alice.Send(context.Background(), chat.SendRequest{To: to, Text: text, ClientRef: ref})
	}
	for _, k := range []key.Public{good, bad} { // so that their clocks are known
		if _, err := send(k, "first", ""); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Update(func(tx chat.Tx) error { return tx.Put("chats", message.ConversationWith(bad).Bytes(), []byte{0xff}) }); err != nil {
		t.Fatal(err)
	}
	const callers, each = 16, 20
	var all sync.WaitGroup
	var mu sync.Mutex
	ids := map[string]map[string]bool{} // by client_ref
	for c := range callers {
		all.Go(func() {
			for i := range each {
				ref := fmt.Sprint("ref ", c/2, " ", i) // two callers use each
				m, err := send(good, ref, ref)
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				if ids[ref] == nil {
					ids[ref] = map[string]bool{}
				}
				ids[ref][m.ID] = true
				mu.Unlock()
				if _, err := send(bad, ref, ""); chat.CodeOf(err) != chat.CodeStoreCorrupt {
					t.Errorf("to a damaged chat: %v", err)
				}
			}
		})
	}
	all.Wait()
	for ref, messages := range ids {
		if len(messages) != 1 {
			t.Errorf("%q is %d messages", ref, len(messages))
		}
	}
	texts := map[string]int{}
	for cursor := ""; ; {
		page, err := alice.Messages(good, chat.PageRequest{Cursor: cursor})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range page.Items {
			texts[m.Text]++
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	if len(texts) != 1+callers/2*each {
		t.Errorf("%d texts", len(texts))
	}
	for text, n := range texts {
		if n != 1 {
			t.Errorf("%q is there %d times", text, n)
		}
	}
}
