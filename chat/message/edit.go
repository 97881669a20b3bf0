package message

import (
	"libstatus1to1/chat/text"
	"libstatus1to1/chat/wire"
)

// NewEdit replaces the text of a message of ours, which is of a kind and has previews: those
// of links that are still in the text go with it, since an edit replaces them as a whole.
// Deployed clients of 2024 make the message one of the content type in it.
// Spec: 62/STATUS-PAYLOADS, "EditMessage".
func NewEdit(p ActionParams, said, kind string, previews []*wire.PreviewRecord) *wire.EditMessage {
	m := &wire.EditMessage{
		Clock: p.Clock, Text: said, ChatId: p.ChatID, MessageId: FormatID(p.Target),
		MessageType: wire.MessageType_ONE_TO_ONE, ContentType: wire.ChatMessage_TEXT_PLAIN,
	}
	switch {
	case kind == KindImage:
		m.ContentType = wire.ChatMessage_IMAGE
	case kind == KindStatus:
		m.ContentType = wire.ChatMessage_STATUS
	case text.OnlyEmoji(said):
		m.ContentType = wire.ChatMessage_EMOJI
	}
	for _, preview := range previews {
		if l, err := NewPreview(preview, said); err == nil {
			m.UnfurledLinks = append(m.UnfurledLinks, l)
		} else if l, err := NewStatusPreview(preview, said); err == nil {
			if m.UnfurledStatusLinks == nil {
				m.UnfurledStatusLinks = &wire.UnfurledStatusLinks{}
			}
			m.UnfurledStatusLinks.UnfurledStatusLinks = append(m.UnfurledStatusLinks.UnfurledStatusLinks, l)
		}
	}
	return m
}

// decodeEdit reads an edit. Its content type is not looked at: an edit makes nothing of
// another kind. Errors: ErrMalformed, ErrNotOneToOne, ErrChatID, ErrTarget, ErrClock and those
// of ValidateText.
// Spec: 62/STATUS-PAYLOADS, "EditMessage".
func decodeEdit(b []byte) (Action, error) {
	m := &wire.EditMessage{}
	a, err := decodeAddressed(b, m)
	switch {
	case err != nil:
		return a, err
	case m.GetClock() == 0:
		return a, ErrClock
	}
	a.Edit = m
	return a, ValidateText(m.GetText())
}
