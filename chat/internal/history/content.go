package history

import (
	"libstatus1to1/chat/enum"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/wire"
)

// showContent shows what a message says beside its text: what it answers, who is named in it,
// the previews of its links, and what its kind has.
func showContent(m *event.Message, r *wire.MessageRecord) {
	if len(r.GetReplyTo()) > 0 {
		m.ReplyTo = event.Hex(r.GetReplyTo())
	}
	m.ThreadID = r.GetThreadId()
	for _, at := range r.GetMentions() {
		m.Mentions = append(m.Mentions, event.Mention{From: int(at.GetFrom()), Length: int(at.GetLength()), Key: KeyHex(at.GetKey())})
	}
	for _, p := range r.GetPreviews() {
		m.Previews = append(m.Previews, event.Preview{
			URL: p.GetUrl(), Kind: enum.PreviewKind(p.GetKind()), Title: p.GetTitle(), Description: p.GetDescription(), Key: KeyHex(p.GetKey()),
			Thumbnail: p.GetThumbnail(), ThumbnailID: hexOrNone(p.GetThumbnailId()), ThumbnailWidth: int(p.GetThumbnailWidth()), ThumbnailHeight: int(p.GetThumbnailHeight()),
		})
	}
	if s := r.GetSticker(); s != nil {
		m.Sticker = &event.Sticker{Hash: s.GetHash(), Pack: s.GetPack()}
	}
	if b := r.GetBridge(); b != nil {
		m.Bridge = &event.Bridge{Network: b.GetNetwork(), User: b.GetUser(), UserID: b.GetUserId()}
	}
}
