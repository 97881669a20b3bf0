package chat_test

import (
	"encoding/hex"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"libstatus1to1/chat"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/internal/testsize"
	"libstatus1to1/store"
)

// TestMovePairing: a device without an identity is paired, over a bad network and with
// restarts, in both roles. Each side says of the other what it is; nobody takes the key of
// the new device for a person's.
func TestMovePairing(t *testing.T) {
	seeds(t, 12, func(t *testing.T, seed uint64) {
		s := newMoveSim(t, seed, badNetwork)
		if seed%4 > 1 {
			s.shower, s.scanner = s.new, s.old
		}
		restart := func() {
			for _, d := range s.sides() {
				if s.random.IntN(2) == 0 {
					d.take()
					s.restart(d.simDevice)
				}
			}
		}
		asks := seed%2 == 0
		s.show(asks)
		restart()
		s.scan(s.shower.pairing().Invitation)
		restart()
		s.until("the authcodes", func() bool {
			if s.scanner.state() == "failed" {
				s.scanAgain(asks)
			}
			return s.shower.state() == "compare" && s.scanner.state() == "compare"
		})
		s.confirm(s.scanner, true)
		restart()
		s.confirm(s.shower, true)
		s.untilBoth("paired")
		restart()
		if p := s.old.pairing().Peer; p.Own || !p.Provisional || p.PublicKey == s.people[0].public.Hex() {
			s.fatalf("the old device says %+v", p)
		}
		if p := s.new.pairing().Peer; p.Own || p.Provisional || p.PublicKey != s.people[0].public.Hex() || p.Installation != s.old.simDevice.id {
			s.fatalf("the new device says %+v", p)
		}
		if _, err := s.new.Identity(); chat.CodeOf(err) != chat.CodeNoIdentity {
			s.fatalf("the new device has an identity: %v", err)
		}
		_, err := s.new.SyncDevice(s.new.id)
		wantCode(t, "a sync from a device without an identity", err, chat.CodeNoIdentity, "")
	})
}

// TestMove: the whole way, over a bad network, with restarts of either device at any moment
// and while the friend goes on writing.
func TestMove(t *testing.T) {
	seeds(t, 20, func(t *testing.T, seed uint64) {
		s := newMoveSim(t, seed, badNetwork)
		s.say(5)
		s.pair(seed%2 == 0)
		s.offer()
		s.accept()
		s.crashSometimes(s.old, 10)
		s.crashSometimes(s.new, 10)
		said := 0
		for s.sync(s.old).State != "done" || s.sync(s.new).State != "done" {
			s.step()
			if s.random.IntN(30) == 0 {
				d := s.sides()[s.random.IntN(2)]
				d.take()
				s.restart(d.simDevice)
			}
			if said < 3 && s.random.IntN(50) == 0 {
				said++
				s.send1(s.friend, s.people[0], "meanwhile")
			}
			if v := s.sync(s.old); v.State == "failed" {
				s.fatalf("%+v", v)
			}
		}
		s.old.probe, s.new.probe = nil, nil
		s.restart(s.old.simDevice)
		s.restart(s.new.simDevice)
		s.reaches()
		s.checked()
		s.until("both devices to know the same", func() bool {
			return slices.Equal(s.texts(s.old.simDevice, s.people[1]), s.texts(s.new.simDevice, s.people[1]))
		})
		if n := len(told[event.SyncDone](s.new)); n != 1 {
			s.fatalf("told %d times of the end", n)
		}
	})
}

// TestMoveQuiet: without anything said meanwhile, both devices know the same in the end.
func TestMoveQuiet(t *testing.T) {
	s := newMoveSim(t, 1, memnet.Options{})
	s.say(20)
	s.pair(true)
	s.offer()
	if told := told[event.SyncOffered](s.new); len(told) != 1 || told[0].Sync.Offers {
		t.Fatalf("%+v", told)
	}
	s.accept()
	s.untilSync("done")
	s.moved()
	if got := told[event.IdentityReceived](s.new); len(got) != 1 || got[0].PairingID != s.new.id.String() {
		t.Fatalf("%+v", got)
	}
	s.reaches()
	s.restart(s.new.simDevice)
	s.restart(s.old.simDevice)
	s.checked()
	// Again, although both know everything: nothing is there twice.
	s.offerAgain()
	s.untilSync("done")
	if a, b := s.texts(s.old.simDevice, s.people[1]), s.texts(s.new.simDevice, s.people[1]); len(a) != len(b) {
		t.Fatalf("%d and %d", len(a), len(b))
	}
}

