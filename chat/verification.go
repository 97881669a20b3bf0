package chat

import (
	"bytes"
	"cmp"
	"errors"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/contact"
	"libstatus1to1/chat/enum"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/identity"
	"libstatus1to1/chat/internal/agree"
	"libstatus1to1/chat/internal/history"
	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/text"
	"libstatus1to1/chat/wire"
)

// SafetyNumber is the number that two people compare to make sure that nobody sits between
// them, with the colours the Status app shows for a key.
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

// ring returns the coloured ring of a key as hosts see it.
func ring(k key.Public) []event.Segment {
	var out []event.Segment
	for _, s := range contact.ColourHash(k) {
		out = append(out, event.Segment{Length: s.Length, Color: s.Colour})
	}
	return out
}

// VerifyContact makes somebody verified, if the safety number they have read out is that of
// the pair. CodeNotVerified if it is not: then somebody may stand between.
func (c *Client) VerifyContact(k key.Public, safetyNumber string) (event.Contact, error) {
	return c.about(k, func(a *account, rec *wire.ContactRecord, now time.Time) (*outgoing, error) {
		if !contact.SameSafetyNumber(safetyNumber, contact.SafetyNumber(a.public, k)) {
			return nil, Errorf(CodeNotVerified, "safety_number", "this is not the safety number of the two of you")
		}
		rec.VerifiedBy, rec.VerifiedAt = contact.ByKey, now.UnixMilli()
		return nil, nil
	})
}

// UnverifyContact makes somebody not verified again.
func (c *Client) UnverifyContact(k key.Public) (event.Contact, error) {
	return c.about(k, func(_ *account, rec *wire.ContactRecord, now time.Time) (*outgoing, error) {
		if rec.GetVerifiedAt() != 0 {
			rec.UnverifiedAt = now.UnixMilli()
		}
		rec.VerifiedBy, rec.VerifiedAt = "", 0
		return nil, nil
	})
}

// verificationState is the state of a question, as it is stored and reported.
type verificationState string

const (
	questionNone      verificationState = "" // there is none
	questionAsked     verificationState = "asked"
	questionAnswered  verificationState = "answered"
	questionDeclined  verificationState = "declined"
	questionCancelled verificationState = "cancelled"
	questionConfirmed verificationState = "confirmed"
	questionRejected  verificationState = "rejected"
)

// verificationSteps lists, for each state of a question, the states that may follow. A new
// question begins anew in the place of the one before, whatever its state. It may begin
// cancelled: the message that cancels it can come before the question. An answer is judged
// by the one who has asked, without a message about that.
var verificationSteps = map[verificationState][]verificationState{
	questionNone:      {questionAsked, questionCancelled},
	questionAsked:     {questionAnswered, questionDeclined, questionCancelled},
	questionAnswered:  {questionConfirmed, questionRejected},
	questionDeclined:  nil,
	questionCancelled: nil,
	questionConfirmed: nil,
	questionRejected:  nil,
}

// mayBecome reports whether a question may go from s to next.
func (s verificationState) mayBecome(next verificationState) bool {
	return slices.Contains(verificationSteps[s], next)
}

// stateOf returns the state in a record.
func stateOf(rec *wire.VerificationRecord) verificationState {
	return verificationState(rec.GetState())
}

// The last byte of a key of tableVerifications: who has asked. The last question each
// way is kept.
const (
	askedThem = 'o'
	askedUs   = 'i'
)

// verificationKey names the record of the last question in a direction.
func verificationKey(k key.Public, direction byte) []byte { return append(k.Compressed(), direction) }

// verificationOf returns a record as hosts see it.
func verificationOf(rec *wire.VerificationRecord) event.Verification {
	return event.Verification{
		ID: event.Hex(rec.GetId()), PublicKey: history.KeyHex(rec.GetPeer()), Outgoing: rec.GetOutgoing(), Question: rec.GetQuestion(),
		Answer: rec.GetAnswer(), State: enum.VerificationState(rec.GetState()), AskedAt: rec.GetAskedAt(), AnsweredAt: rec.GetAnsweredAt(),
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
		found, err := c.ledger.Get(tableVerifications, verificationKey(k, direction), &rec)
		if err != nil {
			return nil, err
		}
		if found && rec.GetAskedAt() != 0 { // else it is one that was taken back before it came
			list = append(list, verificationOf(&rec))
		}
	}
	return list, nil
}

