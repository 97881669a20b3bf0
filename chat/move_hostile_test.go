package chat_test

import (
	"testing"
	"time"

	"libstatus1to1/chat"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/chat/wire"
	"libstatus1to1/store"
)

// tell sends a parcel that no device of ours would send.
func (s *moveSim) tell(from *pairingSide, m *wire.DeviceSync) {
	s.t.Helper()
	m.SyncId = s.syncID.Sync[:]
	if err := from.SendPart(from.id, m); err != nil {
		s.fatalf("%v", err)
	}
}

// TestMoveLyingReceiver: the new device claims what cannot be. The old one gives up, and has
// taken nobody for its own.
func TestMoveLyingReceiver(t *testing.T) {
	friend := newMoveSim(t, 99, memnet.Options{}).friend
	certificate, bundle, err := friend.Introduction()
	if err != nil {
		t.Fatal(err)
	}
	running := wire.DeviceSync_RUNNING
	for name, lie := range map[string]*wire.DeviceSync{
		"merged what was not sent":  {State: running, Merged: 1},
		"more than there is":        {State: running, Items: 1},
		"done before the end":       {State: wire.DeviceSync_DONE},
		"another person's device":   {State: running, Certificate: certificate, Bundle: bundle},
		"a certificate of nobody":   {State: running, Certificate: []byte{1, 2, 3}, Bundle: bundle},
		"merged before it accepted": {State: wire.DeviceSync_OFFERED, Merged: 1},
	} {
		s := newMoveSim(t, 1, memnet.Options{})
		s.pair(true)
		s.offer()
		lie.Version = 1
		s.tell(s.new, lie)
		s.until(name+" to be refused", func() bool { return s.sync(s.old).State == "failed" })
		if v := s.sync(s.old); v.Cause != chat.CodeSyncDamaged || v.By != "local" || v.Moved != 0 {
			t.Errorf("%s: %+v", name, v)
		}
		if ids := s.old.Addressed(s.people[0].public); len(ids) != 0 {
			t.Errorf("%s: the old device writes to %v", name, ids)
		}
		if p := s.old.pairing().Peer; p.Own {
			t.Errorf("%s: it is taken for a device of ours", name)
		}
		s.checked()
	}
}

// TestMoveLyingSender: the old device sends what cannot be. The new one gives up and has no
// identity.
func TestMoveLyingSender(t *testing.T) {
	elsewhere := newMoveSim(t, 98, memnet.Options{})
	archive, err := elsewhere.friend.ArchivePart()
	if err != nil {
		t.Fatal(err)
	}
	running := wire.DeviceSync_RUNNING
	for name, c := range map[string]struct {
		lie    *wire.DeviceSync
		accept bool
		cause  chat.Code
	}{
		"a part before it is accepted":   {&wire.DeviceSync{State: running, Number: 1, Batches: archive}, false, chat.CodeSyncDamaged},
		"the identity of somebody else":  {&wire.DeviceSync{State: running, Number: 1, Batches: archive}, true, chat.CodeForeignDevice},
		"what is no archive":             {&wire.DeviceSync{State: running, Number: 1, Batches: [][]byte{{0xff, 1}}}, true, chat.CodeSyncDamaged},
		"a cause that there is not":      {&wire.DeviceSync{State: wire.DeviceSync_FAILED, Cause: "you_won"}, true, chat.CodeSyncDamaged},
		"a failure before the user said": {&wire.DeviceSync{State: wire.DeviceSync_FAILED, Cause: string(chat.CodeSyncCancelled)}, false, chat.CodeSyncCancelled},
	} {
		s := newMoveSim(t, 1, memnet.Options{})
		s.pair(true)
		s.offer()
		if _, err := s.old.PauseSync(s.syncID, true); err != nil { // so that it sends nothing of its own
			t.Fatal(err)
		}
		s.until("the pause", func() bool { return s.sync(s.new).PausedThere })
		if c.accept {
			s.accept()
		}
		c.lie.Offers, c.lie.Version = true, 100
		s.tell(s.old, c.lie)
		s.until(name+" to be refused", func() bool { return s.sync(s.new).State == "failed" })
		if v := s.sync(s.new); v.Cause != c.cause || v.Moved != 0 {
			t.Errorf("%s: %+v", name, v)
		}
		if _, err := s.new.Identity(); chat.CodeOf(err) != chat.CodeNoIdentity {
			t.Errorf("%s: the new device has an identity: %v", name, err)
		}
		s.checked()
	}
}

