package message

import "libstatus1to1/chat/wire"

// NewEdit replaces the text of a message of ours. kind is the content type of that message:
// deployed clients of 2024 make the message one of this type.
// Spec: 62/STATUS-PAYLOADS, "EditMessage".
func NewEdit(p ActionParams, text string, kind wire.ChatMessage_ContentType) *wire.EditMessage {
	return &wire.EditMessage{
		Clock: p.Clock, Text: text, ChatId: p.ChatID, MessageId: FormatID(p.Target),
		MessageType: wire.MessageType_ONE_TO_ONE, ContentType: kind,
	}
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
