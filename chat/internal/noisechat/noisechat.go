// Package noisechat keeps what chats over Noise (35/WAKU2-NOISE, 37/WAKU2-NOISE-SESSIONS) know
// of each person: sessions, handshakes, certificates and secrets (noisepeer.Peer), with the
// content topics of the sessions, and when the handshakes have something to do.
//
//	noisechat.go  the people, in memory and in the store
//	pending.go    what is to be done with their handshakes, and when
//
// It neither seals nor opens: package chat does, in its two pipelines, and stores the next
// value of a person here in the transaction with what came of it. Handshake messages travel as
// any first message does, sealed for the identity; messages of a session on a topic of their
// own.
package noisechat

import (
	"errors"
	"slices"
	"sync"
	"time"

	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/noise/noisepeer"
	"libstatus1to1/chat/protocol/session"
	"libstatus1to1/chat/wire"
)

// tablePeers holds what is known of each person: compressed key -> NoisePeerRecord.
const tablePeers port.Table = "noise_peers"

const (
	// MaxStrangers bounds the people who are kept although they are not in the list of people:
	// those whose handshake is under way and who have said nothing yet. Each takes a few hundred
	// bytes and a record, and whoever is turned away begins again.
	MaxStrangers = 64
	// MaxStrangerDevices bounds the devices of one of them: as many as messages go to. Each
	// session is a topic to listen to.
	MaxStrangerDevices = session.MaxInstallations
	// roomEvery is the least time between two strangers who are forgotten for others. So
	// whoever has just come is kept for a minute at least, and needs seconds to say something.
	roomEvery = time.Second
)

// Topics subscribes to content topics.
type Topics interface {
	Subscribe(contentTopics ...string) error
	Unsubscribe(contentTopics ...string) error
}

// Options are the arguments of New; all fields are required.
type Options struct {
	Ledger *ledger.Ledger
	Topics Topics
	// Began notes, with the first record of it, that a content topic is listened to.
	Began func(tx *ledger.Tx, contentTopic string) error
	// Known reports whether somebody is in the list of people.
	Known func(key.Public) bool
	// ReadSelf gives our static key and its certificate, in a Turn and outside of transactions.
	ReadSelf func() (noisepeer.Self, error)
	Now      func() time.Time
	Wake     func()
	Log      port.Logger
}

// Chats is the part of the engine described above. Methods other than Owner and ContentTopics
// are for the holder of the Turn.
type Chats struct {
	Options
	peers   map[key.Public]noisepeer.Peer // mirrors tablePeers
	pending pending
	self    noisepeer.Self // as it was read last
	read    time.Time      // when that was
	roomAt  time.Time      // when a stranger was forgotten for another one

	mu     sync.RWMutex
	topics map[string]key.Public // content topics of sessions
	// unheard are topics that the network has still to be told of.
	unheard []string
}

// New makes the part, which knows nobody until Load.
func New(o Options) *Chats {
	return &Chats{Options: o, peers: map[key.Public]noisepeer.Peer{}, pending: newPending(), topics: map[string]key.Public{}}
}

// Load reads all people.
func (c *Chats) Load(tx port.Tx) error {
	c.peers, c.pending, c.read = map[key.Public]noisepeer.Peer{}, newPending(), time.Time{}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.topics, c.unheard = map[string]key.Public{}, nil
	return tx.Each(tablePeers, func(name, value []byte) error {
		p, err := read(name, value)
		if err != nil {
			return err
		}
		c.peers[p.Identity] = p
		c.pending.unknown[p.Identity] = true
		for _, t := range p.Topics() {
			c.topics[t] = p.Identity
			c.unheard = append(c.unheard, t)
		}
		return nil
	})
}

func read(name, value []byte) (noisepeer.Peer, error) {
	k, err := key.ParsePublic(name)
	if err != nil {
		return noisepeer.Peer{}, damaged()
	}
	var rec wire.NoisePeerRecord
	if err := ledger.Decode(tablePeers, value, &rec); err != nil {
		return noisepeer.Peer{}, err
	}
	p, err := noisepeer.FromRecord(k, &rec)
	if err != nil {
		return noisepeer.Peer{}, damaged().Because(err)
	}
	return p, nil
}

func damaged() *port.Error {
	return port.Errorf(port.CodeStoreCorrupt, "", "the Noise sessions with a person do not read back")
}

// Peer returns the Noise state of a person.
func (c *Chats) Peer(k key.Public) noisepeer.Peer {
	if p, ok := c.peers[k]; ok {
		return p
	}
	return noisepeer.Peer{Identity: k}
}

// Read is Peer for calls that do not hold the Turn: it reads what is stored.
func (c *Chats) Read(k key.Public) (p noisepeer.Peer, err error) {
	p.Identity = k
	err = c.Ledger.View(func(tx port.Tx) error {
		b, err := tx.Get(tablePeers, k.Compressed())
		if err != nil || b == nil {
			return err
		}
		p, err = read(k.Compressed(), b)
		return err
	})
	return p, err
}

// Everybody lists the people of whom something is known, from the store.
func (c *Chats) Everybody() (all []key.Public, err error) {
	err = c.Ledger.View(func(tx port.Tx) error {
		return tx.Each(tablePeers, func(name, _ []byte) error {
			k, err := key.ParsePublic(name)
			if err != nil {
				return damaged()
			}
			all = append(all, k)
			return nil
		})
	})
	return all, err
}

// selfFor is the time for which our certificate is used as it was read: it costs the check of a
// signature, and is renewed a month before it ends.
const selfFor = time.Hour

