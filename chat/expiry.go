package chat

import (
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/internal/agree"
	"libstatus1to1/chat/internal/expiry"
	"libstatus1to1/chat/internal/history"
	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
)

// Disappearing messages. Package expiry erases them in time; this file gives a message its
// time, on both sides, and learns the timers of chats from what comes.

// MaxExpiry is the longest timer, s.
const MaxExpiry = message.MaxExpiry

func (c *Client) newExpiry() *expiry.Expiry {
	e := expiry.New(expiry.Options{
		Ledger: c.ledger, Now: c.now, Log: c.log, Messages: history.TableMessages, Chats: history.TableChats,
		Record: c.history.Record, Retime: c.history.Retime, Event: history.EventOf, Chat: c.history.Chat, ChatChanged: c.history.ChatChanged,
		Erase: func(tx *ledger.Tx, rec *wire.MessageRecord) error { return c.txn(tx).expire(rec) },
		Wake:  c.kick,
	})
	c.history.Watch(e.Watch)
	return e
}

// SetTimer has the new messages of a chat, of both sides, erased after some seconds; 0 is
// never. The other side learns of it by our next message.
func (c *Client) SetTimer(who key.Public, seconds uint32) (event.Chat, error) {
	a, err := c.account()
	if err != nil {
		return event.Chat{}, err
	}
	if who == a.public {
		return event.Chat{}, Errorf(CodeSelf, "key", "this is the identity itself")
	}
	if err := validateExpiry("seconds", &seconds); err != nil {
		return event.Chat{}, err
	}
	in := message.ConversationWith(who)
	clock, err := c.history.NextClock(in, c.now())
	if err != nil {
		return event.Chat{}, err
	}
	err = c.update(func(t *txn) error {
		chat, err := c.history.Chat(t.Tx, in.Bytes())
		if err != nil {
			return err
		}
		if chat.GetExpiresIn() == seconds {
			return nil
		}
		timer := message.Timer{Seconds: seconds, Clock: max(clock, chat.GetExpiresInClock()+1)}
		chat.Clock = max(chat.GetClock(), timer.Clock) // so that no later one has the same
		if _, err = c.expiry.SetTimer(t.Tx, in, timer); err != nil {
			return err
		}
		return t.agreed(agree.Chat(in.Bytes()))
	})
	if err != nil {
		return event.Chat{}, err
	}
	return c.Chat(who)
}

func validateExpiry(field string, seconds *uint32) error {
	if seconds != nil && *seconds > MaxExpiry {
		return Errorf(CodeBadParams, field, "a timer has at most %d seconds", MaxExpiry).With("max", MaxExpiry)
	}
	return nil
}

// timed gives the messages of a request their timer: its own, or that of the chat.
func (c *Client) timed(r SendRequest, all []content) error {
	if err := validateExpiry("expires_in", r.ExpiresIn); err != nil {
		return err
	}
	timer, err := c.expiry.Timer(message.ConversationWith(r.To))
	if err != nil {
		return err
	}
	seconds := timer.Seconds
	if r.ExpiresIn != nil {
		seconds = *r.ExpiresIn
	}
	for i := range all {
		all[i].params.ExpiresIn, all[i].params.Timer = seconds, timer
	}
	return nil
}

// isOver reports whether the time of a message that comes was over before, or it was here and
// was erased then, whatever the clock says now.
func (c *Client) isOver(r reader, rec *wire.MessageRecord) (bool, error) {
	if rec.GetExpiresAt() == 0 {
		return false, nil
	}
	if rec.GetExpiresAt() <= c.now().UnixMilli() {
		return true, nil
	}
	return expired(r, rec.GetId())
}

// passOver takes a message whose time was over before it came: it is acknowledged, and nothing
// of it is kept. That of a stranger counts all the same: it would if they were blocked.
func (t *txn) passOver(am *applicationMessage) error {
	t.c.counters.drop("expired")
	if t.c.isUnasked(am.text) {
		if _, err := t.countUnasked(am.text); err != nil {
			return err
		}
	}
	if am.body.known != (knownAs{}) {
		if err := t.remember(am.from.sender, seenMVDS, am.body.known.mvds, nil); err != nil {
			return err
		}
	}
	id := [32]byte(am.text.record.GetId())
	if err := t.markExpired(am.from.sender, id); err != nil {
		return err
	}
	// What was done to it and has waited for it goes, too, on whatever device.
	if _, err := t.c.actions.Take(t.Tx, message.ConversationID(am.text.record.GetChat()), id); err != nil {
		return err
	}
	return t.learnTimer(am.text)
}

// expire erases a message whose time is over, and keeps it from coming back.
func (t *txn) expire(rec *wire.MessageRecord) error {
	if _, err := t.c.history.Remove(t.Tx, [32]byte(rec.GetId())); err != nil {
		return err
	}
	from, err := key.ParsePublic(rec.GetFrom())
	if err != nil {
		return Errorf(CodeStoreCorrupt, "", "a message does not read back")
	}
	return t.markExpired(from, [32]byte(rec.GetId()))
}

// markExpired notes that a message by somebody is gone.
func (t *txn) markExpired(from key.Public, id [32]byte) error {
	if gone, err := expired(t, id[:]); gone || err != nil {
		return err
	}
	return t.remember(from, seenExpired, id, nil)
}

// expired reports whether a message was here and was erased when its time was over.
func expired(r reader, id []byte) (bool, error) {
	if len(id) != 32 {
		return false, nil
	}
	b, err := r.Get(tableSeen, seenKey(seenExpired, [32]byte(id)))
	return b != nil, err
}

// learnTimer takes over the timer of the chat that a message carries, if it is later than
// ours. A stranger sets none: it would be for what we write to them.
func (t *txn) learnTimer(r *receivedText) error {
	if t.c.isUnasked(r) {
		return nil
	}
	timer, ok := message.ParseTimer(r.message, r.latest)
	if !ok {
		return nil
	}
	_, err := t.c.expiry.SetTimer(t.Tx, message.ConversationWith(r.chat), timer)
	return err
}

// mergeTimer takes over the timer of a chat from an archive, if it is later than ours and not
// of a time that we would not follow.
func (c *Client) mergeTimer(tx *ledger.Tx, rec *wire.ChatRecord) error {
	timer := message.Timer{Seconds: rec.GetExpiresIn(), Clock: rec.GetExpiresInClock()}
	if timer.Clock == 0 || timer.Clock > history.Millis(c.now().Add(history.MaxFollow)) {
		return nil
	}
	_, err := c.expiry.MergeTimer(tx, message.ConversationID(rec.GetKey()), timer)
	return err
}