// offerAgain goes through a second sync.
func (s *moveSim) offerAgain() {
	s.t.Helper()
	before := s.syncID
	v, err := s.old.SyncDevice(s.old.id)
	if err != nil {
		s.fatalf("%v", err)
	}
	if s.syncID = s.parse(v.ID); s.syncID == before {
		s.fatalf("the same id again")
	}
	s.until("the offer", func() bool { return s.sync(s.new).State == "offered" })
	s.takenID = s.parse(s.sync(s.new).ID)
	s.accept()
}

// TestMovePause: either user pauses. What is on its way arrives, and then nothing moves, for
// days and over restarts, until nobody pauses any more.
func TestMovePause(t *testing.T) {
	s := newMoveSim(t, 1, memnet.Options{})
	s.fill(12_000)
	s.running()
	for _, d := range []*pairingSide{s.old, s.new} {
		id, other, otherID := s.syncID, s.new, s.takenID
		if d == s.new {
			id, other, otherID = s.takenID, s.old, s.syncID
		}
		if v, err := d.PauseSync(id, true); err != nil || !v.PausedHere || v.State != "running" {
			t.Fatalf("%+v, %v", v, err)
		}
		s.until("the other side to be told", func() bool { return s.sync(other).PausedThere })
		s.pass(time.Minute)
		moved := s.sync(s.new).Moved
		if v := s.sync(s.old); moved == v.Total {
			t.Fatal("all of it has moved before the pause")
		}
		s.restart(s.old.simDevice)
		s.pass(time.Minute)
		s.restart(s.new.simDevice)
		s.clock.advance(9 * 24 * time.Hour)
		s.pass(time.Minute)
		if v := s.sync(s.new); v.Moved != moved || v.State != "running" {
			t.Fatalf("while it is paused: %+v", v)
		}
		// One that pauses, too, holds it back alone when the first one goes on.
		for _, resumed := range []struct {
			by *pairingSide
			id chat.SyncID
		}{{other, otherID}, {d, id}} {
			if v, err := resumed.by.PauseSync(resumed.id, false); err != nil || v.PausedHere {
				t.Fatalf("%+v, %v", v, err)
			}
		}
		s.until("it to go on", func() bool { return s.sync(s.new).Moved > moved })
	}
	s.untilSync("done")
	s.moved()
	_, err := s.old.PauseSync(s.syncID, true)
	wantCode(t, "pausing what is over", err, chat.CodeSyncState, "sync_id")
	if n := len(told[event.SyncChanged](s.new)); n != 5 { // accepted, paused and resumed there, here
		t.Errorf("told %d changes", n)
	}
}

// TestMoveCancel: either user cancels, before it is accepted and in the middle. The other
// side is told, also after a restart; what was merged stays, and it can be begun again.
func TestMoveCancel(t *testing.T) {
	for seed := range uint64(4) { // who cancels, and when
		s := newMoveSim(t, seed, badNetwork)
		s.fill(6000)
		if middle := seed%2 == 1; middle {
			s.running()
		} else {
			s.pair(true)
			s.offer()
		}
		d, id, other := s.old, s.syncID, s.new
		if seed%4 > 1 {
			d, id, other = s.new, s.takenID, s.old
		}
		if v, err := d.CancelSync(id); err != nil || v.State != "failed" || v.Cause != chat.CodeSyncCancelled || v.By != "local" {
			s.fatalf("%+v, %v", v, err)
		}
		s.restart(d.simDevice)
		s.until("the other side to be told", func() bool { return s.sync(other).State == "failed" })
		if v := s.sync(other); v.Cause != chat.CodeSyncCancelled || v.By != "remote" {
			s.fatalf("%+v", v)
		}
		for _, d := range s.sides() {
			if n := len(told[event.SyncFailed](d)); n != 1 {
				s.fatalf("told %d times of the end", n)
			}
		}
		_, err := d.CancelSync(id)
		wantCode(t, "cancelling again", err, chat.CodeSyncState, "sync_id")
		s.pass(time.Minute)
		merged := s.sync(s.new).Moved
		if _, err := s.new.Identity(); (err == nil) != (seed%2 == 1) {
			s.fatalf("%d merged, and the identity: %v", merged, err)
		}
		s.checked()
		s.offerAgain()
		s.untilSync("done")
		s.old.events, s.new.events = nil, nil
		if a, b := s.texts(s.old.simDevice, s.people[1]), s.texts(s.new.simDevice, s.people[1]); !slices.Equal(a, b) {
			s.fatalf("%d and %d", len(a), len(b))
		}
		s.reaches()
	}
}

