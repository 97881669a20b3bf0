package archive

import (
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/text"
	"libstatus1to1/chat/wire"
)

// cleanContent brings what an archive says that a message says to the bounds of one that came by
// the network. Who is named in it is read again: that follows from the text.
func cleanContent(rec *wire.MessageRecord, owner key.Public) {
	previews := rec.GetPreviews()
	message.SetText(rec, rec.GetText(), owner)
	rec.Previews = nil
	for _, p := range previews {
		if p := message.CleanPreview(p, rec.GetText()); p != nil && len(rec.GetPreviews()) < 2*message.MaxPreviews {
			rec.Previews = append(rec.Previews, p)
		}
	}
	if len(rec.GetReplyTo()) != 32 {
		rec.ReplyTo = nil
	}
	if len(rec.GetThreadId()) > message.MaxThreadID {
		rec.ThreadId = ""
	}
	if rec.GetKind() != message.KindSticker || len(rec.GetSticker().GetHash()) > message.MaxStickerHash {
		rec.Sticker = nil
	}
	if b := rec.GetBridge(); b != nil {
		b.Network, b.User = text.Shown(b.GetNetwork(), message.MaxBridgeName, text.Name), text.Shown(b.GetUser(), message.MaxBridgeName, text.Name)
		b.UserId = text.Cut(b.GetUserId(), message.MaxBridgeID)
	}
}
