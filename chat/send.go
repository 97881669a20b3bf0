package chat

import (
	"context"
	"errors"
	"unicode/utf8"

	"libstatus1to1/chat/event"
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
	a, err := c.account()
	if err != nil {
		return event.Message{}, err
	}
	if err := validateSend(a, r); err != nil {
		return event.Message{}, err
	}
	if err := ctx.Err(); err != nil {
		return event.Message{}, Errorf(CodeTimeout, "", "the deadline has passed").Because(err)
	}
	if m, found, err := c.sentBefore(r); found || err != nil {
		return m, err
	}
	out, err := c.compose(a, r)
	if err != nil {
		return event.Message{}, err
	}
	return c.accept(out)
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
	switch err := message.ValidateText(r.Text); {
	case errors.Is(err, message.ErrTextEmpty):
		return Errorf(CodeEmpty, "text", "the text is empty or only white space").Because(err)
	case errors.Is(err, message.ErrTextTooLong):
		return Errorf(CodeTooLong, "text", "the text has %d code points, %d are allowed",
			utf8.RuneCountInString(r.Text), message.MaxTextLength).With("max", message.MaxTextLength).Because(err)
	case err != nil:
		return Errorf(CodeBadParams, "text", "the text is not valid UTF-8").Because(err)
	}
	return nil
}

// outgoing is a message with everything that does not change any more.
type outgoing struct {
	request SendRequest
	record  *wire.MessageRecord
	row     *wire.OutboxRecord
}

// compose gives the message its clock, signs it and computes its ids. It writes
// nothing. Spec: 62/STATUS-PAYLOADS; 2/MVDS.
func (c *Client) compose(a *account, r SendRequest) (*outgoing, error) {
	now := c.now()
	clock, err := c.clocks.next(c, r.To, now)
	if err != nil {
		return nil, err
	}
	encoded, err := message.EncodeChatMessage(message.NewText(message.TextParams{
		Text: r.Text, ChatID: r.To.Hex(), Clock: clock, Timestamp: uint64(now.UnixMilli()), DisplayName: a.displayName,
	}))
	if err != nil {
		return nil, err
	}
	application, err := message.Wrap(a.self.Identity, wire.ApplicationMetadataMessage_CHAT_MESSAGE, encoded)
	if err != nil {
		return nil, err
	}
	if len(application) > c.batchBytes() {
		return nil, Errorf(CodeTooLarge, "text", "the message does not fit into one envelope").With("max_bytes", c.batchBytes())
	}
	id := message.ID(a.public, application)
	sync := datasync.Message{GroupID: datasync.GroupID(a.public, r.To), Timestamp: now.Unix(), Body: application}
	mvdsID := sync.ID()
	return &outgoing{
		request: r,
		record: &wire.MessageRecord{
			Id: id[:], Chat: r.To.Compressed(), From: a.public.Compressed(), Kind: kindText, Text: r.Text,
			Clock: clock, SentAt: now.UnixMilli(), State: stateQueued, ClientRef: r.ClientRef,
			SenderName: a.displayName, Outgoing: true, Read: true,
		},
		row: &wire.OutboxRecord{
			MessageId: id[:], Peer: r.To.Compressed(), MvdsId: mvdsID[:], Application: application,
			MvdsTimestamp: sync.Timestamp, NextSendAt: now.UnixMilli(), Clock: clock,
		},
	}, nil
}

// accept makes the message durable: from here on it is not lost.
func (c *Client) accept(out *outgoing) (event.Message, error) {
	row, err := rowFromRecord(out.row)
	if err != nil {
		return event.Message{}, err
	}
	err = c.update(func(t *txn) error {
		if ref := out.request.ClientRef; ref != "" {
			if err := t.claimRef(ref, out); err != nil {
				return err
			}
		}
		if err := put(t, tableOutbox, out.row.GetMvdsId(), out.row); err != nil {
			return err
		}
		if err := t.addToHistory(out.record); err != nil {
			return err
		}
		if err := t.emit(stateEvent(out.record)); err != nil {
			return err
		}
		t.then(func() { c.outbox.add(row) })
		return t.toOwnDevices(out.row)
	})
	if errors.Is(err, errRefTaken) {
		m, _, err := c.sentBefore(out.request)
		return m, err
	}
	if err != nil {
		return event.Message{}, err
	}
	c.kick()
	return messageOf(out.record), nil
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
