package chat

import (
	"sync"
	"sync/atomic"

	"libstatus1to1/chat/contact"
	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
)

// people is the engine's memory of other people, apart from our sessions with them.
type people struct {
	contacts      contactList
	names         nameList
	entering      entryLimiter
	updates       contactUpdates
	introductions introductions
	presences     presences
}

// newPeople returns the memory of a client that knows nobody yet.
func newPeople() people {
	return people{updates: contactUpdates{}, introductions: newIntroductions()}
}

// contactList answers questions about a person without reading the store: whether to accept
// what they send, and which contact state every message to them carries. It mirrors
// tableContacts: a change is seen in it after its transaction, not within.
type contactList struct {
	mu        sync.RWMutex
	people    map[key.Compact]standing
	strangers int
	byNoise   int           // people who are written to by Noise
	writes    atomic.Uint64 // counts the writes of contacts
	// silenced are people whom a running transaction is blocking: what they say later in
	// the same commit, before the list shows the block, is not accepted either.
	silenced map[key.Compact]bool
}

// standing is our relation to one person: contact requests, and whether they are blocked.
type standing struct {
	request contact.Request
	added   bool // in the address book
	blocked bool
	written bool // we have written to them
	known   bool // they are blocked, and were no stranger before
	// exchange is what protects the messages to them.
	exchange exchange
	// write numbers the writes of records. They reach the list after their transactions, each
	// on its caller's goroutine, so not always in their order.
	write uint64
}

// stranger reports whether they came to us unasked. The zero value is a stranger's.
func (s standing) stranger() bool {
	return !s.added && !s.blocked && !s.written && !s.request.Added()
}

// familiar reports whether they are no stranger, or were none when they were blocked.
func (s standing) familiar() bool {
	return s.added || s.written || s.known || s.request.Added()
}

// standingOf returns the standing that the record of a person says.
func standingOf(rec *wire.ContactRecord) standing {
	return standing{
		request: requestOf(rec), added: rec.GetAdded(), blocked: rec.GetBlockedAt() != 0, written: rec.GetWrittenTo(),
		known: rec.GetFamiliar(), exchange: exchangeOf(rec),
	}
}

// get returns the standing of a person; people we do not know are strangers.
func (l *contactList) get(k key.Public) (s standing, known bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	s, known = l.people[k.Compact()]
	return s, known
}

// of is get for a person whose key was not parsed.
func (l *contactList) of(who key.Compact) (s standing, known bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	s, known = l.people[who]
	return s, known
}

// stranger reports whether somebody came to us unasked, or is not known at all.
func (l *contactList) stranger(who key.Compact) bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.people[who].stranger()
}

// blocked reports whether somebody is blocked.
func (l *contactList) blocked(who key.Compact) bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.people[who].blocked
}

// hears reports whether what somebody says is accepted: they are not blocked, nor about
// to be by the transaction that runs.
func (l *contactList) hears(k key.Public) bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	who := k.Compact()
	return !l.people[who].blocked && !l.silenced[who]
}

// silence begins or ends the time in which somebody is being blocked: from the write in the
// transaction until the list has it, or the transaction has failed.
func (l *contactList) silence(who key.Compact, on bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.silenced == nil {
		l.silenced = map[key.Compact]bool{}
	}
	if delete(l.silenced, who); on {
		l.silenced[who] = true
	}
}

// set changes the standing of a person, unless a later write of their record has done so.
func (l *contactList) set(k key.Compact, s standing) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.people == nil {
		l.people = map[key.Compact]standing{}
	}
	if s.blocked {
		delete(l.silenced, k)
	}
	old, known := l.people[k]
	if old.write > s.write {
		return
	}
	if known && old.stranger() {
		l.strangers--
	}
	if s.stranger() {
		l.strangers++
	}
	if known && old.exchange.noise {
		l.byNoise--
	}
	if s.exchange.noise {
		l.byNoise++
	}
	l.people[k] = s
}

// contacts lists up to limit people that we have asked or accepted.
func (l *contactList) contacts(limit int) (all []key.Public) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	for who, s := range l.people {
		if !s.request.Added() || s.blocked || len(all) >= limit {
			continue
		}
		if k, err := key.ParsePublic(who[:]); err == nil {
			all = append(all, k)
		}
	}
	return all
}

// full reports whether no more strangers are let in.
func (l *contactList) full() bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.strangers >= MaxStrangers
}

// roomFor reports whether one more stranger is let in beside a number of others.
func (l *contactList) roomFor(others int) bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.strangers+others < MaxStrangers
}

// roomForAgreed reports whether own devices may bring one more person.
func (l *contactList) roomForAgreed() bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return len(l.people) < maxAgreedPeople
}

// anyByNoise reports whether somebody is written to by Noise.
func (l *contactList) anyByNoise() bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.byNoise > 0
}

// load reads the list from the store.
func (l *contactList) load(tx Tx) error {
	return tx.Each(tableContacts, func(name, value []byte) error {
		var rec wire.ContactRecord
		if err := ledger.Decode(tableContacts, value, &rec); err != nil {
			return err
		}
		if len(name) != key.CompressedSize {
			return Errorf(CodeStoreCorrupt, "", "a contact does not read back")
		}
		// Thousands may be read, and only those somebody writes on are ever compared: whether
		// the key is a point of the curve is not looked at here.
		l.set(key.Compact(name), standingOf(&rec))
		return nil
	})
}

// propagated returns the contact state as messages carry it.
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

// wroteTo notes that we have written to somebody: they are no stranger any more.
func (t *txn) wroteTo(k key.Public) error {
	if s, _ := t.c.people.contacts.get(k); s.written {
		return nil
	}
	rec, err := contactRecord(t, k)
	if err != nil || rec.GetWrittenTo() {
		return err
	}
	rec.WrittenTo = true
	return t.putContact(k, rec)
}
