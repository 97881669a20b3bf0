package port

import "errors"

// External is implemented by a Transport that has no network: the program that uses the
// engine carries the envelopes. What it is to publish it is asked for by a Carrier, and it
// brings what has arrived to the engine.
type External interface {
	Transport
	// Wants reports whether somebody has subscribed to a content topic.
	Wants(contentTopic string) bool
	// ContentTopics lists all that is subscribed to, in their order.
	ContentTopics() []string
	// Confirm ends the wait for an envelope that the program was asked to publish: it is
	// out, or could not be published. Envelopes that nobody waits for any more are ignored.
	Confirm(id EnvelopeID, result PublishResult)
	// SetOnline says whether the program can publish. It can from the start on.
	SetOnline(online bool)
}

// EnvelopeID names an envelope between a Carrier and the program. It follows from the
// content topic and the payload.
type EnvelopeID [32]byte

// PublishResult is what became of an envelope that the program was to publish.
type PublishResult string

// The results of publishing.
const (
	PublishDone        PublishResult = ""
	PublishUnavailable PublishResult = "unavailable" // it did not work; the engine tries again
	PublishTooLarge    PublishResult = "too_large"   // it never will
)

// Carrier asks the program to carry envelopes. A Transport calls it as it does the hooks.
type Carrier interface {
	// Carry asks for an envelope to be published, and replaces an earlier request with this
	// id that was not read yet.
	Carry(id EnvelopeID, e Envelope)
	// Withdraw takes a request back that was not read yet.
	Withdraw(id EnvelopeID)
	// Confirmed says that publishing an envelope again that was under way may have another
	// result now.
	Confirmed()
	// TopicsChanged says that other content topics are wanted now, and how many.
	TopicsChanged(count int)
}

// ErrUnderWay is returned by Publish when the envelope was handed over, but it is not known
// yet whether it is out. Publish the same payload again after Carrier.Confirmed.
var ErrUnderWay = errors.New("network: handed over, and not yet known to be out")

// ErrBusy is returned by Publish when too many envelopes are under way.
var ErrBusy = errors.New("network: too many envelopes are under way")
