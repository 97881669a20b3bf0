package store

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"
	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/port"
	"libstatus1to1/chat/wire"
)

// version3 are the migrations of the last version that named conversations by keys.
var version3 = migrations[:2]

// oldChats are the conversations of a store of version 3: one so long that its parts
// are several, many short ones, and a name that is no key.
func oldChats() map[string]int {
	chats := map[string]int{"no key": 3}
	for i := range 40 {
		name := append([]byte{byte(2 + i%2)}, bytes.Repeat([]byte{byte(i)}, 32)...)
		chats[string(name)] = 1 + i
	}
	chats[string(append([]byte{2}, make([]byte, 32)...))] = 3 * movedAtOnce
	return chats
}

// writeVersion3 makes a store of version 3 with oldChats.
func writeVersion3(t *testing.T, o Options) {
	t.Helper()
	st, err := openWith(o, version3)
	if err != nil {
		t.Fatal(err)
	}
	s := &subject{Store: st, t: t, path: o.Path}
	n := 0
	for name, messages := range oldChats() {
		s.update(func(tx port.Tx) {
			b, err := proto.Marshal(&wire.ChatRecord{Key: []byte(name), Unread: uint64(messages)})
			s.must(errors.Join(err, tx.Put("chats", []byte(name), b)))
			for i := range messages {
				n++
				p := pos(uint64(i*7%messages+1), byte(i))
				copy(p.ID[:8], number(uint64(n)))
				_, err := tx.Insert([]byte(name), p)
				s.must(err)
				b, err := proto.Marshal(&wire.MessageRecord{Id: p.ID[:], Chat: []byte(name), Clock: p.Clock, Text: fmt.Sprint(n)})
				s.must(errors.Join(err, tx.Put("messages", p.ID[:], b)))
			}
		})
	}
	s.update(func(tx port.Tx) { s.must(tx.Put("messages", []byte("damaged"), []byte{0xff})) })
	s.must(s.Close())
}

// wantVersion4 checks a store that writeVersion3 made and the migration has changed.
func wantVersion4(s *subject) {
	s.t.Helper()
	s.sound()
	messages, chats := map[string]*wire.MessageRecord{}, 0
	s.view(func(tx port.Tx) {
		s.must(tx.Each("messages", func(key, value []byte) error {
			m := &wire.MessageRecord{}
			if proto.Unmarshal(value, m) == nil {
				messages[string(key)] = m
			}
			return nil
		}))
		s.must(tx.Each("chats", func(key, value []byte) error {
			var rec wire.ChatRecord
			s.must(proto.Unmarshal(value, &rec))
			if !bytes.Equal(rec.GetKey(), key) {
				s.t.Errorf("the chat %x calls itself %x", key, rec.GetKey())
			}
			chats++
			return nil
		}))
		if b, err := tx.Get("messages", []byte("damaged")); err != nil || !bytes.Equal(b, []byte{0xff}) {
			s.t.Errorf("what was damaged before is %x, %v", b, err)
		}
		for name, n := range oldChats() {
			s.wantChat(tx, name, n, messages)
		}
	})
	if chats != len(oldChats()) || len(messages) != 0 {
		s.t.Errorf("%d chats, %d messages in none", chats, len(messages))
	}
}

// wantChat checks one conversation and takes its messages out of the map.
func (s *subject) wantChat(tx port.Tx, name string, n int, messages map[string]*wire.MessageRecord) {
	s.t.Helper()
	id := name
	if name != "no key" {
		id = "\x01" + name
		if left, err := tx.Count([]byte(name)); err != nil || left != 0 {
			s.t.Errorf("%d positions are left under the key, %v", left, err)
		}
	}
	b, err := tx.Get("chats", []byte(id))
	if err != nil || b == nil {
		s.t.Errorf("no chat %x, %v", id, err)
	}
	page, err := tx.Page([]byte(id), nil, n+1)
	if err != nil || len(page) != n {
		s.t.Errorf("%d positions of %d, %v", len(page), n, err)
	}
	for _, p := range page {
		if m := messages[string(p.ID[:])]; m == nil || string(m.GetChat()) != id || m.GetClock() != p.Clock {
			s.t.Errorf("a position has the message %v", m)
		}
		delete(messages, string(p.ID[:]))
	}
	if !slices.IsSortedFunc(page, func(a, b port.Position) int { return -compare(a, b) }) {
		s.t.Error("the order is another one")
	}
}

