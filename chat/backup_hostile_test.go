package chat_test

import (
	"bytes"
	"context"
	"math"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
	"libstatus1to1/store"
)

// items makes the items of an archive.
func personItem(p *wire.ArchivePerson) *wire.ArchiveItem {
	return &wire.ArchiveItem{Item: &wire.ArchiveItem_Person{Person: p}}
}

func messageItem(m *wire.MessageRecord) *wire.ArchiveItem {
	return &wire.ArchiveItem{Item: &wire.ArchiveItem_Message{Message: m}}
}

// hostileItems are items that cannot be, by what is wrong with them: each is a good one with
// one change.
func hostileItems(own, with key.Public) map[string]*wire.ArchiveItem {
	items := map[string]*wire.ArchiveItem{"item: kind": {}}
	said := func(why string, change func(*wire.MessageRecord)) {
		m := aMessage(with, 7)
		change(m)
		items["message: "+why] = messageItem(m)
	}
	said("id", func(m *wire.MessageRecord) { m.Id = m.Id[:31] })
	said("chat", func(m *wire.MessageRecord) { m.Chat = append([]byte{1}, own.Compressed()...) })
	said("chat is not", func(m *wire.MessageRecord) { m.Chat = m.Chat[:20] })
	said("from", func(m *wire.MessageRecord) { m.From = own.Compressed() })
	said("from is not", func(m *wire.MessageRecord) { m.Outgoing, m.State = true, "sent" })
	said("state", func(m *wire.MessageRecord) { m.State = "delivered" })
	said("state is", func(m *wire.MessageRecord) { m.State = "" })
	said("clock", func(m *wire.MessageRecord) { m.Clock = math.MaxUint64 })
	said("sent_at", func(m *wire.MessageRecord) { m.ReceivedAt = -1 })
	said("kind", func(m *wire.MessageRecord) { m.Kind = strings.Repeat("k", 200) })
	said("installation_id", func(m *wire.MessageRecord) {
		m.Devices = []*wire.DeviceAckRecord{{InstallationId: strings.Repeat("k", 200)}}
	})
	said("devices", func(m *wire.MessageRecord) { m.Devices = make([]*wire.DeviceAckRecord, 1000) })
	said("evidence_nodes", func(m *wire.MessageRecord) { m.EvidenceNodes = []string{strings.Repeat("k", 200)} })
	person := func(why string, change func(*wire.ArchivePerson)) {
		p := &wire.ArchivePerson{Key: with.Compressed(), Contact: &wire.ContactRecord{Key: with.Compressed(), Added: true}}
		change(p)
		items["person: "+why] = personItem(p)
	}
	person("key", func(p *wire.ArchivePerson) { p.Key = p.Key[:32] })
	person("key is the", func(p *wire.ArchivePerson) { p.Key = own.Compressed() })
	person("key is another", func(p *wire.ArchivePerson) { p.Contact.Key = nil })
	person("local_state", func(p *wire.ArchivePerson) { p.Contact.LocalState = 77 })
	person("local_state and", func(p *wire.ArchivePerson) { p.Contact.RemoteClock = math.MaxUint64 })
	person("verified_by", func(p *wire.ArchivePerson) { p.Contact.VerifiedAt = 5 })
	person("verified_by is", func(p *wire.ArchivePerson) { p.Contact.VerifiedAt, p.Contact.VerifiedBy = 5, "a friend" })
	person("request_id", func(p *wire.ArchivePerson) { p.Contact.RequestId = []byte{1} })
	person("profile_clock", func(p *wire.ArchivePerson) { p.Contact.ProfileClock = math.MaxUint64 })
	person("blocked_at", func(p *wire.ArchivePerson) { p.Contact.BlockedAt = math.MinInt64 })
	person("key_exchange", func(p *wire.ArchivePerson) { p.Contact.KeyExchange = "none" })
	person("picture", func(p *wire.ArchivePerson) { p.Picture = &wire.PictureRecord{Format: 1, Payload: []byte("GIF89a")} })
	question := func(why string, change func(*wire.VerificationRecord)) {
		q := &wire.VerificationRecord{Id: make([]byte, 32), Peer: with.Compressed(), Question: "q", State: "asked", AskedAt: 5}
		change(q)
		items["verification: "+why] = &wire.ArchiveItem{Item: &wire.ArchiveItem_Verification{Verification: q}}
	}
	question("peer", func(q *wire.VerificationRecord) { q.Peer = nil })
	question("state", func(q *wire.VerificationRecord) { q.State = "sworn" })
	question("question", func(q *wire.VerificationRecord) { q.Question = strings.Repeat("q", 5000) })
	question("id", func(q *wire.VerificationRecord) { q.Id = []byte{1} })
	question("asked_clock", func(q *wire.VerificationRecord) { q.AskedClock = math.MaxUint64 })
	items["chat: chat"] = &wire.ArchiveItem{Item: &wire.ArchiveItem_Chat{Chat: &wire.ChatRecord{Key: []byte{2, 3}}}}
	items["chat: clock"] = &wire.ArchiveItem{Item: &wire.ArchiveItem_Chat{Chat: &wire.ChatRecord{Key: aMessage(with, 1).Chat, Clock: math.MaxUint64}}}
	return items
}

