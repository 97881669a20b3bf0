package chat

import (
	"sync"
	"sync/atomic"

	"libstatus1to1/chat/contact"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
)

// roster is what must be known of a person without asking the store: whether to
// listen to them at all, and the contact state that every message carries. It
// mirrors the table of contacts.
type roster struct {
	mu        sync.RWMutex
	people    map[person]standing
	strangers int
	writes    atomic.Uint64 // counts the writes of contacts
	// silenced are being blocked: what comes after that in the same commit, before the
	// roster knows, is not heard either.
	silenced map[person]bool
}

// standing is one person's.
type standing struct {
	request contact.Request
	added   bool // in the address book
	blocked bool
	written bool // we have written to them
	known   bool // blocked, and no stranger before
	// write says which write of the record this is. They are taken over after their
	// transactions, each on its caller's goroutine, so not always in their order.
	write uint64
}

// stranger reports whether they came to us unasked.
func (s standing) stranger() bool {
	return !s.added && !s.blocked && !s.written && !s.request.Added()
}

// familiar reports whether they are no stranger, or were none when they were blocked.
func (s standing) familiar() bool {
	return s.added || s.written || s.known || s.request.Added()
}

func standingOf(rec *wire.ContactRecord) standing {
	return standing{
		request: requestOf(rec), added: rec.GetAdded(), blocked: rec.GetBlockedAt() != 0, written: rec.GetWrittenTo(),
		known: rec.GetFamiliar(),
	}
}

// get is nobody's standing, that of a stranger, for people we do not know.
func (r *roster) get(k key.Public) (s standing, known bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	s, known = r.people[personOf(k)]
	return s, known
}

// of is get for a person whose key was not parsed.
func (r *roster) of(who person) (s standing, known bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	s, known = r.people[who]
	return s, known
}

// stranger reports whether somebody came to us unasked, or is not known at all.
func (r *roster) stranger(who person) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.people[who].stranger()
}

// blocked reports whether somebody is blocked.
func (r *roster) blocked(who person) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.people[who].blocked
}

// heard reports whether what somebody says is taken: they are not blocked, nor about to.
func (r *roster) heard(k key.Public) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	who := personOf(k)
	return !r.people[who].blocked && !r.silenced[who]
}

// silence begins or ends the time in which somebody is being blocked.
func (r *roster) silence(who person, on bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.silenced == nil {
		r.silenced = map[person]bool{}
	}
	if delete(r.silenced, who); on {
		r.silenced[who] = true
	}
}

func (r *roster) set(k person, s standing) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.people == nil {
		r.people = map[person]standing{}
	}
	if s.blocked {
		delete(r.silenced, k)
	}
	old, known := r.people[k]
	if old.write > s.write {
		return
	}
	if known && old.stranger() {
		r.strangers--
	}
	if s.stranger() {
		r.strangers++
	}
	r.people[k] = s
}

// contacts lists up to limit people whom we have asked or accepted.
func (r *roster) contacts(limit int) (all []key.Public) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for who, s := range r.people {
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
func (r *roster) full() bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.strangers >= MaxStrangers
}

// loadRoster reads the table of contacts.
func (c *Client) loadRoster() error {
	return c.store.View(func(tx Tx) error {
		return tx.Each(tableContacts, func(name, value []byte) error {
			var rec wire.ContactRecord
			if err := decodeRecord(tableContacts, value, &rec); err != nil {
				return err
			}
			if len(name) != len(person{}) {
				return Errorf(CodeStoreCorrupt, "", "a contact does not read back")
			}
			c.roster.set(person(name), standingOf(&rec))
			return nil
		})
	})
}
