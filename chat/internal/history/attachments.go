package history

import (
	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/enum"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/wire"
)

// showAttachments adds to a message as programs see it its pictures and recordings.
func showAttachments(m *event.Message, r *wire.MessageRecord) {
	m.Album = r.GetAlbum()
	for _, at := range r.GetAttachments() {
		m.Attachments = append(m.Attachments, AttachmentOf(at))
	}
}

// AttachmentOf returns the event form of an attachment.
func AttachmentOf(at *wire.MessageAttachmentRecord) event.Attachment {
	return event.Attachment{
		ID: event.Hex(at.GetId()), Kind: enum.AttachmentKind(at.GetKind()), Name: at.GetName(), MIME: at.GetMime(), Size: int64(at.GetSize()),
		Width: int(at.GetWidth()), Height: int(at.GetHeight()), DurationMS: int64(at.GetDurationMs()),
		Thumbnail: at.GetThumbnail(), Blurhash: at.GetBlurhash(), State: enum.AttachmentState(at.GetState()),
	}
}

// SizeOf returns the size of the content of a message in bytes: its text, attachments,
// previews and whatever else its author wrote. The bounds of strangers count in it.
func SizeOf(r *wire.MessageRecord) uint64 {
	size := uint64(len(r.GetText()) + len(r.GetThreadId()) + proto.Size(r.GetSticker()) + proto.Size(r.GetBridge()))
	for _, m := range r.GetMentions() {
		size += uint64(proto.Size(m))
	}
	for _, at := range r.GetAttachments() {
		size += at.GetSize()
	}
	for _, p := range r.GetPreviews() {
		size += uint64(proto.Size(p)) + p.GetThumbnailSize()
	}
	return size
}

// hexOrNone is an id as programs see it, "" if there is none.
func hexOrNone(id []byte) string {
	if len(id) == 0 {
		return ""
	}
	return event.Hex(id)
}
