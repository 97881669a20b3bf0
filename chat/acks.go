package chat

import (
	"slices"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"libstatus1to1/chat/protocol/datasync"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
)

// pendingAcks are the acknowledgements one person is to get. They wait AckDelay
// for company and go out with the next message if one is sent before.
// Spec: 2/MVDS, "Payloads".
type pendingAcks struct {
	ids [][32]byte
	due time.Time
}

// maxAcksAtOnce is how many acknowledgements one attempt carries, 32 bytes each.
const maxAcksAtOnce = min(1000, datasync.MaxIDs)

// take is what goes into the next attempt. nil is fine.
func (p *pendingAcks) take() [][32]byte {
	if p == nil {
		return nil
	}
	return slices.Clone(p.ids[:min(len(p.ids), maxAcksAtOnce)])
}

// maxPendingAcks bounds what one flooding peer can make us keep: past it the
// oldest are forgotten, and asked for again by the next resend. Of strangers and of the
// blocked it is what one attempt carries.
const maxPendingAcks = 10000

// queueAcks stores acknowledgements with what they acknowledge: those to one person
// together, at the end of the transaction.
func (t *txn) queueAcks(peer key.Public, ids [][32]byte) {
	if t.acks == nil {
		t.acks = map[key.Public][][32]byte{}
	}
	t.acks[peer] = append(t.acks[peer], ids...)
}

func (t *txn) putAcks() error {
	for peer, ids := range t.acks {
		if err := t.addAcks(peer, ids); err != nil {
			return err
		}
	}
	return nil
}

func (t *txn) addAcks(peer key.Public, ids [][32]byte) error {
	var rec wire.AcksRecord
	if _, err := get(t, tableAcks, peer.Compressed(), &rec); err != nil {
		return err
	}
	all, err := idsOf(rec.GetMvdsIds())
	if err != nil {
		return err
	}
	waiting := idSet(all)
	for _, id := range ids {
		if !waiting[id] {
			waiting[id] = true
			all = append(all, id)
			rec.MvdsIds = append(rec.MvdsIds, id[:])
		}
	}
	most := maxPendingAcks
	if t.marksOf(personOf(peer)) == maxStrangerMarks {
		most = maxAcksAtOnce
	}
	surplus := max(0, len(all)-most)
	all, rec.MvdsIds = all[surplus:], rec.GetMvdsIds()[surplus:]
	t.then(func() { t.c.ackLater(peer, all) })
	return put(t, tableAcks, peer.Compressed(), &rec)
}

// ackLater notes in memory what is stored; the loop only.
func (c *Client) ackLater(peer key.Public, all [][32]byte) {
	p := c.loop.acks[peer]
	if p == nil {
		p = &pendingAcks{due: c.now().Add(c.settings.AckDelay)}
		c.loop.acks[peer] = p
	}
	p.ids = all
}

// dropAcks takes the acknowledgements an attempt carries off the list.
func (t *txn) dropAcks(at *attempt) error {
	if len(at.acks) == 0 {
		return nil
	}
	var rec wire.AcksRecord
	if _, err := get(t, tableAcks, at.peer.Compressed(), &rec); err != nil {
		return err
	}
	all, err := idsOf(rec.GetMvdsIds())
	if err != nil {
		return err
	}
	sent := idSet(at.acks)
	rest := slices.DeleteFunc(all, func(id [32]byte) bool { return sent[id] })
	if len(rest) == 0 {
		t.then(func() { delete(t.c.loop.acks, at.peer) })
		return t.Delete(tableAcks, at.peer.Compressed())
	}
	rec.MvdsIds = nil
	for _, id := range rest {
		rec.MvdsIds = append(rec.MvdsIds, id[:])
	}
	t.then(func() { t.c.ackLater(at.peer, rest) })
	return put(t, tableAcks, at.peer.Compressed(), &rec)
}

