package bench

import (
	"context"
	"crypto/rand"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"libstatus1to1/chat"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/waku"
)

// This file measures the whole: two clients, each with an encrypted store on disk and a relay
// node, on loopback, from messages.send to what the program on the other side reads and
// acknowledges.

// wholeBytes is the size of the texts, wholeAckDelay how long acknowledgements wait for
// others: with the default of 300 ms the last ones would be a fifth of a short run.
const (
	wholeBytes    = 1024
	wholeAckDelay = 20 * time.Millisecond
)

// wholeChunk is how many messages are under way at most in one direction.
const wholeChunk = 8192

// longText is a text of wholeBytes bytes.
func longText(i int) string {
	return fmt.Sprintf("%08d ", i) + strings.Repeat("x", wholeBytes-9)
}

// newNode starts nothing yet: the engine does.
func newNode(b *testing.B, peers ...string) *waku.Node {
	b.Helper()
	node, err := waku.New(waku.Config{Listen: []string{"/ip4/127.0.0.1/tcp/0"}, Peers: peers})
	if err != nil {
		b.Fatal(err)
	}
	return node
}

// openWhole is a person with a store on disk and a relay node.
func openWhole(b *testing.B, name string, sync bool, peers ...string) *person {
	b.Helper()
	s := settings
	s.AckDelay = wholeAckDelay
	c, err := chat.Open(context.Background(), chat.Options{
		Store: openStore(b, filepath.Join(benchDir(b), name+".db"), sync), Transport: newNode(b, peers...), Settings: s,
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = c.Close() })
	p := &person{Client: c, b: b}
	p.become(name)
	return p
}

// connected is two people with nodes that are connected, and an established session.
func connected(b *testing.B, sync bool) (alice, bob *person) {
	b.Helper()
	alice = openWhole(b, "alice", sync)
	bob = openWhole(b, "bob", sync, alice.NetworkStatus().ListenAddresses[0])
	for _, p := range []*person{alice, bob} {
		p.until("a peer", func(chat.Diagnostics) bool { return p.NetworkStatus().State == chat.NetworkOnline })
	}
	for i := range 4 {
		alice.say(bob.key, i)
		bob.hear(1)
		bob.say(alice.key, i)
		alice.hear(1)
	}
	for _, p := range []*person{alice, bob} {
		p.acknowledged()
		p.drain()
	}
	return alice, bob
}

// wholeSum is what a message in an envelope of share messages takes, on both sides together.
func wholeSum(share, bytes float64, how mode) sum {
	return acceptSum.plus(chatSum.times(2/float64(how.n)), publishedSum, attemptSum.times(1/share), messageSum,
		envelopeSum.times(1/share), layers(bytes).times(2), stored(bytes+3*wholeBytes), sum{hashes: 2 * wholeBytes / messageBytes})
}

// BenchmarkWhole is from the call until the program on the other side has taken and acknowledged
// the event, and the receipts are back.
func BenchmarkWhole(b *testing.B) {
	each(b, "whole", modes[1:], func(b *testing.B, name string, how mode, sync bool) {
		relay := rawRelay(b, 64)
		alice, bob := connected(b, sync)
		w := newStopwatch(b)
		for left := b.N; left > 0; left -= wholeChunk {
			w.start()
			alice.talk(bob, min(left, wholeChunk), how)
			w.stop()
		}
		floor(name, wholeSum(64, wholeEnvelope(64)/64, how), relay/64)
		w.done(name, b.N)
	})
}

