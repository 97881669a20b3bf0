package bench

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	prng "math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"
	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/session"
	"libstatus1to1/chat/protocol/topic"
	"libstatus1to1/chat/protocol/x3dh"
	"libstatus1to1/chat/wire"
)

// schema names what the built stores hold; raise it when that changes.
const schema = 7

// devices is how many devices each contact of a built store has.
const devices = 3

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
	order := s.diskOrder(b, making)
	st := openStore(b, making, false)
	s.addContacts(b, st)
	s.addMessages(b, st, order)
	s.addHistory(b, st)
	if err := st.Close(); err != nil {
		b.Fatal(err)
	}
	compact(b, making)
	plain := fileSize(b, making)
	indexed(b, making)
	compact(b, making)
	if err := os.Rename(making, path); err != nil {
		b.Fatal(err)
	}
	b.Logf("%s: the index for search takes %d bytes of %d, %.1f %% more than without", path, fileSize(b, path)-plain, fileSize(b, path),
		100*float64(fileSize(b, path)-plain)/float64(plain))
	b.Logf("%s built in %v", path, time.Since(start).Round(time.Second))
	return path
}

// fills are how full the pages of a compacted store are, one after the other: those of records
// in the order of hashes are between half full and full when a store grows message by
// message. If all were full, each new message would split one.
var fills = []float64{0.7, 0.9, 0.5, 0.8, 0.6}

// risingFill is how full the store leaves the pages of what comes in the order of its keys.
const risingFill = 0.95

// compact leaves out the free pages: a store that grew message by message has few,
// one made in large transactions has thousands, and each commit writes their list.
func compact(b *testing.B, path string) {
	options := &bolt.Options{PageSize: 4096, NoSync: true, NoGrowSync: true, FreelistType: bolt.FreelistMapType}
	src, err := bolt.Open(path, 0o600, options)
	if err != nil {
		b.Fatal(err)
	}
	dst, err := bolt.Open(path+".new", 0o600, options)
	if err != nil {
		b.Fatal(err)
	}
	err = src.View(func(tx *bolt.Tx) error {
		return tx.ForEach(func(name []byte, bucket *bolt.Bucket) error { return copyBucket(dst, name, bucket.Cursor()) })
	})
	if err = errors.Join(err, dst.Close(), src.Close(), os.Remove(path), os.Rename(path+".new", path)); err != nil {
		b.Fatal(err)
	}
}

