package linking

import (
	"bytes"
	"maps"
	"slices"
	"time"

	"libstatus1to1/chat/event"
	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/protocol/noise/noisesession"
)

// step collects the changes of one call, of some envelopes or of the clock. Everything is
// computed on copies. commit writes it in one transaction; only after the commit is it in
// memory, and only then are its payloads published: a nonce is used up durably before
// anybody sees its ciphertext.
type step struct {
	l    *Linking
	self Self
	now  time.Time

	pairings  map[PairingID]*pairingEntry     // changed; nil: deleted
	transfers map[transferName]*transferEntry // changed; nil: deleted
	sessions  noisesession.Set
	// The ids of what has to be written: a pairing or transfer of which only unstored
	// fields have changed is above, and not here.
	writePairings  map[PairingID]bool
	writeTransfers map[transferName]bool
	writeSessions  map[noisesession.ID]bool

	writes  []func(*ledger.Tx) error // events and bytes of transfers, in their order
	answers map[transferName][]byte  // frames to be sealed, the latest of each transfer
	queue   []outgoing
}

// begin makes an empty step. Error: that of Host.Self.
func (l *Linking) begin(t *ledger.Turn) (*step, error) {
	self, err := l.host.Self()
	if err != nil {
		return nil, err
	}
	return &step{
		l: l, self: self, now: t.Now, sessions: l.sessions,
		pairings: map[PairingID]*pairingEntry{}, transfers: map[transferName]*transferEntry{},
		writePairings: map[PairingID]bool{}, writeTransfers: map[transferName]bool{}, writeSessions: map[noisesession.ID]bool{},
		answers: map[transferName][]byte{},
	}, nil
}

// change runs a step of the user's, stores it and has the loop publish what it queued.
func change[T any](l *Linking, t *ledger.Turn, do func(*step) (T, error)) (T, error) {
	var none T
	st, err := l.begin(t)
	if err != nil {
		return none, err
	}
	result, err := do(st)
	if err != nil {
		return none, err
	}
	if err := st.commit(); err != nil {
		return none, err
	}
	l.host.Wake()
	return result, nil
}

// pairing is a copy of a pairing as this step has left it, nil if there is none.
func (st *step) pairing(id PairingID) *pairingEntry {
	if e, found := st.pairings[id]; found {
		return e
	}
	if e, found := st.l.pairings[id]; found {
		return &e
	}
	return nil
}

// keep puts a changed pairing into the step; note puts one of which only fields changed
// that are not stored.
func (st *step) keep(e *pairingEntry) {
	st.note(e)
	st.writePairings[e.id] = true
}

func (st *step) note(e *pairingEntry) { st.pairings[e.id] = e }

// all are the pairings as this step has left them, oldest first.
func (st *step) all() []*pairingEntry {
	var list []*pairingEntry
	for id := range st.l.pairings {
		if e := st.pairing(id); e != nil {
			list = append(list, e)
		}
	}
	for id, e := range st.pairings {
		if _, stored := st.l.pairings[id]; !stored && e != nil {
			list = append(list, e)
		}
	}
	sortPairings(list)
	return list
}

// transfer is a copy of a transfer as this step has left it, nil if there is none.
func (st *step) transfer(name transferName) *transferEntry {
	if x, found := st.transfers[name]; found {
		return x
	}
	if x, found := st.l.transfers[name]; found {
		return &x
	}
	return nil
}

// keepTransfer and noteTransfer are keep and note for transfers.
func (st *step) keepTransfer(x *transferEntry) {
	st.noteTransfer(x)
	st.writeTransfers[x.name] = true
}

func (st *step) noteTransfer(x *transferEntry) { st.transfers[x.name] = x }

// transfersOf are the transfers with one device as this step has left them, oldest first.
func (st *step) transfersOf(id PairingID) []*transferEntry {
	var list []*transferEntry
	for name := range st.l.transfers {
		if name.pairing != id {
			continue
		}
		if x := st.transfer(name); x != nil {
			list = append(list, x)
		}
	}
	for name, x := range st.transfers {
		if _, stored := st.l.transfers[name]; !stored && x != nil && name.pairing == id {
			list = append(list, x)
		}
	}
	sortTransfers(list)
	return list
}

// putSession puts the next value of a session into the step, unless the set has dropped
// the session.
func (st *step) putSession(s noisesession.Session) {
	set, err := st.sessions.Update(s)
	if err != nil {
		return
	}
	st.sessions = set
	st.writeSessions[s.ID()] = true
}

