package chat

import (
	"bytes"
	"slices"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/event"
	"libstatus1to1/chat/internal/agree"
	"libstatus1to1/chat/internal/history"
	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/session"
	"libstatus1to1/chat/text"
	"libstatus1to1/chat/wire"
)

// The own profile, the names of devices and the state of chats, as another device of ours
// tells them.

// agreeProfile joins the profile of another device with ours.
func (p *pass) agreeProfile(t *txn, said *wire.OwnProfile) error {
	said.DisplayName = text.Shown(said.GetDisplayName(), MaxDisplayName, text.Name)
	said.Bio = text.Shown(said.GetBio(), message.MaxBio, text.Lines)
	if said.GetColour() > message.MaxColour+1 {
		said.Colour, said.ColourClock = 0, 0
	}
	behind := false
	err := t.changeProfile(func(rec *wire.IdentityRecord) (next *wire.IdentityRecord) {
		next, behind = agree.JoinProfile(rec, said)
		return next
	})
	if err != nil {
		return err
	}
	more, err := p.agreeDeviceNames(t, said.GetDevices())
	if err != nil || !behind && !more {
		return err
	}
	return t.agreed(agree.Profile)
}

// ownAccount is the account as a transaction changes it.
type ownAccount struct{ next *account }

// ownAccountKey is its key in ledger.Local.
type ownAccountKey struct{}

// changeProfile stores what change makes of the identity, if that is something else, and has
// our contact code carry it. The caller holds the engine's lock.
func (t *txn) changeProfile(change func(*wire.IdentityRecord) *wire.IdentityRecord) error {
	own, first := ledger.Local[ownAccount](t.Tx, ownAccountKey{})
	if first {
		own.next = t.c.self.Load()
	}
	a := own.next
	before := a.record()
	rec := change(before)
	if proto.Equal(before, rec) {
		return nil
	}
	next := *a
	next.fill(rec)
	next.deviceName = rec.GetDeviceName()
	shown := next.displayName != a.displayName || next.bio != a.bio || next.colour != a.colour || !proto.Equal(next.picture, a.picture)
	if shown { // others must see it as a later profile, also when it is put together of two
		next.profileClock = max(a.profileClock+1, next.clocks.latest())
	}
	own.next = &next
	if err := ledger.Put(t, tableMeta, metaIdentity, next.record()); err != nil {
		return err
	}
	t.After(func() {
		// The devices in the account may have changed since it was read.
		current := *t.c.self.Load()
		current.fill(next.record())
		current.deviceName = next.deviceName
		t.c.self.Store(&current)
		if shown {
			t.c.codeSoon()
		}
	})
	if !shown {
		return nil
	}
	return t.Emit(event.ProfileChanged{DisplayName: next.displayName, Bio: next.bio, Color: int(next.accent()), HasPicture: next.picture != nil})
}

// agreeDeviceNames gives devices the names that another one tells. more reports that it does not
// know one that is known here.
func (p *pass) agreeDeviceNames(t *txn, said []*wire.OwnDeviceName) (more bool, err error) {
	told := map[string]bool{}
	for _, d := range said[:min(len(said), maxDeviceNames)] {
		d.Name = text.Shown(d.GetName(), MaxName, text.Name)
		if d.GetInstallationId() == "" || len(d.GetInstallationId()) > maxInstallationID || d.GetClock() == 0 {
			continue
		}
		told[d.GetInstallationId()] = true
		rec, found, err := ownDevice(t, d.GetInstallationId())
		if err != nil {
			return more, err
		}
		if !found {
			if room, err := roomForDevice(t); err != nil || !room {
				return more, err
			}
		}
		changed := agree.JoinDeviceName(rec, d)
		more = more || rec.GetNameClock() != d.GetClock() || rec.GetName() != d.GetName()
		if changed {
			if err := ledger.Put(t, tableDevices, []byte(d.GetInstallationId()), rec); err != nil {
				return more, err
			}
		}
		if err := p.nameDevice(t, d.GetInstallationId(), rec.GetName()); err != nil {
			return more, err
		}
	}
	err = t.Each(tableDevices, func(id, value []byte) error {
		var rec wire.AgreedDeviceRecord
		err := ledger.Decode(tableDevices, value, &rec)
		more = more || rec.GetNameClock() > 0 && !told[string(id)]
		return err
	})
	return more, err
}

// maxInstallationID is enough for the ids of all clients.
const maxInstallationID = 128

// roomForDevice reports whether one more device of ours is remembered.
func roomForDevice(tx Tx) (bool, error) {
	n := 0
	err := tx.Each(tableDevices, func(_, _ []byte) error { n++; return nil })
	return n < maxDeviceNames, err
}

