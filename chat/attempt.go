package chat

import (
	"errors"
	"slices"
	"time"

	"libstatus1to1/chat/protocol/datasync"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/payload"
	"libstatus1to1/chat/protocol/session"
	"libstatus1to1/chat/protocol/topic"
	"libstatus1to1/chat/wire"
)

// The sending pipeline, second half, in the loop:
//
//	due rows and acknowledgements, by person -> encrypt -> one transaction:
//	sessions, ciphertext, rows -> publish -> mark (rides the next transaction)
//
// An attempt is one ciphertext. It is stored before it is published and deleted
// when that is known to have happened, so a crash publishes the same bytes again;
// an MVDS resend is a new attempt with a new ciphertext.

// attempt is one envelope that carries messages, acknowledgements or both.
type attempt struct {
	id           uint64
	peer         key.Public
	rows         [][32]byte // MVDS ids; none when it only acknowledges
	contentTopic string
	payload      []byte
	unsealed     []byte // ProtocolMessage that sealAll makes the payload of
	negotiated   bool
	resends      int // rows that were sent before
	evidence     Evidence
	failure      Code

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
	// publishTimeout bounds one hand-over to the network.
	publishTimeout = 10 * time.Second
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
	for c.ctx.Err() == nil {
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
	for _, peer := range sorted(people) {
		if answered[peer] {
			continue // their sessions are one step further only after this transaction
		}
		if len(attempts) >= maxAttempts {
			break
		}
		attempts = append(attempts, c.prepareFor(a, peer, rows[peer], now)...)
	}
	return c.sealAll(a, attempts)
}

// prepareFor encrypts one attempt for peer, with our profile ahead if they do not
// have it, or returns nil when nothing can go out to them now.
func (c *Client) prepareFor(a *account, peer key.Public, rows []outboxRow, now time.Time) (attempts []*attempt) {
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
	attempts, err = c.encryptAll(a, p, c.batch(rows, perDevice(p, c.batchBytes())), now)
	if err != nil {
		c.postpone(peer, rows, "encrypting failed", err)
		return nil
	}
	return attempts
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
	var rest []outboxRow
	for _, r := range rows {
		if r.sends < datasync.MaxSends {
			rest = append(rest, r)
			continue
		}
		if err := c.update(func(t *txn) error { return t.fail(r.mvds, CodeUndeliverable) }); err != nil {
			c.log.Log("error", "giving a message up failed", "code", string(CodeOf(err)))
			c.outbox.change(r.mvds, func(r *outboxRow) { r.nextSend = c.now().Add(c.settings.ResendBase) })
		}
	}
	return rest
}

// fail ends the sending of a message to one identity. It has failed then, unless it
// was delivered or was for our own other devices. An acknowledgement may still come,
// from somebody who was away for long.
func (t *txn) fail(mvds [32]byte, code Code) error {
	var rec wire.OutboxRecord
	found, err := get(t, tableOutbox, mvds[:], &rec)
	if err != nil || !found {
		return err
	}
	if err := t.dropRow(mvds); err != nil || t.isOwn(rec.GetPeer()) {
		return err
	}
	id := [32]byte(rec.GetMessageId())
	if err := t.remember(seenElsewhere, mvds, [][32]byte{id}); err != nil {
		return err
	}
	return t.climb(id, stateFailed, func(m *wire.MessageRecord) { m.Failure = string(code) })
}

// dropRow takes a row out of the outbox.
func (t *txn) dropRow(mvds [32]byte) error {
	t.then(func() { t.c.outbox.remove(mvds) })
	return t.Delete(tableOutbox, mvds[:])
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
func (c *Client) encryptFor(a *account, p session.Peer, rows []outboxRow, acks [][32]byte, now time.Time) (*attempt, error) {
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
			at.rows = append(at.rows, r.mvds)
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
	at.after, at.started, at.negotiated = next, out.Started, out.Negotiated
	at.unsealed, err = c.protocolMessage(a, out.Messages, nil)
	return at, err
}

// seal puts a ProtocolMessage into the payload of the negotiated topic, once all
// devices listen there, or of the partitioned one.
// Spec: 26/WAKU2-PAYLOAD; 54, "Negotiated topic to be used for the session".
func (c *Client) seal(a *account, at *attempt, pm []byte, negotiated bool) (err error) {
	r, known, err := c.negotiatedRoute(a, at.peer)
	if err != nil {
		return err
	}
	if !known {
		at.newTopic = &r
	}
	if negotiated {
		at.contentTopic = r.contentTopic
		at.payload, err = payload.SealSymmetric(c.rand, r.sym, a.self.Identity, pm)
		return err
	}
	at.contentTopic = topic.Partitioned(at.peer).ContentTopic()
	at.payload, err = payload.SealAsymmetric(c.rand, at.peer, a.self.Identity, pm)
	return err
}

func (c *Client) syncMessages(a *account, rows []outboxRow) ([]datasync.Message, error) {
	messages := make([]datasync.Message, 0, len(rows))
	err := c.store.View(func(tx Tx) error {
		for _, r := range rows {
			var rec wire.OutboxRecord
			found, err := get(tx, tableOutbox, r.mvds[:], &rec)
			if err != nil {
				return err
			}
			if !found {
				return Errorf(CodeStoreCorrupt, "", "a message of the outbox is missing")
			}
			messages = append(messages, datasync.Message{
				GroupID: datasync.GroupID(a.public, r.peer), Timestamp: rec.GetMvdsTimestamp(), Body: rec.GetApplication(),
			})
		}
		return nil
	})
	return messages, err
}

// commitAttempts stores the advanced sessions with the ciphertexts. What was
// published before is marked in the same transaction.
func (c *Client) commitAttempts(attempts []*attempt) error {
	published := c.loop.published
	err := c.update(func(t *txn) error {
		if err := t.mark(published); err != nil {
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
	c.loop.storePause.wentWell()
	c.loop.published = nil
	c.loop.unpublished = append(c.loop.unpublished, attempts...)
	c.probe(ProbeBeforePublish)
	return nil
}

func (t *txn) storeAttempt(at *attempt) error {
	var err error
	if at.id, err = t.Append(queueAttempts, nil); err != nil {
		return err
	}
	if err := t.Trim(queueAttempts, at.id); err != nil {
		return err
	}
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
	for _, id := range at.rows {
		sends := t.c.outbox.sends(id) + 1
		if _, err := t.changeRow(id, func(r *wire.OutboxRecord) { r.Attempt, r.Sends = at.id, uint32(sends) }); err != nil {
			return err
		}
		t.then(func() { t.c.outbox.change(id, func(r *outboxRow) { r.attempt, r.sends = at.id, sends }) })
	}
	return put(t, tableAttempts, attemptKey(at.id), at.record())
}

// changeRow changes a row, if it is there still; nil if not.
func (t *txn) changeRow(mvds [32]byte, change func(*wire.OutboxRecord)) (*wire.OutboxRecord, error) {
	rec := &wire.OutboxRecord{}
	found, err := get(t, tableOutbox, mvds[:], rec)
	if err != nil || !found {
		return nil, err
	}
	change(rec)
	return rec, put(t, tableOutbox, mvds[:], rec)
}

// publishAll hands stored attempts to the network, oldest first, and reports
// whether all are out.
func (c *Client) publishAll() bool {
	for len(c.loop.unpublished) > 0 {
		at := c.loop.unpublished[0]
		evidence, err := c.publish(at.contentTopic, at.payload)
		switch {
		case errors.Is(err, ErrTooLarge):
			at.failure = CodeTooLarge
		case err != nil:
			c.log.Log("info", "publishing failed", "error", err.Error())
			c.loop.networkPause.failed(c.now())
			return false
		}
		c.loop.networkPause.wentWell()
		c.probe(ProbeBeforeMark)
		at.evidence = evidence
		c.counters.published(at)
		c.loop.unpublished = c.loop.unpublished[1:]
		c.loop.published = append(c.loop.published, at)
	}
	return true
}

// markPublished stores that attempts are out, if no other transaction did.
func (c *Client) markPublished() {
	if len(c.loop.published) == 0 {
		return
	}
	published := c.loop.published
	if err := c.update(func(t *txn) error { return t.mark(published) }); err != nil {
		c.log.Log("error", "marking attempts failed", "code", string(CodeOf(err)))
		c.loop.storePause.failed(c.now())
		return
	}
	c.loop.published = nil
}

// mark deletes published attempts and sets when their messages are due again.
func (t *txn) mark(published []*attempt) error {
	now := t.c.now()
	for _, at := range published {
		if err := t.Delete(tableAttempts, attemptKey(at.id)); err != nil {
			return err
		}
		for _, id := range at.rows {
			if err := t.markRow(at, id, now); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *txn) markRow(at *attempt, id [32]byte, now time.Time) error {
	c := t.c
	if at.failure != "" {
		return t.fail(id, at.failure)
	}
	next := now
	rec, err := t.changeRow(id, func(r *wire.OutboxRecord) {
		next = now.Add(datasync.Backoff(int(r.GetSends()), c.settings.ResendBase, c.rand))
		r.Attempt, r.NextSendAt = 0, next.UnixMilli()
	})
	if err != nil || rec == nil {
		return err
	}
	t.then(func() { c.outbox.change(id, func(r *outboxRow) { r.attempt, r.nextSend = 0, next }) })
	if t.isOwn(rec.GetPeer()) {
		return nil
	}
	return t.climb([32]byte(rec.GetMessageId()), stateSent, func(m *wire.MessageRecord) {
		m.EvidenceKind, m.EvidencePeers, m.EvidenceAt = at.evidence.Kind, uint32(at.evidence.Peers), now.UnixMilli()
	})
}
