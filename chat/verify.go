package chat

import (
	"cmp"
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/contact"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/identity"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/text"
	"libstatus1to1/chat/wire"
)

// SafetyNumber is what two people compare to make sure that nobody sits between them,
// with the colours the Status app shows for a key.
type SafetyNumber struct {
	// SafetyNumber is the number to compare: 60 digits in groups of five, the same for
	// both people.
	SafetyNumber string `json:"safety_number"`
	ChatKey      string `json:"chat_key"` // their chat key, zQ3sh...
	Link         string `json:"link"`     // the Status link to them: https://status.app/u#zQ3sh...
	// ColorHash is the coloured ring around their picture in the Status app.
	ColorHash []event.Segment `json:"color_hash"`
	// ColorID is their colour in the Status app, 0 to 10.
	ColorID int `json:"color_id"`
	// OwnColorHash is the ring they see around our picture.
	OwnColorHash []event.Segment `json:"own_color_hash"`
	// OwnColorID is the colour they see for us.
	OwnColorID int `json:"own_color_id"`
}

// SafetyNumber computes the number of the pair of k and us: some 10 ms.
func (c *Client) SafetyNumber(k key.Public) (SafetyNumber, error) {
	a, err := c.account()
	if err != nil {
		return SafetyNumber{}, err
	}
	if k == a.public {
		return SafetyNumber{}, Errorf(CodeSelf, "key", "this is the identity itself")
	}
	return SafetyNumber{
		SafetyNumber: contact.GroupDigits(contact.SafetyNumber(a.public, k)), ChatKey: identity.FormatChatKey(k), Link: identity.FormatLink(k),
		ColorHash: ring(k), ColorID: contact.ColourID(k), OwnColorHash: ring(a.public), OwnColorID: contact.ColourID(a.public),
	}, nil
}

func ring(k key.Public) []event.Segment {
	var out []event.Segment
	for _, s := range contact.ColourHash(k) {
		out = append(out, event.Segment{Length: s.Length, Color: s.Colour})
	}
	return out
}

// VerifyContact marks somebody as verified, if the safety number they have read out
// is that of the pair. CodeNotVerified if it is not: then somebody may stand between.
func (c *Client) VerifyContact(k key.Public, safetyNumber string) (event.Contact, error) {
	return c.about(k, func(a *account, rec *wire.ContactRecord, now time.Time) (*letter, error) {
		if !contact.SameSafetyNumber(safetyNumber, contact.SafetyNumber(a.public, k)) {
			return nil, Errorf(CodeNotVerified, "safety_number", "the safety number is another one")
		}
		rec.VerifiedBy, rec.VerifiedAt = contact.ByKey, now.UnixMilli()
		return nil, nil
	})
}

// UnverifyContact takes that back.
func (c *Client) UnverifyContact(k key.Public) (event.Contact, error) {
	return c.about(k, func(_ *account, rec *wire.ContactRecord, _ time.Time) (*letter, error) {
		rec.VerifiedBy, rec.VerifiedAt = "", 0
		return nil, nil
	})
}

// The states of a question.
const (
	asked     = "asked"
	answered  = "answered"
	declined  = "declined"
	cancelled = "cancelled"
	confirmed = "confirmed"
	rejected  = "rejected"
)

// The last byte of a key of tableVerifications: who has asked. The last question each
// way is kept.
const (
	askedThem = 'o'
	askedUs   = 'i'
)

func verificationKey(k key.Public, direction byte) []byte { return append(k.Compressed(), direction) }

func verificationOf(rec *wire.VerificationRecord) event.Verification {
	return event.Verification{
		ID: hexOf(rec.GetId()), PublicKey: keyHex(rec.GetPeer()), Outgoing: rec.GetOutgoing(), Question: rec.GetQuestion(),
		Answer: rec.GetAnswer(), State: rec.GetState(), AskedAt: rec.GetAskedAt(), AnsweredAt: rec.GetAnsweredAt(),
	}
}

