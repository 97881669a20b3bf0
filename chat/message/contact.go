package message

import (
	"errors"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/wire"
)

// NewContactRequest is a request to be contacts: a text that the Status app shows with
// buttons under it. Its propagated state says that we ask; see TextParams.Contact.
// The caller sets what else differs.
func NewContactRequest(p TextParams, colour uint32) *wire.ChatMessage {
	cm := NewText(p)
	cm.ContentType = wire.ChatMessage_CONTACT_REQUEST
	cm.CustomizationColor = colour
	return cm
}

// Encode is the bytes to hand to Wrap, the same for the same message.
func Encode(m proto.Message) ([]byte, error) {
	b, err := deterministic.Marshal(m)
	if err != nil {
		return nil, ErrTextEncoding
	}
	return b, nil
}

// MaxQuestion is the largest size in bytes of a verification question and of its
// answer: the deployed limit.
const MaxQuestion = 280

// What a question or answer can be refused for.
var (
	ErrQuestionEmpty    = errors.New("message: question or answer is empty or only white space")
	ErrQuestionTooLong  = errors.New("message: question or answer is longer than 280 bytes")
	ErrQuestionEncoding = errors.New("message: question or answer is not valid UTF-8")
)

// ValidateQuestion checks a question or an answer. Errors: ErrQuestionEncoding,
// ErrQuestionEmpty, ErrQuestionTooLong.
func ValidateQuestion(text string) error {
	switch {
	case !utf8.ValidString(text):
		return ErrQuestionEncoding
	case strings.TrimSpace(text) == "":
		return ErrQuestionEmpty
	case len(text) > MaxQuestion:
		return ErrQuestionTooLong
	}
	return nil
}
