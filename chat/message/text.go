package message

import (
	"cmp"
	"errors"
	"strings"
	"unicode/utf8"

	"libstatus1to1/chat/text"
	"libstatus1to1/chat/wire"
)

// MaxTextLength is the largest number of code points in a text: the deployed limit,
// which receivers enforce too.
const MaxTextLength = 4096

// MaxDraft limits a text that is not sent yet: twice MaxTextLength, as it may still be
// shortened.
const MaxDraft = 2 * MaxTextLength

// What a text can be refused for.
var (
	ErrTextEmpty    = errors.New("message: text is empty or only white space")
	ErrTextTooLong  = errors.New("message: text is longer than 4096 code points")
	ErrTextEncoding = errors.New("message: text is not valid UTF-8")
)

// ValidateText checks what may be sent and accepted as text: valid UTF-8, 1 to
// MaxTextLength code points, not only white space.
// Errors: ErrTextEncoding, ErrTextEmpty, ErrTextTooLong.
func ValidateText(text string) error {
	switch {
	case !utf8.ValidString(text):
		return ErrTextEncoding
	case strings.TrimSpace(text) == "":
		return ErrTextEmpty
	case len(text) > MaxTextLength && utf8.RuneCountInString(text) > MaxTextLength:
		return ErrTextTooLong
	}
	return nil
}

// ValidateOwnText checks what we may send: what ValidateText checks, and that the text
// shows something. Received texts that show nothing are taken as they are: their senders
// read that they arrived. Errors: those of ValidateText.
func ValidateOwnText(s string) error {
	if err := ValidateText(s); err != nil {
		return err
	}
	if text.Blank(s) {
		return ErrTextEmpty
	}
	return nil
}

// TextParams holds the fields that differ from one plain text to the next.
type TextParams struct {
	// Text must pass ValidateText.
	Text string
	// ChatID is the recipient: 0x and the uncompressed key, key.Public.Hex.
	ChatID string
	// Clock is the chat's Lamport clock, ms; see NextClock.
	Clock uint64
	// Timestamp is the time of writing, ms since 1970.
	Timestamp uint64
	// DisplayName is the sender's chosen name, or empty.
	DisplayName string
	// Contact is the sender's view of the contact requests between the two; nil for
	// strangers.
	Contact *wire.ContactRequestPropagatedState
}

// NewText is a plain text message with the fields a deployed client sets and no
// others. The four values of the contact state are present also when they are 0. Deployed
// receivers refuse a message with a display name that is none of theirs, so it has another
// name in a field of ours.
// Spec: 62/STATUS-PAYLOADS, "Message".
func NewText(p TextParams) *wire.ChatMessage {
	if p.Contact == nil {
		p.Contact = &wire.ContactRequestPropagatedState{}
	}
	cm := &wire.ChatMessage{
		Clock:                         p.Clock,
		Timestamp:                     p.Timestamp,
		Text:                          p.Text,
		ChatId:                        p.ChatID,
		MessageType:                   wire.MessageType_ONE_TO_ONE,
		ContentType:                   wire.ChatMessage_TEXT_PLAIN,
		DisplayName:                   StatusName(p.DisplayName),
		ContactRequestPropagatedState: p.Contact,
	}
	if cm.GetDisplayName() == "" {
		cm.AnyDisplayName = p.DisplayName
	}
	return cm
}

// SenderName returns the name of the sender of a ChatMessage, as the sender gives it.
func SenderName(cm *wire.ChatMessage) string {
	return cmp.Or(cm.GetAnyDisplayName(), cm.GetDisplayName())
}

// EncodeChatMessage is the bytes to hand to Wrap with type CHAT_MESSAGE. A text
// that is not UTF-8 is ErrTextEncoding: protobuf cannot carry it.
func EncodeChatMessage(cm *wire.ChatMessage) ([]byte, error) {
	b, err := deterministic.Marshal(cm)
	if err != nil {
		return nil, ErrTextEncoding
	}
	return b, nil
}
