package chat

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/event"
	"libstatus1to1/chat/internal/history"
	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/internal/outbox"
	"libstatus1to1/chat/internal/parallel"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/datasync"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
)

// The sending pipeline, first half: what messages.send does before it returns.
// The second half is in package outbox, attempt.go; between them is seal.go.
//
//	validate -> clock, ids and signature -> one transaction: message, history,
//	outbox row, event -> return -> (loop) encrypt and store -> publish -> record that
//
// While the loop is idle, encrypting comes before that transaction, which stores the
// ciphertext too: acceptSealed.

// Send stores a text for another person and returns at once; MessageState events report its
// delivery. With a ClientRef that was used for the same text to the same person it returns
// that message again.
func (c *Client) Send(ctx context.Context, r SendRequest) (event.Message, error) {
	results, err := c.SendBatch(ctx, []SendRequest{r})
	if err != nil {
		return event.Message{}, err
	}
	return results[0].Message, results[0].Err
}

// SendBatch is Send for up to MaxSendBatch texts in one transaction, which costs
// one write to the disk. A text that cannot be sent has its error in its place
// and holds up no other; an error of the whole means that none was stored.
func (c *Client) SendBatch(ctx context.Context, requests []SendRequest) ([]SendResult, error) {
	a, err := c.account()
	if err != nil {
		return nil, err
	}
	if len(requests) > MaxSendBatch {
		return nil, Errorf(CodeBadParams, "messages", "a batch has at most %d messages", MaxSendBatch).With("max", MaxSendBatch)
	}
	if err := ctx.Err(); err != nil {
		return nil, Errorf(CodeTimeout, "", "the deadline has passed").Because(err)
	}
	results := make([]SendResult, len(requests))
	var all []*newMessage
	for i, r := range requests {
		m, err := c.begin(a, r, &results[i])
		if err != nil {
			results[i].Err = err
		} else if m != nil {
			all = append(all, m)
		}
	}
	parallel.Do(len(all), func(i int) { all[i].result.Err = c.compose(a, all[i]) })
	all = slices.DeleteFunc(all, func(m *newMessage) bool { return m.result.Err != nil })
	if err := c.accept(all); err != nil {
		return nil, err
	}
	return results, nil
}

// begin checks a request and draws its clocks, in the order of the batch. It gives
// nil when the request was sent before; the result is that message then.
func (c *Client) begin(a *account, r SendRequest, result *SendResult) (*newMessage, error) {
	r, err := r.written()
	if err != nil {
		return nil, err
	}
	if err := validateSend(a, r); err != nil {
		return nil, err
	}
	m, found, err := c.history.ByRef(r.ClientRef, r.To, r.digested())
	if found || err != nil {
		result.Message = m
		return nil, err
	}
	if s, _ := c.people.contacts.get(r.To); s.blocked {
		return nil, Errorf(CodeBlocked, "to", "this person is blocked")
	}
	all, err := c.contents(r)
	if err != nil {
		return nil, err
	}
	if err := c.timed(r, all); err != nil {
		return nil, err
	}
	next := &newMessage{request: r, result: result, now: c.now(), contents: all}
	for i := range all {
		if all[i].params.Clock, err = c.history.NextClock(message.ConversationWith(r.To), next.now); err != nil {
			return nil, err
		}
	}
	return next, nil
}

func validateSend(a *account, r SendRequest) error {
	if r.To.IsZero() {
		return Errorf(CodeBadKey, "to", "a recipient is needed")
	}
	if r.To == a.public {
		return Errorf(CodeSelf, "to", "this is the identity itself")
	}
	if len(r.ClientRef) > MaxClientRef {
		return Errorf(CodeTooLong, "client_ref", "client_ref is longer than %d bytes", MaxClientRef).With("max", MaxClientRef)
	}
	return validateContent(r)
}

// newMessage is a message on its way into the store: the request, then what is made of it.
type newMessage struct {
	request  SendRequest
	result   *SendResult
	now      time.Time
	contents []content
	// all has a message for each of contents: one, or those of an album.
	all []*outgoing
}

// compose makes the messages of a request, and encodes all that is stored of them: that takes
// time, and only one transaction runs at a time. It writes nothing.
// Spec: 62/STATUS-PAYLOADS, "Chat message".
func (c *Client) compose(a *account, m *newMessage) error {
	for i, each := range m.contents {
		p := each.params
		p.Timestamp, p.DisplayName, p.Contact = uint64(m.now.UnixMilli()), a.displayName, c.propagatedTo(m.request.To)
		cm := message.NewChatMessage(p)
		out, err := c.sign(a, m.request.To, wire.ApplicationMetadataMessage_CHAT_MESSAGE, cm, p.Clock, m.now)
		if err != nil {
			return err
		}
		out.record = out.historyRecord(a, cm, m.now)
		out.store = attach(out.record, cm, false)
		if each.describe != nil {
			each.describe(out.record)
		}
		if i == 0 {
			out.record.ClientRef = m.request.ClientRef
		}
		if err := out.encode(); err != nil {
			return err
		}
		m.all = append(m.all, out)
	}
	return nil
}

