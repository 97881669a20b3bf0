package bench

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"libstatus1to1/chat"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/store"
)

// cable is a transport that carries envelopes to one other cable, or keeps them
// while it is plugged out: then they can be handed over later, all at once.
type cable struct {
	mu     sync.Mutex
	hooks  chat.TransportHooks
	to     *cable
	kept   []chat.Envelope
	topics []string
	online bool
	queue  chan chat.Envelope
	stop   chan struct{}
	once   sync.Once
}

// cableQueue is more envelopes than a benchmark has under way.
const cableQueue = 1 << 14

func newCable() *cable {
	return &cable{online: true, queue: make(chan chat.Envelope, cableQueue), stop: make(chan struct{})}
}

func (c *cable) Start(_ context.Context, hooks chat.TransportHooks) error {
	c.hooks = hooks
	go c.pump()
	if c.online {
		go hooks.Changed(chat.NetworkChange{State: chat.NetworkOnline})
	}
	return nil
}

// pump hands over what was published to c.
func (c *cable) pump() {
	for {
		select {
		case e := <-c.queue:
			c.hooks.Received(e)
		case <-c.stop:
			return
		}
	}
}

func (c *cable) Publish(_ context.Context, e chat.Envelope) (chat.Evidence, error) {
	e.Payload = slices.Clone(e.Payload)
	c.mu.Lock()
	to := c.to
	if to == nil {
		c.kept = append(c.kept, e)
	}
	c.mu.Unlock()
	if to != nil {
		to.queue <- e
	}
	return chat.Evidence{Kind: "memory", Peers: 1}, nil
}

// plug connects c to another cable, or to none.
func (c *cable) plug(to *cable) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.to = to
}

// take gives what was kept.
func (c *cable) take() []chat.Envelope {
	c.mu.Lock()
	defer c.mu.Unlock()
	kept := c.kept
	c.kept = nil
	return kept
}

func (c *cable) Subscribe(topics ...string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.topics = append(c.topics, topics...)
	return nil
}

func (c *cable) Unsubscribe(...string) error { return nil }
func (c *cable) PubsubTopic() string         { return "/waku/2/rs/16/32" }
func (c *cable) MaxPayload() int             { return 150<<10 - 256 }
func (c *cable) Connect(string) error        { return nil }
func (c *cable) Disconnect(string) error     { return nil }
func (c *cable) Stop() error                 { c.once.Do(func() { close(c.stop) }); return nil }
func (c *cable) Status() chat.NetworkStatus {
	return chat.NetworkStatus{Kind: "memory", State: chat.NetworkOnline, Peers: []chat.NetworkPeer{}}
}

// person is a client with a store on disk and a cable.
type person struct {
	*chat.Client
	b   *testing.B
	net *cable // nil with a node
	key key.Public

	node *countedNode // nil with a cable
	path string       // of the store, with a node
}

// settings keep timers out of the figures and let events pile up.
var settings = chat.Settings{ResendBase: time.Hour, AckDelay: time.Millisecond, MaxEvents: 1 << 30}

// masterKey opens all stores here: Argon2 is not what is measured.
var masterKey = make([]byte, 32)

// benchDir is a directory on the disk of the repository, not in a memory file system.
func benchDir(b *testing.B) string {
	b.Helper()
	root := filepath.Join("..", "..", "build", "bench")
	if err := os.MkdirAll(root, 0o755); err != nil {
		b.Fatal(err)
	}
	dir, err := os.MkdirTemp(root, "run")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func openStore(b *testing.B, path string, sync bool) chat.Store {
	b.Helper()
	s, err := store.Open(store.Options{Path: path, Key: masterKey, NoSync: !sync})
	if err != nil {
		b.Fatal(err)
	}
	return s
}

func openPerson(b *testing.B, s chat.Store, net *cable) *person {
	b.Helper()
	c, err := chat.Open(context.Background(), chat.Options{Store: s, Transport: net, Settings: settings})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = c.Close() })
	return &person{Client: c, b: b, net: net}
}

func newPerson(b *testing.B, name string, sync, online bool) *person {
	b.Helper()
	net := newCable()
	net.online = online
	p := openPerson(b, openStore(b, filepath.Join(benchDir(b), name+".db"), sync), net)
	p.become(name)
	return p
}

// become gives the person an identity.
func (p *person) become(name string) {
	private, err := key.Generate(rand.Reader)
	if err != nil {
		p.b.Fatal(err)
	}
	if _, err := p.ImportIdentity(context.Background(), private, name); err != nil {
		p.b.Fatal(err)
	}
	p.key = private.Public()
}

// patience is how long a benchmark waits for what must come.
const patience = 60 * time.Second