// Self gives our static key and its certificate. To be called outside of transactions.
func (c *Chats) Self() (noisepeer.Self, error) {
	now := c.Now()
	if age := now.Sub(c.read); !c.read.IsZero() && age >= 0 && age < selfFor {
		return c.self, nil
	}
	self, err := c.ReadSelf()
	if err == nil {
		c.self, c.read = self, now
	}
	return self, err
}

// Room reports whether somebody may be kept: they are known, or kept already, or there are
// fewer than MaxStrangers who are not known, with as many as are about to be kept.
func (c *Chats) Room(k key.Public, more int) bool {
	if _, kept := c.peers[k]; kept || c.Known(k) {
		return true
	}
	strangers := 0
	for other := range c.peers {
		if !c.Known(other) {
			strangers++
		}
	}
	return strangers+more < MaxStrangers
}

// Leaver names the stranger to be forgotten for another one when there is no Room: of
// those who are not spared, the one not heard from for the longest time. Handshakes cost next
// to nothing, so whoever holds the places must not keep out who comes after them. There is
// nobody while the last one has just been forgotten (MakeRoom).
func (c *Chats) Leaver(spared func(key.Public) bool, now time.Time) (k key.Public, found bool) {
	if since := now.Sub(c.roomAt); since >= 0 && since < roomEvery {
		return k, false
	}
	for other, p := range c.peers {
		if c.Known(other) || spared(other) {
			continue
		}
		if !found || p.Seen().Before(c.peers[k].Seen()) {
			k, found = other, true
		}
	}
	return k, found
}

// MakeRoom notes that a stranger is forgotten now for another one, in the transaction that Forget
// is given.
func (c *Chats) MakeRoom(now time.Time) { c.roomAt = now }

// Save stores the next value of somebody. Memory follows after the commit: topics, and when
// their handshakes are due, which the next Work finds out.
func (c *Chats) Save(tx *ledger.Tx, before, after noisepeer.Peer) error {
	k := after.Identity
	old, topics := before.Topics(), after.Topics()
	for _, t := range topics {
		if !slices.Contains(old, t) {
			if err := c.Began(tx, t); err != nil {
				return err
			}
		}
	}
	tx.After(func() {
		c.peers[k] = after
		c.pending.unknown[k] = true
		c.setTopics(k, topics)
	})
	return ledger.Put(tx, tablePeers, k.Compressed(), after.Record())
}

// setTopics changes the topics of somebody's sessions, and the network with them.
func (c *Chats) setTopics(k key.Public, topics []string) {
	var gone, added []string
	c.mu.Lock()
	for t, of := range c.topics {
		if of == k && !slices.Contains(topics, t) {
			delete(c.topics, t)
			gone = append(gone, t)
		}
	}
	for _, t := range topics {
		if _, known := c.topics[t]; !known {
			c.topics[t] = k
			added = append(added, t)
		}
	}
	c.mu.Unlock()
	if len(added) > 0 {
		c.warn(c.Topics.Subscribe(added...))
	}
	if len(gone) > 0 {
		c.warn(c.Topics.Unsubscribe(gone...))
	}
}

func (c *Chats) warn(err error) {
	if err != nil {
		c.Log.Log("warn", "listening to the topics of Noise sessions failed", "error", err.Error())
	}
}

// Owner is the person whose session a content topic belongs to. It may be called from any
// goroutine.
func (c *Chats) Owner(contentTopic string) (key.Public, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	k, found := c.topics[contentTopic]
	return k, found
}

// ContentTopics are the content topics of all sessions, and whose they are. It may be called
// from any goroutine.
func (c *Chats) ContentTopics() map[string]key.Public {
	c.mu.RLock()
	defer c.mu.RUnlock()
	all := make(map[string]key.Public, len(c.topics))
	for t, k := range c.topics {
		all[t] = k
	}
	return all
}

// Care forgets people who are not in the list of people, and with whom there is neither a
// session nor a handshake.
func (c *Chats) Care(t *ledger.Turn) {
	for k, p := range c.peers {
		c.pending.unknown[k] = true // our certificate may be a new one
		idle := !slices.ContainsFunc(p.Devices(t.Now), func(d noisepeer.Device) bool { return d.Ready || d.Pending || d.Away })
		if !idle || c.Known(k) {
			continue
		}
		if err := c.Ledger.Update(func(tx *ledger.Tx) error { return c.Forget(tx, k) }); err != nil {
			c.Log.Log("warn", "forgetting a stranger's handshake failed", "error", err.Error())
		}
	}
}

// Forget drops all that is known of somebody.
func (c *Chats) Forget(tx *ledger.Tx, k key.Public) error {
	tx.After(func() {
		delete(c.peers, k)
		c.pending.forget(k)
		c.setTopics(k, nil)
	})
	return tx.Delete(tablePeers, k.Compressed())
}

// Check reports people that do not read back, and sessions that two people share.
func (c *Chats) Check(w *ledger.Walk) error {
	owners := map[string]bool{}
	return w.Each(tablePeers, func(name, value []byte) error {
		p, err := read(name, value)
		var damage *port.Error
		if errors.As(err, &damage) && damage.Code == port.CodeStoreCorrupt {
			w.Report(tablePeers, "the Noise sessions with a person do not read back")
			return nil
		}
		if err != nil {
			return err
		}
		for _, t := range p.Topics() {
			if owners[t] {
				w.Report(tablePeers, "a Noise session is with two people")
			}
			owners[t] = true
		}
		return nil
	})
}

// earliest returns the earlier of two times, of which zero is never.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
