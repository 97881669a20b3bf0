package bench

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"
	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/session"
	"libstatus1to1/chat/protocol/topic"
	"libstatus1to1/chat/wire"
	"libstatus1to1/store"
)

// size is how much is in a store.
type size struct{ contacts, messages int }

var (
	small = size{contacts: 10, messages: 1000}
	large = size{contacts: 10_000, messages: 1_000_000}
)

func (s size) String() string { return fmt.Sprintf("contacts=%d,messages=%d", s.contacts, s.messages) }

// friend has all the messages of a store of that size.
func (s size) friend() key.Public { return keyNumber(0) }

// keyNumber is a key that is the same each time, so that a built store can be used again.
func keyNumber(i int) key.Public {
	var scalar [key.PrivateSize]byte
	binary.BigEndian.PutUint64(scalar[key.PrivateSize-8:], uint64(i)+1000)
	k, err := key.ParsePrivate(scalar[:])
	if err != nil {
		panic(err)
	}
	return k.Public()
}

// schema names what the built stores hold; raise it when that changes.
const schema = 6

// built gives the path of a store of that size, made once and kept in build/.
func (s size) built(b *testing.B) string {
	b.Helper()
	path := filepath.Join("..", "..", "build", "bench", fmt.Sprintf("%d-%d-%d.db", schema, s.contacts, s.messages))
	if _, err := os.Stat(path); err == nil {
		return path
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		b.Fatal(err)
	}
	start := time.Now()
	making := path + ".making"
	_ = os.Remove(making)
	p := openPerson(b, openStore(b, making, false), newCable())
	p.become("alice")
	if err := p.Close(); err != nil {
		b.Fatal(err)
	}
	st := openStore(b, making, false)
	s.addContacts(b, st)
	s.addMessages(b, st, p.key)
	if err := st.Close(); err != nil {
		b.Fatal(err)
	}
	compact(b, making, path)
	plain := fileSize(b, path)
	indexed(b, path)
	if err := os.Rename(path, making); err != nil {
		b.Fatal(err)
	}
	compact(b, making, path)
	b.Logf("%s: the index for search takes %d bytes of %d, %.1f %% more than without", path, fileSize(b, path)-plain, fileSize(b, path),
		100*float64(fileSize(b, path)-plain)/float64(plain))
	b.Logf("%s built in %v", path, time.Since(start).Round(time.Second))
	return path
}

// compact leaves out the free pages: a store that grew message by message has few,
// one made in large transactions has thousands, and each commit writes their list.
func compact(b *testing.B, from, to string) {
	options := &bolt.Options{PageSize: 4096, NoSync: true}
	src, err := bolt.Open(from, 0o600, options)
	if err != nil {
		b.Fatal(err)
	}
	dst, err := bolt.Open(to+".new", 0o600, options)
	if err != nil {
		b.Fatal(err)
	}
	const atOnce = 4 << 20
	err = errors.Join(bolt.Compact(dst, src, atOnce), dst.Close(), src.Close(), os.Remove(from), os.Rename(to+".new", to))
	if err != nil {
		b.Fatal(err)
	}
}

// open opens the built store, which the benchmark may change: messages that are
// sent stay in it, so the network must be away or the friend unknown to it.
func (s size) open(b *testing.B, sync, online bool) *person {
	net := newCable()
	net.online = online
	return openPerson(b, openStore(b, s.built(b), sync), net).settled()
}

// settled waits until the walk over the whole file, which follows the opening of a
// large one, is done: a write waits for it.
func (p *person) settled() *person {
	p.forget(0)
	return p
}

func put(b *testing.B, tx chat.Tx, table chat.Table, name []byte, m proto.Message) {
	raw, err := proto.Marshal(m)
	if err == nil {
		err = tx.Put(table, name, raw)
	}
	if err != nil {
		b.Fatal(err)
	}
}

