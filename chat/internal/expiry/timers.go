package expiry

import (
	"sync"

	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/wire"
)

// timers are those of the chats that were used in this run.
type timers struct {
	mu    sync.Mutex
	known map[message.ConversationID]message.Timer
}

// timerOf is the timer in the record of a chat.
func timerOf(rec *wire.ChatRecord) message.Timer {
	return message.Timer{Seconds: rec.GetExpiresIn(), Clock: rec.GetExpiresInClock()}
}

// Timer returns the timer of a chat.
func (e *Expiry) Timer(in message.ConversationID) (message.Timer, error) {
	e.timers.mu.Lock()
	defer e.timers.mu.Unlock()
	if t, ok := e.timers.known[in]; ok {
		return t, nil
	}
	var rec wire.ChatRecord
	if _, err := e.Ledger.Get(e.Chats, in.Bytes(), &rec); err != nil {
		return message.Timer{}, err
	}
	e.timers.known[in] = timerOf(&rec)
	return e.timers.known[in], nil
}

// SetTimer sets the timer of a chat, unless the one it has wins over that, and emits that it
// has changed. It reports whether another timer is in force now. Messages that are in the
// chat already keep their own.
func (e *Expiry) SetTimer(tx *ledger.Tx, in message.ConversationID, t message.Timer) (changed bool, err error) {
	if changed, err = e.MergeTimer(tx, in, t); err != nil || !changed {
		return false, err
	}
	return true, e.ChatChanged(tx, in, "timer")
}

// MergeTimer is SetTimer for what an archive says, which is not told.
func (e *Expiry) MergeTimer(tx *ledger.Tx, in message.ConversationID, t message.Timer) (changed bool, err error) {
	chat, err := e.Chat(tx, in.Bytes())
	if err != nil {
		return false, err
	}
	have := timerOf(chat)
	t.Seconds = min(t.Seconds, message.MaxExpiry)
	if !t.Over(have) {
		return false, nil
	}
	chat.ExpiresIn, chat.ExpiresInClock = t.Seconds, t.Clock
	tx.After(func() {
		e.timers.mu.Lock()
		defer e.timers.mu.Unlock()
		e.timers.known[in] = t
	})
	return t.Seconds != have.Seconds, nil
}
