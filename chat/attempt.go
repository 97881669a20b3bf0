package chat

import (
	"maps"
	"slices"
	"time"

	"libstatus1to1/chat/protocol/datasync"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/session"
	"libstatus1to1/chat/wire"
)

// The sending pipeline, second half, in the loop:
//
//	due rows and acknowledgements, by person -> encrypt -> one transaction:
//	sessions, ciphertext, rows -> publish -> mark (rides the next transaction)
//
// An attempt is one ciphertext. It is stored before it is published and erased when
// that is known to have happened, so a crash publishes the same bytes again; what is
// left of its record says when its messages are due again (attemptrecord.go). An MVDS
// resend is a new attempt with a new ciphertext.

// attempt is one envelope that carries messages, acknowledgements or both.
type attempt struct {
	id           uint64
	peer         key.Public
	rows         []attemptRow // none when it only acknowledges
	contentTopic string
	payload      []byte
	resends      int // rows that were sent before
	evidence     Evidence
	sent         *sentAs // once it is out
	failure      Code
	tried        bool // it may be out, though it is not known to be

	before, after session.Peer
	started       []string
	acks          [][32]byte
	newTopic      *route
	stateless     bool                   // it is an advertisement: no session moves
	introduces    *wire.IntroducedRecord // a bare CHAT_IDENTITY: see introduce.go
}

const (
	// maxBatchMessages and batchBytes bound the messages of one attempt.
	maxBatchMessages = 100
	// maxAttempts bounds the attempts of one transaction.
	maxAttempts = 64
)

// batchBytes is how much application data one attempt may carry, for all devices
// together: two thirds of an envelope leave room for acknowledgements, headers,
// padding and bundles.
func (c *Client) batchBytes() int { return c.net.MaxPayload() * 2 / 3 }

// ackShare of an envelope is for acknowledgements.
const ackShare = 4

// perDevice divides room in an envelope: each device of p gets a ciphertext of its own.
func perDevice(p session.Peer, room int) int { return room / max(1, len(p.Active())) }

// acksFor are the acknowledgements that the next attempt to p carries.
func (c *Client) acksFor(p session.Peer) [][32]byte {
	ids := c.loop.acks[p.Identity].take()
	return ids[:min(len(ids), max(1, perDevice(p, c.net.MaxPayload()/ackShare)/datasync.AckSize))]
}

// send does what is due while the network is there.
func (c *Client) send() {
	a, err := c.account()
	if err != nil || !c.online.is() || c.loop.networkPause.lasts(c.now()) {
		c.markPublished()
		return
	}
	c.publishContactCode(a)
	for c.life.ctx.Err() == nil {
		if !c.publishAll() {
			break
		}
		attempts := c.prepare(a)
		if len(attempts) == 0 {
			break
		}
		if err := c.commitAttempts(attempts); err != nil {
			c.log.Log("error", "storing attempts failed", "code", string(CodeOf(err)))
			c.loop.storePause.failed(c.now())
			return
		}
	}
	c.markPublished()
}

// prepare encrypts what is due for everybody.
func (c *Client) prepare(a *account) []*attempt {
	now := c.now()
	attempts, answered := c.prepareAnswers(a, now)
	rows := c.outbox.due(now, c.settings.ResendBase/2)
	people := map[key.Public]bool{}
	for peer := range rows {
		people[peer] = true
	}
	for peer, p := range c.loop.acks {
		if !p.due.After(now) {
			people[peer] = true
		}
	}
	var parcels []*parcel
	for _, peer := range sorted(people) {
		if answered[peer] {
			continue // their sessions are one step further only after this transaction
		}
		if len(attempts)+len(parcels) >= maxAttempts {
			break
		}
		if p := c.prepareFor(a, peer, rows[peer], now); p != nil {
			parcels = append(parcels, p)
		}
	}
	return append(attempts, c.encryptParcels(a, parcels, now)...)
}

