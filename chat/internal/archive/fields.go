package archive

import (
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"libstatus1to1/chat/wire"
)

// carried says of each field of the records in an archive whether it is carried, and of one
// that is not, why. A field that is not named is not carried, and fails a test
// (TestEachFieldIsDecided): whoever adds a field to a record has to decide.
var carried = map[protoreflect.FullName]fields{
	"status1to1.record.IdentityRecord": {
		"private_key": yes, "phrase": yes, "display_name": yes, "bio": yes, "picture": yes, "profile_clock": yes, "colour": yes,
		"installation_id":    "names this device; another one has its own (54, \"Account recovery\")",
		"device_name":        "is what the user calls this device",
		"display_name_clock": yes, "bio_clock": yes, "colour_clock": yes, "picture_clock": yes,
		"key_uid":    "is learned from a Status app on another device",
		"created_at": "is when this device was set up",
	},
	"status1to1.record.PictureRecord": {"format": yes, "payload": yes},
	"status1to1.record.ContactRecord": {
		"key": yes, "name": yes, "display_name": yes, "added": yes, "added_at": yes, "profile_clock": yes, "bio": yes,
		"local_state": yes, "local_clock": yes, "remote_state": yes, "remote_clock": yes, "request_id": yes, "sent_request_id": yes,
		"blocked_at": yes, "familiar": yes, "verified_by": yes, "verified_at": yes, "unverified_at": yes, "removed_at": yes, "written_to": yes, "unasked_changes": yes,
		"key_exchange": yes, "key_exchange_chosen": yes, "while_waiting": yes,
		"unblocked_at": yes, "name_clock": yes, "untrustworthy": yes,
		"presence":       "is how they were to be seen then, and comes again",
		"picture_format": "follows from the picture that is there",
		"repaired_clock": "is what this device last sent back",
		"repaired_at":    "is when this device last sent something back",
	},
	"status1to1.record.VerificationRecord": {
		"id": yes, "peer": yes, "outgoing": yes, "question": yes, "answer": yes, "state": yes,
		"asked_clock": yes, "answered_clock": yes, "asked_at": yes, "answered_at": yes,
	},
	"status1to1.record.ChatRecord": {
		"key": yes, "clock": yes, "read_clock": yes, "read_id": yes, "cleared_clock": yes, "deleted_clock": yes, "marks": yes, "expires_in": yes, "expires_in_clock": yes,
		"unread":             "is counted again from the messages",
		"mentions":           "is counted again from the messages",
		"hidden":             "is what this device has not erased yet",
		"last_message_id":    "follows from the messages",
		"last_message_clock": "follows from the messages",
		"unasked":            "is counted again from the messages",
		"unasked_bytes":      "is counted again from the messages",
		"waiting":            "is counted again from the messages",
	},
	"status1to1.record.ChatMarksRecord": {
		"muted": yes, "muted_until": yes, "muted_clock": yes, "archived": yes, "archived_clock": yes,
		"unread": yes, "unread_clock": yes, "draft": yes, "draft_clock": yes,
	},
	"status1to1.record.MessageRecord": {
		"id": yes, "chat": yes, "from": yes, "kind": yes, "text": yes, "clock": yes, "sent_at": yes, "received_at": yes,
		"state": yes, "failure": yes, "sender_name": yes, "application_type": yes, "read": yes, "outgoing": yes,
		"evidence_kind": yes, "evidence_peers": yes, "evidence_installation": yes, "evidence_at": yes, "evidence_nodes": yes,
		"devices": yes, "request": yes, "clock_skew": yes, "before_device": yes,
		"expires_in": yes, "expires_at": yes,
		"edit": yes, "earlier": yes, "deletion": yes, "reactions": yes, "pin": yes,
		"reply_to": yes, "thread_id": yes, "mentions": yes, "mentioned": yes, "previews": yes, "sticker": yes, "bridge": yes,
		"attachments": yes, "album": yes, "album_count": yes,
		"waits_for_peer": "is why this device has not sent it yet",
		"client_ref":     "names a call of a program on this device; on another one the same name may be used for another text",
	},
	"status1to1.record.MessageAttachmentRecord": {
		"id": yes, "kind": yes, "name": yes, "mime": yes, "size": yes, "width": yes, "height": yes, "duration_ms": yes,
		"thumbnail": yes, "blurhash": yes,
		"state": "is missing until its bytes come",
	},
	"status1to1.record.DeviceAckRecord": {"installation_id": yes, "at": yes, "own": yes},
	"status1to1.record.EditRecord":      {"clock": yes, "id": yes, "text": yes},
	"status1to1.record.DeletionRecord":  {"at": yes, "by": yes, "for_everyone": yes},
	"status1to1.record.ReactionRecord":  {"emoji": yes, "from": yes, "clock": yes, "retracted": yes, "id": yes},
	"status1to1.record.PinRecord":       {"clock": yes, "pinned": yes, "by": yes, "id": yes},
	"status1to1.record.MentionRecord":   {"from": yes, "length": yes, "key": yes},
	"status1to1.record.PreviewRecord": {
		"url": yes, "kind": yes, "title": yes, "description": yes, "key": yes,
		"thumbnail": yes, "thumbnail_width": yes, "thumbnail_height": yes, "thumbnail_id": yes, "thumbnail_size": yes,
	},
	"status1to1.record.StickerRecord": {"hash": yes, "pack": yes},
	"status1to1.record.BridgeRecord":  {"network": yes, "user": yes, "user_id": yes},
}

// fields says of each field, by its name, why it is not carried; yes is one that is.
type fields map[protoreflect.Name]string

const yes = ""

// carry clears the fields of a record that are not carried, in the records in it too, and
// those that this version does not know. It is done on both sides: what comes in an archive
// is not always made by this library.
func carry(m protoreflect.Message) {
	names := carried[m.Descriptor().FullName()]
	m.SetUnknown(nil)
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		why, named := names[f.Name()]
		switch {
		case !named || why != yes:
			m.Clear(f)
		case f.Message() == nil:
		case f.IsList():
			for i := range v.List().Len() {
				carry(v.List().Get(i).Message())
			}
		default:
			carry(v.Message())
		}
		return true
	})
}

// records are the records of an item.
func records(item *wire.ArchiveItem) []proto.Message {
	switch it := item.GetItem().(type) {
	case *wire.ArchiveItem_Identity:
		return []proto.Message{it.Identity}
	case *wire.ArchiveItem_Person:
		var list []proto.Message
		if it.Person.GetContact() != nil {
			list = append(list, it.Person.GetContact())
		}
		if it.Person.GetPicture() != nil {
			list = append(list, it.Person.GetPicture())
		}
		return list
	case *wire.ArchiveItem_Verification:
		return []proto.Message{it.Verification}
	case *wire.ArchiveItem_Chat:
		return []proto.Message{it.Chat}
	case *wire.ArchiveItem_Message:
		return []proto.Message{it.Message}
	}
	return nil
}

// carryItem clears what is not carried in an item.
func carryItem(item *wire.ArchiveItem) {
	for _, m := range records(item) {
		carry(m.ProtoReflect())
	}
}
