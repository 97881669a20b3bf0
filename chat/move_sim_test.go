package chat_test

import (
	"context"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"libstatus1to1/chat"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/store"
)

// moveSim is a simulation of a person with an old device and a new one that has no identity
// yet, and of a friend.
type moveSim struct {
	*pairingSim
	friend   *simDevice
	old, new *pairingSide
	syncID   chat.SyncID // on the old device
	takenID  chat.SyncID // on the new one
}

// newMoveSim makes one, on stores in memory where none are given.
func newMoveSim(t *testing.T, seed uint64, o memnet.Options, on ...chat.Store) *moveSim {
	if len(on) == 0 {
		on = []chat.Store{store.Memory(), store.Memory()}
	}
	s := &moveSim{pairingSim: &pairingSim{simulation: newSimulation(t, seed, 2, o)}}
	s.watchNonces()
	s.old = &pairingSide{simDevice: s.add(s.people[0], on[0]), sim: s.simulation}
	s.friend = s.add(s.people[1], store.Memory())
	s.enable(s.old.simDevice)
	s.enable(s.friend)
	s.new = &pairingSide{simDevice: s.blank(s.people[0], on[1]), sim: s.simulation}
	s.shower, s.scanner = s.old, s.new
	return s
}

// blank makes a device without an identity.
func (s *simulation) blank(p *simPerson, on chat.Store) *simDevice {
	s.t.Helper()
	s.made++
	var seed [32]byte
	seed[0], seed[1], seed[2] = byte(s.seed), byte(s.seed>>8), byte(s.made)
	d := &simDevice{owner: p, store: on, rand: rand.NewChaCha8(seed)}
	s.start(d)
	s.devices = append(s.devices, d)
	return d
}

// say has the friend and the old device write to each other, and waits until all of it has
// arrived.
func (s *moveSim) say(n int) {
	s.t.Helper()
	for i := range n {
		s.send1(s.friend, s.people[0], fmt.Sprintf("to the old device %d", i))
		s.send1(s.old.simDevice, s.people[1], fmt.Sprintf("from the old device %d", i))
	}
	want := 2 * n
	s.until("what they say to arrive", func() bool {
		return len(s.texts(s.old.simDevice, s.people[1])) >= want && len(s.texts(s.friend, s.people[0])) >= want
	})
}

func (s *moveSim) send1(from *simDevice, to *simPerson, text string) {
	s.t.Helper()
	if _, err := from.Send(context.Background(), chat.SendRequest{To: to.public, Text: text}); err != nil {
		s.fatalf("%v", err)
	}
}

// texts are all texts of a conversation on a device, sorted.
func (s *moveSim) texts(d *simDevice, with *simPerson) (all []string) {
	s.t.Helper()
	for request := (chat.PageRequest{Limit: 200}); ; {
		page, err := d.Messages(with.public, request)
		if err != nil {
			s.fatalf("%v", err)
		}
		for _, m := range page.Items {
			all = append(all, m.Text)
		}
		if request.Cursor = page.Next; request.Cursor == "" {
			break
		}
	}
	slices.Sort(all)
	return all
}

// offer has the old device offer, and waits until the new one has it.
func (s *moveSim) offer() {
	s.t.Helper()
	v, err := s.old.SyncDevice(s.old.id)
	if err != nil {
		s.fatalf("%v", err)
	}
	if v.State != "offered" || !v.Offers {
		s.fatalf("%+v", v)
	}
	s.syncID = s.parse(v.ID)
	s.until("the offer", func() bool { return len(s.list(s.new)) == 1 && s.list(s.new)[0].State == "offered" })
	s.takenID = s.parse(s.list(s.new)[0].ID)
}

func (s *moveSim) accept() {
	s.t.Helper()
	if v, err := s.new.AcceptSync(s.takenID); err != nil || v.State != "running" {
		s.fatalf("%+v, %v", v, err)
	}
}

func (s *moveSim) parse(text string) chat.SyncID {
	s.t.Helper()
	b, err := hex.DecodeString(text[2:])
	id, ok := chat.ParseSyncID(b)
	if err != nil || !ok {
		s.fatalf("bad id %q", text)
	}
	return id
}

