package chat

import (
	"cmp"
	"errors"
	"slices"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"libstatus1to1/chat/enum"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/internal/outbox"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/session"
	"libstatus1to1/chat/wire"
)

// sessions is the engine's memory of its encrypted sessions. It belongs to the holder of
// the engine's lock: the loop, or a call that stops it.
type sessions struct {
	peers      *lru.Cache[key.Public, session.Peer] // mirrors tablePeers and tableSkipped
	answers    answers
	suspicions suspicions
	bundle     signedBundle
	code       contactCode
	preKey     preKeyRenewal
	awaited    awaited
}

// peersInMemory is the number of peers whose sessions are kept decoded: as many as write to
// us within some minutes.
const peersInMemory = 256

// newSessions returns the memory of a client that has read no sessions yet.
func newSessions() sessions {
	peers, _ := lru.New[key.Public, session.Peer](peersInMemory) // fails only for a size below 1
	return sessions{peers: peers, answers: newAnswers(), suspicions: newSuspicions()}
}

// shift moves what is due by a jump of the clock, and forgets when something was done
// last: those times belong to the clock as it was before.
func (s *sessions) shift(by time.Duration) {
	for _, at := range []*time.Time{&s.code.next, &s.code.last, &s.preKey.renewed, &s.awaited.next} {
		if !at.IsZero() {
			*at = at.Add(by)
		}
	}
	s.answers.sent.Purge()
	s.suspicions.Purge()
}

// peer returns the sessions and installations of an identity, from memory or the store;
// nothing is known of somebody new. The caller holds the engine's lock.
func (c *Client) peer(k key.Public) (session.Peer, error) {
	if p, ok := c.sessions.peers.Get(k); ok {
		return p, nil
	}
	p, err := c.readPeer(k)
	if err == nil {
		c.sessions.peers.Add(k, p)
	}
	return p, err
}

// readPeer is peer without the memory, for calls that do not hold the lock: it reads what is
// stored.
func (c *Client) readPeer(k key.Public) (p session.Peer, err error) {
	err = c.ledger.View(func(tx Tx) error {
		var rec wire.PeerRecord
		if _, err := ledger.Get(tx, tablePeers, k.Compressed(), &rec); err != nil {
			return err
		}
		p, err = session.FromRecord(k, &rec, func(name []byte) ([]byte, error) { return tx.Get(tableSkipped, name) })
		if errors.Is(err, session.ErrRecord) {
			return Errorf(CodeStoreCorrupt, "", "the sessions with a peer do not read back").Because(err)
		}
		return err
	})
	p.Limit = c.limitFor(k)
	return p, err
}

// savePeer stores what changed between two values of a peer. Skipped keys have records of
// their own, so that a message does not write thousands of them again.
func (t *txn) savePeer(before, after session.Peer) error {
	if err := ledger.Put(t, tablePeers, after.Identity.Compressed(), after.Record()); err != nil {
		return err
	}
	for _, ch := range after.SkippedChanges(before) {
		if ch.Keys == nil {
			if err := t.Delete(tableSkipped, ch.Name); err != nil {
				return err
			}
		} else if err := t.Put(tableSkipped, ch.Name, ch.Keys); err != nil {
			return err
		}
	}
	t.After(func() {
		t.c.sessions.peers.Add(after.Identity, after)
		t.c.refreshOwnDevices(after)
		t.c.devicesChanged(before, after)
	})
	return t.meetDevices(before, after)
}

// emitStarted reports the sessions just begun with these installations, unless their owner
// is blocked.
func (t *txn) emitStarted(p session.Peer, installations []string) error {
	a := t.c.self.Load()
	if s, _ := t.c.people.contacts.get(p.Identity); s.blocked {
		return nil
	}
	for _, id := range installations {
		if i := p.Chosen(a.self, id); i >= 0 {
			if err := t.Emit(event.SessionChanged{Session: sessionOf(a, p, i)}); err != nil {
				return err
			}
		}
	}
	return nil
}

// reportConflicts emits that devices of a person have begun to exclude each other from
// their bundles: for our own identity, and for people who did not come unasked and are not
// blocked.
func (t *txn) reportConflicts(before, after session.Peer) error {
	a := t.c.self.Load()
	old := before.Conflicts(a.self)
	for _, id := range after.Conflicts(a.self) {
		if slices.Contains(old, id) {
			continue
		}
		if s, _ := t.c.people.contacts.get(after.Identity); after.Identity != a.public && (s.blocked || s.stranger()) {
			return nil
		}
		in, _ := after.Find(id)
		if err := t.Emit(event.DeviceConflict{
			PublicKey: after.Identity.Hex(), Installation: id, Other: cmp.Or(in.ConflictWith, a.self.InstallationID),
		}); err != nil {
			return err
		}
	}
	return nil
}