// nameDevice gives an installation of ours its name, and reports that.
func (p *pass) nameDevice(t *txn, id, name string) error {
	if id == p.a.self.InstallationID {
		if t.c.self.Load().deviceName == name {
			return nil
		}
		err := t.changeProfile(func(rec *wire.IdentityRecord) *wire.IdentityRecord {
			next := proto.CloneOf(rec)
			next.DeviceName = name
			return next
		})
		if err != nil {
			return err
		}
		this := t.c.thisDevice(t.c.self.Load())
		this.Name = name
		return t.Emit(event.DeviceChanged{Device: this})
	}
	own, err := p.peer(p.a.public)
	if err != nil {
		return err
	}
	if in, found := own.Find(id); !found || in.Name == name {
		return nil
	}
	next, _ := own.Change(id, func(in *session.Installation) { in.Name = name })
	p.setPeer(own, next)
	if err := t.savePeer(own, next); err != nil {
		return err
	}
	in, _ := next.Find(id)
	return t.Emit(event.DeviceChanged{Device: deviceOf(next, in)})
}

// nameOwnDevice stores the name that the user gave a device here, and passes it on to the others.
func (t *txn) nameOwnDevice(id, name string, clock uint64) error {
	rec, found, err := ownDevice(t, id)
	if err != nil {
		return err
	}
	if !found {
		if room, err := roomForDevice(t); err != nil || !room {
			return err
		}
	}
	rec.Name, rec.NameClock = name, max(clock, rec.GetNameClock()+1)
	if err := ledger.Put(t, tableDevices, []byte(id), rec); err != nil {
		return err
	}
	return t.agreed(agree.Profile)
}

// secondsBelow: clocks below it are in seconds, as that of the display name of deployed
// clients; in milliseconds it is a day of 1973.
const secondsBelow = 100_000_000_000

// agreeSetting takes the display name or the bio from the settings of a Status app. It tells
// what was never set as empty and of now: so an empty display name says nothing, as in the
// app, and an empty bio only if the device has had another one.
func (t *txn) agreeSetting(installation string, m *wire.SyncSetting) error {
	value, isText := m.GetValue().(*wire.SyncSetting_ValueString)
	if !isText || m.GetClock() == 0 {
		return nil
	}
	clock, said := m.GetClock(), value.ValueString
	if clock < secondsBelow {
		clock *= 1000
	}
	switch m.GetType() {
	case settingDisplayName:
		if name := text.Shown(said, MaxDisplayName, text.Name); name != "" {
			return t.agreeText(&wire.OwnProfile{DisplayName: name, DisplayNameClock: clock})
		}
	case settingBio:
		return t.agreeBio(installation, text.Shown(said, message.MaxBio, text.Lines), clock)
	}
	return nil
}

// agreeText joins one part of the profile.
func (t *txn) agreeText(said *wire.OwnProfile) error {
	return t.changeProfile(func(rec *wire.IdentityRecord) *wire.IdentityRecord {
		next, _ := agree.JoinProfile(rec, said)
		return next
	})
}

// agreeBio takes the bio that a Status app tells.
func (t *txn) agreeBio(installation, bio string, clock uint64) error {
	rec, found, err := ownDevice(t, installation)
	if err != nil {
		return err
	}
	if !found {
		if room, err := roomForDevice(t); err != nil || !room {
			return err
		}
	}
	before := proto.CloneOf(rec)
	if bio == "" {
		rec.NoBioClock = max(rec.GetNoBioClock(), clock)
	} else {
		rec.Bio = true
		if err := t.agreeText(&wire.OwnProfile{Bio: bio, BioClock: clock}); err != nil {
			return err
		}
	}
	if rec.GetBio() && rec.GetNoBioClock() > 0 {
		if err := t.agreeText(&wire.OwnProfile{BioClock: rec.GetNoBioClock()}); err != nil {
			return err
		}
	}
	if proto.Equal(before, rec) {
		return nil
	}
	return ledger.Put(t, tableDevices, []byte(installation), rec)
}