func (s *moveSim) list(d *pairingSide) []event.Sync {
	s.t.Helper()
	list, err := d.Syncs()
	if err != nil {
		s.fatalf("%v", err)
	}
	return list
}

// sync is the latest sync of a device; zero if there is none.
func (s *moveSim) sync(d *pairingSide) (v event.Sync) {
	for _, v = range s.list(d) {
	}
	return v
}

// untilSync waits until both devices say that the sync is in a state.
func (s *moveSim) untilSync(state string) {
	s.t.Helper()
	s.until("the sync to be "+state+" on both", func() bool { return string(s.sync(s.old).State) == state && string(s.sync(s.new).State) == state })
}

// moved checks what holds after a sync: the new device has the identity and an installation
// id of its own, knows what the old one knows, once each, and both are devices of the
// identity for each other.
func (s *moveSim) moved() {
	s.t.Helper()
	a, errA := s.old.Identity()
	b, errB := s.new.Identity()
	if errA != nil || errB != nil || a.PublicKey != b.PublicKey || a.InstallationID == b.InstallationID || a.DisplayName != b.DisplayName {
		s.fatalf("%+v and %+v, %v %v", a, b, errA, errB)
	}
	if a, b := s.texts(s.old.simDevice, s.people[1]), s.texts(s.new.simDevice, s.people[1]); !slices.Equal(a, b) {
		s.fatalf("%d texts on the old device, %d on the new one", len(a), len(b))
	}
	s.new.simDevice.id = b.InstallationID
	for _, d := range []*pairingSide{s.old, s.new} {
		other := s.new
		if d == s.new {
			other = s.old
		}
		if ids := d.Addressed(s.people[0].public); !slices.Contains(ids, other.simDevice.id) {
			s.fatalf("a device addresses %v of its own identity", ids)
		}
		if p := d.pairing(); p.State != "paired" || !p.Peer.Own || p.Peer.Provisional || p.Peer.PublicKey != a.PublicKey {
			s.fatalf("%+v", p.Peer)
		}
		if done := told[event.SyncDone](d); len(done) != 1 {
			s.fatalf("told %d times of the end", len(done))
		}
		if n := len(told[event.SyncProgress](d)); n > 20 {
			s.fatalf("%d progress events", n)
		}
	}
	if v := s.sync(s.old); v.Moved != v.Total || v.Total == 0 {
		s.fatalf("%+v", v)
	}
	s.checked()
}

// reaches checks that what the friend sends from now on comes to both devices, and that both
// can write.
func (s *moveSim) reaches() {
	s.t.Helper()
	s.until("the friend to know both devices", func() bool { return len(s.friend.Addressed(s.people[0].public)) == 2 })
	s.send1(s.friend, s.people[0], "to both")
	s.send1(s.new.simDevice, s.people[1], "from the new device")
	has := func(d *simDevice, with *simPerson, text string) bool { return slices.Contains(s.texts(d, with), text) }
	s.until("messages to and from both devices", func() bool {
		return has(s.old.simDevice, s.people[1], "to both") && has(s.new.simDevice, s.people[1], "to both") &&
			has(s.friend, s.people[0], "from the new device") && has(s.old.simDevice, s.people[1], "from the new device")
	})
}

// fill gives the old device a history of n messages of the friend's.
func (s *moveSim) fill(n int) {
	s.t.Helper()
	if err := s.old.FillHistory(s.people[1].public, n); err != nil {
		s.fatalf("%v", err)
	}
}

// running pairs, offers and accepts, and waits until the new device has merged a part.
func (s *moveSim) running() {
	s.t.Helper()
	s.pair(true)
	s.offer()
	s.accept()
	s.until("the first part", func() bool { return s.sync(s.new).Moved > 0 && s.sync(s.old).Moved > 0 })
	if v := s.sync(s.old); v.State != "running" || v.Moved == v.Total {
		s.fatalf("%+v", v)
	}
}

// pass lets some time pass.
func (s *moveSim) pass(d time.Duration) {
	for end := s.clock.Now().Add(d); s.clock.Now().Before(end); {
		s.stepUntil(end)
	}
}
