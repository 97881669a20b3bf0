package chat

import (
	"context"
	"errors"
	"time"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/contact"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
)

// step is what one call does about a person: it changes the record and may write a
// letter. It is computed outside of the transaction, because signing takes time.
type step func(a *account, rec *wire.ContactRecord, now time.Time) (*letter, error)

// maxTries is how often a step is computed again because the record has changed
// meanwhile: a message of theirs came, or another call was faster.
const maxTries = 8

// errStale: the record is not the one the step was computed from.
var errStale = errors.New("the contact has changed")

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
	for range maxTries {
		var contact event.Contact
		if contact, err = c.tryAbout(a, k, f); !errors.Is(err, errStale) {
			return contact, err
		}
	}
	return event.Contact{}, Errorf(CodeTooMany, "", "the contact keeps changing; try again")
}

func (c *Client) tryAbout(a *account, k key.Public, f step) (event.Contact, error) {
	before := &wire.ContactRecord{}
	if _, err := c.record(tableContacts, k.Compressed(), before); err != nil {
		return event.Contact{}, err
	}
	before.Key = k.Compressed()
	rec := proto.CloneOf(before)
	l, err := f(a, rec, c.now())
	if err != nil {
		return event.Contact{}, err
	}
	routes, err := c.routesFor(a, k, rec)
	if err != nil {
		return event.Contact{}, err
	}
	err = c.update(func(t *txn) error {
		current, err := contactRecord(t, k)
		if err != nil {
			return err
		}
		if !proto.Equal(current, before) {
			return errStale
		}
		if err := t.post(l); err != nil {
			return err
		}
		return t.settle(k, before, rec, routes)
	})
	return contactOf(rec), err
}

// settle stores a changed contact, tells of it, and begins or ends listening.
func (t *txn) settle(k key.Public, before, rec *wire.ContactRecord, routes []route) error {
	for _, r := range routes {
		if err := r.store(t); err != nil {
			return err
		}
	}
	t.then(func() { t.c.listen(routes...) })
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
	if err := t.emit(event.ContactChanged{Contact: contactOf(rec)}); err != nil || rec.GetBlockedAt() != 0 {
		return err
	}
	if before.GetAdded() && !rec.GetAdded() {
		return t.emit(event.ContactRemoved{PublicKey: k.Hex()})
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
	t.then(func() {
		r, ok := t.c.routes.get(topicContactCode, k)
		if !ok || !t.c.routes.remove(r) {
			return
		}
		if err := t.c.net.Unsubscribe(r.contentTopic); err != nil {
			t.c.log.Log("warn", "unsubscribing failed", "kind", r.kind, "error", err.Error())
		}
	})
	return t.Delete(tableTopics, topicKey(topicContactCode, k))
}

// clockFor is the clock of an action towards k: the next of the chat, and later than
// all that was said about the requests, as far as states are believed.
func (c *Client) clockFor(k key.Public, r contact.Request, now time.Time) (uint64, error) {
	return c.clockWithin(k, r, now, maxEnvelopeAhead+message.MaxClockAhead)
}

// clockToAsk is clockFor for a request or an acceptance, which is rather earlier than
// their word than that far ahead: it need only be later than our own last word.
func (c *Client) clockToAsk(k key.Public, r contact.Request, now time.Time) (uint64, error) {
	return c.clockWithin(k, r, now, maxFollow)
}

func (c *Client) clockWithin(k key.Public, r contact.Request, now time.Time, ahead time.Duration) (uint64, error) {
	next, err := c.clocks.next(c, k, now)
	if clock := r.NextClock(next); clock <= millis(now.Add(ahead)) {
		return clock, err
	}
	return max(next, r.Local.Clock+1), err
}

// wrongState is the error of an action the state does not allow.
func wrongState(r contact.Request, format string, args ...any) error {
	return Errorf(CodeWrongState, "key", format, args...).With("request", r.Name())
}

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
	_, err = c.about(k, func(a *account, rec *wire.ContactRecord, now time.Time) (*letter, error) {
		l, err := c.requestLetter(a, k, rec, text, now)
		if err == nil {
			sent = l.record
		}
		return l, err
	})
	if err != nil {
		return event.Message{}, err
	}
	return messageOf(sent), nil
}

// asKey names the field of a recipient "key", as the methods about contacts do.
func asKey(err error) error {
	if e := (*Error)(nil); errors.As(err, &e) && e.Field == "to" {
		e.Field = "key"
	}
	return err
}

// requestLetter is the step of RequestContact.
func (c *Client) requestLetter(a *account, k key.Public, rec *wire.ContactRecord, text string, now time.Time) (*letter, error) {
	r := requestOf(rec)
	if err := notBlocked(rec, "key"); err != nil {
		return nil, err
	}
	if r.Mutual() {
		return nil, wrongState(r, "both are contacts already")
	}
	clock, err := c.clockToAsk(k, r, now)
	if err != nil {
		return nil, err
	}
	next, o := r.Send(clock)
	if !o.Changed {
		return nil, wrongState(r, "the clock of the chat is out of bounds")
	}
	cm := message.NewContactRequest(message.TextParams{
		Text: text, ChatID: k.Hex(), Clock: clock, Timestamp: uint64(now.UnixMilli()),
		DisplayName: a.displayName, Contact: propagated(next),
	}, a.accent())
	l, err := c.write(a, k, wire.ApplicationMetadataMessage_CHAT_MESSAGE, cm, clock, now)
	if err != nil {
		return nil, err
	}
	l.record = &wire.MessageRecord{
		Id: l.row.GetMessageId(), Chat: k.Compressed(), From: a.public.Compressed(), Kind: kindContactRequest, Text: text,
		Clock: clock, SentAt: now.UnixMilli(), State: stateQueued, SenderName: a.displayName, Outgoing: true, Read: true,
	}
	setRequest(rec, next)
	rec.SentRequestId = l.row.GetMessageId()
	rec.WrittenTo = true
	addToBook(rec, now)
	return l, nil
}

