package api

import (
	"context"
	"strconv"
	"strings"
	"time"

	"libstatus1to1/chat"
	"libstatus1to1/chat/enum"
)

// MaxDeliverRequest bounds the parameters of network.deliver in bytes. An envelope of the
// largest size takes a third of it in base64.
const MaxDeliverRequest = 4 << 20

// DeliverParams are the parameters of network.deliver.
type DeliverParams struct {
	// Envelopes are envelopes that the program has received, at most 64.
	Envelopes []IncomingEnvelope `json:"envelopes"`
}

// IncomingEnvelope is a WakuMessage (14/WAKU2-MESSAGE) that the program has received: the
// data of the sender's envelope_outgoing event, or as much of it as was carried.
type IncomingEnvelope struct {
	// ContentTopic is its content topic. Envelopes on topics that are not in network.topics
	// are ignored.
	ContentTopic string `json:"content_topic"`
	// Payload is its payload.
	Payload Data `json:"payload"`
	// PubsubTopic is its pubsub topic. Default: that of network.status.
	PubsubTopic string `json:"pubsub_topic,omitempty"`
	// Version is its version. Default: 1.
	Version *int `json:"version,omitempty" range:"0..4294967295"`
	// Timestamp is its timestamp in ns since 1970, in decimal digits. Default: now.
	Timestamp Nanoseconds `json:"timestamp,omitempty"`
	// Ephemeral is ignored. It is accepted because the event has it.
	Ephemeral bool `json:"ephemeral,omitempty"`
	// EnvelopeID is ignored. It is accepted because the event has it.
	EnvelopeID *EnvelopeID `json:"envelope_id,omitempty"`
}

// Delivered is the result of network.deliver.
type Delivered struct {
	// Taken is the number of envelopes on content topics that are listened to. All others
	// were ignored.
	Taken int `json:"taken"`
}

// PublishedParams are the parameters of network.published.
type PublishedParams struct {
	// EnvelopeID is the id from the envelope_outgoing event.
	EnvelopeID EnvelopeID `json:"envelope_id"`
	// Failure is the reason the envelope is not out: "unavailable" if it may be tried again,
	// or "too_large" if it can never be published, and the messages in it have failed.
	// Leave it out when the envelope is out.
	Failure enum.PublishFailure `json:"failure,omitempty"`
}

// OnlineParams are the parameters of network.online.
type OnlineParams struct {
	// Online is true if the program can publish envelopes.
	Online bool `json:"online"`
}

// TopicList is the result of network.topics.
type TopicList struct {
	// ContentTopics lists the content topics that are listened to, sorted.
	ContentTopics []string `json:"content_topics"`
}

// EnvelopeID is the id of an outgoing envelope in a request: 0x and 64 lower-case hex
// digits.
type EnvelopeID chat.EnvelopeID

func (e *EnvelopeID) setText(s string) *chat.Error {
	raw, ok := fromHex(s, len(e))
	if !ok || s != strings.ToLower(s) {
		return chat.Errorf(chat.CodeBadParams, "", "must be 0x and %d lower-case hex digits", 2*len(e))
	}
	copy(e[:], raw)
	return nil
}

// Nanoseconds are a time in ns since 1970 in a request, in decimal digits: a JSON number
// would not be exact.
type Nanoseconds struct{ since1970 int64 }

func (n *Nanoseconds) setText(s string) *chat.Error {
	ns, err := strconv.ParseInt(s, 10, 64)
	if err != nil || ns < 0 || strings.HasPrefix(s, "+") {
		return chat.Errorf(chat.CodeBadParams, "", "must be a number of nanoseconds in decimal digits")
	}
	n.since1970 = ns
	return nil
}

var externalMethods = []Method{
	limitedMethod("network.deliver", "Hands over envelopes that the program has received. When the call returns without an error, everything that was to be kept of them is stored, "+
		"and the program may delete its copies; after an error it should deliver all of them again, which does no harm. Only if network.kind is \"external\".",
		stored(chat.CodeWrongState, chat.CodeNoIdentity), MaxDeliverRequest, func(ctx context.Context, c *client, p DeliverParams) (Delivered, error) {
			return deliver(ctx, c.engine, p)
		}),
	method("network.published", "Reports that the envelope of an envelope_outgoing event is out, or why it is not. Messages are sent once their envelope is out. "+
		"An id that is not waited for is ignored. Only if network.kind is \"external\".",
		[]chat.Code{chat.CodeWrongState}, published),
	method("network.online", "Reports whether the program can publish envelopes. It is assumed that it can. While it cannot, nothing is asked for, and messages wait. Only if network.kind is \"external\".",
		[]chat.Code{chat.CodeWrongState}, online),
	method("network.topics", "Returns the content topics whose envelopes the program is to deliver. They change when people are added or written to: content_topics_changed reports it. "+
		"A program may as well deliver everything it receives. Only if network.kind is \"external\".",
		[]chat.Code{chat.CodeWrongState}, topics),
}

func deliver(_ context.Context, c *chat.Client, p DeliverParams) (Delivered, error) {
	envelopes := make([]chat.Envelope, len(p.Envelopes))
	for i, e := range p.Envelopes {
		version := uint32(1)
		if e.Version != nil {
			version = uint32(*e.Version)
		}
		if e.Timestamp == (Nanoseconds{}) {
			e.Timestamp.since1970 = time.Now().UnixNano()
		}
		envelopes[i] = chat.Envelope{PubsubTopic: e.PubsubTopic, ContentTopic: e.ContentTopic, Payload: e.Payload.bytes,
			Version: version, Timestamp: e.Timestamp.since1970}
	}
	taken, err := c.Deliver(envelopes)
	return Delivered{taken}, err
}

func published(_ context.Context, c *chat.Client, p PublishedParams) (Empty, error) {
	return Empty{}, c.Published(chat.EnvelopeID(p.EnvelopeID), p.Failure)
}

func online(_ context.Context, c *chat.Client, p OnlineParams) (Empty, error) {
	return Empty{}, c.SetOnline(p.Online)
}

func topics(_ context.Context, c *chat.Client, _ Empty) (TopicList, error) {
	all, err := c.ContentTopics()
	return TopicList{filled(all)}, err
}