// sessionOf returns the session at index i of a peer as hosts see it.
func sessionOf(a *account, p session.Peer, i int) event.Session {
	s := p.Sessions[i]
	state := enum.SessionInitiated
	if s.Established() {
		state = enum.SessionEstablished
	}
	if !p.Sendable(a.self, s) {
		state = enum.SessionExpired
	}
	return event.Session{
		PublicKey: p.Identity.Hex(), Installation: s.InstallationID, KeyExchange: KeyExchangeX3DH, ID: event.Hex(s.ID.Compressed()), State: state,
		Sending: p.Chosen(a.self, s.InstallationID) == i, Sent: s.Ratchet.SendN(), Received: s.Ratchet.RecvN(),
		Skipped: s.Ratchet.SkippedLen(), CreatedAt: s.CreatedAt.UnixMilli(), UsedAt: s.UsedAt.UnixMilli(),
	}
}

// acknowledgerOf returns a device that has sent acknowledgements, as the outbox knows it.
func acknowledgerOf(peer session.Peer, installation string) outbox.Acknowledger {
	return outbox.Acknowledger{
		Device: outbox.Device{Peer: peer.Identity, Installation: installation},
		Active: installationIDs(peer.Active()), Known: installationIDs(peer.Installations),
	}
}

// installationIDs returns the ids of installations.
func installationIDs(list []session.Installation) []string {
	ids := make([]string, len(list))
	for i, in := range list {
		ids[i] = in.ID
	}
	return ids
}

// Sessions lists the ratchet sessions with one person, or with all when k is zero.
func (c *Client) Sessions(k key.Public) ([]event.Session, error) {
	a, err := c.account()
	if err != nil {
		return nil, err
	}
	people := []key.Public{k}
	if k.IsZero() {
		if people, err = c.everybody(); err != nil {
			return nil, err
		}
	}
	list := []event.Session{}
	for _, who := range people {
		p, err := c.readPeer(who)
		if err != nil {
			return nil, err
		}
		for i := range p.Sessions {
			list = append(list, sessionOf(a, p, i))
		}
		byNoise, err := c.noiseSessions(who)
		if err != nil {
			return nil, err
		}
		list = append(list, byNoise...)
	}
	return list, nil
}

// everybody returns all identities that we hold sessions or installations of.
func (c *Client) everybody() (all []key.Public, err error) {
	err = c.ledger.View(func(tx Tx) error {
		return tx.Each(tablePeers, func(name, _ []byte) error {
			k, err := key.ParsePublic(name)
			if err != nil {
				return Errorf(CodeStoreCorrupt, "", "a peer does not read back")
			}
			all = append(all, k)
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	byNoise, err := c.noise.Everybody()
	for _, k := range byNoise {
		if !slices.Contains(all, k) {
			all = append(all, k)
		}
	}
	return all, err
}

// ResetSessions forgets all sessions with somebody and begins new ones with their
// active installations. What they have not acknowledged is sent again.
func (c *Client) ResetSessions(k key.Public) error {
	defer c.beginTurn().End()
	if _, err := c.account(); err != nil {
		return err
	}
	p, err := c.peer(k)
	if err != nil {
		return err
	}
	n := c.noise.Peer(k)
	if len(p.Sessions) == 0 && len(p.Installations) == 0 && len(n.Devices(c.now())) == 0 {
		return Errorf(CodeNotFound, "key", "there are no sessions with this key")
	}
	ended, farewells, err := n.Terminate(c.now(), c.rand)
	if err != nil {
		return err
	}
	err = c.update(func(t *txn) error {
		t.After(func() {
			for _, in := range p.Active() {
				c.startOver(answer{peer: k, installation: in.ID, kind: restart}, 0)
			}
			c.noise.Queue(k, nil, farewells)
			c.exchangeChanged(k)
		})
		if len(n.Devices(c.now())) > 0 {
			if err := c.noise.Save(t.Tx, n, ended); err != nil {
				return err
			}
		}
		return t.savePeer(p, p.Forget())
	})
	c.kick()
	return err
}

// peers looks at the sessions and at the skipped keys, which have a table of
// their own.
func (in *inspection) peers() error {
	owned := map[string]bool{}
	err := in.Each(tablePeers, func(name, value []byte) error {
		k, err := key.ParsePublic(name)
		if err != nil {
			in.Report(tablePeers, "a name is no key")
			return nil
		}
		var rec wire.PeerRecord
		if err := ledger.Decode(tablePeers, value, &rec); err != nil {
			return err
		}
		p, err := session.FromRecord(k, &rec, func(name []byte) ([]byte, error) { return in.Tx.Get(tableSkipped, name) })
		if err != nil {
			in.Report(tablePeers, "the sessions with a peer do not read back, or lack their skipped keys")
			return nil
		}
		for _, s := range p.Sessions {
			if s.Ratchet.SkippedLen() > 0 {
				owned[string(session.SkippedKey(k, s))] = true
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return in.Each(tableSkipped, func(name, _ []byte) error {
		if !owned[string(name)] {
			in.Report(tableSkipped, "skipped keys belong to no session")
		}
		return nil
	})
}

func (p *pass) reportSession(peer session.Peer, in session.Incoming) {
	if !in.Started && !in.Established {
		return
	}
	s := sessionOf(p.a, peer, in.Session)
	p.do(func(t *txn) error { return t.Emit(event.SessionChanged{Session: s}) })
}
