package chat_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat"
	"libstatus1to1/chat/chattest"
	"libstatus1to1/chat/identity"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
	"libstatus1to1/store"
)

// everyRecord gives a client whose store holds a record of every kind: sessions
// with skipped keys, messages, an attempt that cannot go out, acknowledgements
// that wait, marks, topics, a contact, a client_ref and events.
func everyRecord(t *testing.T) (alice *person, s chat.Store) {
	net := memnet.New(memnet.Options{Seed: 7})
	s = store.Memory()
	node, bobNode := net.Join(), net.Join()
	gate := chattest.NewGate(node)
	alice = openPerson(t, "alice", s, gate, fast)
	bob := openPerson(t, "bob", store.Memory(), bobNode, fast)
	for _, p := range []*person{alice, bob} {
		if _, _, err := p.CreateIdentity(context.Background(), 12, p.name); err != nil {
			t.Fatal(err)
		}
	}
	newPerson(t, "carol", net) // somebody to publish to while the two are apart
	if _, err := alice.AddContact(bob.key(), "Bob"); err != nil {
		t.Fatal(err)
	}
	alice.send(bob, "one")
	bob.waitText("one")
	bob.send(alice, "two")
	alice.waitText("two")
	eventually(t, "peace", func() bool { return waiting(alice)+waiting(bob) == 0 })
	if err := net.Partition(node, bobNode); err != nil {
		t.Fatal(err)
	}
	bob.waitState(bob.send(alice, "lost at first").ID, "sent")
	if err := net.Heal(node, bobNode); err != nil {
		t.Fatal(err)
	}
	gate.Refuse(func(chat.Envelope) error { return errors.New("the cable is cut") })
	if _, err := alice.Send(context.Background(), chat.SendRequest{To: bob.key(), Text: "stuck", ClientRef: "ref"}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "an attempt", func() bool {
		return s.View(func(tx chat.Tx) error { _, _, err := anyOf(tx, "#attempts"); return err }) == nil
	})
	bob.send(alice, "skips one")
	alice.waitText("skips one")
	eventually(t, "the lost message", func() bool { return len(alice.texts(bob)) == 5 })
	return alice, s
}