// TestMoveWithoutEffect: parcels that belong to no sync, or come before their turn, change
// nothing and are not kept.
func TestMoveWithoutEffect(t *testing.T) {
	s := newMoveSim(t, 1, memnet.Options{})
	s.pair(true)
	s.offer()
	before, after := s.sync(s.old), s.sync(s.new)
	id := s.syncID
	for range 3 {
		s.syncID.Sync[0] ^= 1 // another sync
		s.tell(s.new, &wire.DeviceSync{Version: 7, State: wire.DeviceSync_DONE})
		s.tell(s.old, &wire.DeviceSync{Version: 7, State: wire.DeviceSync_RUNNING, Offers: true, Number: 1, Batches: [][]byte{{1}}})
		s.syncID = id
		s.tell(s.new, &wire.DeviceSync{Version: 8})                                                          // no state
		s.tell(s.new, &wire.DeviceSync{Version: 8, State: wire.DeviceSync_OFFERED, Offers: true})            // it has nothing to offer
		s.tell(s.old, &wire.DeviceSync{Version: 1, State: wire.DeviceSync_FAILED, Offers: true})             // old
		s.tell(s.old, &wire.DeviceSync{Version: 9, State: wire.DeviceSync_RUNNING, Offers: true, Number: 9}) // no batches
		s.pass(time.Minute)
	}
	if a, b := s.sync(s.old), s.sync(s.new); a != before || b != after {
		t.Errorf("%+v and %+v", a, b)
	}
	for _, d := range s.sides() {
		if n := len(records(t, d.store, "transfer_bytes")); n != 0 {
			t.Errorf("%d pieces of parcels are kept", n)
		}
	}
	s.accept()
	s.untilSync("done")
	s.moved()
}

// TestMoveForeign: nothing is offered to a device of another person, nor taken of it.
func TestMoveForeign(t *testing.T) {
	s := newMoveSim(t, 1, memnet.Options{})
	s.scanner = &pairingSide{simDevice: s.add(s.people[1], store.Memory()), sim: s.simulation}
	s.meet(true)
	s.confirm(s.scanner, true)
	s.confirm(s.shower, true)
	s.untilBoth("paired")
	_, err := s.old.SyncDevice(s.old.id)
	wantCode(t, "to a device of another person", err, chat.CodeForeignDevice, "pairing_id")
	s.tell(s.scanner, &wire.DeviceSync{Version: 1, State: wire.DeviceSync_OFFERED, Offers: true})
	s.pass(time.Minute)
	if n := len(s.list(s.old)); n != 0 {
		t.Errorf("%d syncs are offered by another person", n)
	}
	_, err = s.old.SyncDevice(chat.PairingID{1})
	wantCode(t, "to nobody", err, chat.CodeNotFound, "pairing_id")
	_, err = s.old.AcceptSync(chat.SyncID{})
	wantCode(t, "accepting nothing", err, chat.CodeNotFound, "sync_id")
}

// TestMoveStates: calls at the wrong time.
func TestMoveStates(t *testing.T) {
	s := newMoveSim(t, 1, memnet.Options{})
	s.show(true)
	_, err := s.old.SyncDevice(s.old.id)
	wantCode(t, "before the devices are paired", err, chat.CodePairingState, "pairing_id")
	s.pair(true)
	s.offer()
	_, err = s.old.SyncDevice(s.old.id)
	wantCode(t, "a second one", err, chat.CodeSyncState, "pairing_id")
	_, err = s.old.AcceptSync(s.syncID)
	wantCode(t, "accepting one's own offer", err, chat.CodeSyncState, "sync_id")
	s.accept()
	_, err = s.new.AcceptSync(s.takenID)
	wantCode(t, "accepting twice", err, chat.CodeSyncState, "sync_id")
	// The pairing ends: so does the sync, on both sides.
	if err := s.old.DiscardPairing(s.old.id); err != nil {
		t.Fatal(err)
	}
	s.until("both to know", func() bool { return s.sync(s.old).State == "failed" && s.sync(s.new).State == "failed" })
	for _, d := range s.sides() {
		if v := s.sync(d); v.Cause != chat.CodePairingEnded {
			t.Errorf("%+v", v)
		}
	}
	s.checked()
}