// TestHostileBackup: of an archive by somebody who knows its passphrase each item that cannot be
// is left out, and the cause says which field is wrong. What is good beside it is merged, and
// the store contradicts itself in nothing.
func TestHostileBackup(t *testing.T) {
	private, with := mustGenerate(t), mustGenerate(t).Public()
	own := private.Public()
	identity := &wire.ArchiveItem{Item: &wire.ArchiveItem_Identity{Identity: &wire.IdentityRecord{
		PrivateKey: private.Bytes(), InstallationId: "not this one", DisplayName: strings.Repeat("n", 500), DeviceName: "stolen",
	}}}
	p := newDevice(t, "laptop", memnet.New(memnet.Options{}))
	number := uint32(100)
	for why, item := range hostileItems(own, with) {
		number++
		var b bytes.Buffer
		archiveFile(t, &b, func(yield func(*wire.ArchiveBatch) bool) {
			yield(&wire.ArchiveBatch{Owner: own.Compressed(), Last: true, Items: []*wire.ArchiveItem{identity, item, messageItem(aMessage(with, number))}})
		})
		got := p.restore(b.Bytes())
		if got.Refused != 1 || got.New.Messages != 1 || !strings.HasPrefix(got.RefusedCause, why) {
			t.Errorf("%s: %+v", why, got)
		}
	}
	p.sound()
	if info, err := p.Identity(); err != nil || info.InstallationID == "not this one" || len([]rune(info.DisplayName)) > chat.MaxDisplayName {
		t.Errorf("the identity is %+v, %v", info, err)
	}
	if devices, err := p.Devices(); err != nil || len(devices) != 1 || devices[0].Name != "" {
		t.Errorf("the devices are %+v, %v", devices, err)
	}
	if list, err := p.Contacts(chat.PageRequest{}); err != nil || len(list.Items) != 0 {
		t.Errorf("the people are %+v, %v", list, err)
	}
}

// TestHostileBackupWhole: what is wrong with a whole archive ends the import with an error, and
// adopts nobody.
func TestHostileBackupWhole(t *testing.T) {
	private, other, with := mustGenerate(t), mustGenerate(t), mustGenerate(t).Public()
	own := private.Public().Compressed()
	identity := func(k key.Private) *wire.ArchiveItem {
		return &wire.ArchiveItem{Item: &wire.ArchiveItem_Identity{Identity: &wire.IdentityRecord{PrivateKey: k.Bytes()}}}
	}
	for name, batches := range map[string][]*wire.ArchiveBatch{
		"no owner":                     {{Last: true, Items: []*wire.ArchiveItem{identity(private)}}},
		"an owner that is no key":      {{Last: true, Owner: make([]byte, 33), Items: []*wire.ArchiveItem{identity(private)}}},
		"without its identity":         {{Last: true, Owner: own, Items: []*wire.ArchiveItem{messageItem(aMessage(with, 1))}}},
		"with another identity":        {{Last: true, Owner: own, Items: []*wire.ArchiveItem{identity(other), messageItem(aMessage(with, 1))}}},
		"without an end":               {{Owner: own, Items: []*wire.ArchiveItem{identity(private)}}},
		"with something after its end": {{Owner: own, Last: true, Items: []*wire.ArchiveItem{identity(private)}}, {Owner: own}},
	} {
		var b bytes.Buffer
		archiveFile(t, &b, func(yield func(*wire.ArchiveBatch) bool) {
			for _, batch := range batches {
				yield(batch)
			}
		})
		e := newDevice(t, "laptop", memnet.New(memnet.Options{})).refused(b.Bytes(), backupPassphrase)
		if e.Code != chat.CodeBadArchive {
			t.Errorf("%s: %v", name, e)
		}
	}
}

