package chat

import (
	"context"
	"crypto/rand"
	"io"
	"time"

	"libstatus1to1/chat/internal/actions"
	"libstatus1to1/chat/internal/agree"
	"libstatus1to1/chat/internal/attachments"
	"libstatus1to1/chat/internal/cards"
	"libstatus1to1/chat/internal/catchup"
	"libstatus1to1/chat/internal/devicesync"
	"libstatus1to1/chat/internal/expiry"
	"libstatus1to1/chat/internal/history"
	"libstatus1to1/chat/internal/kept"
	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/internal/linking"
	"libstatus1to1/chat/internal/noisechat"
	"libstatus1to1/chat/internal/outbox"
	"libstatus1to1/chat/internal/search"
	"libstatus1to1/chat/internal/segments"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/ratchet"
	"libstatus1to1/chat/protocol/session"
)

// Options are the arguments of Open. Store and Transport are required; the client owns them
// from then on and closes them, also when Open fails.
type Options struct {
	Store     Store
	Transport Transport
	Clock     Clock     // nil: the system's
	Rand      io.Reader // nil: crypto/rand; must be safe for concurrent use
	Logger    Logger    // nil: silent
	Settings  Settings
	// Probe is for crash tests and nil in production: see package ledger.
	Probe func(point string)

	// stepped leaves the loop out, for simulations that do its rounds themselves.
	stepped bool
}

// Client is an open engine. All methods may be called from any goroutine.
type Client struct {
	net      Transport
	clock    Clock
	rand     io.Reader
	log      Logger
	settings Settings
	counters counters

	ledger   *ledger.Ledger // the store, transactions and events
	self     identityState
	routes   routes
	people   people
	sessions sessions
	marks    markBook
	batches  batches // of messages to be accepted
	namedParts

	online onlineState
	loop   loop
	life   life
}

// namedParts are the parts of the engine that have a package of their own; loop.parts lists
// them.
type namedParts struct {
	history  *history.History
	outbox   *outbox.Outbox
	linking  *linking.Linking
	catchUp  *catchup.CatchUp
	segments *segments.Segments
	noise    *noisechat.Chats
	expiry   *expiry.Expiry
	actions  *actions.Actions
	kept     *kept.Kept
	index    *search.Index

	deviceSync  *devicesync.DeviceSync
	attachments *attachments.Attachments
	agree       *agree.Agree
}

// Open opens an engine. The network starts; when the store holds an identity its
// topics are subscribed and what waits is sent.
func Open(ctx context.Context, o Options) (*Client, error) {
	c := &Client{
		net: o.Transport, clock: o.Clock, rand: o.Rand, log: o.Logger,
		settings: o.Settings.withDefaults(),
		sessions: newSessions(), people: newPeople(),
		loop: loop{inbox: newInbox(), wake: make(chan struct{}, 1), stepped: o.stepped},
	}
	if c.clock == nil {
		c.clock = systemClock{time.Now()}
	}
	if c.rand == nil {
		c.rand = rand.Reader
	}
	if c.log == nil {
		c.log = silence{}
	}
	c.counters.doctor = c.newDoctor()
	c.loop.clocks, c.loop.look = c.readClocks(), lookEvery(c.net.Status())
	c.counters.opened = c.loop.clocks
	c.life.begin(ctx)
	c.ledger = c.newLedger(o)
	c.actions = c.newActions()
	c.history = c.newHistory()
	c.ledger.Events.Ask(c.history.Says())
	c.expiry = c.newExpiry() // watches the history
	c.attachments = c.newAttachments()
	c.history.Watch(c.attachments.Watch)
	c.index = c.newIndex()   // watches it, too
	c.outbox = c.newOutbox() // knows the history
	c.linking = c.newLinking()
	c.deviceSync = c.newDeviceSync(o.stepped)
	c.catchUp = c.newCatchUp(o.stepped)
	c.segments = c.newSegments()
	c.noise = c.newNoise()
	c.kept = c.newKept()
	c.agree = c.newAgree()
	c.loop.parts = []part{
		c.noise, c.outbox, c.history, c.linking, c.deviceSync, c.catchUp, c.segments, c.actions, c.expiry, c.kept, c.attachments, c.index, c.agree,
		&cards.Cards{Ledger: c.ledger, Log: c.log},
	}
	if err := c.start(ctx); err != nil {
		c.life.cancel()
		_ = c.net.Stop()
		_ = c.ledger.Store.Close()
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
	if err := c.ledger.Load(); err != nil {
		return err
	}
	nodeKey, err := c.nodeKey()
	if err != nil {
		return err
	}
	a, err := c.loadAccount()
	if err != nil {
		return err
	}
	if err := c.net.Start(ctx, TransportHooks{
		NodeKey: nodeKey, Received: c.received, Heard: c.counters.doctor.Heard, Changed: c.networkChanged, Missed: c.catchUp.Missed,
		Panicked: func(where string, value any, stack []byte) { c.Fail(where, value, stack) },
		Log:      c.log,
		Peers:    peerMemory{c.ledger.Store},
		Carrier:  carrier{c},
	}); err != nil {
		return err
	}
	if a == nil {
		return c.resumeProvisional()
	}
	return c.become(a)
}

func (c *Client) newLedger(o Options) *ledger.Ledger {
	return ledger.New(ledger.Options{
		Store: o.Store, Messages: tableMessages, Now: c.now, MaxEvents: c.settings.MaxEvents, MaxEventBytes: c.settings.MaxEventBytes,
		Stranger: func(who key.Compact) bool { return !c.isSelf(who) && c.people.contacts.stranger(who) },
		Blocked:  c.people.contacts.blocked,
		Withheld: func() { c.counters.drop("stranger_events") },
		Panicked: func(value any, stack []byte) string { return c.Fail("transaction", value, stack) },
		Probe:    o.Probe,
	})
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
	err := c.ledger.View(func(tx Tx) error {
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
	return k, c.ledger.Store.Update(func(tx Tx) error { return tx.Put(tableMeta, metaNodeKey, k.Bytes()) })
}

func (c *Client) now() time.Time { return c.clock.Now() }

// source is the randomness of the protocol packages: message IVs are random, not
// derived, so that a store put back from an older copy reuses no key stream.
func (c *Client) source() session.Source {
	return session.Source{Rand: c.rand, IV: ratchet.RandomIV(c.rand)}
}

// txn is a transaction of the ledger together with its client: the engine's own steps are
// its methods.
type txn struct {
	*ledger.Tx
	c *Client
}

// update runs fn in one transaction of the ledger.
func (c *Client) update(fn func(*txn) error) error {
	return c.ledger.Update(func(tx *ledger.Tx) error { return fn(c.txn(tx)) })
}

// txn returns the engine's view of a transaction that a part began.
func (c *Client) txn(tx *ledger.Tx) *txn { return &txn{tx, c} }

// silence is the logger of a client that was given none.
type silence struct{}

func (silence) Log(string, string, ...any) {}
