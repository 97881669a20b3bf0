package outbox

import (
	"slices"

	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/protocol/datasync"
	"libstatus1to1/chat/protocol/key"
)

// New messages can be sealed before the transaction that adds them, which then stores their
// ciphertext too. That saves a commit on their way, and is done where nothing is in the way:
// what would make the loop wait, give up, or send something else first is left to it.

// Accepting are attempts for messages that are about to be added.
type Accepting struct {
	o        *Outbox
	attempts []*attempt
}

// Accept seals messages that are about to be added, in the Turn in which they are. It returns
// nil if all of them are left to Work; otherwise some may be.
func (o *Outbox) Accept(t *ledger.Turn, all []Entry) *Accepting {
	// While something is to be published, more may come to go with these.
	if !t.Online || o.Stopping() || len(o.unpublished)+len(o.underWay) > 0 {
		return nil
	}
	rows := map[key.Public][]row{}
	people := map[key.Public]bool{}
	for _, e := range all {
		r := newRow(e.Peer, e.Record, 0)
		r.body = e.Body
		rows[e.Peer] = append(rows[e.Peer], *r)
		people[e.Peer] = true
	}
	var batches []*batch
	for _, peer := range sorted(people) {
		if b := o.unhindered(t, peer, rows[peer]); b != nil && len(batches) < maxAttempts {
			batches = append(batches, b)
		}
	}
	attempts := o.sealBatches(batches, o.Now())
	if len(attempts) == 0 {
		return nil
	}
	return &Accepting{o, attempts}
}

// unhindered gathers what goes to a person of new rows, with the acknowledgements that wait
// for them; nil if something is in the way.
func (o *Outbox) unhindered(t *ledger.Turn, peer key.Public, rows []row) *batch {
	to, err := o.Sealer.Recipient(peer)
	if err != nil || len(to.Devices) == 0 || to.Mute || len(to.Waiting) > 0 || to.Unanswered >= maxUnanswered || o.rows.isDue(peer, t.Now) {
		return nil
	}
	room := to.perDevice(o.Network.MaxPayload() / batchShare)
	if slices.ContainsFunc(rows, func(r row) bool { return r.size+datasync.MessageOverhead > room }) {
		return nil
	}
	slices.SortFunc(rows, func(a, b row) int { return byClock(&a, &b) })
	return &batch{to: peer, rows: firstRows(rows, room), acks: to.atMost(o.acks[peer].next(), o.Network.MaxPayload())}
}

// Store stores the attempts, in the transaction that has added their messages.
func (n *Accepting) Store(tx *ledger.Tx) error {
	added, _ := ledger.Local[addedRows](tx, addedKey{})
	numbers := make(map[[32]byte]uint64, len(*added))
	for _, r := range *added {
		numbers[r.mvds] = r.number
	}
	for _, at := range n.attempts {
		for i := range at.rows {
			number, ok := numbers[at.rows[i].mvds]
			if !ok {
				return port.Errorf(port.CodeInternal, "", "an attempt has a message that was not added")
			}
			at.rows[i].number = number
		}
	}
	return n.o.storeAttempts(tx, n.attempts)
}