func addToBook(rec *wire.ContactRecord, now time.Time) {
	if !rec.GetAdded() {
		rec.Added, rec.AddedAt = true, now.UnixMilli()
	}
}

// AcceptContact accepts somebody's request and adds them to the address book. A
// request that was declined can still be accepted.
func (c *Client) AcceptContact(k key.Public) (event.Contact, error) {
	return c.about(k, func(a *account, rec *wire.ContactRecord, now time.Time) (*letter, error) {
		r := requestOf(rec)
		if err := notBlocked(rec, "key"); err != nil {
			return nil, err
		}
		if !r.AddedUs() || r.Added() {
			return nil, wrongState(r, "there is no request to accept")
		}
		clock, err := c.clockToAsk(k, r, now)
		if err != nil {
			return nil, err
		}
		next, o := r.Send(clock)
		if !o.Changed {
			return nil, wrongState(r, "the clock of the chat is out of bounds")
		}
		id := ""
		if rec.GetRequestId() != nil {
			id = hexOf(rec.GetRequestId())
		}
		setRequest(rec, next)
		rec.WrittenTo = true
		addToBook(rec, now)
		return c.write(a, k, wire.ApplicationMetadataMessage_ACCEPT_CONTACT_REQUEST,
			&wire.AcceptContactRequest{Id: id, Clock: clock}, clock, now)
	})
}

// DeclineContact declines somebody's request. They are not told.
func (c *Client) DeclineContact(k key.Public) (event.Contact, error) {
	return c.about(k, func(_ *account, rec *wire.ContactRecord, now time.Time) (*letter, error) {
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

// RetractContact takes our request, or our acceptance, back, and tells them. They
// stay in the address book.
func (c *Client) RetractContact(k key.Public) (event.Contact, error) {
	return c.about(k, func(a *account, rec *wire.ContactRecord, now time.Time) (*letter, error) {
		if r := requestOf(rec); !r.Added() {
			return nil, wrongState(r, "there is no request of ours to take back")
		}
		return c.retractLetter(a, k, rec, now)
	})
}

// retractLetter ends the requests for both sides.
func (c *Client) retractLetter(a *account, k key.Public, rec *wire.ContactRecord, now time.Time) (*letter, error) {
	r := requestOf(rec)
	clock, err := c.clockFor(k, r, now)
	if err != nil {
		return nil, err
	}
	next, _ := r.Retract(clock)
	setRequest(rec, next)
	return c.write(a, k, wire.ApplicationMetadataMessage_RETRACT_CONTACT_REQUEST,
		&wire.RetractContactRequest{Clock: clock}, clock, now)
}

// RemoveContact takes a person out of the address book, and takes back our request
// or acceptance, which they are told. The chat with them stays, and they may still
// write.
func (c *Client) RemoveContact(k key.Public) error {
	_, err := c.about(k, func(a *account, rec *wire.ContactRecord, now time.Time) (*letter, error) {
		if !rec.GetAdded() {
			return nil, Errorf(CodeNotFound, "key", "this person is not a contact")
		}
		rec.Added, rec.AddedAt, rec.Name = false, 0, ""
		if !requestOf(rec).Added() {
			return nil, nil
		}
		return c.retractLetter(a, k, rec, now)
	})
	return err
}

// BlockContact makes us hear nothing of somebody any more, who cannot tell: their
// messages are acknowledged and thrown away. If we had asked or accepted to be
// contacts, that is taken back, which they are told. When it returns, no message of
// theirs is stored any more, and no event of one is handed out that waited.
func (c *Client) BlockContact(k key.Public) (event.Contact, error) {
	defer c.events.Barrier() // who took an event before sees that they are blocked
	return c.about(k, func(a *account, rec *wire.ContactRecord, now time.Time) (*letter, error) {
		if rec.GetBlockedAt() != 0 {
			return nil, nil
		}
		r := requestOf(rec)
		clock, err := c.clockFor(k, r, now)
		if err != nil {
			return nil, err
		}
		next, tell := r.Block(clock)
		rec.Familiar = standingOf(rec).familiar()
		setRequest(rec, next)
		rec.BlockedAt = now.UnixMilli()
		rec.Added, rec.AddedAt = false, 0
		if !tell {
			return nil, nil
		}
		return c.write(a, k, wire.ApplicationMetadataMessage_RETRACT_CONTACT_REQUEST,
			&wire.RetractContactRequest{Clock: clock}, clock, now)
	})
}

// UnblockContact hears somebody again, as the stranger they are then.
func (c *Client) UnblockContact(k key.Public) (event.Contact, error) {
	return c.about(k, func(_ *account, rec *wire.ContactRecord, now time.Time) (*letter, error) {
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

// requestOf and setRequest are the contact requests in a record.
func requestOf(rec *wire.ContactRecord) contact.Request {
	return contact.Request{
		Local:  contact.Half{State: contact.State(rec.GetLocalState()), Clock: rec.GetLocalClock()},
		Remote: contact.Half{State: contact.State(rec.GetRemoteState()), Clock: rec.GetRemoteClock()},
	}
}

func setRequest(rec *wire.ContactRecord, r contact.Request) {
	rec.LocalState, rec.LocalClock = uint32(r.Local.State), r.Local.Clock
	rec.RemoteState, rec.RemoteClock = uint32(r.Remote.State), r.Remote.Clock
	if !r.AddedUs() {
		rec.RequestId = nil
	}
}