// Verifications lists the last question each way between k and us.
func (c *Client) Verifications(k key.Public) ([]event.Verification, error) {
	list := []event.Verification{}
	if _, err := c.account(); err != nil {
		return list, err
	}
	for _, direction := range []byte{askedThem, askedUs} {
		var rec wire.VerificationRecord
		found, err := c.record(tableVerifications, verificationKey(k, direction), &rec)
		if err != nil {
			return nil, err
		}
		if found && rec.GetAskedAt() != 0 {
			list = append(list, verificationOf(&rec))
		}
	}
	return list, nil
}

// change is a change of the question in one direction: the new record and the letter
// about it. A nil record changes nothing.
type change func(a *account, rec *wire.VerificationRecord, clock uint64, now time.Time) (*letter, error)

// changeVerification runs f and stores what it made. Both must be contacts.
func (c *Client) changeVerification(k key.Public, direction byte, f change) (event.Verification, error) {
	var result event.Verification
	a, err := c.account()
	if err != nil {
		return result, err
	}
	if s, _ := c.roster.get(k); !s.request.Mutual() || s.blocked {
		return result, wrongState(s.request, "both must be contacts")
	}
	name := verificationKey(k, direction)
	for range maxTries {
		before := &wire.VerificationRecord{}
		if _, err := c.record(tableVerifications, name, before); err != nil {
			return result, err
		}
		now := c.now()
		clock, err := c.clocks.next(c, k, now)
		if err != nil {
			return result, err
		}
		rec := proto.CloneOf(before)
		l, err := f(a, rec, clock, now)
		if err != nil {
			return result, err
		}
		rec.Peer, rec.Outgoing = k.Compressed(), direction == askedThem
		err = c.update(func(t *txn) error {
			current := &wire.VerificationRecord{}
			if _, err := get(t, tableVerifications, name, current); err != nil {
				return err
			}
			if !proto.Equal(current, before) {
				return errStale
			}
			return errors.Join(t.post(l), t.putVerification(name, rec), t.verified(k, rec, now))
		})
		if !errors.Is(err, errStale) {
			return verificationOf(rec), err
		}
	}
	return result, Errorf(CodeTooMany, "", "the question keeps changing; try again")
}

// verified marks somebody whose answer is confirmed.
func (t *txn) verified(k key.Public, rec *wire.VerificationRecord, now time.Time) error {
	if rec.GetState() != confirmed {
		return nil
	}
	return t.changeContact(k, func(c *wire.ContactRecord) bool {
		c.VerifiedBy, c.VerifiedAt = contact.ByQuestion, now.UnixMilli()
		return true
	})
}

func (t *txn) putVerification(name []byte, rec *wire.VerificationRecord) error {
	if err := put(t, tableVerifications, name, rec); err != nil {
		return err
	}
	return t.emit(event.VerificationChanged{Verification: verificationOf(rec)})
}

func validateQuestion(field, question string) error {
	switch err := message.ValidateQuestion(question); {
	case errors.Is(err, message.ErrQuestionEmpty), err == nil && text.Blank(question):
		return Errorf(CodeEmpty, field, "the text is empty or shows nothing").Because(err)
	case errors.Is(err, message.ErrQuestionTooLong):
		return Errorf(CodeTooLong, field, "the text has more than %d bytes", message.MaxQuestion).With("max", message.MaxQuestion).Because(err)
	case err != nil:
		return Errorf(CodeBadParams, field, "the text is not valid UTF-8").Because(err)
	}
	return nil
}

// AskContact asks a contact something only they can answer. It takes the place of the
// last question to them.
func (c *Client) AskContact(k key.Public, question string) (event.Verification, error) {
	if err := validateQuestion("question", question); err != nil {
		return event.Verification{}, err
	}
	return c.changeVerification(k, askedThem, func(a *account, rec *wire.VerificationRecord, clock uint64, now time.Time) (*letter, error) {
		l, err := c.write(a, k, wire.ApplicationMetadataMessage_REQUEST_CONTACT_VERIFICATION,
			&wire.RequestContactVerification{Clock: clock, Challenge: question}, clock, now)
		if err != nil {
			return nil, err
		}
		proto.Reset(rec)
		rec.Id, rec.Question, rec.State = l.row.GetMessageId(), question, asked
		rec.AskedClock, rec.AskedAt = clock, now.UnixMilli()
		return l, nil
	})
}