// TestConversationIDs interrupts the migration after each number of its transactions.
// The next open goes on, an earlier library refuses the file meanwhile, and the copy is
// of the time before the first of them.
func TestConversationIDs(t *testing.T) {
	made := testOptions(filepath.Join(t.TempDir(), "made.db"))
	writeVersion3(t, made)
	content, err := os.ReadFile(made.Path)
	if err != nil {
		t.Fatal(err)
	}
	parts := 0
	failure := errors.New("no")
	for interrupted := true; interrupted; {
		interrupted = false
		o := testOptions(filepath.Join(t.TempDir(), "store.db"))
		if err := os.WriteFile(o.Path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		left := parts
		_, err := openWith(o, append(slices.Clone(version3), func(tx *bolt.Tx, c *crypt) error {
			if left--; left < 0 {
				interrupted = true
				_ = conversationIDs(tx, c) // what it writes is taken back
				return failure
			}
			return conversationIDs(tx, c)
		}))
		if interrupted {
			if !errors.Is(err, failure) {
				t.Fatal(err)
			}
			wantInterrupted(t, o, parts)
		} else if err != nil {
			t.Fatal(err)
		} else {
			break
		}
		s := &subject{Store: mustOpen(t, o.Path), t: t, path: o.Path}
		wantVersion4(s)
		s.must(s.Close())
		if left := backups(t, o.Path); len(left) != 0 {
			t.Errorf("copies left: %v", left)
		}
		parts++
	}
	if parts < 6 {
		t.Errorf("only %d transactions", parts)
	}
}

// wantInterrupted looks at a file after some transactions of the migration.
func wantInterrupted(t *testing.T, o Options, parts int) {
	t.Helper()
	if parts > 0 {
		_, err := openWith(o, version3)
		wantCode(t, err, port.CodeStoreNewer)
	}
	left := backups(t, o.Path)
	if len(left) != 1 {
		t.Fatalf("copies %v", left)
	}
	b, err := os.ReadFile(left[0])
	if err != nil {
		t.Fatal(err)
	}
	before := testOptions(filepath.Join(t.TempDir(), "before.db"))
	if err := os.WriteFile(before.Path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	st, err := openWith(before, version3)
	if err != nil {
		t.Fatal(err)
	}
	s := &subject{Store: st, t: t, path: before.Path}
	s.view(func(tx port.Tx) {
		for name, n := range oldChats() {
			if got, err := tx.Count([]byte(name)); err != nil || got != uint64(n) {
				t.Errorf("the copy has %d positions of %d, %v", got, n, err)
			}
		}
	})
	s.must(s.Close())
}

// childMigrate opens a store and tells when that is done.
func childMigrate(path string) {
	s, err := Open(testOptions(path))
	check(err)
	check(s.Close())
	fmt.Println("done")
}

// TestCrashInMigration kills the process in the middle of the migration, again and again.
func TestCrashInMigration(t *testing.T) {
	seed := time.Now().UnixNano()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewSource(seed))
	o := testOptions(filepath.Join(t.TempDir(), "store.db"))
	writeVersion3(t, o)
	kills := 0
	for longest := 10; ; longest += 5 { // in the end it has the time it needs
		c := startChild(t, "migrate", o.Path)
		kill := time.AfterFunc(time.Duration(rng.Intn(longest*1000))*time.Microsecond, func() { _ = c.Process.Kill() })
		done := c.out.Scan() && c.out.Text() == "done"
		kill.Stop()
		_ = c.Wait()
		if done {
			break
		}
		kills++
	}
	t.Logf("%d kills", kills)
	s := &subject{Store: mustOpen(t, o.Path), t: t, path: o.Path}
	wantVersion4(s)
	s.must(s.Close())
}
