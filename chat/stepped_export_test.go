package chat

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/session"
	"libstatus1to1/chat/protocol/topic"
	"libstatus1to1/chat/protocol/x3dh"
	"libstatus1to1/chat/wire"
)

// For simulations: an engine without its loop, which the test turns itself.

func init() {
	var keys sync.Map
	symmetricKey = func(name string) key.Secret {
		if watch := derivationWatch.Load(); watch != nil {
			(*watch)(name)
		}
		if k, ok := keys.Load(name); ok {
			return k.(key.Secret)
		}
		k := topic.SymmetricKey(name)
		keys.Store(name, k)
		return k
	}
}

// derivationWatch is called before a key is derived.
var derivationWatch atomic.Pointer[func(name string)]

// WatchDerivations has watch called before keys are derived; nil ends that.
func WatchDerivations(watch func(name string)) {
	if watch == nil {
		derivationWatch.Store(nil)
		return
	}
	derivationWatch.Store(&watch)
}

// The bounds of envelopes that wait for a key.
const (
	MaxHeldEach      = maxHeldEach
	MaxHeldBytesEach = maxHeldBytesEach
)

// HeldEnvelopes returns the number and the bytes of the envelopes that wait for keys.
func (c *Client) HeldEnvelopes() (number, bytes int) {
	c.routes.mu.RLock()
	defer c.routes.mu.RUnlock()
	return c.routes.missing.held.number, c.routes.missing.held.bytes
}

// HasKeys reports whether the keys of all topics are derived.
func (c *Client) HasKeys() bool {
	c.routes.mu.RLock()
	defer c.routes.mu.RUnlock()
	for l := range maps.Values(c.routes.known) {
		if !l.opens() {
			return false
		}
	}
	return true
}

// OpenStepped opens an engine that does nothing until Step.
func OpenStepped(ctx context.Context, o Options) (*Client, error) {
	o.stepped = true
	return Open(ctx, o)
}

// Step does one round of the loop with what has arrived. It reports whether there was
// anything to do.
func (c *Client) Step() bool {
	var batch []Envelope
	for len(batch) < maxBatch && len(c.loop.inbox.waiting) > 0 {
		e := <-c.loop.inbox.waiting
		c.loop.inbox.room.leave(len(e.Payload))
		batch = append(batch, e)
	}
	woken := len(c.loop.wake) > 0
	if woken {
		<-c.loop.wake
	}
	if len(batch) == 0 && !woken && c.DueIn() > 0 {
		return false
	}
	c.turn(batch)
	c.catchUp.RunPending()
	c.deviceSync.RunPending()
	return true
}

// HoldLock takes the engine's lock until release is called.
func (c *Client) HoldLock() (release func()) { return c.beginTurn().End }

// DueIn returns the time the loop would sleep.
func (c *Client) DueIn() time.Duration {
	t := c.beginTurn()
	defer t.End()
	return c.untilDue(t)
}

// Addressed are the installations of an identity that messages go to, in byte order.
func (c *Client) Addressed(k key.Public) []string {
	p, err := c.readPeer(k)
	if err != nil {
		panic(err)
	}
	ids := installationIDs(p.Active())
	slices.Sort(ids)
	return ids
}

// SendsIn names the session that carries new messages to an installation: the pre-key
// it began from and its order; "" for none.
func (c *Client) SendsIn(k key.Public, installation string) string {
	p, err := c.readPeer(k)
	if err != nil {
		panic(err)
	}
	i := p.Chosen(c.self.Load().self, installation)
	if i < 0 {
		return ""
	}
	return string(p.Sessions[i].ID.Compressed()) + string(p.Sessions[i].Order[:])
}

// Answered puts the sessions with peers back to what they were and empties the outbox,
// as answers and acknowledgements would, without their cost.
func (c *Client) Answered(peers ...session.Peer) {
	defer c.beginTurn().End()
	for _, p := range peers {
		p.Limit = c.limitFor(p.Identity)
		c.sessions.peers.Add(p.Identity, p)
	}
	c.outbox.Forget()
}

// PeersInMemory returns the number of peers whose sessions are decoded.
func (c *Client) PeersInMemory() int { return c.sessions.peers.Len() }

// DescribeSessions is for a failing test.
func (c *Client) DescribeSessions(k key.Public, installation string) (out []string) {
	p, err := c.readPeer(k)
	if err != nil {
		panic(err)
	}
	self := c.self.Load().self
	for i, s := range p.Sessions {
		if s.InstallationID == installation {
			out = append(out, fmt.Sprintf("id %x order %x remote %v established %v sendable %v sent %d recv %d chosen %v",
				s.ID.Compressed()[1:4], s.Order[:3], !s.RemoteEphemeral.IsZero(), s.Established(), p.Sendable(self, s),
				s.Ratchet.SendN(), s.Ratchet.RecvN(), p.Chosen(self, installation) == i))
		}
	}
	return out
}

// NoiseKey is the certificate of the installation's static key, as it is stored.
func (c *Client) NoiseKey() ([]byte, error) {
	var rec wire.NoiseKeyRecord
	_, err := c.ledger.Get(tableMeta, []byte("noise_key"), &rec)
	return rec.GetCertificate(), err
}

// SymmetricKey is symmetricKey.
func SymmetricKey(name string) key.Secret { return symmetricKey(name) }

// PreKeyOf is the pre-key of an installation as it is known here.
func (c *Client) PreKeyOf(k key.Public, installation string) x3dh.SignedPreKey {
	p, err := c.readPeer(k)
	if err != nil {
		panic(err)
	}
	in, _ := p.Find(installation)
	return x3dh.SignedPreKey{InstallationID: in.ID, Key: in.PreKey, Version: in.PreKeyVersion, ProtocolVersion: in.ProtocolVersion}
}

// ListedBy returns the other installation that listed one last, as it is known here.
func (c *Client) ListedBy(k key.Public, installation string) string {
	p, err := c.readPeer(k)
	if err != nil {
		panic(err)
	}
	in, _ := p.Find(installation)
	return in.ListedBy
}