// TestHostileBackupContent: what an archive says that a message says has the bounds of what comes by
// the network, and who is named in it is who is named in its text.
func TestHostileBackupContent(t *testing.T) {
	private, with := mustGenerate(t), mustGenerate(t).Public()
	long, m := strings.Repeat("x", 2_000), aMessage(with, 7)
	m.Text, m.Kind = "https://status.app @"+private.Public().Hex(), "bridge"
	m.ReplyTo, m.ThreadId, m.Sticker = []byte("none"), long, &wire.StickerRecord{Hash: long}
	m.Bridge = &wire.BridgeRecord{Network: long, User: long, UserId: long}
	m.Mentions = []*wire.MentionRecord{{From: math.MaxUint32, Length: math.MaxUint32, Key: []byte("none")}}
	for range 20 {
		m.Previews = append(m.Previews, &wire.PreviewRecord{
			Url: "https://status.app", Kind: "link", Title: long[:500], Thumbnail: []byte(long[:1000]), ThumbnailWidth: math.MaxUint32, Key: []byte("none"),
		}, &wire.PreviewRecord{Url: "https://elsewhere", Kind: "link", Title: "t"}, &wire.PreviewRecord{Url: "https://status.app", Kind: "none", Title: "t"})
	}
	var b bytes.Buffer
	archiveFile(t, &b, func(yield func(*wire.ArchiveBatch) bool) {
		identity := &wire.ArchiveItem{Item: &wire.ArchiveItem_Identity{Identity: &wire.IdentityRecord{PrivateKey: private.Bytes()}}}
		yield(&wire.ArchiveBatch{Owner: private.Public().Compressed(), Last: true, Items: []*wire.ArchiveItem{identity, messageItem(m)}})
	})
	p := newDevice(t, "laptop", memnet.New(memnet.Options{}))
	if got := p.restore(b.Bytes()); got.New.Messages != 1 || got.Refused != 0 {
		t.Fatalf("%+v", got)
	}
	got, err := p.Message([32]byte(m.GetId()))
	if err != nil {
		t.Fatal(err)
	}
	if got.ReplyTo != "" || got.ThreadID != "" || got.Sticker != nil || len(got.Bridge.Network)+len(got.Bridge.User)+len(got.Bridge.UserID) > 1000 {
		t.Errorf("%.500v", got)
	}
	if len(got.Mentions) != 1 || got.Mentions[0].Key != private.Public().Hex() || got.Mentions[0].From != 19 {
		t.Errorf("mentions %+v", got.Mentions)
	}
	if len(got.Previews) != 2*message.MaxPreviews {
		t.Errorf("%d previews", len(got.Previews))
	}
	for _, preview := range got.Previews {
		if preview.Kind != "link" || len(preview.Title) > message.MaxPreviewTitle || preview.URL != "https://status.app" || preview.Thumbnail != nil || preview.ThumbnailWidth != 0 || preview.Key != "" {
			t.Errorf("%.300v", preview)
		}
	}
	p.sound()
}

// TestHostileBackupForged: who knows our public key alone, and gives us a file with a passphrase,
// cannot put words into anybody's mouth, nor themselves among those we have verified.
func TestHostileBackupForged(t *testing.T) {
	p := newPerson(t, "alice", memnet.New(memnet.Options{}))
	own, forger := p.key().Compressed(), mustGenerate(t).Public()
	person := personItem(&wire.ArchivePerson{Key: forger.Compressed(), Contact: &wire.ContactRecord{
		Key: forger.Compressed(), Added: true, AddedAt: 1, Name: "Bob", VerifiedBy: "safety_number", VerifiedAt: 1,
	}})
	said := messageItem(aMessage(forger, 1))
	other := &wire.ArchiveItem{Item: &wire.ArchiveItem_Identity{Identity: &wire.IdentityRecord{PrivateKey: mustGenerate(t).Bytes()}}}
	for name, batches := range map[string][]*wire.ArchiveBatch{
		"no identity":      {{Owner: own, Last: true, Items: []*wire.ArchiveItem{person, said}}},
		"another identity": {{Owner: own, Last: true, Items: []*wire.ArchiveItem{other, person, said}}},
		"nothing first":    {{Owner: own}, {Owner: own, Last: true, Items: []*wire.ArchiveItem{person, said}}},
	} {
		for _, partial := range []bool{false, true} {
			var b bytes.Buffer
			archiveFile(t, &b, func(yield func(*wire.ArchiveBatch) bool) {
				for _, batch := range batches {
					yield(batch)
				}
			})
			_, err := p.ImportBackup(context.Background(), bytes.NewReader(b.Bytes()), backupPassphrase, partial)
			if chat.CodeOf(err) != chat.CodeBadArchive {
				t.Errorf("%s: %v", name, err)
			}
			if c, err := p.Contact(forger); err == nil {
				t.Errorf("%s: the forger is %+v", name, c)
			}
			if texts := p.textsWith(forger); len(texts) > 0 {
				t.Errorf("%s: they have said %q", name, texts)
			}
		}
	}
}

