package chat

import (
	"cmp"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/contact"
	"libstatus1to1/chat/internal/agree"
	"libstatus1to1/chat/internal/history"
	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/session"
	"libstatus1to1/chat/wire"
)

// Own devices agree on what the user has said on any of them. Package agree decides what is
// sent to them and when; this file reports changes to it (agreed), and devices that need the
// whole state (meetDevices). agree_tell.go makes the messages, and receive_agree.go handles
// those of other devices.

// awayAfter is the silence of a device of ours after which it and this one send each other
// the whole state: messages that waited for it may have been given up.
const awayAfter = 3 * 24 * time.Hour

// newAgree makes the part.
func (c *Client) newAgree() *agree.Agree {
	return agree.New(agree.Host{
		Ledger: c.ledger, Log: c.log, Wake: c.kick, Delay: c.settings.AckDelay,
		Others: func() bool { a := c.self.Load(); return a != nil && len(a.others) > 0 },
		Tell:   c.tell, All: c.everySubject,
		Waits:  func(id [32]byte) bool { return len(c.outbox.RecipientsOf(id)) > 0 },
		Recall: func(tx *ledger.Tx, id [32]byte) error { _, err := c.outbox.Cancel(tx, id); return err },
	})
}

// agreed notes a change by the user of this device that the other devices have to learn.
func (t *txn) agreed(s agree.Subject) error { return t.c.agree.Changed(t.Tx, s) }

// chatChanged is called by the history when the user has changed something about a chat here.
func (c *Client) chatChanged(tx *ledger.Tx, change history.Change) error {
	if k, ok := change.In.Person(); ok && change.Cause == history.CauseMuted { // which the Status app learns with the person
		if err := c.agree.Changed(tx, agree.Person(k[:])); err != nil {
			return err
		}
	}
	return c.agree.Changed(tx, agree.Chat(change.In.Bytes()))
}

// agreedPerson is agreed for what is known of somebody.
func (t *txn) agreedPerson(k key.Public) error { return t.agreed(agree.Person(k.Compressed())) }

// ownClock draws the clock of something that the user says on this device: the next one of
// the chat with ourselves, and later than after, which it replaces.
func (c *Client) ownClock(a *account, now time.Time, after uint64) (uint64, error) {
	next, err := c.history.NextClock(message.ConversationWith(a.public), now)
	return max(next, after+1), err
}

// meetDevices has everything told when a device of ours is addressed from now on, or is heard
// again after a long time.
func (t *txn) meetDevices(before, after session.Peer) error {
	if !t.c.isSelf(after.Identity.Compact()) {
		return nil
	}
	known, returned := installationIDs(before.Active()), false
	for _, in := range after.Active() {
		if !slices.Contains(known, in.ID) {
			return t.c.agree.TellAll(t.Tx)
		}
		was, _ := before.Find(in.ID)
		returned = returned || in.Activity-was.Activity > awayAfter.Nanoseconds()
	}
	if !returned {
		return nil
	}
	return t.c.agree.TellReturned(t.Tx, t.c.now())
}

// stamp gives the user's changes of a person the next clock. It reports whether there are any
// that the other devices have to learn.
func (c *Client) stamp(a *account, before, rec *wire.ContactRecord) (said bool, err error) {
	if proto.Equal(before, rec) {
		return false, nil
	}
	clock, err := c.ownClock(a, c.now(), 0)
	if err != nil {
		return false, err
	}
	return contact.Stamp(before, rec, clock), nil
}

// changeOwn is changeContact for a change by the user of this device, at clock.
func (t *txn) changeOwn(k key.Public, clock uint64, change func(*wire.ContactRecord) bool) error {
	said := false
	err := t.changeContact(k, func(rec *wire.ContactRecord) bool {
		before := proto.CloneOf(rec)
		if !change(rec) {
			return false
		}
		said = contact.Stamp(before, rec, clock)
		return true
	})
	if err != nil || !said {
		return err
	}
	return t.agreedPerson(k)
}