func (p *person) until(what string, ok func(chat.Diagnostics) bool) {
	p.b.Helper()
	end := time.Now().Add(patience)
	for {
		d, err := p.Diagnostics()
		if err != nil {
			p.b.Fatal(err)
		}
		if ok(d) {
			return
		}
		if time.Now().After(end) {
			p.b.Fatalf("waited in vain for %s: %+v", what, d)
		}
		time.Sleep(100 * time.Microsecond)
	}
}

// acknowledged waits until nothing is under way any more.
func (p *person) acknowledged() {
	p.b.Helper()
	p.until("an empty outbox", func(d chat.Diagnostics) bool { return d.Outbox == 0 })
}

// hear waits for n messages, as a host does: by taking events.
func (p *person) hear(n int) {
	p.b.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var last uint64
	for n > 0 {
		e, err := p.NextEvent(ctx)
		if err != nil || e == nil {
			p.b.Fatalf("%d messages did not come: %v", n, err)
		}
		last = max(last, e.Seq)
		if e.Type == (event.MessageReceived{}).Type() {
			n--
		}
	}
	p.forget(last)
}

// forget acknowledges events.
func (p *person) forget(upTo uint64) {
	if err := p.AckEvents(upTo); err != nil {
		p.b.Fatal(err)
	}
}

// drain takes and acknowledges all events that wait.
func (p *person) drain() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var last uint64
	for {
		e, err := p.NextEvent(ctx)
		if err != nil {
			p.b.Fatal(err)
		}
		if e == nil {
			break
		}
		last = max(last, e.Seq)
	}
	if last > 0 {
		p.forget(last)
	}
}

// text is what is said: 100 bytes.
func text(i int) string { return fmt.Sprintf("%08d %091d", i, i) }

func (p *person) say(to key.Public, i int) event.Message { return p.sayText(to, text(i)) }

func (p *person) sayText(to key.Public, text string) event.Message {
	m, err := p.Send(context.Background(), chat.SendRequest{To: to, Text: text})
	if err != nil {
		p.b.Error(err)
	}
	return m
}

// sayAll sends n messages: from so many goroutines, or in batches of that size.
func (p *person) sayAll(to key.Public, n int, how mode) {
	if how.batch {
		for done := 0; done < n; done += how.n {
			p.sayBatch(to, done, min(n, done+how.n), how)
		}
		return
	}
	var all sync.WaitGroup
	next := make(chan int, n)
	for i := range n {
		next <- i
	}
	close(next)
	for range how.n {
		all.Go(func() {
			for i := range next {
				p.sayText(to, how.text(i))
			}
		})
	}
	all.Wait()
}

// sayBatch sends the messages from one number up to another in one call.
func (p *person) sayBatch(to key.Public, first, end int, how mode) {
	requests := make([]chat.SendRequest, end-first)
	for i := range requests {
		requests[i] = chat.SendRequest{To: to, Text: how.text(first + i)}
	}
	results, err := p.SendBatch(context.Background(), requests)
	if err != nil {
		p.b.Fatal(err)
	}
	for _, r := range results {
		if r.Err != nil {
			p.b.Fatal(r.Err)
		}
	}
}

// mode is how messages are handed over: by n callers, or n a call.
type mode struct {
	n     int
	batch bool
	bytes int // of a text; 0: those of text
	// began is given the time at which each message is written, just before its call, if it is
	// not nil.
	began []time.Time
}

// text is the text with a number.
func (m mode) text(i int) string {
	if m.began != nil {
		m.began[i] = time.Now()
	}
	if m.bytes > 0 {
		return longText(i)
	}
	return text(i)
}

var modes = []mode{{n: 1}, {n: 64}, {n: 64, batch: true}}

func (m mode) String() string {
	if m.batch {
		return fmt.Sprintf("batch=%d", m.n)
	}
	return fmt.Sprintf("callers=%d", m.n)
}

// acquainted is two people with an established session, everything acknowledged.
func acquainted(b *testing.B, sync bool) (alice, bob *person) {
	b.Helper()
	alice, bob = newPerson(b, "alice", sync, true), newPerson(b, "bob", sync, true)
	alice.net.plug(bob.net)
	bob.net.plug(alice.net)
	for i := range 4 {
		alice.say(bob.key, i)
		bob.hear(1)
		bob.say(alice.key, i)
		alice.hear(1)
	}
	alice.acknowledged()
	bob.acknowledged()
	alice.drain()
	bob.drain()
	return alice, bob
}

// handOver gives what from kept to another, and lets the answers come.
func handOver(from, to *person) {
	to.net.plug(from.net)
	for _, e := range from.net.take() {
		to.net.queue <- e
	}
	from.acknowledged()
	to.drain()
	from.drain()
}
