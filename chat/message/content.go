package message

import (
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/text"
	"libstatus1to1/chat/wire"
)

// What a ChatMessage says, both ways: NewChatMessage makes one of what is to be said, and Fill
// reads one into a record.

// KindsVersion numbers the kinds of content that this version reads. Whoever adds one raises
// it: then what was kept because nobody could read it is read again.
const KindsVersion = 1

// Kinds of messages, as programs see them.
const (
	KindText           = "text"
	KindEmoji          = "emoji"
	KindStatus         = "status"
	KindSticker        = "sticker"
	KindImage          = "image"
	KindAudio          = "audio"
	KindBridge         = "bridge"
	KindCommunity      = "community"
	KindContactRequest = "contact_request"
	KindUnsupported    = "unsupported"
)

// kinds are the kinds of the content types that this version reads.
var kinds = map[wire.ChatMessage_ContentType]string{
	wire.ChatMessage_TEXT_PLAIN:      KindText,
	wire.ChatMessage_EMOJI:           KindEmoji,
	wire.ChatMessage_STATUS:          KindStatus,
	wire.ChatMessage_STICKER:         KindSticker,
	wire.ChatMessage_IMAGE:           KindImage,
	wire.ChatMessage_AUDIO:           KindAudio,
	wire.ChatMessage_BRIDGE_MESSAGE:  KindBridge,
	wire.ChatMessage_COMMUNITY:       KindCommunity,
	wire.ChatMessage_CONTACT_REQUEST: KindContactRequest,
}

// KindOf is the kind of a ChatMessage.
func KindOf(cm *wire.ChatMessage) string {
	if kind, ok := kinds[cm.GetContentType()]; ok {
		return kind
	}
	return KindUnsupported
}

// stickerHint is the text of a sticker, for apps that cannot show it: the deployed one. Those
// that can do not show it.
const stickerHint = "Update to latest version to see a nice sticker here!"

// audioHint is the text of a recording without one: deployed clients refuse an empty text.
const audioHint = "An audio"

// ChatParams holds what differs from one ChatMessage to the next.
type ChatParams struct {
	TextParams
	// ContentType is that of a text; 0 is a plain one, or one of emoji only. With a sticker, an
	// image or a recording it is not needed.
	ContentType wire.ChatMessage_ContentType
	// ReplyTo is the id of the message it answers, 0x hex, or empty.
	ReplyTo string
	// At most one of these.
	Sticker *wire.StickerMessage
	Image   *wire.ImageMessage
	Audio   *wire.AudioMessage
	// Links and StatusLinks are the previews of links in the text.
	Links       []*wire.UnfurledLink
	StatusLinks []*wire.UnfurledStatusLink
	// ExpiresIn is the number of seconds after which both sides erase it; 0 is never.
	ExpiresIn uint32
	// Timer is the timer of the chat.
	Timer Timer
}

// NewChatMessage is a message with the fields a deployed client sets.
// Spec: 62/STATUS-PAYLOADS, "Message"; deployed.
func NewChatMessage(p ChatParams) *wire.ChatMessage {
	cm := NewText(p.TextParams)
	cm.ResponseTo, cm.UnfurledLinks = p.ReplyTo, p.Links
	cm.ExpiresIn, cm.ExpiryTimer = p.ExpiresIn, NewTimer(p.Timer)
	if len(p.StatusLinks) > 0 {
		cm.UnfurledStatusLinks = &wire.UnfurledStatusLinks{UnfurledStatusLinks: p.StatusLinks}
	}
	switch {
	case p.Sticker != nil:
		cm.ContentType, cm.Payload, cm.Text = wire.ChatMessage_STICKER, &wire.ChatMessage_Sticker{Sticker: p.Sticker}, stickerHint
	case p.Image != nil:
		cm.ContentType, cm.Payload = wire.ChatMessage_IMAGE, &wire.ChatMessage_Image{Image: p.Image}
	case p.Audio != nil:
		cm.ContentType, cm.Payload = wire.ChatMessage_AUDIO, &wire.ChatMessage_Audio{Audio: p.Audio}
		if cm.Text == "" {
			cm.Text = audioHint
		}
	case p.ContentType != 0:
		cm.ContentType = p.ContentType
	case text.OnlyEmoji(p.Text):
		cm.ContentType = wire.ChatMessage_EMOJI
	}
	return cm
}

// MaxThreadID bounds the id of a thread, bytes: deployed ones are UUIDs.
const MaxThreadID = 128

// MaxStickerHash bounds the hash of a sticker, bytes: those of IPFS have up to 100.
const MaxStickerHash = 200

// MaxBridgeName and MaxBridgeID bound what a bridge says of the author of a message, code points.
const (
	MaxBridgeName = 100
	MaxBridgeID   = 200
)

// Fill writes what a ChatMessage says into its record, cut to its bounds. self is whose record
// it is. The bytes of images and recordings are not in it.
func Fill(rec *wire.MessageRecord, cm *wire.ChatMessage, self key.Public) {
	rec.Kind = KindOf(cm)
	said := cm.GetText()
	switch rec.GetKind() {
	case KindSticker:
		said = ""
		rec.Sticker = &wire.StickerRecord{Hash: cm.GetSticker().GetHash(), Pack: cm.GetSticker().GetPack()}
	case KindAudio:
		if said == audioHint {
			said = ""
		}
	case KindBridge:
		b := cm.GetBridgeMessage()
		said = b.GetContent()
		rec.Bridge = &wire.BridgeRecord{
			Network: text.Shown(b.GetBridgeName(), MaxBridgeName, text.Name), User: text.Shown(b.GetUserName(), MaxBridgeName, text.Name),
			UserId: text.Cut(b.GetUserId(), MaxBridgeID),
		}
	}
	rec.ReplyTo = nil
	if id, err := ParseID(cm.GetResponseTo()); err == nil {
		rec.ReplyTo = id[:]
	}
	if id := cm.GetThreadId(); len(id) <= MaxThreadID {
		rec.ThreadId = id
	}
	SetText(rec, said, self)
	SetPreviews(rec, cm.GetUnfurledLinks(), cm.GetUnfurledStatusLinks().GetUnfurledStatusLinks())
}

// SetText writes a text into a record, with what is read in it: who is named, and whether self
// is. Previews are to be set after it.
func SetText(rec *wire.MessageRecord, said string, self key.Public) {
	rec.Text = text.Cut(said, MaxTextLength)
	rec.Mentions, rec.Mentioned = nil, false
	for _, m := range Mentions(rec.GetText()) {
		r := &wire.MentionRecord{From: uint32(m.From), Length: uint32(m.Length)}
		if !m.Key.IsZero() {
			r.Key = m.Key.Compressed()
		}
		rec.Mentions = append(rec.Mentions, r)
		rec.Mentioned = rec.GetMentioned() || m.Key.IsZero() || m.Key == self
	}
}
