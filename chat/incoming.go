package chat

import (
	"context"
	"errors"
	"sync"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/wire"
)

// Bounds of what comes in, before anything is known of who sent it.
const (
	// incomingQueue is how many envelopes wait for the loop, and incomingBytes how
	// much they hold together; past either the transport is held up, and drops by
	// its own rule. An envelope may have a megabyte.
	incomingQueue = 1024
	incomingBytes = 8 << 20
	// maxParts bounds bundles, pre-keys and ciphertexts in one ProtocolMessage, all
	// together. The deployed clients send a handful. An empty one takes two bytes on
	// the wire and a hundred in memory.
	maxParts = 1024
)

// byteGate holds up who brings more than max bytes before earlier ones are taken.
// Something larger than max passes when nothing else waits.
type byteGate struct {
	max int

	mu    sync.Mutex
	used  int
	freed chan struct{}
}

// enter waits for room for n bytes, until ctx ends.
func (g *byteGate) enter(ctx context.Context, n int) error {
	for {
		g.mu.Lock()
		if g.used == 0 || g.used+n <= g.max {
			g.used += n
			g.mu.Unlock()
			return nil
		}
		if g.freed == nil {
			g.freed = make(chan struct{})
		}
		freed := g.freed
		g.mu.Unlock()
		select {
		case <-freed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// leave gives n bytes back.
func (g *byteGate) leave(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.used -= n
	if g.freed != nil {
		close(g.freed)
		g.freed = nil
	}
}

// inbox holds the envelopes that wait for the loop.
type inbox struct {
	waiting chan Envelope
	room    byteGate
}

func newInbox() inbox {
	return inbox{waiting: make(chan Envelope, incomingQueue), room: byteGate{max: incomingBytes}}
}

// maxBatch bounds the envelopes handled in one transaction: with more, what came first
// waits longer, and the commit is paid for already.
const maxBatch = 64

// drain returns first, which was taken from waiting, and what else is there of a batch.
func (b *inbox) drain(first Envelope) []Envelope {
	batch := []Envelope{first}
	b.room.leave(len(first.Payload))
	for len(batch) < maxBatch {
		select {
		case e := <-b.waiting:
			b.room.leave(len(e.Payload))
			batch = append(batch, e)
		default:
			return batch
		}
	}
	return batch
}

// received takes an envelope from the transport; it waits while the inbox is full.
func (c *Client) received(e Envelope) {
	c.counters.received.Add(1)
	if c.inbox.room.enter(c.life.ctx, len(e.Payload)) != nil {
		return
	}
	select {
	case c.inbox.waiting <- e:
	case <-c.life.ctx.Done():
	}
}

// errParts: a ProtocolMessage of more parts than anybody sends.
var errParts = errors.New("too many parts in a ProtocolMessage")

// parseProtocolMessage counts before it decodes.
// Spec: 53/WAKU2-X3DH, "ProtocolMessage".
func parseProtocolMessage(b []byte) (*wire.ProtocolMessage, error) {
	if err := countParts(b); err != nil {
		return nil, err
	}
	m := &wire.ProtocolMessage{}
	return m, proto.Unmarshal(b, m)
}

// Field numbers of ProtocolMessage and Bundle that hold lists: encryption.proto.
const (
	fieldBundles   protowire.Number = 3
	fieldEncrypted protowire.Number = 101
	fieldPreKeys   protowire.Number = 2 // of a Bundle
)

func countParts(b []byte) error {
	parts := 0
	return eachField(b, func(number protowire.Number, value []byte) error {
		if number != fieldBundles && number != fieldEncrypted {
			return nil
		}
		if parts++; parts > maxParts {
			return errParts
		}
		if number != fieldBundles {
			return nil
		}
		return eachField(value, func(number protowire.Number, _ []byte) error {
			if number != fieldPreKeys {
				return nil
			}
			if parts++; parts > maxParts {
				return errParts
			}
			return nil
		})
	})
}

// eachField calls visit for the length-delimited fields of an encoded message.
func eachField(b []byte, visit func(protowire.Number, []byte) error) error {
	for len(b) > 0 {
		number, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return protowire.ParseError(n)
		}
		b = b[n:]
		if typ != protowire.BytesType {
			if n = protowire.ConsumeFieldValue(number, typ, b); n < 0 {
				return protowire.ParseError(n)
			}
			b = b[n:]
			continue
		}
		value, n := protowire.ConsumeBytes(b)
		if n < 0 {
			return protowire.ParseError(n)
		}
		if err := visit(number, value); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}
