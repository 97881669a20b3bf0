package message

import (
	"encoding/hex"
	"errors"
	"strings"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/wire"
)

// Actions are what people do to a message that is there: edit it, delete it, react to it, pin
// it. Each names its message by id.

// The bounds of what is kept of what was done to a message.
const (
	// MaxReactionsEach bounds the emoji of one person under a message that are remembered,
	// those that were retracted included: twice what the Status app lets be there at a time.
	MaxReactionsEach = 40
	// MaxEarlier and MaxEarlierBytes bound the texts that are kept of a message that was
	// edited: a message with them fits into a part of an archive.
	MaxEarlier      = 20
	MaxEarlierBytes = 32 << 10
)

// What an action can be refused for, besides ErrMalformed, ErrClock, ErrChatID,
// ErrNotOneToOne and the text errors.
var (
	// ErrTarget: it does not name a message.
	ErrTarget = errors.New("message: the id of a message is 0x and 64 hex digits")
	// ErrEmoji: a reaction that is no emoji.
	ErrEmoji = errors.New("message: not an emoji")
)

// Action is an action as it was received. What does not belong to its type is zero.
type Action struct {
	Type wire.ApplicationMetadataMessage_Type
	// Target is the id of the message.
	Target [32]byte
	// ChatID names the chat in the words of the sender; see ChatOf. A deletion for oneself
	// has none.
	ChatID string
	// Clock is the Lamport clock, ms. That of a deletion may be 0.
	Clock uint64

	// Edit is what an edit says.
	Edit *wire.EditMessage
	// Emoji and Retracted are those of a reaction, Pinned is that of a pin.
	Emoji     string
	Retracted bool
	Pinned    bool
}

// actions reads the payload of each type of action.
var actions = map[wire.ApplicationMetadataMessage_Type]func([]byte) (Action, error){
	wire.ApplicationMetadataMessage_EDIT_MESSAGE:               decodeEdit,
	wire.ApplicationMetadataMessage_DELETE_MESSAGE:             decodeDelete,
	wire.ApplicationMetadataMessage_SYNC_DELETE_FOR_ME_MESSAGE: decodeDeleteForMe,
	wire.ApplicationMetadataMessage_EMOJI_REACTION:             decodeReaction,
	wire.ApplicationMetadataMessage_PIN_MESSAGE:                decodePin,
}

// IsAction reports whether messages of a type are actions of one person on a message of a
// chat. A deletion for oneself is none of those: only one's own devices may send it.
func IsAction(typ wire.ApplicationMetadataMessage_Type) bool {
	return actions[typ] != nil && typ != wire.ApplicationMetadataMessage_SYNC_DELETE_FOR_ME_MESSAGE
}

// DecodeAction reads and checks an action: an Application's payload of its type. Errors:
// ErrMalformed, also for a type that is no action, and those of an action.
func DecodeAction(typ wire.ApplicationMetadataMessage_Type, payload []byte) (Action, error) {
	decode := actions[typ]
	if decode == nil {
		return Action{}, ErrMalformed
	}
	a, err := decode(payload)
	a.Type = typ
	return a, err
}

// addressed holds the fields that all actions have.
type addressed interface {
	proto.Message
	GetMessageId() string
	GetChatId() string
	GetClock() uint64
	GetMessageType() wire.MessageType
}

// decodeAddressed decodes an action into m, and checks what names its message.
func decodeAddressed(b []byte, m addressed) (Action, error) {
	if err := proto.Unmarshal(b, m); err != nil {
		return Action{}, ErrMalformed
	}
	if m.GetMessageType() != wire.MessageType_ONE_TO_ONE {
		return Action{}, ErrNotOneToOne
	}
	if m.GetChatId() == "" {
		return Action{}, ErrChatID
	}
	target, err := ParseID(m.GetMessageId())
	return Action{Target: target, ChatID: m.GetChatId(), Clock: m.GetClock()}, err
}

// ParseID reads the id of a message as payloads name it: 0x and 64 hex digits. Error:
// ErrTarget.
func ParseID(s string) (id [32]byte, err error) {
	digits, ok := strings.CutPrefix(s, "0x")
	if !ok || len(digits) != hex.EncodedLen(len(id)) {
		return id, ErrTarget
	}
	if _, err := hex.Decode(id[:], []byte(digits)); err != nil {
		return [32]byte{}, ErrTarget
	}
	return id, nil
}

// FormatID is the id of a message as payloads name it.
func FormatID(id [32]byte) string { return "0x" + hex.EncodeToString(id[:]) }

// ActionParams are what all actions on a message of a chat have.
type ActionParams struct {
	Target [32]byte
	// ChatID is the other person: 0x and the uncompressed key.
	ChatID string
	// Clock is the next Lamport clock of the chat, ms.
	Clock uint64
}