// change computes a change of the question in one direction: it changes rec, and returns
// the message about it, if there is one.
type change func(a *account, rec *wire.VerificationRecord, clock uint64, now time.Time) (*outgoing, error)

// changeVerification runs f and stores what it made. Both must be contacts, by the record: the
// contact list has a change a moment after Contact tells it.
func (c *Client) changeVerification(k key.Public, direction byte, f change) (event.Verification, error) {
	var result event.Verification
	a, err := c.account()
	if err != nil {
		return result, err
	}
	name := verificationKey(k, direction)
	err = recompute(c, "question", func(r reader) (*wire.VerificationRecord, error) {
		person, err := contactRecord(r, k)
		if err != nil {
			return nil, err
		}
		if s := standingOf(person); !s.request.Mutual() || s.blocked {
			return nil, wrongState(s.request, "both must be contacts")
		}
		rec := &wire.VerificationRecord{}
		_, err = read(r, tableVerifications, name, rec)
		return rec, err
	}, func(before *wire.VerificationRecord) (func(*txn) error, error) {
		now := c.now()
		clock, err := c.history.NextClock(message.ConversationWith(k), now)
		if err != nil {
			return nil, err
		}
		own, err := c.ownClock(a, now, 0)
		rec := proto.CloneOf(before)
		out, fault := f(a, rec, clock, now)
		if err = errors.Join(fault, err); err != nil {
			return nil, err
		}
		rec.Peer, rec.Outgoing = k.Compressed(), direction == askedThem
		result = verificationOf(rec)
		return func(t *txn) error {
			return errors.Join(t.enqueue(out), t.putVerification(name, rec), t.verified(k, rec, own), t.agreed(agree.Question(name)))
		}, nil
	})
	return result, err
}

// verified makes somebody verified whose answer is confirmed.
func (t *txn) verified(k key.Public, rec *wire.VerificationRecord, clock uint64) error {
	if stateOf(rec) != questionConfirmed {
		return nil
	}
	return t.changeOwn(k, clock, func(c *wire.ContactRecord) bool {
		c.VerifiedBy, c.VerifiedAt = contact.ByQuestion, int64(clock)
		return true
	})
}

// putVerification stores a question and emits it.
func (t *txn) putVerification(name []byte, rec *wire.VerificationRecord) error {
	if err := ledger.Put(t, tableVerifications, name, rec); err != nil {
		return err
	}
	return t.Emit(event.VerificationChanged{Verification: verificationOf(rec)})
}

// validateQuestion checks a question or an answer of ours. Errors: CodeEmpty, CodeTooLong,
// CodeBadParams.
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

// AskContact asks a contact something only they can answer. It replaces the last question
// to them.
func (c *Client) AskContact(k key.Public, question string) (event.Verification, error) {
	if err := validateQuestion("question", question); err != nil {
		return event.Verification{}, err
	}
	return c.changeVerification(k, askedThem, func(a *account, rec *wire.VerificationRecord, clock uint64, now time.Time) (*outgoing, error) {
		out, err := c.sign(a, k, wire.ApplicationMetadataMessage_REQUEST_CONTACT_VERIFICATION,
			&wire.RequestContactVerification{Clock: clock, Challenge: question}, clock, now)
		if err != nil {
			return nil, err
		}
		proto.Reset(rec)
		rec.Id, rec.Question, rec.State = out.row.GetMessageId(), question, string(questionAsked)
		rec.AskedClock, rec.AskedAt = clock, now.UnixMilli()
		return out, nil
	})
}

// AnswerContact answers the question a contact has asked.
func (c *Client) AnswerContact(k key.Public, answer string) (event.Verification, error) {
	if err := validateQuestion("answer", answer); err != nil {
		return event.Verification{}, err
	}
	return c.reply(k, askedUs, questionAnswered, func(rec *wire.VerificationRecord, clock uint64) (wire.ApplicationMetadataMessage_Type, proto.Message) {
		rec.Answer = answer
		return wire.ApplicationMetadataMessage_ACCEPT_CONTACT_VERIFICATION,
			&wire.AcceptContactVerification{Clock: clock, Id: event.Hex(rec.GetId()), Response: answer}
	})
}

