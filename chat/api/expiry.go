package api

import (
	"context"

	"libstatus1to1/chat"
	"libstatus1to1/chat/event"
)

// TimerParams are the parameters of chats.timer.
type TimerParams struct {
	// Key is the other person's public key, in any accepted form.
	Key Key `json:"key"`
	// Seconds is the time after which new messages are erased, at most a year; 0 turns the
	// timer off.
	Seconds int64 `json:"seconds" range:"0..31536000"`
}

var expiryMethods = []Method{
	method("chats.timer", "Sets the timer of a conversation: new messages of both people are erased so many seconds after they were written, read or not, on all devices that use this library. The other person's program learns of it with the next message; the later of two changes counts. Messages that are there already keep their time. The Status app knows no timers and keeps what it has received.",
		stored(chat.CodeNoIdentity, chat.CodeBadKey, chat.CodeSelf), setTimer),
}

func setTimer(_ context.Context, c *chat.Client, p TimerParams) (event.Chat, error) {
	return c.SetTimer(p.Key.Public, uint32(p.Seconds))
}

// timerOf is an optional number of seconds as the engine takes it.
func timerOf(seconds *int64) *uint32 {
	if seconds == nil {
		return nil
	}
	s := uint32(*seconds)
	return &s
}