// prepareFor gathers what goes to peer now, or returns nil when nothing can.
func (c *Client) prepareFor(a *account, peer key.Public, rows []outboxRow, now time.Time) *parcel {
	p, err := c.peer(peer)
	if err != nil {
		c.postpone(peer, rows, "reading a peer failed", err)
		return nil
	}
	rows = c.settle(a, p, c.giveUp(rows))
	if len(rows) == 0 && len(c.loop.acks[peer].take()) == 0 {
		return nil
	}
	if until, held := c.heldUntil(a, p, now); held {
		c.hold(peer, rows, until)
		return nil
	}
	parcel := &parcel{to: p, rows: c.batch(rows, perDevice(p, c.batchBytes())), acks: c.acksFor(p)}
	if len(rows) > 0 {
		if err := c.introduce(a, parcel, now); err != nil {
			c.postpone(peer, rows, "introducing ourselves failed", err)
			return nil
		}
	}
	return parcel
}

// batch takes as many rows from the front as go into one attempt, with room for so
// many bytes a device: all of them to the same devices.
func (c *Client) batch(rows []outboxRow, room int) []outboxRow {
	size := 0
	for i, r := range rows {
		size += r.size + datasync.MessageOverhead
		if i > 0 && (size > room || i == maxBatchMessages || !slices.Equal(r.acked, rows[0].acked)) {
			return rows[:i]
		}
	}
	return rows
}

// giveUp fails the rows that had all their attempts and returns the others.
func (c *Client) giveUp(rows []outboxRow) []outboxRow {
	spent := func(r outboxRow) bool { return r.sends >= datasync.MaxSends && r.quick == 0 }
	if !slices.ContainsFunc(rows, spent) {
		return rows
	}
	var rest []outboxRow
	for _, r := range rows {
		if !spent(r) {
			rest = append(rest, r)
			continue
		}
		if err := c.update(func(t *txn) error { return t.fail(r, CodeUndeliverable) }); err != nil {
			c.log.Log("error", "giving a message up failed", "code", string(CodeOf(err)))
			c.outbox.change(r.mvds, func(r *outboxRow) { r.nextSend = c.now().Add(c.settings.ResendBase) })
		}
	}
	return rest
}

// fail ends the sending of a message to one identity. It has failed then, unless it
// was delivered or was for our own other devices. An acknowledgement may still come,
// from somebody who was away for long.
func (t *txn) fail(r outboxRow, code Code) error {
	own := t.c.isSelf(r.peer.Compact())
	if code == CodeUndeliverable && r.text && !own {
		var m wire.MessageRecord
		if _, err := get(t, tableMessages, r.id[:], &m); err != nil {
			return err
		}
		// A device that no bundle names may have acknowledged it: then it has not failed.
		if rank[m.GetState()] < rank[stateDelivered] {
			if err := t.keepFailed(r, false); err != nil {
				return err
			}
		}
	}
	if err := t.dropRow(r); err != nil || own {
		return err
	}
	if err := t.rememberSent(r.mvds, r.id); err != nil {
		return err
	}
	return t.climb(r.id, stateFailed, func(m *wire.MessageRecord) { m.Failure = string(code) })
}

// postpone puts off what cannot go out now, so that the loop does not spin.
func (c *Client) postpone(peer key.Public, rows []outboxRow, why string, err error) {
	if err != nil {
		c.log.Log("error", why, "error", err.Error())
	}
	until := c.now().Add(c.settings.ResendBase)
	for _, r := range rows {
		c.outbox.change(r.mvds, func(r *outboxRow) { r.nextSend = until })
	}
	if p := c.loop.acks[peer]; p != nil {
		p.due = until
	}
}

// encryptFor makes the MVDS payload of rows and acks, encrypts it for the devices
// that need it and seals it for the topic they listen on.
func (c *Client) encryptFor(a *account, with enclosed, p session.Peer, rows []outboxRow, acks [][32]byte, now time.Time) (*attempt, error) {
	at := &attempt{peer: p.Identity, acks: acks, before: p}
	sync := datasync.Payload{Acks: acks}
	var except []string
	if len(rows) > 0 {
		except = rows[0].acked
		messages, err := c.syncMessages(a, rows)
		if err != nil {
			return nil, err
		}
		sync.Messages = messages
		for _, r := range rows {
			at.rows = append(at.rows, attemptRow{r.mvds, r.number, r.sendsThen()})
			at.resends += min(r.sends, 1)
		}
	}
	plaintext, err := datasync.Encode(sync)
	if err != nil {
		return nil, err
	}
	next, out, err := p.Encrypt(a.self, plaintext, except, now, c.source())
	if err != nil {
		return nil, err
	}
	at.after, at.started = next, out.Started
	return at, c.seal(a, at, with, out)
}

