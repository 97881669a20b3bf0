package chat

import (
	"math/rand/v2"

	"google.golang.org/protobuf/encoding/protowire"

	"libstatus1to1/chat/event"
	"libstatus1to1/chat/internal/history"
	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/internal/outbox"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
)

// MaxLargeMessage is the limit of an application message.
const MaxLargeMessage = outbox.MaxMessage

// SendPicture sends a picture of size random bytes, as a ChatMessage with an image in it.
func (c *Client) SendPicture(to key.Public, caption string, size int, seed uint64) (event.Message, error) {
	out, err := c.picture(to, caption, size, seed)
	if err != nil {
		return event.Message{}, err
	}
	err = c.update(func(t *txn) error {
		if err := t.enqueue(out); err != nil {
			return err
		}
		return t.wroteTo(to)
	})
	c.kick()
	return history.EventOf(out.record), err
}

func (c *Client) picture(to key.Public, caption string, size int, seed uint64) (*outgoing, error) {
	a, err := c.account()
	if err != nil {
		return nil, err
	}
	now := c.now()
	clock, err := c.history.NextClock(message.ConversationWith(to), now)
	if err != nil {
		return nil, err
	}
	m := message.NewText(message.TextParams{
		Text: caption, ChatID: to.Hex(), Clock: clock, Timestamp: uint64(now.UnixMilli()), Contact: c.propagatedTo(to),
	})
	m.ContentType = 99
	filler := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)}).Read(filler)
	m.ProtoReflect().SetUnknown(protowire.AppendBytes(protowire.AppendTag(nil, 9999, protowire.BytesType), filler))
	out, err := c.sign(a, to, wire.ApplicationMetadataMessage_CHAT_MESSAGE, m, clock, now)
	if err != nil {
		return nil, err
	}
	out.record = out.historyRecord(a, m, now)
	return out, out.encode()
}

// SegmentsKept returns the numbers of sets of segments, and of bytes, that are kept.
func (c *Client) SegmentsKept() (sets, bytes int) {
	defer c.beginTurn().End()
	return c.segments.Kept()
}

// ReceiveAtOnce handles envelopes as those of a store node, and returns how many are not
// stored then, though no error says so.
func (c *Client) ReceiveAtOnce(batch []Envelope) (waiting int, err error) {
	err = c.exclusive(func(*ledger.Turn) error {
		_, err := c.receive(batch, archived)
		waiting = len(c.loop.unstored)
		return err
	})
	return waiting, err
}
