package chat

import (
	"context"
	"errors"
	"time"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/contact"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/internal/history"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
)

// maxTries limits the times a change is computed again because the record has changed
// meanwhile: a message of theirs came, or another call was faster.
const maxTries = 8

// errStale: the record is not the one that the change was computed from.
var errStale = errors.New("the record has changed")

// recompute changes a record by compare and swap: compute works outside of the transaction,
// because signing takes time, and the store it returns runs if the record is the same then.
// Otherwise all of it is done again. what names the record for people.
func recompute[M proto.Message](c *Client, what string, get func(reader) (M, error), compute func(before M) (store func(*txn) error, err error)) error {
	for range maxTries {
		var before M
		if err := c.ledger.View(func(tx Tx) (err error) { before, err = get(tx); return err }); err != nil {
			return err
		}
		store, err := compute(before)
		if err != nil {
			return err
		}
		err = c.update(func(t *txn) error {
			current, err := get(t)
			if err != nil {
				return err
			}
			if !proto.Equal(current, before) {
				return errStale
			}
			return store(t)
		})
		if !errors.Is(err, errStale) {
			return err
		}
	}
	return Errorf(CodeTooMany, "", "the %s keeps changing; try again", what)
}

// step computes the effect of one call on a person: it changes the record, and returns the
// message for them, if there is one.
type step func(a *account, rec *wire.ContactRecord, now time.Time) (*outgoing, error)

// about runs a step, and returns the contact as it is then.
func (c *Client) about(k key.Public, f step) (event.Contact, error) {
	a, err := c.account()
	if err != nil {
		return event.Contact{}, err
	}
	if k.IsZero() {
		return event.Contact{}, Errorf(CodeBadKey, "key", "a key is needed")
	}
	if k == a.public {
		return event.Contact{}, Errorf(CodeSelf, "key", "this is the identity itself")
	}
	var result event.Contact
	err = recompute(c, "contact", func(r reader) (*wire.ContactRecord, error) {
		return contactRecord(r, k)
	}, func(before *wire.ContactRecord) (func(*txn) error, error) {
		rec := proto.CloneOf(before)
		out, err := f(a, rec, c.now())
		if err != nil {
			return nil, err
		}
		// What computes with keys is done before, too.
		routes, err := c.routesFor(a, k, rec)
		if err != nil {
			return nil, err
		}
		said, err := c.stamp(a, before, rec)
		if err != nil {
			return nil, err
		}
		result = contactOf(rec)
		return func(t *txn) error {
			if err := t.enqueue(out); err != nil {
				return err
			}
			if err := t.storeChange(k, before, rec, routes); err != nil || !said {
				return err
			}
			return t.agreedPerson(k)
		}, nil
	})
	return result, err
}

// storeChange stores a changed contact, reports it, and begins or ends listening to their
// contact code.
func (t *txn) storeChange(k key.Public, before, rec *wire.ContactRecord, routes []route) error {
	for _, r := range routes {
		if err := r.store(t); err != nil {
			return err
		}
	}
	t.After(func() { t.c.listen(routes...) })
	if before.GetAdded() && !rec.GetAdded() {
		if err := t.stopListening(k); err != nil {
			return err
		}
	}
	if proto.Equal(before, rec) {
		return nil
	}
	if err := t.putContact(k, rec); err != nil {
		return err
	}
	if err := t.Emit(event.ContactChanged{Contact: contactOf(rec)}); err != nil || rec.GetBlockedAt() != 0 {
		return err
	}
	if before.GetAdded() && !rec.GetAdded() {
		return t.Emit(event.ContactRemoved{PublicKey: k.Hex()})
	}
	return nil
}

// routesFor are the topics of a contact that we do not listen to yet.
func (c *Client) routesFor(a *account, k key.Public, rec *wire.ContactRecord) ([]route, error) {
	if !rec.GetAdded() {
		return nil, nil
	}
	return c.contactRoutes(a, k)
}

// stopListening ends listening to somebody's contact code.
func (t *txn) stopListening(k key.Public) error {
	t.After(func() {
		r, ok := t.c.routes.get(topicContactCode, k)
		if !ok || !t.c.routes.remove(r) {
			return
		}
		if err := t.c.net.Unsubscribe(r.contentTopic()); err != nil {
			t.c.log.Log("warn", "unsubscribing failed", "kind", string(r.kind), "error", err.Error())
		}
	})
	return t.Delete(tableTopics, topicKey(topicContactCode, k))
}

// clockFor is the clock of an action towards k: the next of the chat, and later than
// all that was said about the requests, as far as clocks are believed.
func (c *Client) clockFor(k key.Public, r contact.Request, now time.Time) (uint64, error) {
	return c.clockWithin(k, r, now, history.MaxEnvelopeAhead+message.MaxClockAhead)
}

