package chat

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
)

// What was given up, or cancelled, is kept so that it can be tried again with the same
// message id: by the user, and once by ourselves each time its recipient comes back, if
// it was not the user who gave it up.

const (
	// maxFailedEach and maxFailed bound what is kept, a person and in all; the oldest go
	// first. Nobody reads a hundred messages of months ago as news.
	maxFailedEach = 100
	maxFailed     = 2000
	// keepFailed is for how long, after it has failed. That is three weeks after it was
	// sent; so somebody may be away for a quarter of a year.
	keepFailed = 70 * 24 * time.Hour
	// maxRevivals bounds how often one message is tried again because its recipient is
	// back: who never acknowledges it may have another reason.
	maxRevivals = 3
)

// failedMessage is what is known in memory of one that is kept.
type failedMessage struct {
	id        [32]byte
	clock     uint64
	at        time.Time // when it failed
	revived   int
	cancelled bool // by the user
}

// failedMessages are those that are kept, by recipient; busy is held.
type failedMessages struct {
	byPeer map[key.Public][]failedMessage
	count  int
}

func (f *failedMessages) of(peer key.Public) bool { return len(f.byPeer[peer]) > 0 }

// people are the recipients of messages that may be tried again when they are back,
// those of the latest first.
func (f *failedMessages) people() []key.Public {
	latest := map[key.Public]uint64{}
	for peer, all := range f.byPeer {
		for _, m := range all {
			if m.mayRevive() {
				latest[peer] = max(latest[peer], m.clock)
			}
		}
	}
	return slices.SortedFunc(maps.Keys(latest), func(a, b key.Public) int {
		return cmp.Or(cmp.Compare(latest[b], latest[a]), slices.Compare(a.Compressed(), b.Compressed()))
	})
}

func (m failedMessage) mayRevive() bool { return !m.cancelled && m.revived < maxRevivals }

func (f *failedMessages) add(peer key.Public, m failedMessage) {
	f.remove(peer, m.id)
	f.byPeer[peer] = append(f.byPeer[peer], m)
	f.count++
}

func (f *failedMessages) remove(peer key.Public, id [32]byte) {
	all := f.byPeer[peer]
	rest := slices.DeleteFunc(slices.Clone(all), func(m failedMessage) bool { return m.id == id })
	f.count -= len(all) - len(rest)
	if f.byPeer[peer] = rest; len(rest) == 0 {
		delete(f.byPeer, peer)
	}
}

// oldest is the one that failed first, of peer or, with nil, of all.
func (f *failedMessages) oldest(of *key.Public) (peer key.Public, oldest failedMessage) {
	found := false
	for k, all := range f.byPeer {
		if of != nil && k != *of {
			continue
		}
		for _, m := range all {
			if !found || m.at.Before(oldest.at) || m.at.Equal(oldest.at) && m.clock < oldest.clock {
				peer, oldest, found = k, m, true
			}
		}
	}
	return peer, oldest
}

// loadFailed reads what is kept.
func (c *Client) loadFailed() error {
	c.loop.failed = failedMessages{byPeer: map[key.Public][]failedMessage{}}
	return c.store.View(func(tx Tx) error {
		return tx.Each(tableFailed, func(_, value []byte) error {
			var rec wire.OutboxRecord
			if err := decodeRecord(tableFailed, value, &rec); err != nil {
				return err
			}
			r, err := rowFromRecord(&rec, 0)
			if err == nil {
				c.loop.failed.add(r.peer, failedOf(&rec))
				c.loop.awaitMore = true
			}
			return err
		})
	})
}

func failedOf(rec *wire.OutboxRecord) failedMessage {
	return failedMessage{
		id: [32]byte(rec.GetMessageId()), clock: rec.GetClock(), at: time.UnixMilli(rec.GetFailedAt()),
		revived: int(rec.GetRevived()), cancelled: rec.GetCancelled(),
	}
}

// keepFailed keeps what a row sends, which is about to go, and makes room for it.
func (t *txn) keepFailed(r outboxRow, cancelled bool) error {
	var rec wire.OutboxRecord
	found, err := get(t, tableOutbox, rowKey(r.number), &rec)
	if err != nil || !found {
		return err
	}
	rec.FailedAt, rec.Cancelled, rec.AcknowledgedBy = t.c.now().UnixMilli(), cancelled, nil
	f := &t.c.loop.failed
	if len(f.byPeer[r.peer]) >= maxFailedEach {
		_, old := f.oldest(&r.peer)
		err = t.forgetFailed(r.peer, old.id)
	} else if f.count >= maxFailed {
		peer, old := f.oldest(nil)
		err = t.forgetFailed(peer, old.id)
	}
	if err != nil {
		return err
	}
	return t.putFailed(r.peer, &rec)
}

func (t *txn) putFailed(peer key.Public, rec *wire.OutboxRecord) error {
	m := failedOf(rec)
	t.then(func() {
		t.c.loop.failed.add(peer, m)
		t.c.loop.awaitMore = true
	})
	return put(t, tableFailed, rec.GetMessageId(), rec)
}

// forgetFailed ends the keeping of a message; one that is not kept is fine.
func (t *txn) forgetFailed(peer key.Public, id [32]byte) error {
	t.then(func() { t.c.loop.failed.remove(peer, id); t.c.loop.awaitMore = true })
	return t.Delete(tableFailed, id[:])
}

