// Package external is the network of a program that carries the envelopes itself: over
// another Waku node, a radio, or a folder of files. Nothing here connects to anybody.
//
// Publish asks the program, by a port.Carrier, and waits for nobody: it returns
// port.ErrUnderWay until the program has confirmed that the envelope is out, and then the
// evidence. So a message is sent once the program says so, and not before. A program that
// does not confirm in time is asked again.
package external

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"libstatus1to1/chat/port"
)

// PubsubTopic is the topic that envelopes are published on, and that is assumed of those
// that come without one: the shard that carries Status's 1:1 messages.
const PubsubTopic = "/waku/2/rs/16/32"

// DefaultMaxMessageSize is Waku's default for one message, in bytes.
const DefaultMaxMessageSize = 150 * 1024

// messageOverhead is the room that MaxPayload leaves for topic, timestamp and tags of the
// WakuMessage around the payload; chat/waku leaves the same.
const messageOverhead = 256

// Bounds of what the program was asked for and has not confirmed. They are some seconds of
// a busy conversation, and little memory; what does not fit waits in the outbox.
const (
	maxUnderWay      = 64
	maxUnderWayBytes = 8 << 20
	// maxConfirmed bounds the results that nobody has asked for yet. Of envelopes that are
	// published once, such as a contact code, nobody does.
	maxConfirmed = 256
)

// confirmWithin is the time the program has to publish an envelope and to confirm it. It is
// longer than writing a file or a request over a slow line takes, and short enough that a
// message is not held up for long by a program that has lost the request.
const confirmWithin = time.Minute

// Config configures New.
type Config struct {
	// MaxMessageSize is the size of the largest WakuMessage in bytes; 0 means
	// DefaultMaxMessageSize.
	MaxMessageSize int
}

// Node implements port.External; all methods may be called from any goroutine. After Stop
// it can be started again.
type Node struct {
	maxPayload int

	mu       sync.Mutex
	run      *run // nil while stopped
	online   bool
	topics   map[string]struct{}
	underWay map[port.EnvelopeID]request
	bytes    int // of all payloads under way
	// confirmed holds results until they are asked for.
	confirmed *lru.Cache[port.EnvelopeID, port.PublishResult]
}

var (
	_ port.External = (*Node)(nil)
	_ port.Examiner = (*Node)(nil)
)

// request is an envelope that the program was asked to publish.
type request struct {
	size  int
	began time.Time
}

// New returns a node that is not started.
func New(c Config) *Node {
	size := c.MaxMessageSize
	if size <= 0 {
		size = DefaultMaxMessageSize
	}
	confirmed, _ := lru.New[port.EnvelopeID, port.PublishResult](maxConfirmed) // fails for a size below 1 only
	return &Node{
		maxPayload: max(size-messageOverhead, 0), online: true, topics: map[string]struct{}{},
		underWay: map[port.EnvelopeID]request{}, confirmed: confirmed,
	}
}

// idOf returns the id of an envelope. The timestamp is not part of it, because an envelope
// that is published again has another.
func idOf(e port.Envelope) port.EnvelopeID {
	h := sha256.New()
	_ = binary.Write(h, binary.BigEndian, uint64(len(e.ContentTopic))) // a hash takes everything
	h.Write([]byte(e.ContentTopic))
	h.Write(e.Payload)
	return port.EnvelopeID(h.Sum(nil))
}

// Publish asks the program to publish e, and fails with port.ErrUnderWay until it has
// confirmed that. Other errors are port.ErrTooLarge, port.ErrNoPeers while the program is
// offline, port.ErrBusy, CodeBadParams for a foreign pubsub topic, and CodeNetworkDown when
// the program could not publish it.
func (n *Node) Publish(ctx context.Context, e port.Envelope) (port.Evidence, error) {
	if err := ctx.Err(); err != nil {
		return port.Evidence{}, err
	}
	if e.PubsubTopic == "" {
		e.PubsubTopic = PubsubTopic
	}
	if e.PubsubTopic != PubsubTopic {
		return port.Evidence{}, port.Errorf(port.CodeBadParams, "pubsub_topic", "this node is on %s only", PubsubTopic)
	}
	if len(e.Payload) > n.maxPayload {
		return port.Evidence{}, port.ErrTooLarge
	}
	id := idOf(e)
	carrier, evidence, err := n.request(id, len(e.Payload))
	if carrier != nil {
		e.Payload = slices.Clone(e.Payload)
		carrier.Carry(id, e)
	}
	return evidence, err
}

// request returns the result of Publish, and whom to ask for the envelope if that was not
// done yet.
func (n *Node) request(id port.EnvelopeID, size int) (port.Carrier, port.Evidence, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.run == nil {
		return nil, port.Evidence{}, port.ErrNoPeers
	}
	if result, known := n.confirmed.Peek(id); known {
		n.confirmed.Remove(id)
		return nil, evidenceOf(result), errorOf(result)
	}
	if !n.online {
		return nil, port.Evidence{}, port.ErrNoPeers
	}
	if _, asked := n.underWay[id]; asked {
		return nil, port.Evidence{}, port.ErrUnderWay
	}
	if len(n.underWay) >= maxUnderWay || len(n.underWay) > 0 && n.bytes+size > maxUnderWayBytes {
		return nil, port.Evidence{}, port.ErrBusy
	}
	n.underWay[id] = request{size: size, began: time.Now()}
	n.bytes += size
	n.run.wake()
	return n.run.hooks.Carrier, port.Evidence{}, port.ErrUnderWay
}

// evidenceOf and errorOf return the results of Publish for a result of the program.
func evidenceOf(result port.PublishResult) (e port.Evidence) {
	if result == port.PublishDone {
		e.Kind = "external"
	}
	return e
}

func errorOf(result port.PublishResult) error {
	switch result {
	case port.PublishDone:
		return nil
	case port.PublishTooLarge:
		return port.ErrTooLarge
	}
	return port.Errorf(port.CodeNetworkDown, "", "the program could not publish the envelope")
}

// Confirm keeps the result of an envelope until Publish is asked again.
func (n *Node) Confirm(id port.EnvelopeID, result port.PublishResult) {
	n.mu.Lock()
	if n.forget(id) {
		n.confirmed.Add(id, result)
	}
	r := n.run
	n.mu.Unlock()
	if r != nil {
		r.hooks.Carrier.Confirmed()
	}
}

// forget reports whether an envelope was under way, which it is not any more. n.mu is held.
func (n *Node) forget(id port.EnvelopeID) bool {
	asked, found := n.underWay[id]
	if found {
		delete(n.underWay, id)
		n.bytes -= asked.size
	}
	return found
}

// SetOnline says whether the program can publish. What is under way when it cannot any more
// is asked for again when it can.
func (n *Node) SetOnline(online bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.online = online
	if n.run != nil {
		n.run.wake()
	}
}

// MaxPayload returns the largest payload that can be published, in bytes.
func (n *Node) MaxPayload() int { return n.maxPayload }

// PubsubTopic returns the topic that envelopes are published on.
func (n *Node) PubsubTopic() string { return PubsubTopic }