// RefuseQuestion informs a contact that we do not answer their question.
func (c *Client) RefuseQuestion(k key.Public) (event.Verification, error) {
	return c.reply(k, askedUs, questionDeclined, func(rec *wire.VerificationRecord, clock uint64) (wire.ApplicationMetadataMessage_Type, proto.Message) {
		return wire.ApplicationMetadataMessage_DECLINE_CONTACT_VERIFICATION,
			&wire.DeclineContactVerification{Clock: clock, Id: event.Hex(rec.GetId())}
	})
}

// CancelQuestion withdraws our question to a contact.
func (c *Client) CancelQuestion(k key.Public) (event.Verification, error) {
	return c.reply(k, askedThem, questionCancelled, func(rec *wire.VerificationRecord, clock uint64) (wire.ApplicationMetadataMessage_Type, proto.Message) {
		return wire.ApplicationMetadataMessage_CANCEL_CONTACT_VERIFICATION,
			&wire.CancelContactVerification{Clock: clock, Id: event.Hex(rec.GetId())}
	})
}

// reply ends a question that is open, with a message about it.
func (c *Client) reply(k key.Public, direction byte, state verificationState,
	f func(*wire.VerificationRecord, uint64) (wire.ApplicationMetadataMessage_Type, proto.Message)) (event.Verification, error) {
	return c.changeVerification(k, direction, func(a *account, rec *wire.VerificationRecord, clock uint64, now time.Time) (*outgoing, error) {
		if !stateOf(rec).mayBecome(state) || stateOf(rec) == questionNone { // there must be one to reply to
			return nil, Errorf(CodeWrongState, "key", "there is no open question").With("state", cmp.Or(rec.GetState(), "none"))
		}
		typ, m := f(rec, clock)
		rec.State, rec.AnsweredClock, rec.AnsweredAt = string(state), clock, now.UnixMilli()
		return c.sign(a, k, typ, m, clock, now)
	})
}

// ConfirmAnswer says whether the answer of a contact was right. If it was, they are
// verified. They are not informed.
func (c *Client) ConfirmAnswer(k key.Public, right bool) (event.Verification, error) {
	return c.changeVerification(k, askedThem, func(_ *account, rec *wire.VerificationRecord, _ uint64, _ time.Time) (*outgoing, error) {
		next := questionRejected
		if right {
			next = questionConfirmed
		}
		if !stateOf(rec).mayBecome(next) {
			return nil, Errorf(CodeWrongState, "key", "there is no answer to judge").With("state", cmp.Or(rec.GetState(), "none"))
		}
		rec.State = string(next)
		return nil, nil
	})
}

// aboutVerification returns the empty body of a message about a question, and the judge of
// what is read into it; nil for other types.
func (p *pass) aboutVerification(am *applicationMessage, at time.Time) (proto.Message, judge) {
	c, from := p.c, am.from.sender
	switch am.app.Type {
	case wire.ApplicationMetadataMessage_REQUEST_CONTACT_VERIFICATION:
		body, id := &wire.RequestContactVerification{}, message.ID(from, am.body.bytes)
		return body, func(r lookup) (func(*txn) error, error) { return c.judgeQuestion(r, from, id, body, at) }
	case wire.ApplicationMetadataMessage_ACCEPT_CONTACT_VERIFICATION:
		body := &wire.AcceptContactVerification{}
		return body, func(r lookup) (func(*txn) error, error) {
			if message.ValidateQuestion(body.GetResponse()) != nil {
				c.counters.drop("verification")
				return nil, nil
			}
			return c.judgeReply(r, from, askedThem, questionReply{body.GetId(), body.GetClock(), questionAnswered, body.GetResponse()}, at)
		}
	case wire.ApplicationMetadataMessage_DECLINE_CONTACT_VERIFICATION:
		body := &wire.DeclineContactVerification{}
		return body, func(r lookup) (func(*txn) error, error) {
			return c.judgeReply(r, from, askedThem, questionReply{body.GetId(), body.GetClock(), questionDeclined, ""}, at)
		}
	case wire.ApplicationMetadataMessage_CANCEL_CONTACT_VERIFICATION:
		body := &wire.CancelContactVerification{}
		return body, func(r lookup) (func(*txn) error, error) {
			return c.judgeReply(r, from, askedUs, questionReply{body.GetId(), body.GetClock(), questionCancelled, ""}, at)
		}
	}
	return nil, nil
}

