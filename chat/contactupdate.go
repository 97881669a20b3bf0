package chat

import (
	"time"

	"libstatus1to1/chat/contact"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
)

// The CONTACT_UPDATE we send. It carries the state of our contact requests and our name: it
// goes to somebody who holds an older state than we do, so that both sides would disagree
// for good, and to our contacts when our name has changed.
// Spec: 62/STATUS-PAYLOADS leaves it out; deployed.

const (
	// repairAgain is the least time between two updates with the same state to one person.
	// The first update is repeated until it is acknowledged anyway, and two sides that
	// cannot agree would send updates round and round.
	repairAgain = 10 * time.Minute
	// maxRepairs bounds the people who get an update in one round; the rest get theirs when
	// they write again.
	maxRepairs = 256
)

// contactUpdates are the people who are to get a CONTACT_UPDATE. What a crash loses of
// them is noted again when they write.
type contactUpdates map[key.Public]bool

// sendBack has our state sent to k. A refusal is not sent, because they are not to know of
// it; nor is a state that has just been sent.
func (t *txn) sendBack(k key.Public, rec *wire.ContactRecord, r contact.Request) {
	if rec.GetBlockedAt() != 0 || r.Local.State == contact.Dismissed {
		return
	}
	if rec.GetRepairedClock() == r.Local.Clock && within(repairAgain, rec.GetRepairedAt(), t.c.now()) {
		return
	}
	t.After(func() { t.c.scheduleUpdate(k) })
}

// scheduleUpdate has the loop send k a CONTACT_UPDATE in its next round. The caller holds the
// engine's lock.
func (c *Client) scheduleUpdate(k key.Public) {
	if len(c.people.updates) < maxRepairs {
		c.people.updates[k] = true
	}
}

// announceName sends our new name to up to maxRepairs contacts. Those it does not reach,
// because there are more or the process dies, learn it with our next message to them. The
// caller holds the engine's lock.
func (c *Client) announceName() {
	for _, k := range c.people.contacts.contacts(maxRepairs) {
		c.scheduleUpdate(k)
	}
}

// sendUpdates writes the updates that are due. It is a step of the loop.
func (c *Client) sendUpdates() {
	for k := range c.people.updates {
		delete(c.people.updates, k)
		_, err := c.about(k, func(a *account, rec *wire.ContactRecord, now time.Time) (*outgoing, error) {
			return c.updateMessage(a, k, rec, now)
		})
		if err != nil {
			c.log.Log("warn", "repairing a contact failed", "code", string(CodeOf(err)))
		}
	}
}

// updateMessage makes a CONTACT_UPDATE with the state as it is.
func (c *Client) updateMessage(a *account, k key.Public, rec *wire.ContactRecord, now time.Time) (*outgoing, error) {
	r := requestOf(rec)
	clock, err := c.history.NextClock(message.ConversationWith(k), now)
	if err != nil {
		return nil, err
	}
	update := &wire.ContactUpdate{
		Clock: clock, DisplayName: message.StatusName(a.displayName), ContactRequestPropagatedState: propagated(r),
		PublicKey: k.Hex(), CustomizationColor: a.accent(),
	}
	if r.Added() { // receivers treat an update with this clock as a request
		update.ContactRequestClock = r.Local.Clock
	}
	rec.RepairedClock, rec.RepairedAt = r.Local.Clock, now.UnixMilli()
	return c.sign(a, k, wire.ApplicationMetadataMessage_CONTACT_UPDATE, update, clock, now)
}
