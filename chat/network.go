package chat

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"libstatus1to1/chat/event"
	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/port"
)

// onlineState holds whether there is somebody to publish to, and lets callers wait for it.
type onlineState struct {
	mu      sync.Mutex
	online  bool
	changed chan struct{}

	// came ends the pause after a failed publish; peerCame notes that one of few peers has
	// connected. The loop reads and resets both.
	came, peerCame atomic.Bool

	// told holds the last event about each of the peers that were told of lately, so that
	// there is none when nothing has changed.
	told *lru.Cache[string, event.PeerChanged]
}

// peersTold bounds the peers whose last event is remembered: more than there are connections.
const peersTold = 256

// news reports whether an event about a peer says something else than the last one about
// it.
func (o *onlineState) news(e event.PeerChanged) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.told == nil {
		o.told, _ = lru.New[string, event.PeerChanged](peersTold) // fails only for a size below 1
	}
	last, known := o.told.Get(e.PeerID)
	o.told.Add(e.PeerID, e)
	return !known || last != e
}

func (o *onlineState) is() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.online
}

// set reports whether the state is another one now.
func (o *onlineState) set(online bool) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	was := o.online
	o.online = online
	if o.changed != nil {
		close(o.changed)
	}
	o.changed = make(chan struct{})
	return was != online
}

// change is closed at the next call of set.
func (o *onlineState) change() <-chan struct{} {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.changed == nil {
		o.changed = make(chan struct{})
	}
	return o.changed
}

// networkChanged handles a report of the transport.
func (c *Client) networkChanged(n NetworkChange) {
	changed := c.online.set(n.State == NetworkOnline)
	if changed && n.State == NetworkOnline {
		c.online.came.Store(true)
	}
	c.kick()
	if c.life.closed.Load() {
		return
	}
	peers := usefulPeers(c.net.Status())
	if n.Connected && peers <= fewPeers {
		c.online.peerCame.Store(true)
		c.kick()
	}
	at := c.now().UnixMilli()
	about := event.PeerChanged{PeerID: n.Peer, Connected: n.Connected, Static: n.Static, OnShard: n.OnShard, Error: n.Error}
	if n.Peer != "" && c.online.news(about) {
		subject := ledger.SubjectStranger
		if n.Static {
			subject = ledger.SubjectStatic
		}
		c.ledger.Events.PushLatest(subject+n.Peer, about, at)
	}
	if changed {
		c.ledger.Events.PushLatest(ledger.SubjectNetwork, event.NetworkChanged{State: n.State, Peers: peers}, at)
	}
}

// usefulPeers counts the peers that our envelopes reach. A peer of another cluster or
// without our shards is not counted, however well it is connected.
func usefulPeers(status NetworkStatus) int {
	useful := 0
	for _, p := range status.Peers {
		if p.Connected && p.OnShard {
			useful++
		}
	}
	return useful
}

// peerMemory stores the addresses of peers for the transport.
type peerMemory struct{ store Store }

// Load returns what was saved last, or nil.
func (m peerMemory) Load() (b []byte, err error) {
	err = m.store.View(func(tx Tx) error {
		b, err = tx.Get(tableMeta, metaPeers)
		return err
	})
	return b, err
}

// Save replaces it.
func (m peerMemory) Save(b []byte) error {
	return m.store.Update(func(tx Tx) error { return tx.Put(tableMeta, metaPeers, b) })
}

// NetworkStatus describes the network as it is now.
func (c *Client) NetworkStatus() NetworkStatus { return c.net.Status() }

// Connect adds a static peer by its multiaddress with /p2p/ id and keeps it
// connected; it does not wait.
func (c *Client) Connect(address string) error {
	if err := c.checkOpen(); err != nil {
		return err
	}
	return c.net.Connect(address)
}

// Disconnect forgets a static peer and closes its connections.
func (c *Client) Disconnect(peerID string) error {
	if err := c.checkOpen(); err != nil {
		return err
	}
	return c.net.Disconnect(peerID)
}

// WaitOnline waits until at least peers peers are connected and on our shards, and there
// is somebody to publish to. CodeTimeout when ctx ends first.
func (c *Client) WaitOnline(ctx context.Context, peers int) (NetworkStatus, error) {
	for {
		changed := c.online.change()
		status := c.net.Status()
		useful := usefulPeers(status)
		if status.State == NetworkOnline && useful >= peers {
			return status, nil
		}
		select {
		case <-changed:
		case <-c.life.ctx.Done():
			return status, Errorf(CodeClosed, "", "the client was closed")
		case <-ctx.Done():
			return status, Errorf(CodeTimeout, "deadline_ms", "%d of %d peers are on our shards", useful, peers).
				With("connected", useful)
		}
	}
}

// publishTimeout bounds one hand-over to the network.
const publishTimeout = 10 * time.Second

// publish publishes an envelope once. One that is under way counts as published: the caller
// keeps nothing that depends on whether it is out.
func (c *Client) publish(e Envelope) error {
	_, err := c.hand(e)
	if errors.Is(err, port.ErrUnderWay) {
		return nil
	}
	return err
}

// hand hands e to the network on our pubsub topic, with a fresh timestamp if it has none:
// gossipsub swallows an envelope it has seen in the last two minutes, and a republished
// attempt must not be.
func (c *Client) hand(e Envelope) (Evidence, error) {
	ctx, cancel := context.WithTimeout(c.life.ctx, publishTimeout)
	defer cancel()
	e.PubsubTopic = c.net.PubsubTopic()
	if e.Timestamp == 0 {
		e.Timestamp = c.now().UnixNano()
	}
	evidence, err := c.net.Publish(ctx, e)
	if err == nil {
		c.catchUp.Seen(e)
	}
	return evidence, err
}