// mayAsk reports whether both are contacts, as they must be for a question.
func (c *Client) mayAsk(r lookup, k key.Public, clock uint64, at time.Time) (bool, error) {
	rec, err := contactRecord(r, k)
	if err != nil {
		return false, err
	}
	if r := requestOf(rec); !r.Mutual() {
		c.counters.drop("verification")
		if r.Added() { // their acceptance is still on its way
			return false, errLater
		}
		return false, nil
	}
	return c.inTime(clock, at)
}

// judgeQuestion accepts a question of a contact, unless a later one is there.
func (c *Client) judgeQuestion(r lookup, from key.Public, id [32]byte, m *wire.RequestContactVerification, at time.Time) (func(*txn) error, error) {
	if ok, err := c.mayAsk(r, from, m.GetClock(), at); err != nil || !ok {
		return nil, err
	}
	if message.ValidateQuestion(m.GetChallenge()) != nil {
		c.counters.drop("verification")
		return nil, nil
	}
	name := verificationKey(from, askedUs)
	old := &wire.VerificationRecord{}
	if _, err := read(r, tableVerifications, name, old); err != nil || old.GetAskedClock() >= m.GetClock() {
		return nil, err
	}
	rec := &wire.VerificationRecord{
		Id: id[:], Peer: from.Compressed(), Question: m.GetChallenge(), State: string(questionAsked),
		AskedClock: m.GetClock(), AskedAt: c.now().UnixMilli(),
	}
	if string(old.GetId()) == string(id[:]) { // taken back already: the messages crossed
		rec.State, rec.AnsweredClock = old.GetState(), old.GetAnsweredClock()
	}
	return func(t *txn) error { return t.putVerification(name, rec) }, nil
}

// questionReply is the other side's reply to a question.
type questionReply struct {
	id     string // hex, of the question
	clock  uint64
	state  verificationState
	answer string
}

// judgeReply accepts the other side's reply to a question that is open. A question of
// theirs that is taken back may still be on its way: then it is noted as cancelled, so that
// it is not shown as an open one when it comes.
func (c *Client) judgeReply(r lookup, from key.Public, direction byte, said questionReply, at time.Time) (func(*txn) error, error) {
	if ok, err := c.mayAsk(r, from, said.clock, at); err != nil || !ok {
		return nil, err
	}
	raw, ok := parseID(said.id)
	if !ok {
		c.counters.drop("verification")
		return nil, nil
	}
	name := verificationKey(from, direction)
	rec := &wire.VerificationRecord{}
	if _, err := read(r, tableVerifications, name, rec); err != nil {
		return nil, err
	}
	switch open := stateOf(rec) == questionAsked; {
	case open && string(rec.GetId()) == string(raw[:]) && questionAsked.mayBecome(said.state):
		rec.State, rec.Answer = string(said.state), said.answer
		rec.AnsweredClock, rec.AnsweredAt = said.clock, c.now().UnixMilli()
		return func(t *txn) error { return t.putVerification(name, rec) }, nil
	case !open && direction == askedUs && rec.GetAskedClock() < said.clock && questionNone.mayBecome(said.state):
		cancelled := &wire.VerificationRecord{Id: raw[:], Peer: from.Compressed(), State: string(said.state), AnsweredClock: said.clock}
		return func(t *txn) error { return ledger.Put(t, tableVerifications, name, cancelled) }, nil
	}
	c.counters.drop("verification")
	return nil, nil
}

// verifications checks that each question has the right name and is in a state that it can
// be in. Only the answers to our own questions are judged by us.
func (in *inspection) verifications() error {
	return in.Each(tableVerifications, func(name, value []byte) error {
		var rec wire.VerificationRecord
		if err := ledger.Decode(tableVerifications, value, &rec); err != nil {
			return err
		}
		direction := byte(askedUs)
		if rec.GetOutgoing() {
			direction = askedThem
		}
		if !bytes.Equal(name, append(bytes.Clone(rec.GetPeer()), direction)) || len(rec.GetId()) != len([32]byte{}) {
			in.Report(tableVerifications, "a question is not what its name says")
		}
		state := stateOf(&rec)
		_, known := verificationSteps[state]
		judged := state == questionConfirmed || state == questionRejected
		if !known || state == questionNone || judged && !rec.GetOutgoing() || (judged || state == questionAnswered) && rec.GetAnswer() == "" {
			in.Report(tableVerifications, "a question is in no state that it can be in")
		}
		return nil
	})
}