// agreePicture takes the own picture of another device: ours have a field for it, and of a
// Status app it is the large one.
func (t *txn) agreePicture(m *wire.SyncProfilePictures) error {
	clock, payload := m.GetPicture().GetClock(), m.GetPicture().GetPayload()
	if m.GetPicture() == nil {
		for _, name := range []string{message.PictureThumbnail, message.PictureLarge} {
			i := slices.IndexFunc(m.GetPictures(), func(p *wire.SyncProfilePicture) bool { return p.GetName() == name })
			if i >= 0 {
				clock, payload = m.GetPictures()[i].GetClock(), m.GetPictures()[i].GetPayload()
			}
		}
	}
	picture, err := message.CheckPicture(payload)
	if len(payload) > 0 && err != nil {
		t.c.counters.drop("application")
		return nil
	}
	behind := false
	err = t.changeProfile(func(rec *wire.IdentityRecord) *wire.IdentityRecord {
		next := proto.CloneOf(rec)
		if m.GetPicture() == nil && len(m.GetKeyUid()) <= maxKeyUID && m.GetKeyUid() != "" {
			next.KeyUid = m.GetKeyUid()
		}
		if m.GetPicture() == nil && len(payload) == 0 { // it has none, which is not that it was taken away
			return next
		}
		behind = !agree.LaterPicture(rec, clock, payload) && (rec.GetPictureClock() != clock || string(rec.GetPicture().GetPayload()) != string(payload))
		if agree.LaterPicture(rec, clock, payload) {
			next.Picture, next.PictureClock = nil, clock
			if picture != nil {
				next.Picture = &wire.PictureRecord{Format: int32(picture.Format), Payload: picture.Data}
			}
		}
		return next
	})
	if err != nil || !behind || m.GetPicture() == nil {
		return err
	}
	return t.agreed(agree.Picture)
}

// maxKeyUID is the length of what the Status app calls an account: 0x and 64 digits.
const maxKeyUID = 66

// roomForChat reports whether the state of a chat is kept: that with somebody who is known, or
// one of not too many others.
func (t *txn) roomForChat(k key.Public, in message.ConversationID) (bool, error) {
	if _, known := t.c.people.contacts.get(k); known {
		return true, nil
	}
	if b, err := t.Get(history.TableChats, in.Bytes()); err != nil || b != nil {
		return b != nil, err
	}
	n := 0
	err := t.Each(history.TableChats, func(_, _ []byte) error { n++; return nil })
	return n < maxAgreedPeople, err
}

// endOf is behind all messages of a clock.
var endOf = bytes.Repeat([]byte{0xff}, 32)

// agreeChat joins the state of a chat from another device of ours with the state here. With
// whole it is all that the device knows, so whatever it lacks is sent to it.
func (t *txn) agreeChat(s *ownSync, said *wire.OwnChat, whole bool) error {
	if said == nil || s.person == t.c.self.Load().public {
		return nil
	}
	h, in := t.c.history, message.ConversationWith(s.person)
	if room, err := t.roomForChat(s.person, in); err != nil || !room {
		return err
	}
	var read port.Position
	copy(read.ID[:], said.GetReadId())
	read.Clock = said.GetReadClock()
	for _, join := range []func() (bool, error){
		func() (bool, error) { return h.DeleteChat(t.Tx, in, said.GetDeletedClock()) },
		func() (bool, error) { return h.ClearUpTo(t.Tx, in, said.GetClearedClock()) },
		func() (bool, error) { return h.ReadUpTo(t.Tx, in, read) },
		func() (bool, error) {
			return h.SetMuted(t.Tx, in, said.GetMuted(), min(max(said.GetMutedUntil(), 0), history.MaxTime), said.GetMutedClock())
		},
		func() (bool, error) { return h.SetArchived(t.Tx, in, said.GetArchived(), said.GetArchivedClock()) },
		func() (bool, error) { return h.SetMarkedUnread(t.Tx, in, said.GetUnread(), said.GetUnreadClock()) },
		func() (bool, error) {
			return h.SetDraft(t.Tx, in, text.Cut(said.GetDraft(), MaxDraft), said.GetDraftClock())
		},
		func() (bool, error) {
			return t.c.expiry.SetTimer(t.Tx, in, message.Timer{Seconds: said.GetTimer().GetSeconds(), Clock: said.GetTimer().GetClock()})
		},
	} {
		if _, err := join(); err != nil {
			return err
		}
	}
	chat, err := h.Chat(t.Tx, in.Bytes())
	if here := agree.ChatOf(chat); err != nil || here == nil || !whole || !agree.BehindOn(here, said) {
		return err
	}
	return t.agreed(agree.Chat(in.Bytes()))
}

// muted adds to what a Status app says of a person that it has muted the chat with them, or
// muted it no longer. It does not know of a mute that ends.
func (p *pass) muted(k key.Public, m *wire.SyncInstallationContactV2, write func(*txn) error) func(*txn) error {
	if m.GetCard() != nil || write == nil {
		return write
	}
	return func(t *txn) error {
		if err := write(t); err != nil {
			return err
		}
		in := message.ConversationWith(k)
		chat, err := t.c.history.Chat(t.Tx, in.Bytes())
		if now := chat.GetMarks(); err != nil || now.GetMuted() == m.GetMuted() || now.GetMutedUntil() != 0 {
			return err
		}
		changed, err := t.c.history.SetMuted(t.Tx, in, m.GetMuted(), 0, m.GetLastUpdatedLocally())
		if err != nil || !changed {
			return err
		}
		return t.agreed(agree.Chat(in.Bytes()))
	}
}
