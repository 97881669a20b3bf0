package chat

import (
	"time"

	"libstatus1to1/chat/contact"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
)

// Repair: somebody holds an older state of our contact requests than we do, so that
// both sides disagree. They are told with a CONTACT_UPDATE, which also tells our
// contacts a new name.

// propagated is the contact state as messages carry it.
func propagated(r contact.Request) *wire.ContactRequestPropagatedState {
	p := r.Propagated()
	return &wire.ContactRequestPropagatedState{
		LocalClock: p.Local.Clock, LocalState: uint64(p.Local.State),
		RemoteClock: p.Remote.Clock, RemoteState: uint64(p.Remote.State),
	}
}

// propagatedTo is the contact state for a message to k.
func (c *Client) propagatedTo(k key.Public) *wire.ContactRequestPropagatedState {
	s, _ := c.people.contacts.get(k)
	return propagated(s.request)
}

const (
	// repairAgain is how long the same state is not sent back again: the first one is
	// repeated until it is acknowledged, and more would go round between two sides
	// that cannot agree.
	repairAgain = 10 * time.Minute
	// maxRepairs bounds the people to be told at a time; the rest are told when they
	// write again.
	maxRepairs = 256
)

// contactUpdates are the people who are to get a CONTACT_UPDATE. What a crash loses of
// them is noted again when they write.
type contactUpdates map[key.Public]bool

// sendBack notes that k is to be told, unless they are not to know (a refusal) or
// have just been told.
func (t *txn) sendBack(k key.Public, rec *wire.ContactRecord, r contact.Request) {
	if rec.GetBlockedAt() != 0 || r.Local.State == contact.Dismissed {
		return
	}
	if rec.GetRepairedClock() == r.Local.Clock && within(repairAgain, rec.GetRepairedAt(), t.c.now()) {
		return
	}
	t.then(func() { t.c.updateLater(k) })
}

// updateLater notes that the loop is to write to k. With busy held.
func (c *Client) updateLater(k key.Public) {
	if len(c.people.updates) < maxRepairs {
		c.people.updates[k] = true
	}
}

// tellContacts tells contacts our new name: a CONTACT_UPDATE carries it too. Whom it
// does not reach, because there are more or the process dies, learns it with our next
// message to them. With busy held.
func (c *Client) tellContacts() {
	for _, k := range c.people.contacts.contacts(maxRepairs) {
		c.updateLater(k)
	}
}

// repair writes the letters that were noted. In the loop. What a crash loses is
// noted again at their next message.
func (c *Client) repair() {
	for k := range c.people.updates {
		delete(c.people.updates, k)
		_, err := c.about(k, func(a *account, rec *wire.ContactRecord, now time.Time) (*letter, error) {
			return c.updateLetter(a, k, rec, now)
		})
		if err != nil {
			c.log.Log("warn", "repairing a contact failed", "code", string(CodeOf(err)))
		}
	}
}

// updateLetter is a CONTACT_UPDATE with the state as it is.
func (c *Client) updateLetter(a *account, k key.Public, rec *wire.ContactRecord, now time.Time) (*letter, error) {
	r := requestOf(rec)
	clock, err := c.clocks.next(c, k, now)
	if err != nil {
		return nil, err
	}
	update := &wire.ContactUpdate{
		Clock: clock, DisplayName: message.StatusName(a.displayName), ContactRequestPropagatedState: propagated(r),
		PublicKey: k.Hex(), CustomizationColor: a.accent(),
	}
	if r.Added() { // receivers take it for a request
		update.ContactRequestClock = r.Local.Clock
	}
	rec.RepairedClock, rec.RepairedAt = r.Local.Clock, now.UnixMilli()
	return c.write(a, k, wire.ApplicationMetadataMessage_CONTACT_UPDATE, update, clock, now)
}
