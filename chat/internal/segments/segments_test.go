package segments

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/segment"
	"libstatus1to1/store"
)

var start = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

// keeper is the part with people of whom some are strangers.
type keeper struct {
	*Segments
	t         *testing.T
	ledger    *ledger.Ledger
	strangers map[key.Compact]bool
}

func newKeeper(t *testing.T) *keeper {
	t.Helper()
	k := &keeper{t: t, strangers: map[key.Compact]bool{}}
	k.ledger = ledger.New(ledger.Options{
		Store: store.Memory(), Now: func() time.Time { return start },
		Stranger: func(key.Compact) bool { return false }, Blocked: func(key.Compact) bool { return false },
		Withheld: func() {}, Panicked: func(any, []byte) string { return "" },
	})
	k.restart()
	return k
}

// restart reads the part from the store again.
func (k *keeper) restart() {
	k.t.Helper()
	k.Segments = New(Options{
		Ledger: k.ledger, Stranger: func(who key.Compact) bool { return k.strangers[who] },
		Blocked: func(key.Compact) bool { return false },
	})
	if err := k.ledger.View(k.Load); err != nil {
		k.t.Fatal(err)
	}
	k.sound()
}

// sound checks the store.
func (k *keeper) sound() {
	k.t.Helper()
	err := k.ledger.View(func(tx port.Tx) error {
		return k.Check(ledger.NewWalk(context.Background(), tx, func(problem string) { k.t.Error(problem) }))
	})
	if err != nil {
		k.t.Fatal(err)
	}
}

// take stores the segments of one batch.
func (k *keeper) take(in *Intake) {
	k.t.Helper()
	if err := k.ledger.Update(in.Store); err != nil {
		k.t.Fatal(err)
	}
}

// somebody is a person who can be told from others.
func somebody(i int) (who key.Compact) {
	scalar := bytes.Repeat([]byte{7}, key.PrivateSize)
	scalar[0], scalar[1] = byte(i), byte(i>>8)
	private, err := key.ParsePrivate(scalar)
	if err != nil {
		panic(err)
	}
	return private.Public().Compact()
}

// unfinished is the first of many segments of a message.
func unfinished(i, size int) segment.Segment {
	return segment.Segment{Hash: [32]byte{byte(i), byte(i >> 8), 5}, Count: 30, Payload: make([]byte, size)}
}

func splitMessage(t *testing.T, size int) (message []byte, all []segment.Segment) {
	t.Helper()
	message = bytes.Repeat([]byte("segment "), 100)
	all, err := segment.Split(message, size)
	if err != nil {
		t.Fatal(err)
	}
	return message, all
}

func TestSegmentIntake(t *testing.T) {
	k := newKeeper(t)
	message, all := splitMessage(t, 60)
	for i, s := range all {
		in := k.Begin()
		whole, _, err := in.Accept(somebody(1), s, start)
		if err != nil {
			t.Fatal(i, err)
		}
		if _, _, err := k.Begin().Accept(somebody(1), s, start); err != nil {
			t.Fatalf("segment %d: an intake that was not stored has left a trace: %v", i, err)
		}
		k.take(in)
		if whole != nil {
			if !bytes.Equal(whole, message) || i != all[0].Count-1 {
				t.Fatalf("segment %d completes another message", i)
			}
			break
		}
		if _, _, err := k.Begin().Accept(somebody(1), s, start); !errors.Is(err, ErrDuplicate) {
			t.Fatalf("segment %d again: %v", i, err)
		}
		k.restart()
	}
	if sets, bytes := k.Kept(); sets != 0 || bytes != 0 {
		t.Errorf("%d sets of %d bytes are left", sets, bytes)
	}
}

// In one batch a set is completed, and one with its name is begun and given up.
func TestSegmentSetAnew(t *testing.T) {
	k := newKeeper(t)
	_, all := splitMessage(t, 100)
	in := k.Begin()
	for _, s := range all[:3] {
		if _, _, err := in.Accept(somebody(1), s, start); err != nil {
			t.Fatal(err)
		}
	}
	k.take(in)
	in = k.Begin()
	for i, s := range all[3:] {
		bad := s
		bad.Payload = make([]byte, len(s.Payload))
		whole, _, err := in.Accept(somebody(1), bad, start)
		if complete := i+3 == all[0].Count-1; whole != nil || complete != errors.Is(err, segment.ErrHash) {
			t.Fatal(i, whole, err)
		}
		if err != nil {
			break
		}
	}
	if _, _, err := in.Accept(somebody(1), all[2], start); err != nil {
		t.Fatal("the set was not given up", err)
	}
	k.take(in)
	if sets, _ := k.Kept(); sets != 1 {
		t.Errorf("%d sets", sets)
	}
	k.restart()
	in = k.Begin()
	for i, s := range all {
		if _, _, err := in.Accept(somebody(1), s, start); i == 2 != errors.Is(err, ErrDuplicate) {
			t.Fatal(i, err)
		}
		if i == all[0].Count-1 {
			break
		}
	}
	k.take(in)
	k.sound()
	if sets, _ := k.Kept(); sets != 0 {
		t.Errorf("%d sets are left", sets)
	}
}

// Whoever sends what cannot be completed has bounds of their own, and so have strangers and
// all together. The oldest give way.
func TestSegmentBounds(t *testing.T) {
	k := newKeeper(t)
	now := start
	begin := func(who, i, size int) error {
		in := k.Begin()
		now = now.Add(time.Second)
		_, _, err := in.Accept(somebody(who), unfinished(i, size), now)
		k.take(in)
		return err
	}
	for i := range maxSets + 5 {
		if err := begin(1, i, 10); err != nil {
			t.Fatal(err)
		}
	}
	if sets, _ := k.Kept(); sets != maxSets {
		t.Errorf("%d sets of one person", sets)
	}
	if _, found := k.sets[ID{somebody(1), unfinished(4, 0).Hash}]; found {
		t.Error("an old set is there still")
	}
	for who := 100; who < 100+maxStrangersSets; who++ {
		k.strangers[somebody(who)] = true
		for i := range maxStrangerSets + 1 {
			if err := begin(who, i, 300_000); err != nil {
				t.Fatal(err)
			}
		}
	}
	var strangers load
	for id, e := range k.sets {
		if k.strangers[id.Sender] {
			strangers.add(e)
		}
	}
	if !strangers.within(maxStrangersSets, maxStrangersBytes) || strangers.sets < 40 {
		t.Errorf("of strangers: %+v", strangers)
	}
	if sets, _ := k.Kept(); sets != maxSets+strangers.sets {
		t.Error("strangers have displaced a contact")
	}
	k.sound()
}

// One batch puts messages together up to a bound; the rest is for the next one.
func TestSegmentLater(t *testing.T) {
	k := newKeeper(t)
	in := k.Begin()
	message := make([]byte, maxWholeAtOnce-1000)
	later := 0
	for who := range 3 {
		message[0] = byte(who)
		all, err := segment.Split(message, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range all[:all[0].Count] {
			if _, _, err = in.Accept(somebody(who), s, start); errors.Is(err, ErrLater) {
				later++
			} else if err != nil {
				t.Fatal(err)
			}
		}
	}
	if later != 2 {
		t.Errorf("%d messages are left for later", later)
	}
}
