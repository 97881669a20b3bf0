package chat

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/event"
	"libstatus1to1/chat/internal/parallel"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/datasync"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
)

// The sending pipeline, first half: what messages.send does before it returns.
// The second half is in attempt.go.
//
//	validate -> clock, ids and signature -> one transaction: message, history,
//	outbox row, event -> return -> (loop) encrypt and store -> publish -> mark

// Send stores a text for another person and returns at once; MessageState events
// tell what becomes of it. With a ClientRef that was used for the same text to
// the same person it returns that message again.
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
	var all []*outgoing
	for i, r := range requests {
		out, err := c.begin(a, r, &results[i])
		if err != nil {
			results[i].Err = err
		} else if out != nil {
			all = append(all, out)
		}
	}
	parallel.Do(len(all), func(i int) { all[i].result.Err = c.compose(a, all[i]) })
	all = slices.DeleteFunc(all, func(out *outgoing) bool { return out.result.Err != nil })
	if err := c.accept(all); err != nil {
		return nil, err
	}
	return results, nil
}

// begin checks a request and draws its clock, in the order of the batch. It gives
// nil when the request was sent before; the result is that message then.
func (c *Client) begin(a *account, r SendRequest, result *SendResult) (*outgoing, error) {
	if err := validateSend(a, r); err != nil {
		return nil, err
	}
	m, found, err := c.sentBefore(r)
	if found || err != nil {
		result.Message = m
		return nil, err
	}
	if s, _ := c.people.contacts.get(r.To); s.blocked {
		return nil, Errorf(CodeBlocked, "to", "this person is blocked")
	}
	now := c.now()
	clock, err := c.clocks.next(c, r.To, now)
	if err != nil {
		return nil, err
	}
	return &outgoing{request: r, result: result, now: now, clock: clock}, nil
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
	switch err := message.ValidateOwnText(r.Text); {
	case errors.Is(err, message.ErrTextEmpty):
		return Errorf(CodeEmpty, "text", "the text is empty or shows nothing").Because(err)
	case errors.Is(err, message.ErrTextTooLong):
		return Errorf(CodeTooLong, "text", "the text has %d code points, %d are allowed",
			utf8.RuneCountInString(r.Text), message.MaxTextLength).With("max", message.MaxTextLength).Because(err)
	case err != nil:
		return Errorf(CodeBadParams, "text", "the text is not valid UTF-8").Because(err)
	}
	return nil
}

// outgoing is a message on its way into the store: first what was asked, then
// everything that does not change any more.
type outgoing struct {
	request SendRequest
	result  *SendResult
	now     time.Time
	clock   uint64

	record *wire.MessageRecord
	row    *wire.OutboxRecord
	body   *datasync.Message
	// They and the event of the message as they are stored: encoding takes time, and
	// only one transaction runs at a time.
	recordBytes, rowBytes, event []byte
}

// compose signs the message and computes its ids. It writes nothing.
// Spec: 62/STATUS-PAYLOADS; 2/MVDS.
func (c *Client) compose(a *account, out *outgoing) error {
	r, now := out.request, out.now
	encoded, err := message.EncodeChatMessage(message.NewText(message.TextParams{
		Text: r.Text, ChatID: r.To.Hex(), Clock: out.clock, Timestamp: uint64(now.UnixMilli()), DisplayName: a.displayName, Contact: c.propagatedTo(r.To),
	}))
	if err != nil {
		return err
	}
	application, err := message.Wrap(a.self.Identity, wire.ApplicationMetadataMessage_CHAT_MESSAGE, encoded)
	if err != nil {
		return err
	}
	if len(application) > c.batchBytes() {
		return Errorf(CodeTooLarge, "text", "the message does not fit into one envelope").With("max_bytes", c.batchBytes())
	}
	id := message.ID(a.public, application)
	sync := datasync.Message{GroupID: datasync.GroupID(a.public, r.To), Timestamp: now.Unix(), Body: application}
	mvdsID := sync.ID()
	out.body = &sync
	out.record = &wire.MessageRecord{
		Id: id[:], Chat: r.To.Compressed(), From: a.public.Compressed(), Kind: kindText, Text: r.Text,
		Clock: out.clock, SentAt: now.UnixMilli(), State: stateQueued, ClientRef: r.ClientRef,
		SenderName: a.displayName, Outgoing: true, Read: true,
	}
	out.row = &wire.OutboxRecord{
		MessageId: id[:], Peer: r.To.Compressed(), MvdsId: mvdsID[:], Application: application,
		MvdsTimestamp: sync.Timestamp, NextSendAt: now.UnixMilli(), Clock: out.clock,
		InHistory: true, ClientRef: r.ClientRef,
	}
	return out.encode()
}

func (out *outgoing) encode() (err error) {
	if out.recordBytes, err = proto.Marshal(out.record); err != nil {
		return err
	}
	if out.rowBytes, err = proto.Marshal(out.row); err != nil {
		return err
	}
	out.event, err = json.Marshal(stateEvent(out.record))
	return err
}

// errRefTaken: another call with the same client_ref was faster.
var errRefTaken = errors.New("client_ref taken")

func (t *txn) claimRef(ref string, out *outgoing) error {
	var taken wire.ClientRefRecord
	found, err := get(t, tableClientRefs, []byte(ref), &taken)
	if err != nil {
		return err
	}
	if found {
		return errRefTaken
	}
	return put(t, tableClientRefs, []byte(ref), &wire.ClientRefRecord{
		MessageId: out.record.GetId(), Request: requestDigest(out.request),
	})
}

// sentBefore is the message a client_ref was used for already.
func (c *Client) sentBefore(r SendRequest) (event.Message, bool, error) {
	if r.ClientRef == "" {
		return event.Message{}, false, nil
	}
	var ref wire.ClientRefRecord
	found, err := c.record(tableClientRefs, []byte(r.ClientRef), &ref)
	if err != nil || !found {
		return event.Message{}, false, err
	}
	if string(ref.GetRequest()) != string(requestDigest(r)) {
		return event.Message{}, false, Errorf(CodeClientRefReused, "client_ref", "client_ref was used for another message")
	}
	m, err := c.Message([32]byte(ref.GetMessageId()))
	return m, true, err
}

func requestDigest(r SendRequest) []byte {
	return key.Keccak256(r.To.Uncompressed(), []byte(r.Text))
}