// outgoing is an application message on its way into the store. All of them take the
// outbox and MVDS; texts and contact requests are also in the history.
type outgoing struct {
	to     key.Public
	row    *wire.OutboxRecord
	body   *datasync.Message
	record *wire.MessageRecord // nil if it is not in the history
	// store stores what belongs to the record beside it; nil is nothing.
	store func(*txn, *wire.MessageRecord) error

	// What encode has encoded: row, record and the event of the message; nil before.
	rowBytes, recordBytes, event []byte
}

// sign makes an application message to somebody and computes its ids. It stores nothing.
// Spec: 62/STATUS-PAYLOADS, "Payload wrapper"; 2/MVDS, "Payloads".
func (c *Client) sign(a *account, to key.Public, typ wire.ApplicationMetadataMessage_Type, m proto.Message, clock uint64, now time.Time) (*outgoing, error) {
	encoded, err := message.Encode(m)
	if err != nil {
		return nil, err
	}
	application, err := message.Wrap(a.self.Identity, typ, encoded)
	if err != nil {
		return nil, err
	}
	if len(application) > outbox.MaxMessage {
		return nil, Errorf(CodeTooLarge, "text", "the message has %d bytes, %d are allowed", len(application), outbox.MaxMessage).
			With("max", outbox.MaxMessage)
	}
	id := message.ID(a.public, application)
	sync := datasync.Message{GroupID: datasync.GroupID(a.public, to), Timestamp: now.Unix(), Body: application}
	mvdsID := sync.ID()
	return &outgoing{to: to, body: &sync, row: &wire.OutboxRecord{
		MessageId: id[:], Peer: to.Compressed(), MvdsId: mvdsID[:], Application: application,
		MvdsTimestamp: sync.Timestamp, NextSendAt: now.UnixMilli(), Clock: clock,
	}}, nil
}

// historyRecord returns the record of our ChatMessage in its history.
func (out *outgoing) historyRecord(a *account, cm *wire.ChatMessage, now time.Time) *wire.MessageRecord {
	rec := &wire.MessageRecord{
		Id: out.row.GetMessageId(), Chat: message.ConversationWith(out.to).Bytes(), From: a.public.Compressed(),
		Clock: out.row.GetClock(), SentAt: now.UnixMilli(), State: string(history.Queued), SenderName: a.displayName, Outgoing: true, Read: true,
	}
	message.Fill(rec, cm, a.public)
	message.FillExpiry(rec, cm, now)
	return rec
}

// encode encodes what is stored.
func (out *outgoing) encode() (err error) {
	out.row.InHistory, out.row.ClientRef = out.record != nil, out.record.GetClientRef()
	if out.rowBytes, err = proto.Marshal(out.row); err != nil || out.record == nil {
		return err
	}
	if out.recordBytes, err = proto.Marshal(out.record); err != nil {
		return err
	}
	out.event, err = json.Marshal(history.StateEvent(out.record))
	return err
}

// entry returns the message as the outbox takes it.
func (out *outgoing) entry() outbox.Entry {
	return outbox.Entry{Peer: out.to, Record: out.row, Encoded: out.rowBytes, Body: out.body}
}

// enqueue makes a message durable: in the outbox, and in the history if it belongs there.
// nil is fine.
func (t *txn) enqueue(out *outgoing) error {
	if out == nil {
		return nil
	}
	if out.rowBytes == nil {
		if err := out.encode(); err != nil {
			return err
		}
	}
	if err := t.c.outbox.Add(t.Tx, out.entry()); err != nil || out.record == nil {
		return err
	}
	out.record.Clock = out.row.GetClock() // a transaction that failed may have moved it
	if _, err := t.c.history.AddEncoded(t.Tx, out.record, out.recordBytes); err != nil {
		return err
	}
	if out.store != nil {
		if err := out.store(t, out.record); err != nil {
			return err
		}
	}
	if err := t.EmitEncoded(event.MessageState{}.Type(), out.event); err != nil {
		return err
	}
	return t.toOwnDevices(out.row)
}

// Calls that come at the same time are accepted as one batch: the first call while no
// transaction waits begins one, and the calls that come until it runs join it. So the
// record of a chat, for example, is read and written once for all of them.

// acceptance holds the messages of one call that wait to be accepted.
type acceptance struct {
	all   []*newMessage
	taken []*newMessage // whose client_ref another call has used meanwhile
}

// batch gathers the calls whose messages are accepted in one transaction.
type batch struct {
	calls []*acceptance
	size  int // messages
	done  chan struct{}
	err   error // once done
}

// batches has the batch that other calls may still join, if there is one.
type batches struct {
	mu       sync.Mutex
	joinable *batch
}