// copyBucket copies the records of a bucket, in parts.
func copyBucket(dst *bolt.DB, name []byte, c *bolt.Cursor) error {
	const atOnce = 4 << 20
	k, v := c.First()
	for part := 0; part == 0 || k != nil; part++ {
		err := dst.Update(func(tx *bolt.Tx) error {
			to, err := tx.CreateBucketIfNotExists(name)
			if err != nil {
				return err
			}
			to.FillPercent = fills[part%len(fills)]
			if len(k) == 8 { // a number or a label
				to.FillPercent = risingFill
			}
			for size := 0; k != nil && size < atOnce; k, v = c.Next() {
				if err := to.Put(k, v); err != nil {
					return err
				}
				size += len(k) + len(v)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// put stores one record in a transaction that the caller ends when this fails.
func put(tx chat.Tx, table chat.Table, name []byte, m proto.Message) error {
	raw, err := proto.Marshal(m)
	if err != nil {
		return err
	}
	return tx.Put(table, name, raw)
}

// inSteps calls add for parts of 0 to n, each in a transaction of its own.
func inSteps(b *testing.B, st chat.Store, n, atOnce int, add func(tx chat.Tx, i int) error) {
	for from := 0; from < n; from += atOnce {
		err := st.Update(func(tx chat.Tx) error {
			for i := from; i < min(n, from+atOnce); i++ {
				if err := add(tx, i); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

// addContacts writes people as the engine does: the contact, both topics shared with
// them, and a session with each of their devices. Only the keys of the topics are made
// up, which would take 12 ms each, and all have the sessions of the first: three
// agreements each.
func (s size) addContacts(b *testing.B, st chat.Store) {
	sessions := sessionsWith(b, keyNumber(0)).Record()
	inSteps(b, st, s.contacts, 1000, func(tx chat.Tx, i int) error {
		who := keyNumber(i)
		name := who.Compressed()
		err := put(tx, "contacts", name, &wire.ContactRecord{Key: name, Added: true, AddedAt: 1, Name: fmt.Sprintf("friend %d", i)})
		for _, kind := range []string{"contact_code", "negotiated"} {
			err = errors.Join(err, put(tx, "topics", append([]byte(kind), name...), &wire.TopicRecord{
				Kind: kind, Key: random(32), Peer: name, ContentTopic: topic.Named(kind + who.Hex()).ContentTopic()}))
		}
		return errors.Join(err, put(tx, "peers", name, sessions))
	})
}

// sessionsWith is what we know of a person with so many devices to whom we wrote once.
func sessionsWith(b *testing.B, who key.Public) session.Peer {
	b.Helper()
	now := time.Now()
	bundle := x3dh.Bundle{Identity: who, Timestamp: now.UnixNano()}
	for range devices {
		signed, err := key.Generate(rand.Reader)
		if err != nil {
			b.Fatal(err)
		}
		bundle.SignedPreKeys = append(bundle.SignedPreKeys, x3dh.SignedPreKey{
			InstallationID: fmt.Sprintf("%x", random(16)), Key: signed.Public(), Version: 1, ProtocolVersion: 1})
	}
	self := newStranger(b).Self
	peer, _, err := session.Peer{Identity: who}.Learn(self, bundle, now).Encrypt(self, []byte("hello"), nil, now, source)
	if err != nil || len(peer.Sessions) != devices {
		b.Fatal(len(peer.Sessions), err)
	}
	return peer
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return b
}

// idOf is the id of message i of a built store. It ends with the number.
func idOf(i int) (id [32]byte) {
	r := prng.New(prng.NewPCG(uint64(i), 2))
	for at := 0; at < len(id); at += 8 {
		binary.BigEndian.PutUint64(id[at:], r.Uint64())
	}
	binary.BigEndian.PutUint32(id[28:], uint32(i))
	return id
}

func numberOf(id []byte) uint32 { return binary.BigEndian.Uint32(id[28:]) }

// ranked is a message and where its record lies among the others.
type ranked struct {
	place  uint64
	number uint32
}

// diskOrder gives the messages in the order in which the store at path, in which there are
// none yet, will keep their records: by a keyed hash of the id. So they can be added from
// one end to the other: added in another order, nearly every message would have a page
// of its own written, and ten million of them 40 GB.
//
// The order is that of the ids alone, put into copies of the store a part at a time.
func (s size) diskOrder(b *testing.B, path string) []ranked {
	const part = 250_000
	copied := path + ".order"
	defer os.Remove(copied)
	order := make([]ranked, 0, s.messages)
	for from := 0; from < s.messages; from += part {
		_ = os.Remove(copied)
		copyFile(b, path, copied)
		to := min(s.messages, from+part)
		st := openStore(b, copied, false)
		err := st.Update(func(tx chat.Tx) error {
			for i := from; i < to; i++ {
				id := idOf(i)
				if err := tx.Put("messages", id[:], nil); err != nil {
					return err
				}
			}
			return nil
		})
		known := len(order)
		err = errors.Join(err, st.View(func(tx chat.Tx) error {
			return tx.Each("messages", func(id, _ []byte) error {
				order = append(order, ranked{number: numberOf(id)})
				return nil
			})
		}), st.Close())
		if err != nil {
			b.Fatal(err)
		}
		placed(b, copied, order[known:])
	}
	slices.SortFunc(order, func(x, y ranked) int { return cmp.Compare(x.place, y.place) })
	return order
}

// placed sets the places of messages that are in a file alone, in their order.
func placed(b *testing.B, path string, order []ranked) {
	db, err := bolt.Open(path, 0o600, &bolt.Options{PageSize: 4096, NoSync: true, ReadOnly: true})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	err = db.View(func(tx *bolt.Tx) error {
		return tx.ForEach(func(_ []byte, bucket *bolt.Bucket) error {
			if bucket.Stats().KeyN != len(order) {
				return nil
			}
			i := 0
			return bucket.ForEach(func(k, _ []byte) error {
				order[i].place = binary.BigEndian.Uint64(k)
				i++
				return nil
			})
		})
	})
	if err != nil || order[len(order)-1].place == 0 {
		b.Fatal("the messages were not found in the file: ", err)
	}
}

// addMessages writes the messages of a conversation, as received.
func (s size) addMessages(b *testing.B, st chat.Store, order []ranked) {
	const atOnce = 8192
	friend, with := s.friend().Compressed(), message.ConversationWith(s.friend()).Bytes()
	parts := slices.Collect(slices.Chunk(order, atOnce))
	encoded := inOrder(parts, func(part []ranked) [][]byte {
		records := make([][]byte, len(part))
		for j, m := range part {
			i := int(m.number)
			id := idOf(i)
			raw, err := proto.Marshal(&wire.MessageRecord{Id: id[:], Chat: with, From: friend, Kind: "text", Text: prose(i),
				Clock: clockOf(i), SentAt: int64(clockOf(i)), ReceivedAt: int64(clockOf(i)), State: "received",
				SenderName: "friend", Read: true, ApplicationType: 1})
			if err != nil {
				b.Error(err)
			}
			records[j] = raw
		}
		return records
	})
	for _, part := range parts {
		records := <-encoded
		err := st.Update(func(tx chat.Tx) error {
			for j, m := range part {
				id := idOf(int(m.number))
				if err := tx.Put("messages", id[:], records[j]); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

// inOrder runs f for all parts, on all cores, and hands out the results in order, a few
// ahead of who takes them.
func inOrder[P, R any](parts []P, f func(P) R) <-chan R {
	workers := runtime.GOMAXPROCS(0)
	out, slots := make(chan R), make([]chan R, len(parts))
	for i := range slots {
		slots[i] = make(chan R, 1)
	}
	ahead := make(chan struct{}, 2*workers)
	var next atomic.Int64
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for {
				ahead <- struct{}{}
				i := int(next.Add(1)) - 1
				if i >= len(parts) {
					<-ahead
					return
				}
				slots[i] <- f(parts[i])
			}
		})
	}
	go func() {
		for _, slot := range slots {
			out <- <-slot
			<-ahead
		}
		all.Wait()
		close(out)
	}()
	return out
}

// addHistory writes the places of all messages, and the record of the conversation.
func (s size) addHistory(b *testing.B, st chat.Store) {
	with := message.ConversationWith(s.friend()).Bytes()
	inSteps(b, st, s.messages, 1<<15, func(tx chat.Tx, i int) error {
		_, err := tx.Insert(with, chat.Position{Clock: clockOf(i), ID: idOf(i)})
		return err
	})
	newest := idOf(s.messages - 1)
	clock := clockOf(s.messages - 1)
	err := st.Update(func(tx chat.Tx) error {
		return put(tx, "chats", with, &wire.ChatRecord{Key: with, Clock: clock, LastMessageClock: clock, LastMessageId: bytes.Clone(newest[:])})
	})
	if err != nil {
		b.Fatal(err)
	}
}
