package bench

import (
	"context"
	"encoding/binary"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"libstatus1to1/chat"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/internal/cputime"
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

// open opens the built store, which the benchmark may change: messages that are
// sent stay in it, so the network must be away or the friend unknown to it.
func (s size) open(b *testing.B, sync, online bool) *person {
	net := newCable()
	net.online = online
	return openPerson(b, openStore(b, s.built(b), sync), net).settled()
}

// settled waits until the walk over the whole file is done, which follows the opening of a
// large one: until the process rests.
func (p *person) settled() *person {
	const span, rest = 50 * time.Millisecond, 5 * time.Millisecond
	for {
		before := cputime.Used()
		time.Sleep(span)
		if cputime.Used()-before < rest {
			return p
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

// BenchmarkSendAtScale sends to the friends, as BenchmarkAccept does. One message to each
// goes ahead.
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
	path := filepath.Join(benchDir(b), "copy.db")
	if err := copyPages(path, s.built(b)); err != nil {
		b.Fatal(err)
	}
	net := newCable()
	net.online = false
	return openPerson(b, openStore(b, path, false), net).settled()
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
