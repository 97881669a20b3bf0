package message

import "libstatus1to1/chat/wire"

// NewPin pins a message of a chat, or unpins it. Either of the two people may.
// Spec: 62/STATUS-PAYLOADS, "PinMessage".
func NewPin(p ActionParams, pinned bool) *wire.PinMessage {
	return &wire.PinMessage{
		Clock: p.Clock, MessageId: FormatID(p.Target), ChatId: p.ChatID, Pinned: pinned, MessageType: wire.MessageType_ONE_TO_ONE,
	}
}

// decodePin reads a pin. Deployed receivers take one with the clock 0, which loses against
// any other, so it is refused here. Errors: ErrMalformed, ErrNotOneToOne, ErrChatID, ErrTarget,
// ErrClock.
// Spec: 62/STATUS-PAYLOADS, "PinMessage".
func decodePin(b []byte) (Action, error) {
	m := &wire.PinMessage{}
	a, err := decodeAddressed(b, m)
	if err == nil && m.GetClock() == 0 {
		err = ErrClock
	}
	a.Pinned = m.GetPinned()
	return a, err
}
