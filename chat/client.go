package chat

import (
	"context"
	"crypto/rand"
	"io"
	"sync/atomic"
	"time"

	"libstatus1to1/chat/internal/history"
	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/internal/linking"
	"libstatus1to1/chat/internal/outbox"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/ratchet"
	"libstatus1to1/chat/protocol/session"
)

// Options is what Open takes. Store and Transport are required; the client owns
// them from then on and closes them, also when Open fails.
type Options struct {
	Store     Store
	Transport Transport
	Clock     Clock     // nil: the system's
	Rand      io.Reader // nil: crypto/rand; must be safe for concurrent use
	Logger    Logger    // nil: silent
	Settings  Settings
	// Probe is for crash tests and nil in production: see probe.go.
	Probe func(point string)

	// stepped leaves the loop out, for simulations that do its rounds themselves.
	stepped bool
}

// Client is an open engine. All methods may be called from any goroutine.
type Client struct {
	store    Store
	net      Transport
	clock    Clock
	rand     io.Reader
	log      Logger
	settings Settings
	probe    func(point string)

	ledger   *ledger.Ledger
	events   *ledger.Stream
	self     identityState
	routes   routes
	people   people
	sessions sessions
	marks    markBook
	outbox   *outbox.Outbox   // one of parts
	history  *history.History // one of parts
	batches  batches          // of messages to be accepted
	counters counters

	inbox  inbox
	wake   chan struct{}
	online onlineState

	// busy is held by the loop while it works; it guards loop.
	busy   ledger.Lock
	loop   loopState
	paused atomic.Bool
	parts  []part // in the order of their work

	linking *linking.Linking // one of parts

	life life
}

// Open opens an engine. The network starts; when the store holds an identity its
// topics are subscribed and what waits is sent.
func Open(ctx context.Context, o Options) (*Client, error) {
	c := &Client{
		net: o.Transport, clock: o.Clock, rand: o.Rand, log: o.Logger,
		settings: o.Settings.withDefaults(), probe: o.Probe,
		inbox: newInbox(), wake: make(chan struct{}, 1),
	}
	c.store = o.Store
	if c.clock == nil {
		c.clock = systemClock{time.Now()}
	}
	if c.rand == nil {
		c.rand = rand.Reader
	}
	if c.log == nil {
		c.log = silence{}
	}
	if c.probe == nil {
		c.probe = func(string) {}
	}
	c.loop.clocks = c.readClocks()
	c.life.begin(ctx)
	c.sessions = newSessions()
	c.people = newPeople()
	if err := c.start(ctx); err != nil {
		c.life.cancel()
		_ = c.net.Stop()
		_ = c.store.Close()
		close(c.life.loopDone) // for the closing after a failure meanwhile
		return nil, err
	}
	if o.stepped {
		close(c.life.loopDone)
	} else {
		go c.run()
	}
	return c, nil
}

func (c *Client) start(ctx context.Context) error {
	var err error
	if c.ledger, err = ledger.Open(ledger.Options{
		Store: c.store, Now: c.now, MaxEvents: c.settings.MaxEvents, MaxEventBytes: c.settings.MaxEventBytes,
		Stranger: func(who key.Compact) bool { return !c.isSelf(who) && c.people.contacts.stranger(who) }, Blocked: c.people.contacts.blocked,
		Withheld: func() { c.counters.drop("stranger_events") },
		Panicked: func(value any, stack []byte) string { return c.Fail("transaction", value, stack) },
		Probe:    c.probe,
	}); err != nil {
		return err
	}
	c.store, c.events = c.ledger.Store, c.ledger.Events
	c.history = c.newHistory()
	c.outbox, c.linking = c.newOutbox(), c.newLinking()
	c.parts = append(c.parts, c.outbox, c.history, c.linking)
	nodeKey, err := c.nodeKey()
	if err != nil {
		return err
	}
	a, err := c.loadAccount()
	if err != nil {
		return err
	}
	if err := c.net.Start(ctx, TransportHooks{
		NodeKey: nodeKey, Received: c.received, Changed: c.networkChanged,
		Panicked: func(where string, value any, stack []byte) { c.Fail(where, value, stack) },
		Log:      c.log,
	}); err != nil {
		return err
	}
	if a == nil {
		return nil
	}
	return c.become(a)
}

func (s Settings) withDefaults() Settings {
	if s.ResendBase <= 0 {
		s.ResendBase = DefaultResendBase
	}
	if s.AckDelay <= 0 {
		s.AckDelay = DefaultAckDelay
	}
	if s.ContactCodeEvery <= 0 {
		s.ContactCodeEvery = DefaultContactCodeEvery
	}
	if s.AdvertiseEvery <= 0 {
		s.AdvertiseEvery = DefaultAdvertiseEvery
	}
	if s.MaxInstallations <= 0 {
		s.MaxInstallations = session.MaxInstallations
	}
	if s.MaxEvents <= 0 {
		s.MaxEvents = DefaultMaxEvents
	}
	if s.MaxEventBytes <= 0 {
		s.MaxEventBytes = DefaultMaxEventBytes
	}
	return s
}

// nodeKey is the key of our network node, made at the first start and kept: peers
// know us by it.
func (c *Client) nodeKey() (key.Private, error) {
	var k key.Private
	err := c.store.View(func(tx Tx) error {
		b, err := tx.Get(tableMeta, metaNodeKey)
		if err != nil || b == nil {
			return err
		}
		if k, err = key.ParsePrivate(b); err != nil {
			return Errorf(CodeStoreCorrupt, "", "the node key does not read back")
		}
		return nil
	})
	if err != nil || !k.IsZero() {
		return k, err
	}
	if k, err = key.Generate(c.rand); err != nil {
		return k, err
	}
	return k, c.store.Update(func(tx Tx) error { return tx.Put(tableMeta, metaNodeKey, k.Bytes()) })
}

func (c *Client) now() time.Time { return c.clock.Now() }

// source is the randomness of the protocol packages: message IVs are random, not
// derived, so that a store put back from an older copy reuses no key stream.
func (c *Client) source() session.Source {
	return session.Source{Rand: c.rand, IV: ratchet.RandomIV(c.rand)}
}

// kick makes the loop look for work.
func (c *Client) kick() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}