// AnswerContact answers the question a contact has asked.
func (c *Client) AnswerContact(k key.Public, answer string) (event.Verification, error) {
	if err := validateQuestion("answer", answer); err != nil {
		return event.Verification{}, err
	}
	return c.reply(k, askedUs, answered, func(rec *wire.VerificationRecord, clock uint64) (wire.ApplicationMetadataMessage_Type, proto.Message) {
		rec.Answer = answer
		return wire.ApplicationMetadataMessage_ACCEPT_CONTACT_VERIFICATION,
			&wire.AcceptContactVerification{Clock: clock, Id: hexOf(rec.GetId()), Response: answer}
	})
}

// RefuseQuestion tells a contact that we do not answer their question.
func (c *Client) RefuseQuestion(k key.Public) (event.Verification, error) {
	return c.reply(k, askedUs, declined, func(rec *wire.VerificationRecord, clock uint64) (wire.ApplicationMetadataMessage_Type, proto.Message) {
		return wire.ApplicationMetadataMessage_DECLINE_CONTACT_VERIFICATION,
			&wire.DeclineContactVerification{Clock: clock, Id: hexOf(rec.GetId())}
	})
}

// CancelQuestion takes our question to a contact back.
func (c *Client) CancelQuestion(k key.Public) (event.Verification, error) {
	return c.reply(k, askedThem, cancelled, func(rec *wire.VerificationRecord, clock uint64) (wire.ApplicationMetadataMessage_Type, proto.Message) {
		return wire.ApplicationMetadataMessage_CANCEL_CONTACT_VERIFICATION,
			&wire.CancelContactVerification{Clock: clock, Id: hexOf(rec.GetId())}
	})
}

// reply ends a question that is open, with a message about it.
func (c *Client) reply(k key.Public, direction byte, state string,
	f func(*wire.VerificationRecord, uint64) (wire.ApplicationMetadataMessage_Type, proto.Message)) (event.Verification, error) {
	return c.changeVerification(k, direction, func(a *account, rec *wire.VerificationRecord, clock uint64, now time.Time) (*letter, error) {
		if rec.GetState() != asked {
			return nil, Errorf(CodeWrongState, "key", "there is no open question").With("state", cmp.Or(rec.GetState(), "none"))
		}
		typ, m := f(rec, clock)
		rec.State, rec.AnsweredClock, rec.AnsweredAt = state, clock, now.UnixMilli()
		return c.write(a, k, typ, m, clock, now)
	})
}

// ConfirmAnswer says whether the answer of a contact was right. If it was, they are
// verified. They are not told.
func (c *Client) ConfirmAnswer(k key.Public, right bool) (event.Verification, error) {
	return c.changeVerification(k, askedThem, func(_ *account, rec *wire.VerificationRecord, _ uint64, _ time.Time) (*letter, error) {
		if rec.GetState() != answered {
			return nil, Errorf(CodeWrongState, "key", "there is no answer to judge").With("state", cmp.Or(rec.GetState(), "none"))
		}
		rec.State = rejected
		if right {
			rec.State = confirmed
		}
		return nil, nil
	})
}

