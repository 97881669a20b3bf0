package outbox

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/port"
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
	// keepFailed is the time for which it is kept after it has failed. That is three weeks
	// after it was sent; so somebody may be away for a quarter of a year.
	keepFailed = 70 * 24 * time.Hour
	// maxRevivals bounds how often one message is tried again because its recipient is
	// back: a recipient who never acknowledges it may have another reason.
	maxRevivals = 3
)

// failedMessage is the memory of one message that is kept.
type failedMessage struct {
	id        [32]byte
	clock     uint64
	at        time.Time // when it failed
	revived   int
	cancelled bool // by the user
}

// failedMessages are the messages that are kept, by recipient.
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

func failedOf(rec *wire.OutboxRecord) failedMessage {
	return failedMessage{
		id: [32]byte(rec.GetMessageId()), clock: rec.GetClock(), at: time.UnixMilli(rec.GetFailedAt()),
		revived: int(rec.GetRevived()), cancelled: rec.GetCancelled(),
	}
}

// GiveUp ends the sending of a message to somebody else as its last attempt does.
func (o *Outbox) GiveUp(tx *ledger.Tx, id [32]byte) error {
	for _, r := range o.rows.ofMessage(id) {
		if r.inHistory {
			return o.giveUp(tx, r, port.CodeUndeliverable)
		}
	}
	return nil
}

// giveUp ends the sending of a message to one identity. It has failed then, unless it
// was delivered or was for our own other devices. An acknowledgement may still come,
// from somebody who was away for long.
func (o *Outbox) giveUp(tx *ledger.Tx, r row, code port.Code) error {
	own := o.isSelf(r.peer)
	if code == port.CodeUndeliverable && r.inHistory && !own {
		m, _, err := o.Messages.Message(tx, r.id)
		if err != nil {
			return err
		}
		if !m.Delivered { // a device that no bundle names may have acknowledged it
			if err := o.keepFailed(tx, r, false); err != nil {
				return err
			}
		}
	}
	if err := o.drop(tx, r); err != nil || own {
		return err
	}
	if err := o.OwnDevices.Remember(tx, r.mvds, r.id); err != nil {
		return err
	}
	if err := o.keepSent(tx, r); err != nil { // its record keeps that it was sent
		return err
	}
	return o.Messages.Fail(tx, r.id, code)
}

// keepFailed keeps what a row sends, which is about to go, and makes room for it.
func (o *Outbox) keepFailed(tx *ledger.Tx, r row, cancelled bool) error {
	var rec wire.OutboxRecord
	found, err := ledger.Get(tx, tableRows, ledger.NumberKey(r.number), &rec)
	if err != nil || !found {
		return err
	}
	rec.FailedAt, rec.Cancelled, rec.AcknowledgedBy = o.Now().UnixMilli(), cancelled, nil
	if len(o.failed.byPeer[r.peer]) >= maxFailedEach {
		_, old := o.failed.oldest(&r.peer)
		err = o.forgetFailed(tx, r.peer, old.id)
	} else if o.failed.count >= maxFailed {
		peer, old := o.failed.oldest(nil)
		err = o.forgetFailed(tx, peer, old.id)
	}
	if err != nil {
		return err
	}
	return o.putFailed(tx, r.peer, &rec)
}

func (o *Outbox) putFailed(tx *ledger.Tx, peer key.Public, rec *wire.OutboxRecord) error {
	m := failedOf(rec)
	tx.After(func() {
		o.failed.add(peer, m)
		o.AwaitedChanged()
	})
	return ledger.Put(tx, tableFailed, rec.GetMessageId(), rec)
}

// forgetFailed ends the keeping of a message; one that is not kept is fine.
func (o *Outbox) forgetFailed(tx *ledger.Tx, peer key.Public, id [32]byte) error {
	tx.After(func() { o.failed.remove(peer, id); o.AwaitedChanged() })
	return tx.Delete(tableFailed, id[:])
}

