package chat

import (
	"slices"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"libstatus1to1/chat/protocol/datasync"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/session"
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
// oldest are forgotten, and asked for again by the next resend. Of strangers, of whom
// no more messages are kept, less is enough, also when they are blocked.
const (
	maxPendingAcks          = 10000
	maxPendingAcksUnwelcome = 2 * MaxStrangerMessages
)

func (c *Client) pendingAcksOf(peer key.Public) int {
	if s, _ := c.people.contacts.get(peer); !s.familiar() && peer != c.self.Load().public {
		return maxPendingAcksUnwelcome
	}
	return maxPendingAcks
}

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
	surplus := max(0, len(all)-t.c.pendingAcksOf(peer))
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

// acknowledger is the device that sent acknowledgements: known installations of its
// identity have a place in the records of what they acknowledge.
type acknowledger struct {
	peer   session.Peer
	id     string
	known  bool
	active []string // installations that get our messages
}

func newAcknowledger(peer session.Peer, id string) acknowledger {
	_, known := peer.Find(id)
	return acknowledger{peer: peer, id: id, known: known, active: installationIDs(peer.Active())}
}

// acknowledged notes that a device has our messages: delivered at the first
// device, and sent no more when every device that gets them has it.
func (t *txn) acknowledged(by acknowledger, ids [][32]byte) error {
	done := make(map[[32]byte]bool, len(ids))
	for _, id := range ids {
		if done[id] {
			continue
		}
		done[id] = true
		row, ok := t.c.outbox.forMVDS(id)
		if !ok {
			if err := t.acknowledgedElsewhere(by.id, by.peer.Identity, id); err != nil {
				return err
			}
		}
		if !ok || row.peer != by.peer.Identity {
			continue
		}
		if err := t.acknowledgedRow(row, by); err != nil {
			return err
		}
	}
	return nil
}

// acknowledgedRow counts a device once, and only one that bundles of its identity
// name: of those there are session.MaxKnownInstallations at most, while anybody may
// make up ids. That the message was delivered any of them can say: the identity signed
// it.
func (t *txn) acknowledgedRow(row outboxRow, by acknowledger) error {
	own := t.c.isSelf(row.peer.Compact())
	if !by.known && len(by.active) > 0 {
		return t.deviceHas(row.id, by.id, own)
	}
	var rec wire.OutboxRecord
	found, err := get(t, tableOutbox, rowKey(row.number), &rec)
	before := rec.GetAcknowledgedBy()
	// A longer list is of an earlier version, which counted devices that nobody knew.
	if err != nil || !found || len(before) <= session.MaxKnownInstallations && slices.Contains(before, by.id) {
		return err
	}
	has := by.counted(before)
	if !slices.Contains(has, by.id) {
		has = append(has, by.id)
	}
	missing := slices.ContainsFunc(by.active, func(id string) bool { return !slices.Contains(has, id) })
	if missing {
		rec.AcknowledgedBy = has
		err = put(t, tableOutbox, rowKey(row.number), &rec)
		t.then(func() {
			t.c.outbox.change(row.mvds, func(r *outboxRow) { r.acked, r.delivered = has, true })
		})
	} else {
		err = t.dropRow(row)
	}
	if err != nil {
		return err
	}
	return t.deviceHas(row.id, by.id, own)
}

// counted are those of a list that are still known.
func (by acknowledger) counted(list []string) (known []string) {
	for _, in := range by.peer.Installations {
		if slices.Contains(list, in.ID) {
			known = append(known, in.ID)
		}
	}
	return known
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
