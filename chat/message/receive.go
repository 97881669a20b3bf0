package message

import (
	"encoding/hex"
	"errors"
	"strings"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
)

// What a received ChatMessage can be refused for, besides the text errors.
var (
	// ErrClock: 0, or, of a state, too far ahead of the time it is judged by.
	ErrClock = errors.New("message: clock is 0 or more than 120 s ahead")
	// ErrTimestamp: 0.
	ErrTimestamp = errors.New("message: timestamp is 0")
	// ErrChatID: empty, or (for ChatOf) not 0x and an uncompressed key.
	ErrChatID = errors.New("message: chat id is not a chat key")
	// ErrNotOneToOne: meant for a group, a community or nobody. Group messages
	// come through the same pairwise sessions and are not 1:1 texts.
	ErrNotOneToOne = errors.New("message: not for a one-to-one chat")
	// ErrContentType: the content type is missing, or one that is never sent.
	ErrContentType = errors.New("message: content type is missing or never sent")
	// ErrContent: what its content type promises is not in it.
	ErrContent = errors.New("message: the content of the message is missing")
)

// DecodeChatMessage reads a ChatMessage: an Application's payload of type
// CHAT_MESSAGE. It checks nothing but the encoding. Errors: ErrMalformed.
func DecodeChatMessage(b []byte) (*wire.ChatMessage, error) {
	cm := new(wire.ChatMessage)
	if err := proto.Unmarshal(b, cm); err != nil {
		return nil, ErrMalformed
	}
	return cm, nil
}

// ValidateChatMessage checks everything a received 1:1 ChatMessage must satisfy
// whenever it arrives. A clock that is too far ahead affects the place of the message
// but is not an error. Of a content type that this version does not know nothing more is
// asked: a later one may read it.
// Errors: ErrClock, ErrTimestamp, ErrChatID, ErrNotOneToOne, ErrContentType, ErrContent and
// those of ValidateText.
// Spec: 62/STATUS-PAYLOADS, "Message", "Clock vs Timestamp and message ordering".
func ValidateChatMessage(cm *wire.ChatMessage) error {
	switch {
	case cm.GetClock() == 0:
		return ErrClock
	case cm.GetTimestamp() == 0:
		return ErrTimestamp
	case cm.GetChatId() == "":
		return ErrChatID
	case cm.GetMessageType() != wire.MessageType_ONE_TO_ONE:
		return ErrNotOneToOne
	}
	return validateContent(cm)
}

// validateContent checks that what the content type promises is there.
func validateContent(cm *wire.ChatMessage) error {
	missing := false
	switch cm.GetContentType() {
	case wire.ChatMessage_UNKNOWN_CONTENT_TYPE, wire.ChatMessage_TRANSACTION_COMMAND, wire.ChatMessage_SYSTEM_MESSAGE_CONTENT_PRIVATE_GROUP,
		wire.ChatMessage_SYSTEM_MESSAGE_MUTUAL_EVENT_SENT, wire.ChatMessage_SYSTEM_MESSAGE_MUTUAL_EVENT_ACCEPTED,
		wire.ChatMessage_SYSTEM_MESSAGE_MUTUAL_EVENT_REMOVED:
		return ErrContentType
	case wire.ChatMessage_TEXT_PLAIN, wire.ChatMessage_EMOJI, wire.ChatMessage_STATUS, wire.ChatMessage_CONTACT_REQUEST:
		return ValidateText(cm.GetText())
	case wire.ChatMessage_STICKER:
		missing = cm.GetSticker().GetHash() == "" || len(cm.GetSticker().GetHash()) > MaxStickerHash
	case wire.ChatMessage_IMAGE:
		missing = len(cm.GetImage().GetPayload()) == 0
	case wire.ChatMessage_AUDIO:
		missing = len(cm.GetAudio().GetPayload()) == 0
	case wire.ChatMessage_COMMUNITY:
		missing = len(cm.GetCommunity()) == 0
	case wire.ChatMessage_BRIDGE_MESSAGE:
		b := cm.GetBridgeMessage()
		missing = b.GetUserName() == "" || b.GetBridgeName() == "" || b.GetContent() == ""
	}
	if missing {
		return ErrContent
	}
	return nil
}

// ChatOf returns the other person of the chat that a message belongs to. A message
// signed by another person belongs to the chat with them, and chatID is ignored. A
// message signed by ourselves, on another device, belongs to the chat with chatID.
// Errors: ErrChatID.
// Spec: 62/STATUS-PAYLOADS, "Chats".
func ChatOf(self, signer key.Public, chatID string) (key.Public, error) {
	if signer != self {
		return signer, nil
	}
	digits, ok := strings.CutPrefix(chatID, "0x")
	if !ok || len(digits) != hex.EncodedLen(key.UncompressedSize) {
		return key.Public{}, ErrChatID
	}
	raw, err := hex.DecodeString(digits)
	if err != nil {
		return key.Public{}, ErrChatID
	}
	peer, err := key.ParsePublic(raw)
	if err != nil {
		return key.Public{}, ErrChatID
	}
	return peer, nil
}