// records are the names and values of a table.
func records(t *testing.T, s chat.Store, table chat.Table) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	if err := s.View(func(tx chat.Tx) error {
		return tx.Each(table, func(name, value []byte) error { all[string(name)] = value; return nil })
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

// anyOf is one of the records; of attempts, one that carries a message.
func anyOf(tx chat.Tx, table chat.Table) (name, value []byte, err error) {
	err = tx.Each(table, func(n, v []byte) error {
		var at wire.AttemptRecord
		if table == "#attempts" && (proto.Unmarshal(v, &at) != nil || len(at.GetRows()) == 0 || len(at.GetPayload()) == 0) {
			return nil // it only acknowledges, or is out
		}
		name, value = n, v
		return nil
	})
	if err == nil && name == nil {
		err = fmt.Errorf("table %s is empty", table)
	}
	return name, value, err
}

// breakage is one way to break an invariant and what CheckStore then says.
type breakage struct {
	name, want string
	do         func(tx chat.Tx) error
}

// gone deletes a record, garbled makes one unreadable, renamed puts it elsewhere.
func gone(table chat.Table) func(chat.Tx) error {
	return func(tx chat.Tx) error {
		name, _, err := anyOf(tx, table)
		return errors.Join(err, tx.Delete(table, name))
	}
}

func garbled(table chat.Table) func(chat.Tx) error {
	return func(tx chat.Tx) error {
		name, _, err := anyOf(tx, table)
		return errors.Join(err, tx.Put(table, name, []byte{0xff}))
	}
}

func renamed(table chat.Table) func(chat.Tx) error {
	return func(tx chat.Tx) error {
		name, value, err := anyOf(tx, table)
		other := bytes.Clone(name)
		other[len(other)-1] ^= 1
		return errors.Join(err, tx.Delete(table, name), tx.Put(table, other, value))
	}
}

// changed decodes a record, changes it and puts it back.
func changed[M proto.Message](table chat.Table, m M, change func(M)) func(chat.Tx) error {
	return func(tx chat.Tx) error {
		name, value, err := anyOf(tx, table)
		if err != nil {
			return err
		}
		if err := proto.Unmarshal(value, m); err != nil {
			return err
		}
		change(m)
		b, err := proto.Marshal(m)
		return errors.Join(err, tx.Put(table, name, b))
	}
}

func breakages() []breakage {
	list := []breakage{
		{"skipped keys gone", "lack their skipped keys", gone("skipped")},
		{"skipped keys of nobody", "belong to no session", renamed("skipped")},
		{"session without ratchet", "do not read back", changed("peers", &wire.PeerRecord{}, func(m *wire.PeerRecord) { m.Sessions[0].Ratchet = nil })},
		{"message gone", "has no message", gone("messages")},
		{"message elsewhere", "is not what its name says", renamed("messages")},
		{"message of another chat", "messages are in no chat", changed("messages", &wire.MessageRecord{}, func(m *wire.MessageRecord) { m.Chat = append([]byte{1}, generator...) })},
		{"message with another clock", "has no message, or another one", changed("messages", &wire.MessageRecord{}, func(m *wire.MessageRecord) { m.Clock++ })},
		{"unknown state", "in no known state", changed("messages", &wire.MessageRecord{}, func(m *wire.MessageRecord) { m.State = "lost" })},
		{"chat gone", "messages are in no chat", gone("chats")},
		{"unread", "unread messages, there are", changed("chats", &wire.ChatRecord{}, func(m *wire.ChatRecord) { m.Unread++ })},
		{"mentions", "messages that name us, there are", changed("chats", &wire.ChatRecord{}, func(m *wire.ChatRecord) { m.Mentions++ })},
		{"cleared", "are to be erased", changed("chats", &wire.ChatRecord{}, func(m *wire.ChatRecord) { m.ClearedClock = m.GetClock() })},
		{"hidden", "are to be erased", changed("chats", &wire.ChatRecord{}, func(m *wire.ChatRecord) { m.Hidden++ })},
		{"deleted and not cleared", "behind what was cleared", changed("chats", &wire.ChatRecord{}, func(m *wire.ChatRecord) { m.DeletedClock++ })},
		{"read up to no place", "no place", changed("chats", &wire.ChatRecord{}, func(m *wire.ChatRecord) { m.ReadClock, m.ReadId = 5, nil })},
		{"cleared that was not", "that was not", func(tx chat.Tx) error {
			name, _, err := anyOf(tx, "chats")
			return errors.Join(err, tx.Put("clearing", name, []byte("\x08\x05")))
		}},
		{"last message", "not its newest", changed("chats", &wire.ChatRecord{}, func(m *wire.ChatRecord) { m.LastMessageClock-- })},
		{"clock behind", "behind its messages", changed("chats", &wire.ChatRecord{}, func(m *wire.ChatRecord) { m.Clock = 1 })},
		{"history gone", "its history 0 places", func(tx chat.Tx) error {
			name, _, err := anyOf(tx, "chats")
			return errors.Join(err, tx.DropHistory(name))
		}},
		{"place of nothing", "has no message", func(tx chat.Tx) error {
			name, _, err := anyOf(tx, "chats")
			_, insertErr := tx.Insert(name, chat.Position{Clock: 5, ID: [32]byte{5}})
			return errors.Join(err, insertErr)
		}},
		{"row without message", "a row has no message", func(tx chat.Tx) error {
			_, value, err := anyOf(tx, "#outbox")
			var row wire.OutboxRecord
			err = errors.Join(err, proto.Unmarshal(value, &row))
			return errors.Join(err, tx.Delete("messages", row.GetMessageId()))
		}},
		{"row with another time", "do not follow", changed("#outbox", &wire.OutboxRecord{}, func(m *wire.OutboxRecord) { m.MvdsTimestamp++ })},
		{"row with other bytes", "do not follow", changed("#outbox", &wire.OutboxRecord{}, func(m *wire.OutboxRecord) { m.Application[9] ^= 1 })},
		{"row to somebody else", "do not follow", changed("#outbox", &wire.OutboxRecord{}, func(m *wire.OutboxRecord) { m.Peer = generator })},
		{"row without number", "a row has no number", func(tx chat.Tx) error {
			_, value, err := anyOf(tx, "#outbox")
			return errors.Join(err, tx.Put("#outbox", []byte("7"), value))
		}},
		{"row in two attempts", "a row is in two attempts", func(tx chat.Tx) error {
			_, value, err := anyOf(tx, "#attempts")
			return errors.Join(err, tx.Put("#attempts", bytes.Repeat([]byte{9}, 8), value))
		}},
		{"attempt that waits for nothing", "nothing to wait for", changed("#attempts", &wire.AttemptRecord{}, func(m *wire.AttemptRecord) { m.Payload, m.Rows = nil, nil })},
		{"attempt that waits for a row that is gone", "a row that is gone", changed("#attempts", &wire.AttemptRecord{}, func(m *wire.AttemptRecord) { m.Payload = nil; m.Rows[0].Row += 1 << 40 })},
		{"attempt of the future", "is not what its name says", changed("#attempts", &wire.AttemptRecord{}, func(m *wire.AttemptRecord) { m.Id += 1 << 40 })},
		{"attempt without topic", "an attempt has no topic", changed("#attempts", &wire.AttemptRecord{}, func(m *wire.AttemptRecord) { m.ContentTopic = "x" })},
		{"acks of nobody", "for nobody", func(tx chat.Tx) error {
			_, value, err := anyOf(tx, "acks")
			return errors.Join(err, tx.Put("acks", generator, value))
		}},
		{"short ack", "not 32 bytes", changed("acks", &wire.AcksRecord{}, func(m *wire.AcksRecord) { m.MvdsIds[0] = []byte{1} })},
		{"mark gone", "a mark is missing", gone("seen")},
		{"mark for ever", "never be forgotten", func(tx chat.Tx) error { return tx.Put("seen", append([]byte{'d'}, make([]byte, 32)...), nil) }},
		{"topic elsewhere", "a topic does not read back", renamed("topics")},
		{"topic with a short key", "a topic does not read back", changed("topics", &wire.TopicRecord{}, func(m *wire.TopicRecord) { m.Key = m.Key[1:] })},
		{"contact elsewhere", "a contact is not what its name says", renamed("contacts")},
		{"ref to nothing", "points to no message", changed("client_refs", &wire.ClientRefRecord{}, func(m *wire.ClientRefRecord) { m.MessageId[0] ^= 1 })},
		{"ref of another message", "points to no message", renamed("client_refs")},
		{"event of nothing", "not there", appendEvent(`{"type":"message_state","at":1,"data":{"message_id":"0x` + strings.Repeat("ab", 32) + `"}}`)},
		{"unreadable event", "an event does not read back", appendEvent(`{"type":`)},
		{"identity key", "the identity key does not read back", changeMeta("identity", func(m *wire.IdentityRecord) { m.PrivateKey = make([]byte, 32) })},
		{"another identity", "another one than that in use", changeMeta("identity", func(m *wire.IdentityRecord) { m.PrivateKey[31] ^= 1 })},
		{"installation id", "the installation id is not valid", changeMeta("identity", func(m *wire.IdentityRecord) { m.InstallationId = "none" })},
		{"pre-keys", "the pre-keys do not read back", putMeta("pre_keys", []byte{9})},
		{"node key", "the node key does not read back", putMeta("node_key", []byte{9})},
	}
	for _, table := range []chat.Table{"peers", "contacts", "chats", "messages", "#outbox", "#attempts", "acks", "seen", "topics", "client_refs"} {
		list = append(list, breakage{"garbled " + string(table), "table " + string(table) + ": ", garbled(table)})
	}
	return list
}

// generator is the compressed base point: a key of nobody here.
var generator = []byte("\x02\x79\xbe\x66\x7e\xf9\xdc\xbb\xac\x55\xa0\x62\x95\xce\x87\x0b\x07\x02\x9b\xfc\xdb\x2d\xce\x28\xd9\x59\xf2\x81\x5b\x16\xf8\x17\x98")

func appendEvent(text string) func(chat.Tx) error {
	return func(tx chat.Tx) error {
		_, err := tx.Append("events", []byte(text))
		return err
	}
}

func putMeta(name string, value []byte) func(chat.Tx) error {
	return func(tx chat.Tx) error { return tx.Put("meta", []byte(name), value) }
}

func changeMeta(name string, change func(*wire.IdentityRecord)) func(chat.Tx) error {
	return func(tx chat.Tx) error {
		var rec wire.IdentityRecord
		b, err := tx.Get("meta", []byte(name))
		if err != nil {
			return err
		}
		if err := proto.Unmarshal(b, &rec); err != nil {
			return err
		}
		change(&rec)
		if b, err = proto.Marshal(&rec); err != nil {
			return err
		}
		return tx.Put("meta", []byte(name), b)
	}
}

// TestCheckFindsEachBreakage breaks one thing in a transaction, looks whether the
// walk says so, and takes the transaction back.
func TestCheckFindsEachBreakage(t *testing.T) {
	alice, s := everyRecord(t)
	sound, err := alice.CheckStore(context.Background())
	if err != nil || len(sound.Problems) != 0 || sound.Records < 20 {
		t.Fatalf("a sound store: %+v, %v", sound, err)
	}
	undo := errors.New("take it back")
	for _, b := range breakages() {
		t.Run(b.name, func(t *testing.T) {
			var problems []string
			err := s.Update(func(tx chat.Tx) (err error) {
				if err := b.do(tx); err != nil {
					return err
				}
				if problems, err = alice.Inspect(tx); err != nil {
					return err
				}
				return undo
			})
			if !errors.Is(err, undo) {
				t.Fatal(err)
			}
			if !strings.Contains(strings.Join(problems, "\n"), b.want) {
				t.Errorf("the walk says %q, want %q", problems, b.want)
			}
			for _, p := range problems {
				if strings.Contains(p, "0x") || strings.Contains(p, "stuck") || strings.Contains(p, "Bob") {
					t.Errorf("a problem names somebody: %s", p)
				}
			}
		})
	}
	if after, err := alice.CheckStore(context.Background()); err != nil || len(after.Problems) != 0 {
		t.Fatalf("taken back, and yet: %+v, %v", after, err)
	}
}

// A check that nobody waits for any more stops.
func TestCheckStops(t *testing.T) {
	alice, _ := everyRecord(t)
	for i := range 300 {
		if _, err := alice.Send(context.Background(), chat.SendRequest{To: alicesFriend(t, alice), Text: fmt.Sprint(i)}); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := alice.CheckStore(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("a cancelled check: %v", err)
	}
}

func alicesFriend(t *testing.T, alice *person) key.Public {
	t.Helper()
	page, err := alice.Contacts(chat.PageRequest{})
	if err != nil || len(page.Items) == 0 {
		t.Fatal("no contacts", err)
	}
	k, err := identity.ParseChatKey(page.Items[0].ChatKey)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// What is kept of people beside their messages is walked too.
func TestCheckFindsBrokenContacts(t *testing.T) {
	net, s := memnet.New(memnet.Options{Seed: 17}), store.Memory()
	alice, bob := openPerson(t, "alice", s, net.Join(), fast), newPerson(t, "bobby", net)
	if _, _, err := alice.CreateIdentity(context.Background(), 12, "alice"); err != nil {
		t.Fatal(err)
	}
	befriend(t, alice, bob)
	picture := aPicture(t)
	if _, err := bob.SetProfile(chat.ProfileChange{Picture: &picture}); err != nil {
		t.Fatal(err)
	}
	bob.send(alice, "look")
	eventually(t, "the picture", func() bool { return alice.contact(bob.key()).HasPicture })
	if _, err := alice.AskContact(bob.key(), "Where did we meet?"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "peace", func() bool { return waiting(alice)+waiting(bob) == 0 })
	if sound, err := alice.CheckStore(context.Background()); err != nil || len(sound.Problems) != 0 {
		t.Fatalf("a sound store: %+v, %v", sound, err)
	}
	undo := errors.New("take it back")
	for _, b := range []breakage{
		{"contact state", "are in no state", changed("contacts", &wire.ContactRecord{}, func(m *wire.ContactRecord) { m.LocalState = 9 })},
		{"contact clock", "are in no state", changed("contacts", &wire.ContactRecord{}, func(m *wire.ContactRecord) { m.RemoteClock = 1 << 60 })},
		{"picture gone", "the picture of a contact is missing", gone("pictures")},
		{"picture of nobody", "a picture is of nobody", renamed("pictures")},
		{"no picture", "a picture is none", changed("pictures", &wire.PictureRecord{}, func(m *wire.PictureRecord) { m.Payload = []byte("x") })},
		{"picture of another type", "a picture is none", changed("pictures", &wire.PictureRecord{}, func(m *wire.PictureRecord) { m.Format++ })},
		{"question elsewhere", "a question is not what its name says", renamed("verifications")},
		{"question without id", "a question is not what its name says", changed("verifications", &wire.VerificationRecord{}, func(m *wire.VerificationRecord) { m.Id = nil })},
		{"question in no state", "a question is in no state", changed("verifications", &wire.VerificationRecord{}, func(m *wire.VerificationRecord) { m.State = "open" })},
		{"question without answer", "a question is in no state", changed("verifications", &wire.VerificationRecord{}, func(m *wire.VerificationRecord) { m.State = "answered" })},
		{"answer of ours that we judge", "a question is in no state", func(tx chat.Tx) error {
			m := wire.VerificationRecord{Peer: bob.key().Compressed(), Id: make([]byte, 32), Answer: "x", State: "confirmed"}
			b, err := proto.Marshal(&m)
			return errors.Join(err, tx.Put("verifications", append(m.GetPeer(), 'i'), b))
		}},
		{"told nobody", "a record is of nobody", func(tx chat.Tx) error { return tx.Put("introduced", []byte("nobody"), nil) }},
		{"garbled pictures", "table pictures: ", garbled("pictures")},
		{"garbled verifications", "table verifications: ", garbled("verifications")},
		{"garbled introduced", "table introduced: ", garbled("introduced")},
	} {
		t.Run(b.name, func(t *testing.T) {
			var problems []string
			err := s.Update(func(tx chat.Tx) (err error) {
				if err := b.do(tx); err != nil {
					return err
				}
				if problems, err = alice.Inspect(tx); err != nil {
					return err
				}
				return undo
			})
			if !errors.Is(err, undo) || !strings.Contains(strings.Join(problems, "\n"), b.want) {
				t.Errorf("the walk says %q, want %q (%v)", problems, b.want, err)
			}
		})
	}
}