// kept reads what is kept of a message.
func kept(tx port.Tx, id [32]byte) (rec *wire.OutboxRecord, to key.Public, found bool, err error) {
	rec = &wire.OutboxRecord{}
	if found, err = ledger.Get(tx, tableFailed, id[:], rec); err != nil || !found {
		return nil, to, false, err
	}
	r, err := rowFromRecord(rec, 0)
	if err != nil {
		return nil, to, false, err
	}
	return rec, r.peer, true, nil
}

// forgetOldFailures forgets what has failed long ago.
func (o *Outbox) forgetOldFailures(now time.Time) error {
	type old struct {
		peer key.Public
		id   [32]byte
	}
	var all []old
	for peer, failed := range o.failed.byPeer {
		for _, m := range failed {
			if now.Sub(m.at) >= keepFailed {
				all = append(all, old{peer, m.id})
			}
		}
	}
	if len(all) == 0 {
		return nil
	}
	return o.Ledger.Update(func(tx *ledger.Tx) error {
		for _, m := range all {
			if err := o.forgetFailed(tx, m.peer, m.id); err != nil {
				return err
			}
		}
		return nil
	})
}

// reviveForReturns tries again what has failed to those who are back.
func (o *Outbox) reviveForReturns() error {
	for _, peer := range sorted(o.back) {
		delete(o.back, peer)
		if o.People.Blocked(peer) {
			continue
		}
		all := slices.DeleteFunc(slices.Clone(o.failed.byPeer[peer]), func(m failedMessage) bool { return !m.mayRevive() })
		if len(all) == 0 {
			continue
		}
		unrevivable := func(m failedMessage, err error) { o.dropFailed(peer, m.id, err) }
		if _, err := ledger.Isolated(all, o.reviveAll, unrevivable); err != nil {
			o.Log.Log("warn", "trying failed messages again failed", "code", string(port.CodeOf(err)))
			o.back[peer] = true
			return err
		}
	}
	return nil
}

// reviveAll tries messages again whose recipient is back.
func (o *Outbox) reviveAll(all []failedMessage) error {
	return o.Ledger.Update(func(tx *ledger.Tx) error {
		for _, m := range all {
			if err := o.Revive(tx, m.id); err != nil {
				return err
			}
		}
		return nil
	})
}

// dropFailed forgets a message that cannot be tried again, so that it does not keep others
// from it.
func (o *Outbox) dropFailed(peer key.Public, id [32]byte, cause error) {
	o.Drop("failed_" + ledger.Unstorable(cause))
	if err := o.Ledger.Update(func(tx *ledger.Tx) error { return o.forgetFailed(tx, peer, id) }); err != nil {
		o.Log.Log("warn", "a failed message is not forgotten", "code", string(port.CodeOf(err)))
	}
}

// Revive tries a message again because its recipient is back; one that is not kept is
// fine. One that is obsolete stays, but is not tried by ourselves again. To be called in a
// Turn.
func (o *Outbox) Revive(tx *ledger.Tx, id [32]byte) error {
	rec, to, found, err := kept(tx, id)
	if err != nil || !found {
		return err
	}
	m, _, err := o.Messages.Message(tx, id)
	if err != nil {
		return err
	}
	rec.Revived++
	if m.Obsolete {
		return o.putFailed(tx, to, rec)
	}
	return o.revive(tx, to, rec, m)
}

// revive puts a message that has failed into the outbox again, as it was. Own other devices
// may lack one that was cancelled.
func (o *Outbox) revive(tx *ledger.Tx, to key.Public, rec *wire.OutboxRecord, m Message) error {
	if !m.Failed {
		return port.Errorf(port.CodeStoreCorrupt, "", "a failed message does not read back")
	}
	id := [32]byte(rec.GetMessageId())
	if err := o.forgetFailed(tx, to, id); err != nil {
		return err
	}
	again := proto.CloneOf(rec)
	again.Sends, again.NextSendAt, again.FailedAt, again.Cancelled = 0, o.Now().UnixMilli(), 0, false
	if err := o.Add(tx, Entry{Peer: to, Record: again}); err != nil {
		return err
	}
	if err := o.Messages.Requeue(tx, id); err != nil || !rec.GetCancelled() {
		return err
	}
	return o.OwnDevices.Copy(tx, again)
}
