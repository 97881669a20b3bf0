package message

import (
	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/wire"
)

// NewDelete deletes a message of ours for everyone.
// Spec: 62/STATUS-PAYLOADS, "DeleteMessage".
func NewDelete(p ActionParams) *wire.DeleteMessage {
	return &wire.DeleteMessage{Clock: p.Clock, ChatId: p.ChatID, MessageId: FormatID(p.Target), MessageType: wire.MessageType_ONE_TO_ONE}
}

// decodeDelete reads a deletion for everyone. Its clock is not compared with anything, and
// deleted_by, which is for moderators, is not believed. Errors: ErrMalformed, ErrNotOneToOne,
// ErrChatID, ErrTarget.
// Spec: 62/STATUS-PAYLOADS, "DeleteMessage".
func decodeDelete(b []byte) (Action, error) { return decodeAddressed(b, &wire.DeleteMessage{}) }

// NewDeleteForMe tells our other devices that we deleted a message for ourselves.
// Spec: 62/STATUS-PAYLOADS, "SyncDeleteForMeMessage".
func NewDeleteForMe(target [32]byte, clock uint64) *wire.SyncDeleteForMeMessage {
	return &wire.SyncDeleteForMeMessage{Clock: clock, MessageId: FormatID(target)}
}

// decodeDeleteForMe reads a deletion for oneself. Errors: ErrMalformed, ErrTarget.
// Spec: 62/STATUS-PAYLOADS, "SyncDeleteForMeMessage".
func decodeDeleteForMe(b []byte) (Action, error) {
	m := &wire.SyncDeleteForMeMessage{}
	if err := proto.Unmarshal(b, m); err != nil {
		return Action{}, ErrMalformed
	}
	target, err := ParseID(m.GetMessageId())
	return Action{Target: target, Clock: m.GetClock()}, err
}
