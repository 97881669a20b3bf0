package chat

import (
	"strconv"

	"libstatus1to1/chat/event"
	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/port"
)

// This file is about a network whose envelopes the program carries itself: they go out as
// events, and come in by Deliver.

// carrier asks the program to publish envelopes.
type carrier struct{ c *Client }

// Carry implements port.Carrier.
func (k carrier) Carry(id EnvelopeID, e Envelope) {
	name := event.Hex(id[:])
	k.c.ledger.Events.PushLatest(ledger.SubjectEnvelope+name, event.EnvelopeOutgoing{
		EnvelopeID: name, PubsubTopic: e.PubsubTopic, ContentTopic: e.ContentTopic, Payload: e.Payload,
		Version: e.Version, Timestamp: strconv.FormatInt(e.Timestamp, 10), Ephemeral: e.Ephemeral,
	}, k.c.now().UnixMilli())
}

// Withdraw implements port.Carrier.
func (k carrier) Withdraw(id EnvelopeID) {
	k.c.ledger.Events.Withdraw(ledger.SubjectEnvelope + event.Hex(id[:]))
}

// Confirmed implements port.Carrier.
func (k carrier) Confirmed() { k.c.outbox.Confirmed() }

// TopicsChanged implements port.Carrier.
func (k carrier) TopicsChanged(count int) {
	k.c.ledger.Events.PushLatest(ledger.SubjectTopics, event.ContentTopicsChanged{Count: count}, k.c.now().UnixMilli())
}

// external returns the transport if the program carries the envelopes; otherwise
// CodeWrongState.
func (c *Client) external() (port.External, error) {
	if err := c.checkOpen(); err != nil {
		return nil, err
	}
	if e, ok := c.net.(port.External); ok {
		return e, nil
	}
	kind := c.net.Status().Kind
	return nil, Errorf(CodeWrongState, "network.kind", "the network is of kind %q and carries the envelopes itself; only one of kind \"external\" leaves that to the program", kind).
		With("kind", kind)
}

// MaxDelivered bounds the envelopes of one call of Deliver: they are one transaction, for
// which the rest of the engine waits.
const MaxDelivered = maxBatch

// Deliver handles envelopes that the program has received. When it returns without an error,
// everything that was to be kept of them is stored, and the program may forget them; after
// an error it should deliver all of them again, which does no harm. Taken is the number of
// those on our content topics, the others are ignored. Errors: CodeWrongState,
// CodeNoIdentity, CodeBadParams, and those of the store.
func (c *Client) Deliver(envelopes []Envelope) (taken int, err error) {
	net, err := c.external()
	if err != nil {
		return 0, err
	}
	if len(envelopes) > MaxDelivered {
		return 0, Errorf(CodeBadParams, "envelopes", "at most %d envelopes at once", MaxDelivered).With("max", MaxDelivered)
	}
	if _, err := c.pairedSelf(); err != nil {
		return 0, err
	}
	var ours []Envelope
	for _, e := range envelopes {
		if net.Wants(e.ContentTopic) {
			ours = append(ours, e)
		}
	}
	if len(ours) == 0 {
		return 0, nil
	}
	c.counters.received.Add(uint64(len(ours)))
	err = c.withKeys(ours, func(batch []Envelope) error {
		return c.exclusive(func(t *ledger.Turn) error { return c.receiveNow(t, batch) })
	})
	if err != nil {
		return 0, err
	}
	c.kick()
	return len(ours), nil
}

// receiveNow handles a batch, and fails if it could not be stored now.
func (c *Client) receiveNow(t *ledger.Turn, batch []Envelope) error {
	switch {
	case c.loop.paused.Load():
		return Errorf(CodeStoreSuspended, "", "the store is suspended")
	case c.loop.storePause.Lasts(t.Now):
		return errNotStored()
	}
	if c.linking.Listens(t) {
		waiting := c.loop.unstored // of the loop's own
		c.loop.unstored = nil
		batch = c.acceptLinking(t, batch)
		failed := len(c.loop.unstored) > 0
		if c.loop.unstored = waiting; failed {
			return errNotStored()
		}
	}
	if _, err := c.receive(batch, archived); err != nil {
		return errNotStored()
	}
	return nil
}

func errNotStored() error {
	return Errorf(CodeStoreIO, "", "what arrived could not be stored; deliver it again")
}

// Published notes what became of an envelope that an envelope_outgoing event asked the
// program to publish. Errors: CodeWrongState.
func (c *Client) Published(id EnvelopeID, result PublishResult) error {
	net, err := c.external()
	if err == nil {
		net.Confirm(id, result)
	}
	return err
}

// SetOnline notes whether the program can publish. Errors: CodeWrongState.
func (c *Client) SetOnline(online bool) error {
	net, err := c.external()
	if err == nil {
		net.SetOnline(online)
	}
	return err
}

// ContentTopics lists the content topics whose envelopes the program is to deliver. Errors:
// CodeWrongState.
func (c *Client) ContentTopics() ([]string, error) {
	net, err := c.external()
	if err != nil {
		return nil, err
	}
	return net.ContentTopics(), nil
}