// syncMessages are the messages of rows: kept, or read.
func (c *Client) syncMessages(a *account, rows []outboxRow) ([]datasync.Message, error) {
	messages := make([]datasync.Message, len(rows))
	var missing []int
	for i, r := range rows {
		if r.body != nil {
			messages[i] = *r.body
		} else {
			missing = append(missing, i)
		}
	}
	if len(missing) == 0 {
		return messages, nil
	}
	err := c.store.View(func(tx Tx) error {
		for _, i := range missing {
			var rec wire.OutboxRecord
			found, err := get(tx, tableOutbox, rowKey(rows[i].number), &rec)
			if err != nil {
				return err
			}
			if !found {
				return Errorf(CodeStoreCorrupt, "", "a message of the outbox is missing")
			}
			messages[i] = datasync.Message{
				GroupID: datasync.GroupID(a.public, rows[i].peer), Timestamp: rec.GetMvdsTimestamp(), Body: rec.GetApplication(),
			}
		}
		return nil
	})
	return messages, err
}

// commitAttempts stores the advanced sessions with the ciphertexts. What was
// published before is marked in the same transaction, unless something of either
// cannot be stored: then that is found, and the rest goes on.
func (c *Client) commitAttempts(attempts []*attempt) error {
	marks, err := c.readMarks(c.loop.published)
	if err == nil {
		err = c.storeAttempts(marks, attempts)
	}
	if err != nil && !passing(err) {
		if c.markPublished(); len(c.loop.published) > 0 {
			return err
		}
		_, err = isolated(attempts, func(some []*attempt) error { return c.storeAttempts(nil, some) }, c.attemptFailed)
	}
	if err != nil {
		return err
	}
	c.loop.storePause.wentWell()
	c.probe(ProbeBeforePublish)
	return nil
}

// storeAttempts does so in one transaction. marks may be nil.
func (c *Client) storeAttempts(marks *marks, attempts []*attempt) error {
	err := c.update(func(t *txn) error {
		if err := t.mark(marks); err != nil {
			return err
		}
		for _, at := range attempts {
			if err := t.storeAttempt(at); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if marks != nil {
		c.loop.published = nil
	}
	c.loop.unpublished = append(c.loop.unpublished, attempts...)
	return nil
}

// attemptFailed puts off what an attempt carries that cannot be stored.
func (c *Client) attemptFailed(at *attempt, err error) {
	c.counters.drop("attempt_" + unstorable(err))
	c.postpone(at.peer, c.outbox.copies(at.rows), "an attempt cannot be stored", err)
}

func (t *txn) storeAttempt(at *attempt) error {
	t.c.loop.lastAttempt++
	at.id = t.c.loop.lastAttempt
	if !at.stateless {
		if err := t.savePeer(at.before, at.after); err != nil {
			return err
		}
	}
	if err := t.emitStarted(at.after, at.started); err != nil {
		return err
	}
	if at.newTopic != nil {
		if err := at.newTopic.store(t); err != nil {
			return err
		}
		t.then(func() { t.c.listen(*at.newTopic) })
	}
	if err := t.dropAcks(at); err != nil {
		return err
	}
	if err := t.storeIntroduction(at); err != nil {
		return err
	}
	for _, r := range t.c.outbox.carried(at.rows) {
		if err := t.keepSent(r); err != nil {
			return err
		}
		if err := t.leaveCarrier(r); err != nil {
			return err
		}
	}
	if at.resends > 0 {
		t.c.loop.awaitMore = true // also if it is not stored: it only has a look taken
	}
	t.then(func() {
		for _, row := range at.rows {
			t.c.outbox.change(row.mvds, func(r *outboxRow) { r.attempt, r.sends, r.carrier = at.id, row.sends, 0 })
		}
	})
	return put(t, tableAttempts, attemptKey(at.id), at.record())
}

// sorted gives the keys of a set in an order that is always the same.
func sorted(set map[key.Public]bool) []key.Public {
	return slices.SortedFunc(maps.Keys(set), func(a, b key.Public) int {
		return slices.Compare(a.Compressed(), b.Compressed())
	})
}