// clockToAsk is clockFor for a request or an acceptance. It need only be later than our own
// last word; if theirs is far ahead, ours is rather earlier than that: they would refuse
// what is further ahead than their own bound.
func (c *Client) clockToAsk(k key.Public, r contact.Request, now time.Time) (uint64, error) {
	return c.clockWithin(k, r, now, history.MaxFollow)
}

// clockWithin returns the next clock towards k: later than all that was said, if that is at
// most ahead of our time; otherwise later than our own last word.
func (c *Client) clockWithin(k key.Public, r contact.Request, now time.Time, ahead time.Duration) (uint64, error) {
	next, err := c.history.NextClock(message.ConversationWith(k), now)
	if clock := r.NextClock(next); clock <= history.Millis(now.Add(ahead)) {
		return clock, err
	}
	return max(next, r.Local.Clock+1), err
}

// wrongState is the error of an action the state does not allow.
func wrongState(r contact.Request, format string, args ...any) error {
	return Errorf(CodeWrongState, "key", format, args...).With("request", r.Name())
}

// notBlocked returns CodeBlocked, with the field of the call, for somebody blocked.
func notBlocked(rec *wire.ContactRecord, field string) error {
	if rec.GetBlockedAt() != 0 {
		return Errorf(CodeBlocked, field, "this person is blocked")
	}
	return nil
}

// RequestContact asks somebody to be a contact, with a text that they read, and adds
// them to the address book. If they have asked already, both are contacts then.
// Until somebody has accepted, the Status app shows them nothing else of ours.
func (c *Client) RequestContact(ctx context.Context, k key.Public, text string) (event.Message, error) {
	a, err := c.account()
	if err != nil {
		return event.Message{}, err
	}
	if err := validateSend(a, SendRequest{To: k, Text: text}); err != nil {
		return event.Message{}, asKey(err)
	}
	if err := ctx.Err(); err != nil {
		return event.Message{}, Errorf(CodeTimeout, "", "the deadline has passed").Because(err)
	}
	var sent *wire.MessageRecord
	_, err = c.about(k, func(a *account, rec *wire.ContactRecord, now time.Time) (*outgoing, error) {
		out, err := c.requestMessage(a, k, rec, text, now)
		if err == nil {
			sent = out.record
		}
		return out, err
	})
	if err != nil {
		return event.Message{}, err
	}
	return history.EventOf(sent), nil
}

// asKey names the field of a recipient "key", as the methods about contacts do.
func asKey(err error) error {
	if e := (*Error)(nil); errors.As(err, &e) && e.Field == "to" {
		e.Field = "key"
	}
	return err
}

// requestMessage is the step of RequestContact.
func (c *Client) requestMessage(a *account, k key.Public, rec *wire.ContactRecord, text string, now time.Time) (*outgoing, error) {
	r := requestOf(rec)
	if err := notBlocked(rec, "key"); err != nil {
		return nil, err
	}
	if r.Mutual() {
		return nil, wrongState(r, "both are contacts already")
	}
	clock, err := c.sayYes(k, rec, now)
	if err != nil {
		return nil, err
	}
	cm := message.NewContactRequest(message.TextParams{
		Text: text, ChatID: k.Hex(), Clock: clock, Timestamp: uint64(now.UnixMilli()),
		DisplayName: a.displayName, Contact: propagated(requestOf(rec)),
	}, a.accent())
	out, err := c.sign(a, k, wire.ApplicationMetadataMessage_CHAT_MESSAGE, cm, clock, now)
	if err != nil {
		return nil, err
	}
	out.record = out.historyRecord(a, cm, now)
	rec.SentRequestId = out.row.GetMessageId()
	return out, nil
}

// sayYes notes in rec that we want them as a contact, be it by a request or by accepting
// theirs: to the deployed clients there is no difference. It returns the clock of that.
func (c *Client) sayYes(k key.Public, rec *wire.ContactRecord, now time.Time) (clock uint64, err error) {
	r := requestOf(rec)
	if clock, err = c.clockToAsk(k, r, now); err != nil {
		return 0, err
	}
	next, o := r.Send(clock)
	if !o.Changed {
		return 0, wrongState(r, "the clock of the chat is out of bounds")
	}
	setRequest(rec, next)
	rec.WrittenTo = true
	if !rec.GetAdded() {
		rec.Added, rec.AddedAt = true, now.UnixMilli()
	}
	return clock, nil
}

// AcceptContact accepts somebody's request and adds them to the address book. A
// request that was declined can still be accepted.
func (c *Client) AcceptContact(k key.Public) (event.Contact, error) {
	return c.about(k, func(a *account, rec *wire.ContactRecord, now time.Time) (*outgoing, error) {
		r := requestOf(rec)
		if err := notBlocked(rec, "key"); err != nil {
			return nil, err
		}
		if !r.AddedUs() || r.Added() {
			return nil, wrongState(r, "there is no request to accept")
		}
		id := "" // they may have asked with a state alone, of which there is no message
		if rec.GetRequestId() != nil {
			id = event.Hex(rec.GetRequestId())
		}
		clock, err := c.sayYes(k, rec, now)
		if err != nil {
			return nil, err
		}
		return c.sign(a, k, wire.ApplicationMetadataMessage_ACCEPT_CONTACT_REQUEST,
			&wire.AcceptContactRequest{Id: id, Clock: clock}, clock, now)
	})
}