// BenchmarkWholeBothWays is BenchmarkWhole with both sides sending: the time of one message of
// each.
func BenchmarkWholeBothWays(b *testing.B) {
	each(b, "whole-both-ways", modes[2:], func(b *testing.B, name string, how mode, sync bool) {
		comparesWith(name, fmt.Sprintf("whole/%s/%s", how, syncName(sync)))
		alice, bob := connected(b, sync)
		w := newStopwatch(b)
		for left := b.N; left > 0; left -= wholeChunk {
			n := min(left, wholeChunk)
			w.start()
			both(func() { alice.talk(bob, n, how) }, func() { bob.talk(alice, n, how) })
			w.stop()
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

// talk sends n messages to somebody, who takes them, and waits for the receipts.
func (p *person) talk(to *person, n int, how mode) {
	how.bytes = wholeBytes
	both(func() { p.sayAll(to.key, n, how) }, func() { to.hear(n) })
	p.acknowledged()
}

// BenchmarkWholeOne is one message at a time: from the call until the program on the other side
// has it, so that it is on disk there.
func BenchmarkWholeOne(b *testing.B) {
	each(b, "whole-one", modes[:1], func(b *testing.B, name string, how mode, sync bool) {
		relay, commit := rawRelay(b, 1), rawCommit(b, sync)
		alice, bob := connected(b, sync)
		w := newStopwatch(b)
		var took []time.Duration
		for i := range b.N {
			w.start()
			before := time.Now()
			if _, err := alice.Send(context.Background(), chat.SendRequest{To: bob.key, Text: longText(i)}); err != nil {
				b.Fatal(err)
			}
			bob.hearOne()
			took = append(took, time.Since(before))
			w.stop()
		}
		floorOf(name, relay+3*commit)
		percentiles(name, took)
		w.done(name, b.N)
	})
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

// wholeEnvelope is about the size of an envelope with n texts.
func wholeEnvelope(n int) float64 { return 800 + float64(n)*(wholeBytes+300) }

// rawTopic is a content topic that only the raw relay uses.
const rawTopic = "/waku/1/0x01020304/rfc26"

// rawRelays are the times of an envelope by the number of messages it would have, ns.
var rawRelays = map[int]float64{}

// rawRelay is the time of an envelope with n texts from one node to the other, one after the
// other for n = 1, and many under way otherwise, without an engine. It is measured once a run.
func rawRelay(b *testing.B, n int) float64 {
	b.Helper()
	if t, ok := rawRelays[n]; ok {
		return t
	}
	got := make(chan chat.Envelope, cableQueue)
	from, to := newNode(b), (*waku.Node)(nil)
	online := make(chan struct{}, 16)
	start := func(node *waku.Node, received func(chat.Envelope)) {
		k, err := key.Generate(rand.Reader)
		if err != nil {
			b.Fatal(err)
		}
		hooks := chat.TransportHooks{NodeKey: k, Received: received, Changed: func(c chat.NetworkChange) {
			if c.State == chat.NetworkOnline {
				online <- struct{}{}
			}
		}}
		hooks.Log, hooks.Missed = nothing{}, func(time.Time) {}
		hooks.Panicked = func(string, any, []byte) {}
		if err := node.Start(context.Background(), hooks); err != nil {
			b.Fatal(err)
		}
		if err := node.Subscribe(rawTopic); err != nil {
			b.Fatal(err)
		}
	}
	start(from, func(chat.Envelope) {})
	defer from.Stop()
	to = newNode(b, from.Status().ListenAddresses[0])
	start(to, func(e chat.Envelope) { got <- e })
	defer to.Stop()
	<-online
	<-online
	payload := make([]byte, int(wholeEnvelope(n)))
	_, _ = rand.Read(payload)
	window := 1
	if n > 1 {
		window = 4
	}
	const rounds = 400
	publish := func(i int) {
		if _, err := from.Publish(context.Background(), port.Envelope{ContentTopic: rawTopic, Payload: payload, Timestamp: time.Now().UnixNano() + int64(i)}); err != nil {
			b.Fatal(err)
		}
	}
	publish(0)
	<-got
	var took []time.Duration
	begin := time.Now()
	for i := range window - 1 {
		publish(i)
	}
	for i := range rounds {
		at := time.Now()
		publish(i)
		<-got
		took = append(took, time.Since(at))
	}
	per := float64(time.Since(begin)) / rounds
	name := fmt.Sprintf("relay/messages=%d", n)
	record(row{Name: name, NsPerOp: per})
	percentiles(name, took)
	rawRelays[n] = per
	return per
}

type nothing struct{}

func (nothing) Log(string, string, ...any) {}

var rawCommits = map[bool]float64{}

// rawCommit is the time of one transaction of the store with four records of a message, ns.
func rawCommit(b *testing.B, sync bool) float64 {
	b.Helper()
	if t, ok := rawCommits[sync]; ok {
		return t
	}
	s := openStore(b, filepath.Join(benchDir(b), "commit.db"), sync)
	defer s.Close()
	const rounds = 400
	value := make([]byte, wholeBytes)
	var took []time.Duration
	for i := range rounds {
		at := time.Now()
		err := s.Update(func(tx chat.Tx) error {
			for k := range 4 {
				if err := tx.Put("meta", fmt.Appendf(nil, "raw %d %d", i, k), value); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(at))
	}
	name := "commit/" + syncName(sync)
	slices.Sort(took)
	rawCommits[sync] = float64(took[len(took)/2])
	record(row{Name: name, NsPerOp: rawCommits[sync]})
	percentiles(name, took)
	return rawCommits[sync]
}

// floor says what a figure cannot be below: its primitives on the cores there are, and the raw
// relay.
func floor(name string, s sum, relay float64) {
	needs(name, s)
	report.Lock()
	defer report.Unlock()
	report.floors[name] = func() float64 { return s.ns()/float64(runtime.GOMAXPROCS(0)) + relay }
}

// floorOf says it as a time, ns.
func floorOf(name string, ns float64) {
	report.Lock()
	defer report.Unlock()
	report.floors[name] = func() float64 { return ns }
}

// percentiles notes the distribution of a figure.
func percentiles(name string, all []time.Duration) {
	if len(all) < 100 {
		return
	}
	slices.Sort(all)
	at := func(percent int) float64 { return float64(all[(len(all)-1)*percent/100]) }
	report.Lock()
	defer report.Unlock()
	if old, ok := report.spread[name]; !ok || at(50) < old[0] {
		report.spread[name] = [3]float64{at(50), at(90), at(99)}
	}
}