// deliveredAfterAll ends the keeping of a message that had failed and is delivered now.
func (t *txn) deliveredAfterAll(m *wire.MessageRecord) error {
	if m.GetState() != stateFailed {
		return nil
	}
	peer, err := key.ParsePublic(m.GetChat())
	if err != nil {
		return Errorf(CodeStoreCorrupt, "", "a message is in no chat")
	}
	return t.forgetFailed(peer, [32]byte(m.GetId()))
}

// forgetOldFailures forgets what has failed long ago.
func (c *Client) forgetOldFailures(now time.Time) error {
	type kept struct {
		peer key.Public
		id   [32]byte
	}
	var old []kept
	for peer, all := range c.loop.failed.byPeer {
		for _, m := range all {
			if now.Sub(m.at) >= keepFailed {
				old = append(old, kept{peer, m.id})
			}
		}
	}
	if len(old) == 0 {
		return nil
	}
	return c.update(func(t *txn) error {
		for _, m := range old {
			if err := t.forgetFailed(m.peer, m.id); err != nil {
				return err
			}
		}
		return nil
	})
}

// sendFailed tries again what has failed to those who are back. In the loop.
func (c *Client) sendFailed() {
	for _, peer := range sorted(c.loop.returned) {
		delete(c.loop.returned, peer)
		if s, _ := c.people.contacts.get(peer); s.blocked {
			continue
		}
		all := slices.DeleteFunc(slices.Clone(c.loop.failed.byPeer[peer]), func(m failedMessage) bool { return !m.mayRevive() })
		if len(all) == 0 {
			continue
		}
		if _, err := isolated(all, c.reviveAll, func(m failedMessage, err error) { c.reviveFailed(peer, m.id, err) }); err != nil {
			c.log.Log("warn", "trying failed messages again failed", "code", string(CodeOf(err)))
			c.loop.storePause.failed(c.now())
			c.loop.returned[peer] = true
			return
		}
	}
}

// reviveAll tries messages again whose recipient is back.
func (c *Client) reviveAll(all []failedMessage) error {
	return c.update(func(t *txn) error {
		for _, m := range all {
			if err := t.reviveForReturn(m.id); err != nil {
				return err
			}
		}
		return nil
	})
}

// reviveFailed lets go of a message that cannot be tried again, so that it keeps no
// other one from it.
func (c *Client) reviveFailed(peer key.Public, id [32]byte, cause error) {
	c.counters.drop("failed_" + unstorable(cause))
	if err := c.update(func(t *txn) error { return t.forgetFailed(peer, id) }); err != nil {
		c.log.Log("warn", "a failed message is not forgotten", "code", string(CodeOf(err)))
	}
}

// reviveForReturn tries a message again because its recipient is back. One that must
// not be is kept, but not tried by ourselves again.
func (t *txn) reviveForReturn(id [32]byte) error {
	var rec wire.OutboxRecord
	var m wire.MessageRecord
	found, err := get(t, tableFailed, id[:], &rec)
	if err != nil || !found {
		return err
	}
	if _, err := get(t, tableMessages, id[:], &m); err != nil {
		return err
	}
	rec.Revived++
	if !t.c.stillAsked(&m) {
		peer, err := key.ParsePublic(rec.GetPeer())
		if err != nil {
			return Errorf(CodeStoreCorrupt, "", "a failed message does not read back")
		}
		return t.putFailed(peer, &rec)
	}
	return t.revive(&rec, &m)
}

// stillAsked is false for a contact request that was taken back since.
func (c *Client) stillAsked(m *wire.MessageRecord) bool {
	if m.GetKind() != kindContactRequest {
		return true
	}
	k, err := key.ParsePublic(m.GetChat())
	s, _ := c.people.contacts.get(k)
	return err == nil && s.request.Added()
}

// revive puts a message that has failed into the outbox again, as it was; m is its
// record as it is then. Own other devices may lack one that was cancelled.
func (t *txn) revive(rec *wire.OutboxRecord, m *wire.MessageRecord) error {
	peer, err := key.ParsePublic(rec.GetPeer())
	if err != nil || len(rec.GetMessageId()) != 32 || m.GetState() != stateFailed {
		return Errorf(CodeStoreCorrupt, "", "a failed message does not read back")
	}
	if err := t.forgetFailed(peer, [32]byte(rec.GetMessageId())); err != nil {
		return err
	}
	again := proto.CloneOf(rec)
	again.Sends, again.NextSendAt, again.FailedAt, again.Cancelled = 0, t.c.now().UnixMilli(), 0, false
	if err := t.addRow(peer, again); err != nil {
		return err
	}
	m.State, m.Failure = stateQueued, ""
	m.EvidenceKind, m.EvidencePeers, m.EvidenceInstallation, m.EvidenceAt = "", 0, "", 0
	if err := put(t, tableMessages, m.GetId(), m); err != nil {
		return err
	}
	if err := t.emit(stateEvent(m)); err != nil || !rec.GetCancelled() {
		return err
	}
	return t.toOwnDevices(again)
}

// failed looks at what is kept of messages that were given up.
func (in *inspection) failed() error {
	return in.each(tableFailed, func(name, value []byte) error {
		var rec wire.OutboxRecord
		if err := decodeRecord(tableFailed, value, &rec); err != nil {
			return err
		}
		row, err := rowFromRecord(&rec, 0)
		if err != nil {
			return err
		}
		var m wire.MessageRecord
		found, err := get(in.tx, tableMessages, row.id[:], &m)
		if err == nil && (!found || string(name) != string(row.id[:]) || m.GetState() != stateFailed) {
			in.tell(tableFailed, "what is kept is of no message that has failed")
		}
		return err
	})
}