// DeclineContact declines somebody's request. They are not informed.
func (c *Client) DeclineContact(k key.Public) (event.Contact, error) {
	return c.about(k, func(_ *account, rec *wire.ContactRecord, now time.Time) (*outgoing, error) {
		r := requestOf(rec)
		if !r.Pending() {
			return nil, wrongState(r, "there is no request to decline")
		}
		clock, err := c.clockFor(k, r, now)
		if err != nil {
			return nil, err
		}
		next, _ := r.Dismiss(clock)
		setRequest(rec, next)
		return nil, nil
	})
}

// RetractContact withdraws our request, or our acceptance, and informs them. They stay in
// the address book.
func (c *Client) RetractContact(k key.Public) (event.Contact, error) {
	return c.about(k, func(a *account, rec *wire.ContactRecord, now time.Time) (*outgoing, error) {
		if r := requestOf(rec); !r.Added() {
			return nil, wrongState(r, "there is no request of ours to take back")
		}
		return c.retractMessage(a, k, rec, now)
	})
}

// retractMessage ends the requests for both sides.
func (c *Client) retractMessage(a *account, k key.Public, rec *wire.ContactRecord, now time.Time) (*outgoing, error) {
	r := requestOf(rec)
	clock, err := c.clockFor(k, r, now)
	if err != nil {
		return nil, err
	}
	next, _ := r.Retract(clock)
	setRequest(rec, next)
	return c.sign(a, k, wire.ApplicationMetadataMessage_RETRACT_CONTACT_REQUEST,
		&wire.RetractContactRequest{Clock: clock}, clock, now)
}

// RemoveContact removes a person from the address book, and withdraws our request or
// acceptance, of which they are informed. The chat with them stays, and they may still
// write.
func (c *Client) RemoveContact(k key.Public) error {
	_, err := c.about(k, func(a *account, rec *wire.ContactRecord, now time.Time) (*outgoing, error) {
		if !rec.GetAdded() {
			return nil, Errorf(CodeNotFound, "key", "this person is not a contact")
		}
		rec.Added, rec.AddedAt, rec.Name, rec.RemovedAt = false, 0, "", now.UnixMilli()
		if !requestOf(rec).Added() {
			return nil, nil
		}
		return c.retractMessage(a, k, rec, now)
	})
	return err
}

// BlockContact blocks a person without their knowing: their messages are acknowledged and
// thrown away. If we had asked or accepted to be contacts, that is withdrawn, of which they
// are informed. When it returns, no message of theirs is stored any more, and no event of
// one is handed out that waited.
func (c *Client) BlockContact(k key.Public) (event.Contact, error) {
	defer c.ledger.Events.Barrier() // a reader that has an event of theirs finds them blocked
	return c.about(k, func(a *account, rec *wire.ContactRecord, now time.Time) (*outgoing, error) {
		if rec.GetBlockedAt() != 0 {
			return nil, nil
		}
		r := requestOf(rec)
		clock, err := c.clockFor(k, r, now)
		if err != nil {
			return nil, err
		}
		next, notify := r.Block(clock)
		rec.Familiar = standingOf(rec).familiar()
		setRequest(rec, next)
		rec.BlockedAt = now.UnixMilli()
		rec.Added, rec.AddedAt = false, 0
		if !notify {
			return nil, nil
		}
		return c.sign(a, k, wire.ApplicationMetadataMessage_RETRACT_CONTACT_REQUEST,
			&wire.RetractContactRequest{Clock: clock}, clock, now)
	})
}

// UnblockContact ends the blocking of a person, who is no contact then and not in the address
// book. A verification is kept: it is about their key, which blocking does not change.
func (c *Client) UnblockContact(k key.Public) (event.Contact, error) {
	return c.about(k, func(_ *account, rec *wire.ContactRecord, now time.Time) (*outgoing, error) {
		if rec.GetBlockedAt() == 0 {
			return nil, Errorf(CodeNotFound, "key", "this person is not blocked")
		}
		r := requestOf(rec)
		clock, err := c.clockFor(k, r, now)
		if err != nil {
			return nil, err
		}
		next, _ := r.Retract(clock)
		setRequest(rec, next)
		rec.BlockedAt, rec.Familiar = 0, false
		return nil, nil
	})
}

// requestOf returns the state of the contact requests in a record.
func requestOf(rec *wire.ContactRecord) contact.Request { return contact.RequestOf(rec) }

// setRequest stores that state in a record, and forgets their request when there is none.
func setRequest(rec *wire.ContactRecord, r contact.Request) { contact.SetRequest(rec, r) }
