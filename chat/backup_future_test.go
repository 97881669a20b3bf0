package chat_test

import (
	"bytes"
	"math"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat"
	"libstatus1to1/chat/chattest"
	"libstatus1to1/chat/contact"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
	"libstatus1to1/store"
)

func identityItem(rec *wire.IdentityRecord) *wire.ArchiveItem {
	return &wire.ArchiveItem{Item: &wire.ArchiveItem_Identity{Identity: rec}}
}

// anArchive is an archive of one batch.
func anArchive(t *testing.T, private key.Private, items ...*wire.ArchiveItem) []byte {
	t.Helper()
	var b bytes.Buffer
	archiveFile(t, &b, func(yield func(*wire.ArchiveBatch) bool) {
		identity := identityItem(&wire.IdentityRecord{PrivateKey: private.Bytes()})
		yield(&wire.ArchiveBatch{Owner: private.Public().Compressed(), Last: true, Items: append([]*wire.ArchiveItem{identity}, items...)})
	})
	return b.Bytes()
}

// TestBackupOfTheFuture: no clock of an archive that is years ahead is for ever: what people
// write is shown, the user can still change all of it, and other devices believe the clocks.
func TestBackupOfTheFuture(t *testing.T) {
	const far = contact.MaxClock - 10
	net, private := memnet.New(memnet.Options{}), mustGenerate(t)
	s := store.Memory()
	clock := &chattest.Clock{}
	alice, bob := openAt(t, "alice", s, net.Join(), fast, clock), newPersonAt(t, "bob", net, clock)
	k := bob.key()
	alice.restore(anArchive(t, private))
	alice.restore(anArchive(t, private,
		identityItem(&wire.IdentityRecord{
			PrivateKey: private.Bytes(), DisplayName: "future", ProfileClock: far, DisplayNameClock: math.MaxUint64, BioClock: math.MaxUint64,
			ColourClock: far, PictureClock: math.MaxUint64,
		}),
		personItem(&wire.ArchivePerson{Key: k.Compressed(), Contact: &wire.ContactRecord{
			Key: k.Compressed(), Name: "bob", Added: true, AddedAt: far, NameClock: math.MaxUint64, UnblockedAt: math.MaxInt64,
			VerifiedAt: far, VerifiedBy: "safety_number", LocalState: 2, LocalClock: far, ProfileClock: far, RemoteState: 0, RemoteClock: far,
		}}),
		&wire.ArchiveItem{Item: &wire.ArchiveItem_Chat{Chat: &wire.ChatRecord{
			Key: message.ConversationWith(k).Bytes(), Clock: far, ReadClock: far, ReadId: make([]byte, 32), ClearedClock: far, DeletedClock: far,
			Marks: &wire.ChatMarksRecord{Muted: true, MutedClock: far, ArchivedClock: far, UnreadClock: far, DraftClock: far},
		}}}))

	name, limit := "now", message.LatestClock(time.Now().Add(25*time.Hour))
	if _, err := alice.SetProfile(chat.ProfileChange{DisplayName: &name}); err != nil {
		t.Fatal(err)
	}
	if _, err := alice.BlockContact(k); err != nil {
		t.Fatal(err)
	}
	if c, err := alice.UnblockContact(k); err != nil || c.Trust == "blocked" {
		t.Fatalf("%+v, %v", c, err)
	}
	if c, err := alice.AddContact(k, "bob"); err != nil || c.Name != "bob" {
		t.Errorf("%+v, %v", c, err)
	}
	if c := alice.chat(alice.MuteChat(k, false, 0)); c.Muted {
		t.Errorf("muted: %+v", c)
	}
	for table, rec := range map[chat.Table]proto.Message{"contacts": &wire.ContactRecord{}, "chats": &wire.ChatRecord{}, "meta": &wire.IdentityRecord{}} {
		for n, value := range records(t, s, table) {
			if table == "meta" && n != "identity" {
				continue
			}
			if err := proto.Unmarshal(value, rec); err != nil {
				t.Fatal(err)
			}
			for what, clock := range clocksOf(rec) {
				if clock > limit {
					t.Errorf("%s: %s is %d", table, what, clock)
				}
			}
		}
	}
	clock.Advance(message.MaxClockAhead + time.Second) // after what was cleared at most
	bob.send(alice, "hello")
	alice.waitText("hello")
	alice.send(bob, "and you")
	bob.waitText("and you")
	alice.sound()
}

// clocksOf are the clocks in a record, by name.
func clocksOf(m proto.Message) map[string]uint64 {
	switch rec := m.(type) {
	case *wire.ContactRecord:
		return map[string]uint64{
			"added_at": uint64(rec.GetAddedAt()), "removed_at": uint64(rec.GetRemovedAt()), "blocked_at": uint64(rec.GetBlockedAt()),
			"unblocked_at": uint64(rec.GetUnblockedAt()), "name_clock": rec.GetNameClock(), "verified_at": uint64(rec.GetVerifiedAt()),
			"unverified_at": uint64(rec.GetUnverifiedAt()), "local_clock": rec.GetLocalClock(), "remote_clock": rec.GetRemoteClock(), "profile_clock": rec.GetProfileClock(),
		}
	case *wire.ChatRecord:
		marks := rec.GetMarks()
		return map[string]uint64{
			"clock": rec.GetClock(), "read_clock": rec.GetReadClock(), "cleared_clock": rec.GetClearedClock(), "deleted_clock": rec.GetDeletedClock(),
			"muted": marks.GetMutedClock(), "archived": marks.GetArchivedClock(), "unread": marks.GetUnreadClock(), "draft": marks.GetDraftClock(),
		}
	case *wire.IdentityRecord:
		return map[string]uint64{
			"profile_clock": rec.GetProfileClock(), "display_name": rec.GetDisplayNameClock(), "bio": rec.GetBioClock(),
			"colour": rec.GetColourClock(), "picture": rec.GetPictureClock(),
		}
	}
	return nil
}
