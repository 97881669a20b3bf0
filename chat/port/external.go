package port

import (
	"errors"

	"libstatus1to1/chat/enum"
)

// External is implemented by a Transport that has no network: the program that uses the
// engine carries the envelopes. A Carrier asks the program to publish them, and the program
// gives the engine those that have arrived.
type External interface {
	Transport
	// Wants reports whether somebody has subscribed to a content topic.
	Wants(contentTopic string) bool
	// ContentTopics lists the content topics that are subscribed to, sorted.
	ContentTopics() []string
	// Confirm notes the result of an envelope that the program was asked to publish. The
	// results of envelopes that nobody waits for any more are ignored.
	Confirm(id EnvelopeID, result PublishResult)
	// SetOnline says whether the program can publish. Until it is called, it can.
	SetOnline(online bool)
}

// EnvelopeID names an envelope between a Carrier and the program. It is computed from the
// content topic and the payload.
type EnvelopeID [32]byte

// PublishResult is the result of an envelope that the program was asked to publish.
type PublishResult = enum.PublishFailure

// The results of publishing.
const (
	PublishDone        PublishResult = ""
	PublishUnavailable               = enum.PublishUnavailable // it could not be published now; the engine tries again
	PublishTooLarge                  = enum.PublishTooLarge    // it can never be published
)

// Carrier asks the program to carry envelopes. A Transport calls it as it does the hooks.
type Carrier interface {
	// Carry asks for an envelope to be published. It replaces an earlier request with the
	// same id that the program has not read yet.
	Carry(id EnvelopeID, e Envelope)
	// Withdraw removes a request that the program has not read yet.
	Withdraw(id EnvelopeID)
	// Confirmed says that envelopes that were under way may not be any more: publishing them
	// again may have another result than ErrUnderWay.
	Confirmed()
	// TopicsChanged says that other content topics are wanted now, and how many.
	TopicsChanged(count int)
}

// ErrUnderWay is returned by Publish when the envelope was handed over, but it is not known
// yet whether it is out. Publish the same payload again after Carrier.Confirmed.
var ErrUnderWay = errors.New("network: handed over, and not yet known to be out")

// ErrBusy is returned by Publish when too many envelopes are under way.
var ErrBusy = errors.New("network: too many envelopes are under way")
