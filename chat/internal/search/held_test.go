package search

import (
	"errors"
	"strings"
	"testing"

	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/wire"
)

// heldBook is a book of small segments, which has an index already.
func heldBook(t *testing.T) *book {
	t.Helper()
	k := newBook(t, "", bounds{documents: 4, read: usual.read, texts: usual.texts})
	k.work(-1)
	return k
}

// fill adds messages until a segment is made of the queue.
func (k *book) fill() {
	k.t.Helper()
	for n := uint64(100); n < 104; n++ {
		k.add(message(n, n, 1, 1, "filling"))
	}
	k.work(-1)
	k.sound()
}

// TestHeldIsNotRead: a segment is made of what is held, without reading the messages.
func TestHeldIsNotRead(t *testing.T) {
	k := heldBook(t)
	k.add(message(1, 1, 1, 1, "apple"), message(2, 2, 1, 1, "pear"), message(3, 3, 1, 1, "plum"), message(4, 4, 2, 2, "fig"))
	reads := 0
	k.Index.Ledger.Store = counted{k.Index.Ledger.Store, &reads}
	k.work(-1)
	if reads != 0 {
		t.Errorf("%d messages were read", reads)
	}
	if len(k.held.said) != 0 || k.held.bytes != 0 {
		t.Errorf("%d messages are held that are in a segment, %d bytes", len(k.held.said), k.held.bytes)
	}
	k.sound()
	k.want(request(t, "apple"))
}

// counted counts the messages that are read outside of transactions that write.
type counted struct {
	port.Store
	reads *int
}

func (c counted) View(fn func(port.Tx) error) error {
	return c.Store.View(func(tx port.Tx) error { return fn(countedTx{tx, c.reads}) })
}

type countedTx struct {
	port.Tx
	reads *int
}

func (c countedTx) Get(t port.Table, name []byte) ([]byte, error) {
	if t == messages {
		*c.reads++
	}
	return c.Tx.Get(t, name)
}

// TestHeldIsDropped: what has changed, or gone, is not indexed as it was when it came.
func TestHeldIsDropped(t *testing.T) {
	m, other := message(1, 1, 1, 1, "apple"), message(1, 1, 1, 1, "pear")
	for name, change := range map[string]func(k *book){
		"changed":           func(k *book) { k.put([2]*wire.MessageRecord{m, other}) },
		"removed":           func(k *book) { k.put([2]*wire.MessageRecord{m, nil}) },
		"removed and again": func(k *book) { k.put([2]*wire.MessageRecord{m, nil}); k.add(other) },
		"changed at once": func(k *book) {
			k.put([2]*wire.MessageRecord{m, nil}, [2]*wire.MessageRecord{nil, m}, [2]*wire.MessageRecord{m, other})
		},
		"removed, and a failure": func(k *book) { k.put([2]*wire.MessageRecord{m, nil}); k.fail(other) },
		"by somebody else": func(k *book) {
			l, x := newIndex(k.opened)
			if err := l.Update(func(tx *ledger.Tx) error { return put(tx, x, m, other) }); err != nil {
				t.Fatal(err)
			}
			k.model[placeOf(other)] = other
			if err := k.ledger.View(k.Load); err != nil { // as when the store comes back
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			k := heldBook(t)
			k.add(m)
			change(k)
			k.fill()
			k.want(request(t, "apple"))
			k.want(request(t, "pear"))
		})
	}
}

// fail adds a message in a transaction that fails.
func (k *book) fail(m *wire.MessageRecord) {
	k.t.Helper()
	failure := errors.New("it fails")
	err := k.ledger.Update(func(tx *ledger.Tx) error {
		tx.AtEnd(func() error { tx.AtEnd(func() error { return failure }); return nil }) // after the index has learned of it
		return put(tx, k.Index, nil, m)
	})
	if !errors.Is(err, failure) {
		k.t.Fatal(err)
	}
}

// TestHeldIsBounded: what there is no room for is read.
func TestHeldIsBounded(t *testing.T) {
	k := newBook(t, "", usual)
	k.work(-1)
	long := strings.Repeat("many words ", 1000)
	for n := uint64(1); n < 200; n++ {
		k.add(message(n, n, 1, 1, long))
		if k.held.bytes > maxHeld {
			t.Fatalf("%d bytes are held", k.held.bytes)
		}
	}
	if len(k.held.said) == 0 || len(k.held.said) == 199 {
		t.Fatalf("%d messages are held", len(k.held.said))
	}
	for n := uint64(200); n < 260; n++ {
		k.add(message(n, n, 1, 1, "short"))
	}
	k.work(-1)
	k.sound()
}