// loadAcks reads what was not acknowledged before the last stop.
func (c *Client) loadAcks() error {
	c.loop.acks = map[key.Public]*pendingAcks{}
	return c.store.View(func(tx Tx) error {
		return tx.Each(tableAcks, func(name, value []byte) error {
			var rec wire.AcksRecord
			if err := decodeRecord(tableAcks, value, &rec); err != nil {
				return err
			}
			peer, err := key.ParsePublic(name)
			if err != nil {
				return Errorf(CodeStoreCorrupt, "", "acknowledgements do not read back")
			}
			ids, err := idsOf(rec.GetMvdsIds())
			if err != nil {
				return err
			}
			c.ackLater(peer, ids)
			return nil
		})
	})
}

func idsOf(in [][]byte) ([][32]byte, error) {
	out := make([][32]byte, 0, len(in))
	for _, id := range in {
		if len(id) != 32 {
			return nil, Errorf(CodeStoreCorrupt, "", "an id is not 32 bytes")
		}
		out = append(out, [32]byte(id))
	}
	return out, nil
}

// acknowledged notes that a device has our messages: delivered at the first
// device, and sent no more when every device that gets them has it.
func (t *txn) acknowledged(by string, peer key.Public, active []string, ids [][32]byte) error {
	for _, id := range ids {
		row, ok := t.c.outbox.forMVDS(id)
		if !ok {
			if err := t.acknowledgedElsewhere(by, peer, id); err != nil {
				return err
			}
		}
		if !ok || row.peer != peer {
			continue
		}
		if err := t.acknowledgedRow(row, by, active); err != nil {
			return err
		}
	}
	return nil
}

func (t *txn) acknowledgedRow(row outboxRow, by string, active []string) error {
	var rec wire.OutboxRecord
	found, err := get(t, tableOutbox, rowKey(row.number), &rec)
	if err != nil || !found || slices.Contains(rec.GetAcknowledgedBy(), by) {
		return err
	}
	rec.AcknowledgedBy = append(rec.GetAcknowledgedBy(), by)
	missing := slices.ContainsFunc(active, func(id string) bool { return !slices.Contains(rec.GetAcknowledgedBy(), id) })
	if missing {
		err = put(t, tableOutbox, rowKey(row.number), &rec)
		t.then(func() {
			t.c.outbox.change(row.mvds, func(r *outboxRow) { r.acked = rec.GetAcknowledgedBy(); r.delivered = true })
		})
	} else {
		err = t.dropRow(row)
	}
	if err != nil {
		return err
	}
	return t.deviceHas(row.id, by, t.isOwn(row.peer.Compressed()))
}

func idSet(ids [][32]byte) map[[32]byte]bool {
	set := make(map[[32]byte]bool, len(ids))
	for _, id := range ids {
		set[id] = true
	}
	return set
}

// repeatsAtOnce is how many exact copies of somebody's messages are acknowledged
// again before there is a pause of ResendBase for each. Everybody can publish such
// a copy, and each answer is a step of our sending chain: unbounded, a stranger
// could use it up (hold.go).
const repeatsAtOnce = 20

// repeats counts, by sender.
type repeats struct {
	lru *lru.Cache[key.Public, repeated]
}

type repeated struct {
	used  int
	since time.Time
}

func newRepeats() repeats {
	cache, _ := lru.New[key.Public, repeated](peersInMemory) // fails only for a size below 1
	return repeats{cache}
}

// allow takes a token of sender's bucket, which fills by one each every.
func (r repeats) allow(sender key.Public, now time.Time, every time.Duration) bool {
	b, ok := r.lru.Get(sender)
	if back := int(now.Sub(b.since) / every); !ok || back > 0 || now.Before(b.since) {
		b.used, b.since = max(0, b.used-max(back, 0)), now
	}
	if b.used >= repeatsAtOnce {
		return false
	}
	b.used++
	r.lru.Add(sender, b)
	return true
}
