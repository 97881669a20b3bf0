package chat

import (
	"context"

	"libstatus1to1/chat/internal/ledger"
)

// NextEvent waits for the next undelivered event until ctx ends: then nil, nil.
// After the closed event the error is CodeClosed.
func (c *Client) NextEvent(ctx context.Context) (*DeliveredEvent, error) {
	return c.ledger.Events.Next(ctx)
}

// OnEventsWaiting sets f to be called with true when undelivered events begin to
// wait and with false when none do, and once at once. It is called under a lock
// and must only do something like writing to a pipe. nil unsets it.
func (c *Client) OnEventsWaiting(f func(waiting bool)) { c.ledger.Events.OnWaiting(f) }

// AckEvents deletes all events up to and including seq upTo. Those not handed out yet
// cannot be acknowledged.
func (c *Client) AckEvents(upTo uint64) error {
	if err := c.checkOpen(); err != nil {
		return err
	}
	return c.ledger.Acknowledge(upTo)
}

// The points at which Options.Probe is called: see package ledger.
const (
	ProbeBeforeCommit  = ledger.ProbeBeforeCommit
	ProbeBeforePublish = ledger.ProbeBeforePublish
	ProbeBeforeMark    = ledger.ProbeBeforeMark
)

// ProbePoints lists them.
var ProbePoints = ledger.ProbePoints