// everySubject lists the subjects that a new device has to learn.
func (c *Client) everySubject(tx Tx) ([]agree.Subject, error) {
	subjects := []agree.Subject{agree.Profile, agree.Picture}
	for table, subject := range map[Table]func([]byte) agree.Subject{
		tableContacts: agree.Person, tableVerifications: agree.Question, history.TableChats: agree.Chat,
	} {
		err := tx.Each(table, func(name, value []byte) error {
			if table == tableContacts && !worthTelling(value) || table == history.TableChats && !chatWorthTelling(value) {
				return nil
			}
			subjects = append(subjects, subject(slices.Clone(name)))
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	slices.Sort(subjects)
	return subjects, nil
}

// worthTelling reports whether there is something about a person that the user has said, or
// that they have asked. Each device hears of strangers by itself.
func worthTelling(record []byte) bool {
	var rec wire.ContactRecord
	if ledger.Decode(tableContacts, record, &rec) != nil {
		return false // store.check reports it
	}
	return rec.GetWrittenTo() || requestOf(&rec) != (contact.Request{}) || contact.CardOf(&rec).Latest() > 0
}

// stamp gives a clock to the parts of the profile that have changed since before, and returns
// the subjects that the other devices have to learn.
func (a *account) stamp(before *account, clock uint64) (subjects []agree.Subject) {
	if a.displayName != before.displayName {
		a.clocks.name = clock
	}
	if a.bio != before.bio {
		a.clocks.bio = clock
	}
	if a.colour != before.colour {
		a.clocks.colour = clock
	}
	if a.clocks != before.clocks {
		subjects = append(subjects, agree.Profile)
	}
	if !proto.Equal(a.picture, before.picture) {
		a.clocks.picture = clock
		subjects = append(subjects, agree.Picture)
	}
	return subjects
}

// chatWorthTelling is worthTelling for a chat.
func chatWorthTelling(record []byte) bool {
	var rec wire.ChatRecord
	return ledger.Decode(history.TableChats, record, &rec) == nil && agree.ChatOf(&rec) != nil
}

// What other devices of ours are told of a subject: the messages of the deployed clients,
// with a field of this library that has all the registers.
// Spec: 62/STATUS-PAYLOADS leaves them out; deployed.

// The settings of SYNC_SETTING that are of the own profile. Of the others none has a
// counterpart here.
const (
	settingDisplayName = 13
	settingBio         = 14
)

// ownMessage is a message to our own other devices.
type ownMessage struct {
	typ   wire.ApplicationMetadataMessage_Type
	body  proto.Message
	clock uint64 // the latest in it
	part  uint32 // of several of its type that tell of one subject
}

// slot is that of a message in agree.Letter.
func (m ownMessage) slot() uint32 { return uint32(m.typ)<<8 | m.part }

// tell implements Tell of agree.Host.
func (c *Client) tell(s agree.Subject, told *wire.AgreedRecord, now time.Time) ([]agree.Letter, error) {
	a, err := c.account()
	if err != nil {
		return nil, err
	}
	messages, err := c.tellings(a, s, told, now)
	if err != nil {
		return nil, err
	}
	var letters []agree.Letter
	for _, m := range messages {
		out, err := c.sign(a, a.public, m.typ, m.body, m.clock, now)
		if err != nil {
			return nil, err
		}
		letters = append(letters, agree.Letter{
			ID: [32]byte(out.row.GetMessageId()), Slot: m.slot(),
			Enqueue: func(tx *ledger.Tx) error { return c.txn(tx).enqueue(out) },
		})
	}
	return letters, nil
}

// tellings makes what tells of a subject as it is now.
func (c *Client) tellings(a *account, s agree.Subject, told *wire.AgreedRecord, now time.Time) ([]ownMessage, error) {
	if name, ok := s.Of(agree.Person); ok {
		var rec wire.ContactRecord
		if found, err := c.ledger.Get(tableContacts, name, &rec); err != nil || !found {
			return nil, err
		}
		var chat wire.ChatRecord
		if _, err := c.ledger.Get(history.TableChats, message.ConversationWithCompact(key.Compact(name)).Bytes(), &chat); err != nil {
			return nil, err
		}
		m, clock, err := agree.TellPerson(&rec, chat.GetMarks())
		return []ownMessage{{typ: wire.ApplicationMetadataMessage_SYNC_INSTALLATION_CONTACT_V2, body: m, clock: clock}}, err
	}
	if name, ok := s.Of(agree.Question); ok {
		var rec wire.VerificationRecord
		if found, err := c.ledger.Get(tableVerifications, name, &rec); err != nil || !found {
			return nil, err
		}
		m, err := agree.TellQuestion(a.public, &rec)
		return []ownMessage{{typ: wire.ApplicationMetadataMessage_SYNC_VERIFICATION_REQUEST, body: m, clock: m.GetClock()}}, err
	}
	if name, ok := s.Of(agree.Chat); ok {
		return c.tellChat(name, told, now)
	}
	switch s {
	case agree.Profile:
		return c.tellProfile(a, now)
	case agree.Picture:
		return tellPicture(a), nil
	}
	return nil, nil
}

// deviceType is the kind of this device for the Status app, which takes no name without one.
const deviceType = "library"

// tellProfile tells of the own profile and of the names of devices. Deployed clients take
// the name and the bio as settings. The clock of their display name is in seconds. The chat
// with ourselves is not active, or they would show it.
func (c *Client) tellProfile(a *account, now time.Time) ([]ownMessage, error) {
	own := agree.ProfileOf(a.record())
	names, err := c.deviceNames()
	if err != nil {
		return nil, err
	}
	own.Devices = names
	latest := max(a.clocks.name, a.clocks.bio, a.clocks.colour)
	for _, d := range names {
		latest = max(latest, d.GetClock())
	}
	messages := []ownMessage{{typ: wire.ApplicationMetadataMessage_SYNC_CHAT, body: &wire.SyncChat{
		Id: a.public.Hex(), ChatType: chatTypeOneToOne, Clock: max(latest, history.Millis(now)), Own: own,
	}, clock: latest}}
	if name := message.StatusName(a.displayName); name != "" && a.clocks.name > 0 {
		messages = append(messages, ownMessage{typ: wire.ApplicationMetadataMessage_SYNC_SETTING, part: settingDisplayName, body: &wire.SyncSetting{
			Type: settingDisplayName, Clock: a.clocks.name / uint64(time.Second/time.Millisecond), Value: &wire.SyncSetting_ValueString{ValueString: name},
		}, clock: a.clocks.name})
	}
	if a.clocks.bio > 0 {
		messages = append(messages, ownMessage{typ: wire.ApplicationMetadataMessage_SYNC_SETTING, part: settingBio, body: &wire.SyncSetting{
			Type: settingBio, Clock: a.clocks.bio, Value: &wire.SyncSetting_ValueString{ValueString: a.bio},
		}, clock: a.clocks.bio})
	}
	if a.deviceName != "" {
		messages = append(messages, ownMessage{typ: wire.ApplicationMetadataMessage_SYNC_PAIR_INSTALLATION, body: &wire.SyncPairInstallation{
			Clock: history.Millis(now), InstallationId: a.self.InstallationID, Name: a.deviceName, DeviceType: deviceType, Version: 1,
		}, clock: latest})
	}
	return messages, nil
}

// tellChat makes the messages with the state of a chat. The Status app has messages for what
// only goes forward, and resets its counts with each: so it gets only what it was not sent
// before. It learns with the person that a chat is muted, and nothing of the rest.
func (c *Client) tellChat(name []byte, told *wire.AgreedRecord, now time.Time) ([]ownMessage, error) {
	var rec wire.ChatRecord
	if found, err := c.ledger.Get(history.TableChats, name, &rec); err != nil || !found {
		return nil, err
	}
	k, err := message.ConversationID(name).Public()
	if err != nil {
		return nil, err
	}
	id, own := k.Hex(), agree.ChatOf(&rec)
	if own == nil {
		return nil, nil
	}
	messages := []ownMessage{{typ: wire.ApplicationMetadataMessage_SYNC_CHAT, body: &wire.SyncChat{
		Id: id, ChatType: chatTypeOneToOne, Active: len(rec.GetLastMessageId()) > 0, Clock: history.Millis(now),
		Muted: own.GetMuted() && own.GetMutedUntil() == 0, Chat: own,
	}, clock: agree.LatestOfChat(own)}}
	if clock := own.GetReadClock(); clock > told.GetReadClock() {
		told.ReadClock = clock
		messages = append(messages, ownMessage{
			typ: wire.ApplicationMetadataMessage_SYNC_CHAT_MESSAGES_READ, body: &wire.SyncChatMessagesRead{Clock: clock, Id: id}, clock: clock,
		})
	}
	if clock := own.GetDeletedClock(); clock > told.GetDeletedClock() {
		told.DeletedClock, told.ClearedClock = clock, max(clock, told.GetClearedClock())
		removed := &wire.SyncChatRemoved{Clock: clock, Id: id}
		if rec.GetLastMessageClock() <= clock { // they keep a chat that they began to show after the clock
			removed.Clock, removed.DeletedClock = max(clock, history.Millis(now)), clock
		}
		messages = append(messages, ownMessage{typ: wire.ApplicationMetadataMessage_SYNC_CHAT_REMOVED, body: removed, clock: clock})
	}
	if clock := own.GetClearedClock(); clock > told.GetClearedClock() {
		told.ClearedClock = clock
		messages = append(messages, ownMessage{
			typ: wire.ApplicationMetadataMessage_SYNC_CLEAR_HISTORY, body: &wire.SyncClearHistory{ClearedAt: clock, ChatId: id}, clock: clock,
		})
	}
	return messages, nil
}

// chatTypeOneToOne is the kind of a chat in SYNC_CHAT.
const chatTypeOneToOne = 1

// tellPicture tells of the own picture. Deployed clients take it for the account that they
// have named; they have no message for one that was taken away.
func tellPicture(a *account) []ownMessage {
	if a.clocks.picture == 0 && a.picture == nil {
		return nil
	}
	payload := a.picture.GetPayload()
	m := &wire.SyncProfilePictures{KeyUid: a.keyUID, Picture: &wire.OwnPicture{Clock: a.clocks.picture, Payload: payload}}
	if p, err := message.CheckPicture(payload); err == nil && a.keyUID != "" {
		for _, name := range []string{message.PictureThumbnail, message.PictureLarge} {
			m.Pictures = append(m.Pictures, &wire.SyncProfilePicture{
				Name: name, Payload: payload, Width: uint32(p.Width), Height: uint32(p.Height),
				FileSize: uint32(len(payload)), ResizeTarget: uint32(max(p.Width, p.Height)), Clock: a.clocks.picture,
			})
		}
	}
	return []ownMessage{{typ: wire.ApplicationMetadataMessage_SYNC_PROFILE_PICTURES, body: m, clock: a.clocks.picture}}
}

// tableDevices has what is known of the other devices beside their keys: installation id ->
// AgreedDeviceRecord.
const tableDevices Table = "agreed_devices"

// maxDeviceNames bounds the devices of ours whose names are kept: those that are known now,
// and as many that were once.
const maxDeviceNames = 2 * session.MaxKnownInstallations

// deviceNames are the names that the user gave devices.
func (c *Client) deviceNames() (names []*wire.OwnDeviceName, err error) {
	err = c.ledger.View(func(tx Tx) error {
		return tx.Each(tableDevices, func(id, value []byte) error {
			var rec wire.AgreedDeviceRecord
			if err := ledger.Decode(tableDevices, value, &rec); err != nil {
				return err
			}
			if rec.GetNameClock() > 0 {
				names = append(names, &wire.OwnDeviceName{InstallationId: string(id), Name: rec.GetName(), Clock: rec.GetNameClock()})
			}
			return nil
		})
	})
	slices.SortFunc(names, func(x, y *wire.OwnDeviceName) int { return cmp.Compare(x.GetInstallationId(), y.GetInstallationId()) })
	return names[:min(len(names), maxDeviceNames)], err
}