// TestHostileBackupStrangers: the strangers of an archive have the bound that others have, and
// what they wrote counts.
func TestHostileBackupStrangers(t *testing.T) {
	private := mustGenerate(t)
	own := private.Public().Compressed()
	p := newDevice(t, "laptop", memnet.New(memnet.Options{}))
	var b bytes.Buffer
	const many = chat.MaxStrangers + 20
	archiveFile(t, &b, func(yield func(*wire.ArchiveBatch) bool) {
		yield(&wire.ArchiveBatch{Owner: own, Items: []*wire.ArchiveItem{{Item: &wire.ArchiveItem_Identity{Identity: &wire.IdentityRecord{PrivateKey: private.Bytes()}}}}})
		batch := &wire.ArchiveBatch{Owner: own, Last: true}
		for range many {
			k := mustGenerate(t).Public().Compressed()
			batch.Items = append(batch.Items, personItem(&wire.ArchivePerson{Key: k, Contact: &wire.ContactRecord{Key: k}}))
		}
		yield(batch)
	})
	if got := p.restore(b.Bytes()); got.New.People != chat.MaxStrangers || got.Refused != 20 {
		t.Errorf("imported %+v", got)
	}
	p.sound()
}

// TestBackupCounts: what a stranger wrote counts towards their bound here as it did there, and
// what we write next comes after the clock of the chat.
func TestBackupCounts(t *testing.T) {
	private, with := mustGenerate(t), mustGenerate(t).Public()
	ahead := uint64(time.Now().Add(message.MaxClockAhead / 2).UnixMilli()) // else it has no place of its own
	var b bytes.Buffer
	archiveFile(t, &b, func(yield func(*wire.ArchiveBatch) bool) {
		batch := &wire.ArchiveBatch{Owner: private.Public().Compressed(), Last: true, Items: []*wire.ArchiveItem{
			{Item: &wire.ArchiveItem_Identity{Identity: &wire.IdentityRecord{PrivateKey: private.Bytes()}}},
			personItem(&wire.ArchivePerson{Key: with.Compressed(), Contact: &wire.ContactRecord{Key: with.Compressed()}}),
			{Item: &wire.ArchiveItem_Chat{Chat: &wire.ChatRecord{Key: aMessage(with, 1).Chat, Clock: ahead}}},
		}}
		for n := range uint32(chat.MaxStrangerMessages) {
			batch.Items = append(batch.Items, messageItem(aMessage(with, n)))
		}
		yield(batch)
	})
	s := store.Memory()
	p := openPerson(t, "laptop", s, memnet.New(memnet.Options{}).Join(), fast)
	p.restore(b.Bytes())
	p.restore(b.Bytes())
	for _, value := range records(t, s, "chats") {
		var rec wire.ChatRecord
		if err := proto.Unmarshal(value, &rec); err != nil || rec.GetUnasked() != chat.MaxStrangerMessages || rec.GetUnaskedBytes() == 0 {
			t.Errorf("the chat counts %d messages of %d bytes, %v", rec.GetUnasked(), rec.GetUnaskedBytes(), err)
		}
	}
	m, err := p.Send(context.Background(), chat.SendRequest{To: with, Text: "later"})
	if err != nil || m.Clock <= ahead {
		t.Errorf("our next message has clock %d, %v, and the chat had %d", m.Clock, err, ahead)
	}
	p.sound()
}

// FuzzBackupItem merges any item, and the store must not contradict itself.
func FuzzBackupItem(f *testing.F) {
	private, err := key.ParsePrivate(bytes.Repeat([]byte{1}, 32))
	if err != nil {
		f.Fatal(err)
	}
	other, err := key.ParsePrivate(bytes.Repeat([]byte{2}, 32))
	if err != nil {
		f.Fatal(err)
	}
	with := other.Public()
	good := []*wire.ArchiveItem{
		messageItem(aMessage(with, 1)), personItem(&wire.ArchivePerson{Key: with.Compressed(), Contact: &wire.ContactRecord{Key: with.Compressed()}}),
	}
	for _, item := range hostileItems(private.Public(), with) {
		good = append(good, item)
	}
	for _, item := range good {
		b, err := proto.Marshal(item)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		item := &wire.ArchiveItem{}
		if proto.Unmarshal(b, item) != nil || proto.Size(item) > 60<<10 {
			t.Skip()
		}
		var file bytes.Buffer
		archiveFile(t, &file, func(yield func(*wire.ArchiveBatch) bool) {
			identity := &wire.ArchiveItem{Item: &wire.ArchiveItem_Identity{Identity: &wire.IdentityRecord{PrivateKey: private.Bytes()}}}
			yield(&wire.ArchiveBatch{Owner: private.Public().Compressed(), Last: true, Items: []*wire.ArchiveItem{identity, item, item}})
		})
		p := newDevice(t, "laptop", memnet.New(memnet.Options{}))
		if _, err := p.ImportBackup(context.Background(), bytes.NewReader(file.Bytes()), backupPassphrase, false); err != nil {
			t.Fatal(err)
		}
		p.sound()
		p.knows()
	})
}