// join puts a call into the joinable batch. If there is none, or no room in it, it begins
// one, which the caller has to run.
func (b *batches) join(call *acceptance) (in *batch, run bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.joinable == nil || b.joinable.size+len(call.all) > MaxSendBatch {
		b.joinable, run = &batch{done: make(chan struct{})}, true
	}
	b.joinable.calls = append(b.joinable.calls, call)
	b.joinable.size += len(call.all)
	return b.joinable, run
}

// shut closes a batch to further calls and returns those in it.
func (b *batches) shut(in *batch) []*acceptance {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.joinable == in {
		b.joinable = nil
	}
	return in.calls
}

// acceptBatch runs the transaction of a batch.
func (c *Client) acceptBatch(in *batch) {
	in.err = Errorf(CodeInternal, "", "accepting messages panicked")
	defer close(in.done)
	defer c.batches.shut(in) // if the transaction did not even begin
	if c.acceptSealed(in) {
		in.err = nil
		return
	}
	in.err = c.update(func(t *txn) error { return t.acceptAll(c.batches.shut(in)) })
}

// errRefTaken undoes a transaction that was to store ciphertext of a message that is not
// accepted.
var errRefTaken = errors.New("another call has used the client_ref meanwhile")

// acceptSealed accepts a batch in one transaction with the ciphertext of its messages, if the
// loop is not at work and nothing is in their way. It reports whether that is done; otherwise
// nothing has changed.
func (c *Client) acceptSealed(in *batch) bool {
	turn := c.tryTurn()
	if turn == nil {
		return false
	}
	defer turn.End()
	if !c.settled(turn) {
		return false
	}
	calls := c.batches.shut(in)
	sealed := c.outbox.Accept(turn, c.sealable(calls))
	if sealed == nil {
		return false
	}
	err := c.update(func(t *txn) error {
		if err := t.acceptAll(calls); err != nil {
			return err
		}
		if slices.ContainsFunc(calls, func(call *acceptance) bool { return len(call.taken) > 0 }) {
			return errRefTaken
		}
		return sealed.Store(t.Tx)
	})
	if err == nil {
		return true
	}
	for _, call := range calls {
		call.taken = nil
	}
	return false
}

// sealable returns the messages of calls whose negotiated topic is known: to derive it takes
// longer than a call should.
func (c *Client) sealable(calls []*acceptance) (entries []outbox.Entry) {
	for _, call := range calls {
		for _, m := range call.all {
			if _, known := c.routes.get(topicNegotiated, m.request.To); !known {
				continue
			}
			for _, out := range m.all {
				entries = append(entries, out.entry())
			}
		}
	}
	return entries
}

// accept makes messages durable: after it they cannot be lost.
func (c *Client) accept(all []*newMessage) error {
	if len(all) == 0 {
		return nil
	}
	call := &acceptance{all: all}
	in, run := c.batches.join(call)
	if run {
		c.acceptBatch(in)
	}
	<-in.done
	err := in.err
	if err != nil && !ledger.Passing(err) && len(in.calls) > 1 { // what is wrong with one must not hold up the others
		call.taken = nil
		err = c.update(func(t *txn) error { return t.acceptAll([]*acceptance{call}) })
	}
	if err != nil {
		return err
	}
	for _, m := range all {
		m.result.Message = history.EventOf(m.all[0].record)
	}
	for _, m := range call.taken {
		m.result.Message, _, m.result.Err = c.history.ByRef(m.request.ClientRef, m.request.To, m.request.digested())
	}
	return nil
}

func (t *txn) acceptAll(calls []*acceptance) error {
	for _, call := range calls {
		for _, m := range call.all {
			switch err := t.accept(m); {
			case errors.Is(err, history.ErrRefTaken):
				call.taken = append(call.taken, m)
			case err != nil:
				return err
			}
		}
	}
	return nil
}

// accept writes the messages of one request. After history.ErrRefTaken it has written nothing.
func (t *txn) accept(m *newMessage) error {
	if m.request.ClientRef != "" {
		if err := t.c.history.ClaimRef(t.Tx, m.all[0].record, m.request.To, m.request.digested()); err != nil {
			return err
		}
	}
	for _, out := range m.all {
		if err := t.enqueue(out); err != nil {
			return err
		}
	}
	return t.wroteTo(m.request.To)
}

// toOwnDevices puts a message that goes to somebody else into the outbox for our own other
// devices too: the same application message, hence the same message id, in the group of our
// key with itself. A device does not get what was sent before it was enabled. Spec: 54,
// "Sending messages to a paired group".
func (t *txn) toOwnDevices(row *wire.OutboxRecord) error {
	a := t.c.self.Load()
	if len(a.others) == 0 {
		return nil
	}
	sync := datasync.Message{
		GroupID: datasync.GroupID(a.public, a.public), Timestamp: row.GetMvdsTimestamp(), Body: row.GetApplication(),
	}
	id := sync.ID()
	own := proto.CloneOf(row)
	own.MvdsId, own.Peer = id[:], a.public.Compressed()
	own.InHistory, own.ClientRef = false, "" // their acknowledgement does not deliver it
	return t.c.outbox.Add(t.Tx, outbox.Entry{Peer: a.public, Record: own})
}