// addContacts writes people as the engine does: the contact, both topics shared
// with them, the device they have. Only the keys of the topics are made up: they
// would take 12 ms each.
func (s size) addContacts(b *testing.B, st chat.Store) {
	const atOnce = 1000
	for from := 0; from < s.contacts; from += atOnce {
		err := st.Update(func(tx chat.Tx) error {
			for i := from; i < min(s.contacts, from+atOnce); i++ {
				who := keyNumber(i)
				name := who.Compressed()
				put(b, tx, "contacts", name, &wire.ContactRecord{Key: name, Added: true, AddedAt: 1, Name: fmt.Sprintf("friend %d", i)})
				for _, kind := range []string{"contact_code", "negotiated"} {
					put(b, tx, "topics", append([]byte(kind), name...), &wire.TopicRecord{
						Kind: kind, Key: random(32), Peer: name, ContentTopic: topic.Named(kind + who.Hex()).ContentTopic()})
				}
				put(b, tx, "peers", name, session.Peer{Identity: who, Installations: []session.Installation{{
					ID: "device", ProtocolVersion: 1, PreKey: who, PreKeyVersion: 1, BundleTimestamp: 1, Activity: 1}}}.Record())
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return b
}

// addMessages writes a conversation, as received.
func (s size) addMessages(b *testing.B, st chat.Store, own key.Public) {
	const atOnce = 2000 // larger transactions leave a long list of free pages behind
	friend, with := s.friend().Compressed(), message.ConversationWith(s.friend()).Bytes()
	for from := 0; from < s.messages; from += atOnce {
		err := st.Update(func(tx chat.Tx) error {
			var last *wire.MessageRecord
			for i := from; i < min(s.messages, from+atOnce); i++ {
				id := random(32)
				last = &wire.MessageRecord{Id: id, Chat: with, From: friend, Kind: "text", Text: prose(i),
					Clock: clockOf(i), SentAt: int64(clockOf(i)), ReceivedAt: int64(clockOf(i)), State: "received",
					SenderName: "friend", Read: true, ApplicationType: 1}
				put(b, tx, "messages", id, last)
				if _, err := tx.Insert(with, chat.Position{Clock: last.Clock, ID: [32]byte(id)}); err != nil {
					return err
				}
			}
			put(b, tx, "chats", with, &wire.ChatRecord{Key: with, Clock: last.Clock, LastMessageClock: last.Clock, LastMessageId: last.Id})
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

// clockOf is the clock of a message: one a second, beginning in 2020.
func clockOf(i int) uint64 { return 1_577_836_800_000 + 1000*uint64(i) }

// oldPage is the cursor of a page in the middle.
func (s size) oldPage() string { return fmt.Sprintf("%d-%064x", clockOf(s.messages/2), 0) }

// onBoth runs f for the small and the large store and compares the two.
func onBoth(b *testing.B, name string, f func(b *testing.B, name string, s size)) {
	for _, s := range []size{small, large} {
		full := name + "/" + s.String()
		if s == large {
			comparesWith(full, name+"/"+small.String())
		}
		b.Run(s.String(), func(b *testing.B) { f(b, full, s) })
	}
}

// BenchmarkSendAtScale sends to the friends, as BenchmarkAccept does. One message
// goes ahead: the first write after opening waits until the whole file was walked.
func BenchmarkSendAtScale(b *testing.B) {
	onBoth(b, "send-at-scale", func(b *testing.B, name string, s size) {
		needs(name, acceptSum.plus(chatSum))
		w := newStopwatch(b)
		p := s.copied(b)
		for i := range small.contacts {
			p.say(keyNumber(i), -1-i)
		}
		w.start()
		for i := range b.N {
			p.say(keyNumber(i%small.contacts), i)
		}
		w.stop()
		w.done(name, b.N)
	})
}

// copied opens a copy that may be changed. The network is away.
func (s size) copied(b *testing.B) *person {
	raw, err := os.ReadFile(s.built(b))
	if err != nil {
		b.Fatal(err)
	}
	path := filepath.Join(benchDir(b), "copy.db")
	if err := writePages(path, raw); err != nil {
		b.Fatal(err)
	}
	net := newCable()
	net.online = false
	return openPerson(b, openStore(b, path, false), net).settled()
}

// writePages writes a file page by page, as bbolt does. After one large write Linux
// keeps the file in pieces of up to 2 MiB, and each later write of 4 KiB goes over the
// whole list of blocks of its piece: 15 us in place of 1.
func writePages(path string, raw []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	const page = 4096
	for part := range slices.Chunk(raw, page) {
		if _, err := f.Write(part); err != nil {
			return errors.Join(err, f.Close())
		}
	}
	return f.Close()
}

// BenchmarkPage lists 50 messages of the friend.
func BenchmarkPage(b *testing.B) {
	for _, which := range []string{"first", "old"} {
		b.Run(which, func(b *testing.B) {
			onBoth(b, "page-"+which, func(b *testing.B, name string, s size) {
				needs(name, sum{aead: 2 * 50, place: 50})
				p := s.open(b, false, false)
				request := chat.PageRequest{Limit: 50}
				if which == "old" {
					request.Cursor = s.oldPage()
				}
				w := newStopwatch(b)
				w.start()
				for range b.N {
					page, err := p.Messages(s.friend(), request)
					if err != nil || len(page.Items) != 50 {
						b.Fatal(len(page.Items), err)
					}
				}
				w.stop()
				w.done(name, b.N)
			})
		})
	}
}

// BenchmarkOpen opens the store alone, and the engine on it: identity, topics,
// outbox. Both with a key in place of a passphrase.
func BenchmarkOpen(b *testing.B) {
	onBoth(b, "open-store", func(b *testing.B, name string, s size) {
		path := s.built(b)
		w := newStopwatch(b)
		for range b.N {
			w.start()
			st, err := store.Open(store.Options{Path: path, Key: masterKey})
			w.stop()
			if err != nil {
				b.Fatal(err)
			}
			_ = st.Close()
		}
		w.done(name, b.N)
	})
	onBoth(b, "open-engine", func(b *testing.B, name string, s size) {
		path := s.built(b)
		w := newStopwatch(b)
		for range b.N {
			net := newCable()
			net.online = false
			w.start()
			c, err := chat.Open(context.Background(), chat.Options{Store: openStore(b, path, false), Transport: net, Settings: settings})
			w.stop()
			if err != nil {
				b.Fatal(err)
			}
			_ = c.Close()
		}
		w.done(name, b.N)
	})
}
