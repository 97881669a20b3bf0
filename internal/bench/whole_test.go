package bench

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"libstatus1to1/chat"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/waku"
)

// This file measures the whole: two clients, each with an encrypted store on disk and a relay
// node, on loopback, from messages.send to what the program on the other side reads and
// acknowledges. whole_floor_test.go has what the figures are held against.

// wholeBytes is the size of the texts.
const wholeBytes = 1024

// wholeChunk is how many messages are under way at most in one direction.
const wholeChunk = 8192

// wholeSettings are the settings of those who are measured: the defaults, but that events may
// pile up.
func wholeSettings() chat.Settings { return chat.Settings{MaxEvents: settings.MaxEvents} }

// textNumber is the number of digits at the beginning of a text that say which it is.
const textNumber = 8

// longText is a text of wholeBytes bytes.
func longText(i int) string {
	return fmt.Sprintf("%0*d ", textNumber, i) + strings.Repeat("x", wholeBytes-textNumber-1)
}

// network is how the nodes of clients are connected.
type network struct {
	name string
	// node makes a node, not started yet, that comes after others that are.
	node func(b *testing.B, others ...*waku.Node) *waku.Node
}

// relayed is relay nodes, each connected to those before it.
var relayed = network{"relay", func(b *testing.B, others ...*waku.Node) *waku.Node {
	config := waku.Config{Listen: []string{"/ip4/127.0.0.1/tcp/0"}}
	for _, o := range others {
		config.Peers = append(config.Peers, o.Status().ListenAddresses[0])
	}
	return newNode(b, config)
}}

// newNode starts nothing yet: the engine does.
func newNode(b *testing.B, config waku.Config) *waku.Node {
	b.Helper()
	node, err := waku.New(config)
	if err != nil {
		b.Fatal(err)
	}
	return node
}

// countedNode counts what an engine publishes.
type countedNode struct {
	*waku.Node
	envelopes, bytes atomic.Int64 // bytes are of payloads
}

func (n *countedNode) Publish(ctx context.Context, e chat.Envelope) (chat.Evidence, error) {
	evidence, err := n.Node.Publish(ctx, e)
	if err == nil {
		n.envelopes.Add(1)
		n.bytes.Add(int64(len(e.Payload)))
	}
	return evidence, err
}

// openWhole is a person with a store on disk and a node that knows those of others.
func (n network) openWhole(b *testing.B, name string, sync bool, s chat.Settings, others ...*person) *person {
	b.Helper()
	var nodes []*waku.Node
	for _, o := range others {
		nodes = append(nodes, o.node.Node)
	}
	p := &person{b: b, path: filepath.Join(benchDir(b), name+".db"), node: &countedNode{Node: n.node(b, nodes...)}}
	c, err := chat.Open(context.Background(), chat.Options{Store: openStore(b, p.path, sync), Transport: p.node, Settings: s})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = c.Close() })
	p.Client = c
	return p
}

// pair is alice and bob with nodes that are connected, and an established session. Each run has
// new ones: the envelopes with nothing but acknowledgements that somebody may publish at once are
// bounded (outbox: acksAtOnce), so the last receipts of a later run would wait for that.
func (n network) pair(b *testing.B, sync bool, s chat.Settings) (alice, bob *person) {
	b.Helper()
	alice = n.openWhole(b, "alice", sync, s)
	bob = n.openWhole(b, "bob", sync, s, alice)
	alice.become("alice")
	bob.become("bob")
	online(alice, bob)
	for i := range 4 {
		alice.say(bob.key, i)
		bob.hear(1)
		bob.say(alice.key, i)
		alice.hear(1)
	}
	settle(alice, bob)
	return alice, bob
}

// online waits until all have somebody to publish to.
func online(all ...*person) {
	for _, p := range all {
		p.until("a peer", func(chat.Diagnostics) bool { return p.NetworkStatus().State == chat.NetworkOnline })
	}
}

// settle waits until nothing is under way, and takes all events.
func settle(all ...*person) {
	for _, p := range all {
		p.acknowledged()
	}
	for _, p := range all {
		p.drain()
	}
}

// BenchmarkWhole is from the call until the program on the other side has taken and acknowledged
// the event. Receipts are in it, but for those that still wait for others to go with when all is
// read. Messages are handed over as fast as they are accepted, so the time of a single one is
// mostly that of those before it: BenchmarkWholeClosed has it without them.
func BenchmarkWhole(b *testing.B) {
	each(b, "whole", modes[1:], func(b *testing.B, name string, how mode, sync bool) {
		floor(name, wholeSum(wholeShare), manyOf(relayed.raw(b).measure(b, wholeEnvelope(wholeShare), rawWindow), 1./wholeShare))
		alice, bob := relayed.pair(b, sync, wholeSettings())
		runWhole(b, name, alice, bob, how)
	})
}

// wholeShare is how many texts of wholeBytes go in one envelope.
const wholeShare = 64

// runWhole measures b.N messages from one person to another.
func runWhole(b *testing.B, name string, from, to *person, how mode) {
	w := newStopwatch(b)
	envelopes, size := from.node.envelopes.Load(), from.node.bytes.Load()
	for left := b.N; left > 0; left -= wholeChunk {
		w.start()
		took := from.talk(to, min(left, wholeChunk), how)
		w.stop()
		w.took = append(w.took, took...)
		settle(from, to)
	}
	envelopes, size = from.node.envelopes.Load()-envelopes, from.node.bytes.Load()-size
	b.Logf("%.1f messages an envelope, %d bytes each", float64(b.N)/float64(envelopes), size/int64(b.N))
	w.done(name, b.N)
}