func (st *step) write(f func(*ledger.Tx) error) { st.writes = append(st.writes, f) }

func (st *step) emit(e event.Event) { st.write(func(tx *ledger.Tx) error { return tx.Emit(e) }) }

// publish queues payloads for the network.
func (st *step) publish(topic string, payloads ...[]byte) {
	for _, b := range payloads {
		st.queue = append(st.queue, outgoing{topic, b})
	}
}

// stores reports whether there is something to write.
func (st *step) stores() bool {
	return len(st.writePairings) > 0 || len(st.writeTransfers) > 0 || len(st.writeSessions) > 0 || len(st.writes) > 0
}

// empty reports whether nothing has changed and nothing is to be published.
func (st *step) empty() bool {
	return !st.stores() && len(st.queue) == 0 && len(st.pairings) == 0
}

// commit stores the step and then takes it into memory. After an error nothing has
// happened.
func (st *step) commit() error {
	if !st.stores() {
		st.intoMemory()
	} else {
		if err := st.l.host.Ledger.Update(func(tx *ledger.Tx) error {
			tx.After(st.intoMemory)
			return st.writeAll(tx)
		}); err != nil {
			return err
		}
		st.l.pause.End()
		st.l.host.Stored()
		// At once and not in the next turn: the caller is about to show the invitation to
		// another device, whose answer comes on this topic.
		st.l.relisten = true
		st.l.listen(st.now)
	}
	if len(st.queue) > 0 {
		st.l.host.Ledger.Probe(ledger.ProbeBeforePublish)
	}
	return nil
}

// intoMemory makes memory what the store has become.
func (st *step) intoMemory() {
	l := st.l
	for id, e := range st.pairings {
		if e == nil {
			delete(l.pairings, id)
			continue
		}
		e.latestNew = false
		l.pairings[id] = *e
	}
	for name, x := range st.transfers {
		if x == nil {
			delete(l.transfers, name)
			continue
		}
		l.transfers[name] = *x
	}
	l.early.forget(l.transfers)
	l.sessions = st.sessions
	l.queue = latest(append(l.queue, st.queue...))
}

// latest are the last payloads of a queue that fit its bounds.
func latest(queue []outgoing) []outgoing {
	first, size := len(queue), 0
	for first > 0 && len(queue)-first < maxQueued && size+len(queue[first-1].payload) <= maxQueuedBytes {
		first--
		size += len(queue[first].payload)
	}
	return slices.Clone(queue[first:])
}

func (st *step) writeAll(tx *ledger.Tx) error {
	for _, id := range slices.SortedFunc(maps.Keys(st.pairings), func(a, b PairingID) int { return bytes.Compare(a[:], b[:]) }) {
		if err := st.writePairing(tx, id, st.pairings[id]); err != nil {
			return err
		}
	}
	for name := range st.writeTransfers {
		if err := writeTransfer(tx, name, st.transfers[name]); err != nil {
			return err
		}
	}
	for id := range st.writeSessions {
		if err := st.writeSession(tx, id); err != nil {
			return err
		}
	}
	for _, f := range st.writes {
		if err := f(tx); err != nil {
			return err
		}
	}
	return nil
}

func (st *step) writePairing(tx port.Tx, id PairingID, e *pairingEntry) error {
	if e == nil {
		if err := tx.Delete(tableRepeats, id[:]); err != nil {
			return err
		}
		return tx.Delete(tablePairings, id[:])
	}
	if e.latestNew {
		if err := tx.Put(tableRepeats, id[:], e.ownLatest); err != nil {
			return err
		}
	}
	if !st.writePairings[id] {
		return nil
	}
	return ledger.Put(tx, tablePairings, id[:], e.record())
}

func writeTransfer(tx port.Tx, name transferName, x *transferEntry) error {
	if x == nil {
		return tx.Delete(tableTransfers, name.key())
	}
	return ledger.Put(tx, tableTransfers, name.key(), x.record())
}

func (st *step) writeSession(tx port.Tx, id noisesession.ID) error {
	s, err := st.sessions.Get(id)
	if err != nil { // removed from the set
		return tx.Delete(tableNoiseSessions, id[:])
	}
	return tx.Put(tableNoiseSessions, id[:], s.Marshal())
}
