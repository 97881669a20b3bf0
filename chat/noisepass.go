package chat

import (
	"maps"
	"slices"
	"time"

	"libstatus1to1/chat/event"
	"libstatus1to1/chat/protocol/noise/noisesession"
)

// noisePass is one step of pairings and transfers: what a call or some envelopes change.
// Everything is computed on copies. commit writes it in one transaction and takes it over
// into memory after that, and only then are its payloads published: a nonce is used up
// durably before anybody sees its ciphertext.
type noisePass struct {
	c   *Client
	a   *account
	now time.Time

	pairings  map[PairingID]*pairingEntry     // nil: deleted
	transfers map[transferName]*transferEntry // nil: deleted
	set       noisesession.Set
	sessions  map[noisesession.ID]bool // changed, deleted or new
	stored    map[any]bool             // ids of those above that the store has to know
	answers   map[transferName][]byte  // frames to send, the latest of each transfer
	steps     []func(*txn) error       // events and bytes, in order
	posts     []noisePost
}

func (c *Client) noisePass(a *account) *noisePass {
	return &noisePass{
		c: c, a: a, now: c.now(), set: c.loop.noise.sessions,
		pairings: map[PairingID]*pairingEntry{}, transfers: map[transferName]*transferEntry{},
		sessions: map[noisesession.ID]bool{}, stored: map[any]bool{}, answers: map[transferName][]byte{},
	}
}

// pairing is a copy of a pairing as this pass has left it, nil if there is none.
func (p *noisePass) pairing(id PairingID) *pairingEntry {
	if e, found := p.pairings[id]; found {
		return e
	}
	if e, found := p.c.loop.noise.pairings[id]; found {
		return &e
	}
	return nil
}

// keep takes a changed pairing into the pass; note one of which only timers changed.
func (p *noisePass) keep(e *pairingEntry) {
	p.note(e)
	p.stored[e.id] = true
}

func (p *noisePass) note(e *pairingEntry) { p.pairings[e.id] = e }

// all are copies of the pairings as this pass has left them, oldest first.
func (p *noisePass) all() []*pairingEntry {
	s := noiseState{pairings: maps.Clone(p.c.loop.noise.pairings)}
	for id, e := range p.pairings {
		if e == nil {
			delete(s.pairings, id)
		} else {
			s.pairings[id] = *e
		}
	}
	var list []*pairingEntry
	for _, e := range s.sortedPairings() {
		list = append(list, p.pairing(e.id))
	}
	return list
}

// transfer is a copy of a transfer as this pass has left it, nil if there is none.
func (p *noisePass) transfer(name transferName) *transferEntry {
	if t, found := p.transfers[name]; found {
		return t
	}
	if t, found := p.c.loop.noise.transfers[name]; found {
		return &t
	}
	return nil
}

func (p *noisePass) keepTransfer(t *transferEntry) {
	p.transfers[t.name] = t
	p.stored[t.name] = true
}

// transfersOf are the transfers with one device, oldest first.
func (p *noisePass) transfersOf(id PairingID) []*transferEntry {
	s := noiseState{transfers: maps.Clone(p.c.loop.noise.transfers)}
	for name, t := range p.transfers {
		if t == nil {
			delete(s.transfers, name)
		} else {
			s.transfers[name] = *t
		}
	}
	var list []*transferEntry
	for _, t := range s.transfersOf(id) {
		list = append(list, p.transfer(t.name))
	}
	return list
}

// putSession takes the next value of a session into the pass.
func (p *noisePass) putSession(s noisesession.Session) {
	set, err := p.set.Update(s)
	if err != nil {
		return // not so: it was taken from the set
	}
	p.set = set
	p.sessions[s.ID()] = true
}

func (p *noisePass) do(step func(*txn) error) { p.steps = append(p.steps, step) }

func (p *noisePass) emit(e event.Event) { p.do(func(t *txn) error { return t.emit(e) }) }

// publish hands payloads to the network once the pass is stored.
func (p *noisePass) publish(topic string, payloads ...[]byte) {
	for _, b := range payloads {
		p.posts = append(p.posts, noisePost{topic, b})
	}
}