// BenchmarkWholeBothWays is BenchmarkWhole with both sides sending: the time of one message of
// each.
func BenchmarkWholeBothWays(b *testing.B) {
	each(b, "whole-both-ways", modes[1:], func(b *testing.B, name string, how mode, sync bool) {
		comparesWith(name, fmt.Sprintf("whole/%s/%s", how, syncName(sync)))
		alice, bob := relayed.pair(b, sync, wholeSettings())
		w := newStopwatch(b)
		for left := b.N; left > 0; left -= wholeChunk {
			n := min(left, wholeChunk)
			w.start()
			both(func() { alice.talk(bob, n, how) }, func() { bob.talk(alice, n, how) })
			w.stop()
			settle(alice, bob)
		}
		w.done(name, b.N)
	})
}

// both runs two functions side by side.
func both(f, g func()) {
	var all sync.WaitGroup
	all.Go(f)
	all.Go(g)
	all.Wait()
}

// talk sends n messages to somebody, who takes them. It returns how long each took from its call
// until its event was read.
func (p *person) talk(to *person, n int, how mode) (took []time.Duration) {
	how.bytes, how.began = wholeBytes, make([]time.Time, n)
	both(func() { p.sayAll(to.key, n, how) }, func() { took = to.hearSince(how.began) })
	return took
}

// hearSince waits for messages that were written with longText, and returns how long each took.
func (p *person) hearSince(began []time.Time) []time.Duration {
	took := make([]time.Duration, 0, len(began))
	p.hearEach(len(began), func(i int) { took = append(took, time.Since(began[i])) })
	return took
}

// hearEach takes n messages, and tells the number of each, then acknowledges the events.
func (p *person) hearEach(n int, heard func(i int)) {
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
		if i, ok := textOf(e); ok {
			heard(i)
			n--
		}
	}
	p.forget(last)
}

// textOf returns the number at the beginning of the text that an event tells of.
func textOf(e *chat.DeliveredEvent) (int, bool) {
	if e.Type != (event.MessageReceived{}).Type() {
		return 0, false
	}
	_, text, _ := bytes.Cut(e.Data, []byte(`"text":"`))
	i, err := strconv.Atoi(string(text[:min(textNumber, len(text))]))
	return i, err == nil
}

// BenchmarkWholeClosed is BenchmarkWhole with no more under way than the callers, or one batch:
// each sends again when what it sent was read on the other side.
func BenchmarkWholeClosed(b *testing.B) {
	each(b, "whole-closed", modes[1:], func(b *testing.B, name string, how mode, sync bool) {
		alice, bob := relayed.pair(b, sync, wholeSettings())
		w := newStopwatch(b)
		for left := b.N; left > 0; left -= wholeChunk {
			w.start()
			took := alice.talkClosed(bob, min(left, wholeChunk), how)
			w.stop()
			w.took = append(w.took, took...)
			settle(alice, bob)
		}
		w.done(name, b.N)
	})
}

func (p *person) talkClosed(to *person, n int, how mode) (took []time.Duration) {
	how.bytes, how.began = wholeBytes, make([]time.Time, n)
	heard := make([]chan struct{}, n)
	for i := range heard {
		heard[i] = make(chan struct{})
	}
	send := func() {
		var all sync.WaitGroup
		var next atomic.Int64
		for range how.n {
			all.Go(func() {
				for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
					p.sayText(to.key, how.text(i))
					<-heard[i]
				}
			})
		}
		all.Wait()
	}
	if how.batch {
		send = func() {
			for done := 0; done < n; done += how.n {
				last := min(n, done+how.n)
				p.sayBatch(to.key, done, last, how)
				for i := done; i < last; i++ {
					<-heard[i]
				}
			}
		}
	}
	both(send, func() {
		to.hearEach(n, func(i int) {
			took = append(took, time.Since(how.began[i]))
			close(heard[i])
		})
	})
	return took
}

// BenchmarkWholeOne is one message at a time: from the call until the program on the other side
// has it, so that it is on disk there.
func BenchmarkWholeOne(b *testing.B) {
	each(b, "whole-one", modes[:1], func(b *testing.B, name string, _ mode, sync bool) {
		floorOfOne(b, name, relayed, sync)
		alice, bob := relayed.pair(b, sync, wholeSettings())
		runOne(b, name, alice, bob)
	})
}

// floorOfOne is the floor of a message alone: its envelope through the same nodes without
// engines, and the two commits that it waits for.
func floorOfOne(b *testing.B, name string, n network, sync bool) {
	floorOf(name, together(n.raw(b).measure(b, wholeEnvelope(1), 1), rawCommits(b, sync)))
}

// runOne measures b.N messages from one person to another, one at a time. Its receipt, and what
// else follows, may still be under way when the next is sent, as with people who write fast.
func runOne(b *testing.B, name string, from, to *person) {
	w := newStopwatch(b)
	for i := range b.N {
		w.start()
		before := time.Now()
		from.sayText(to.key, longText(i))
		to.hearOne()
		w.took = append(w.took, time.Since(before))
		w.stop()
	}
	settle(from, to)
	w.done(name, b.N)
}

// hearOne waits for a message and acknowledges its event.
func (p *person) hearOne() {
	p.b.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		e, err := p.NextEvent(ctx)
		if err != nil || e == nil {
			p.b.Fatalf("no message came: %v", err)
		}
		if e.Type == (event.MessageReceived{}).Type() {
			p.forget(e.Seq)
			return
		}
	}
}