// TestMoveRestarts: one device is restarted every few steps, at all points of the way: also
// between what it merges and what it notes of it.
func TestMoveRestarts(t *testing.T) {
	for _, side := range []int{0, 1} {
		s := newMoveSim(t, uint64(side), memnet.Options{})
		s.fill(4500)
		s.pair(true)
		s.offer()
		s.accept()
		d := s.sides()[side]
		restarts := 0
		for steps := 0; s.sync(s.old).State != "done" || s.sync(s.new).State != "done"; steps++ {
			s.step()
			if steps%(10+restarts%7) == 0 { // each time at another point between two messages
				restarts++
				s.restart(d.simDevice)
			}
		}
		if restarts < 20 {
			t.Errorf("only %d restarts", restarts)
		}
		s.moved()
		s.reaches()
	}
}

// largestMove bounds the memory that a sync takes on both devices together: two parts each,
// as what they are made of, encoded, and sealed in chunks, whatever the number of messages.
const largestMove = 8 << 20

// onDisk is a store in a file that is not waited for.
func onDisk(t *testing.T) chat.Store {
	t.Helper()
	s, err := store.Open(store.Options{Path: filepath.Join(t.TempDir(), "store"), Key: make([]byte, 32), NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// TestMoveLarge: 40,000 messages, on two stores on the disk. Neither side takes more memory
// for more messages: 200 bytes each would be too much.
func TestMoveLarge(t *testing.T) {
	n := testsize.Many(40_000, 10_000)
	if testing.Short() { // under the race detector
		n = 4000
	}
	s := newMoveSim(t, 1, memnet.Options{}, onDisk(t), onDisk(t))
	s.fill(n)
	s.pair(true)
	s.offer()
	s.accept()
	before, peak := heap().HeapAlloc, uint64(0)
	for steps := 0; s.sync(s.old).State != "done" || s.sync(s.new).State != "done"; steps++ {
		s.step()
		if steps%200 == 0 {
			peak = max(peak, heap().HeapAlloc)
		}
	}
	s.moved()
	if grown := int64(peak) - int64(before); grown > largestMove {
		t.Errorf("the heap grew by %d bytes", grown)
	}
	t.Logf("%d messages; the heap grew by %d KiB at most", n, (int64(peak)-int64(before))>>10)
}

// TestMoveLive: the same with the loop and its goroutines.
func TestMoveLive(t *testing.T) {
	net := memnet.New(memnet.Options{})
	old, friend := newPerson(t, "old", net), newPerson(t, "friend", net)
	blank := openPerson(t, "new", store.Memory(), net.Join(), fast)
	for a, b := range map[*person]*person{old: friend, friend: old} {
		if _, err := a.AddContact(b.key(), ""); err != nil {
			t.Fatal(err)
		}
	}
	friend.send(old, "before")
	eventually(t, "a message", func() bool { return len(old.texts(friend)) == 1 })
	if err := old.FillHistory(friend.key(), 3000); err != nil {
		t.Fatal(err)
	}
	shown, err := old.StartPairing(false)
	if err != nil {
		t.Fatal(err)
	}
	scanned, err := blank.ScanPairing(shown.Invitation)
	if err != nil {
		t.Fatal(err)
	}
	ids := map[*person]chat.PairingID{old: pairingID(t, shown.ID), blank: pairingID(t, scanned.ID)}
	for _, state := range []string{"compare", "paired"} {
		for p, id := range ids {
			eventually(t, state, func() bool { v, err := p.Pairing(id); return err == nil && string(v.State) == state })
		}
		for p, id := range ids {
			if state == "compare" {
				if _, err := p.ConfirmPairing(id, true); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	if _, err := old.SyncDevice(ids[old]); err != nil {
		t.Fatal(err)
	}
	offered := wait(blank, "the offer", func(event.SyncOffered) bool { return true })
	raw, err := hex.DecodeString(offered.Sync.ID[2:])
	id, ok := chat.ParseSyncID(raw)
	if err != nil || !ok {
		t.Fatal(offered.Sync.ID)
	}
	if _, err := blank.AcceptSync(id); err != nil {
		t.Fatal(err)
	}
	wait(blank, "the identity", func(event.IdentityReceived) bool { return true })
	friend.send(old, "meanwhile")
	done := wait(blank, "the end", func(event.SyncDone) bool { return true })
	if done.Sync.Moved < 3000 || blank.key() != old.key() {
		t.Fatalf("%+v", done)
	}
	eventually(t, "the message sent meanwhile", func() bool {
		c, err := blank.Chat(friend.key())
		return err == nil && c.Messages == 3002
	})
	friend.send(old, "after")
	eventually(t, "the message sent after", func() bool {
		a, errA := old.Chat(friend.key())
		b, errB := blank.Chat(friend.key())
		return errA == nil && errB == nil && a.Messages == 3003 && b.Messages == 3003
	})
}