// aboutVerification takes the messages of the other side about questions; nil for
// other types.
func (p *pass) aboutVerification(m *inbound, app message.Application, b []byte, at time.Time) (proto.Message, func(*txn) error) {
	from := m.sender
	switch app.Type {
	case wire.ApplicationMetadataMessage_REQUEST_CONTACT_VERIFICATION:
		body, id := &wire.RequestContactVerification{}, message.ID(from, b)
		return body, func(t *txn) error { return t.questioned(from, id, body, at) }
	case wire.ApplicationMetadataMessage_ACCEPT_CONTACT_VERIFICATION:
		body := &wire.AcceptContactVerification{}
		return body, func(t *txn) error {
			if message.ValidateQuestion(body.GetResponse()) != nil {
				t.c.counters.drop("verification")
				return nil
			}
			return t.replied(from, askedThem, body.GetId(), body.GetClock(), answered, body.GetResponse(), at)
		}
	case wire.ApplicationMetadataMessage_DECLINE_CONTACT_VERIFICATION:
		body := &wire.DeclineContactVerification{}
		return body, func(t *txn) error {
			return t.replied(from, askedThem, body.GetId(), body.GetClock(), declined, "", at)
		}
	case wire.ApplicationMetadataMessage_CANCEL_CONTACT_VERIFICATION:
		body := &wire.CancelContactVerification{}
		return body, func(t *txn) error {
			return t.replied(from, askedUs, body.GetId(), body.GetClock(), cancelled, "", at)
		}
	}
	return nil, nil
}

// mayAsk reports whether both are contacts, as they must be for a question.
func (t *txn) mayAsk(k key.Public, clock uint64, at time.Time) (bool, error) {
	rec, err := contactRecord(t, k)
	if err != nil {
		return false, err
	}
	if r := requestOf(rec); !r.Mutual() {
		t.c.counters.drop("verification")
		if r.Added() { // their acceptance is still on its way
			return false, errLater
		}
		return false, nil
	}
	return t.inTime(clock, at)
}

// questioned takes a question of a contact, unless a later one is there.
func (t *txn) questioned(from key.Public, id [32]byte, m *wire.RequestContactVerification, at time.Time) error {
	if ok, err := t.mayAsk(from, m.GetClock(), at); err != nil || !ok {
		return err
	}
	if message.ValidateQuestion(m.GetChallenge()) != nil {
		t.c.counters.drop("verification")
		return nil
	}
	name := verificationKey(from, askedUs)
	old := &wire.VerificationRecord{}
	if _, err := get(t, tableVerifications, name, old); err != nil || old.GetAskedClock() >= m.GetClock() {
		return err
	}
	rec := &wire.VerificationRecord{
		Id: id[:], Peer: from.Compressed(), Question: m.GetChallenge(), State: asked,
		AskedClock: m.GetClock(), AskedAt: t.c.now().UnixMilli(),
	}
	if string(old.GetId()) == string(id[:]) { // taken back already: the messages crossed
		rec.State, rec.AnsweredClock = old.GetState(), old.GetAnsweredClock()
	}
	return t.putVerification(name, rec)
}

// replied takes what the other side says to a question that is open.
func (t *txn) replied(from key.Public, direction byte, id string, clock uint64, state, answer string, at time.Time) error {
	if ok, err := t.mayAsk(from, clock, at); err != nil || !ok {
		return err
	}
	raw, err := hex.DecodeString(strings.TrimPrefix(id, "0x"))
	if err != nil || len(raw) != 32 {
		t.c.counters.drop("verification")
		return nil
	}
	name := verificationKey(from, direction)
	rec := &wire.VerificationRecord{}
	if _, err := get(t, tableVerifications, name, rec); err != nil {
		return err
	}
	switch {
	case string(rec.GetId()) == string(raw) && rec.GetState() == asked:
		rec.State, rec.Answer = state, answer
		rec.AnsweredClock, rec.AnsweredAt = clock, t.c.now().UnixMilli()
		return t.putVerification(name, rec)
	case direction == askedUs && rec.GetAskedClock() < clock && rec.GetState() != asked:
		// The question is still on its way.
		return put(t, tableVerifications, name, &wire.VerificationRecord{
			Id: raw, Peer: from.Compressed(), State: state, AnsweredClock: clock,
		})
	}
	t.c.counters.drop("verification")
	return nil
}