// idle reports whether there is nothing to store and nothing to publish.
func (p *noisePass) idle() bool { return !p.toStore() && len(p.posts) == 0 }

func (p *noisePass) toStore() bool {
	return len(p.stored) > 0 || len(p.sessions) > 0 || len(p.steps) > 0
}

// commit stores the pass and takes it over. After an error nothing has happened.
func (p *noisePass) commit() error {
	if p.toStore() {
		if err := p.c.update(p.write); err != nil {
			return err
		}
	}
	s := &p.c.loop.noise
	for id, e := range p.pairings {
		if e == nil {
			delete(s.pairings, id)
			continue
		}
		e.latestChanged = false
		s.pairings[id] = *e
	}
	for name, t := range p.transfers {
		if t == nil {
			delete(s.transfers, name)
			continue
		}
		s.transfers[name] = *t
	}
	s.early.forget(s.transfers)
	s.sessions = p.set
	s.posts = latestPosts(append(s.posts, p.posts...))
	if p.toStore() {
		if err := p.c.listenNoise(); err != nil {
			p.c.log.Log("warn", "subscribing failed", "kind", "noise", "error", err.Error())
		}
	}
	if len(p.posts) > 0 {
		p.c.probe(ProbeBeforePublish)
	}
	return nil
}

// latestPosts are the last of posts that are few and small enough to be kept. The earlier
// ones come again by themselves.
func latestPosts(posts []noisePost) []noisePost {
	first, size := len(posts), 0
	for first > 0 && len(posts)-first < maxPosts && size+len(posts[first-1].payload) <= maxPostBytes {
		first--
		size += len(posts[first].payload)
	}
	return slices.Clone(posts[first:])
}

func (p *noisePass) write(t *txn) error {
	for _, id := range slices.SortedFunc(maps.Keys(p.pairings), func(a, b PairingID) int { return slices.Compare(a[:], b[:]) }) {
		if err := p.writePairing(t, id, p.pairings[id]); err != nil {
			return err
		}
	}
	for name, x := range p.transfers {
		if x == nil {
			if err := t.Delete(tableTransfers, name.key()); err != nil {
				return err
			}
			continue
		}
		if p.stored[name] {
			if err := put(t, tableTransfers, name.key(), x.record()); err != nil {
				return err
			}
		}
	}
	for id := range p.sessions {
		s, err := p.set.Get(id)
		if err != nil { // it was taken out
			err = t.Delete(tableNoiseSessions, id[:])
		} else {
			err = t.Put(tableNoiseSessions, id[:], s.Marshal())
		}
		if err != nil {
			return err
		}
	}
	for _, step := range p.steps {
		if err := step(t); err != nil {
			return err
		}
	}
	return nil
}

func (p *noisePass) writePairing(t *txn, id PairingID, e *pairingEntry) error {
	if e == nil {
		if err := t.Delete(tableRepeats, id[:]); err != nil {
			return err
		}
		return t.Delete(tablePairings, id[:])
	}
	if e.latestChanged {
		if err := t.Put(tableRepeats, id[:], e.latest); err != nil {
			return err
		}
	}
	if !p.stored[id] {
		return nil
	}
	return put(t, tablePairings, id[:], e.record())
}

// listenNoise subscribes to what is to be listened to, and no longer to what is not.
func (c *Client) listenNoise() error {
	s := &c.loop.noise
	wanted := map[string]bool{}
	for _, e := range s.pairings {
		if e.proto != nil {
			wanted[e.proto.Topic()] = true
		}
	}
	for _, topic := range s.sessions.Topics() {
		wanted[topic] = true
	}
	for topic := range s.topics {
		if !wanted[topic] {
			delete(s.topics, topic)
			if err := c.net.Unsubscribe(topic); err != nil {
				return err
			}
		}
	}
	for topic := range wanted {
		if !s.topics[topic] {
			if err := c.net.Subscribe(topic); err != nil {
				return err
			}
			s.topics[topic] = true
		}
	}
	return nil
}
