package bench

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"libstatus1to1/chat"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/waku"
	"libstatus1to1/internal/faultproxy"
	"libstatus1to1/internal/servicenode"
)

// What was stored while somebody was away. A writer's chain is held back at 800 messages
// that nobody acknowledges.
const (
	missedWriters = 20
	missedEach    = 500
	missed        = missedWriters * missedEach
)

// absence is what somebody missed: their store as it was before, and a service node that
// has all envelopes.
type absence struct {
	node    *servicenode.Node
	address string // of the node, or of what leads there
	store   string
	until   int64 // newest timestamp, ns
}

var away struct {
	sync.Once
	absence
}

// missedMessages makes an absence, once in a run: each of many people has written, every
// message in an envelope of its own.
func missedMessages(b *testing.B) absence {
	b.Helper()
	away.Do(func() {
		node, err := servicenode.Start(servicenode.Options{Listen: []string{"/ip4/127.0.0.1/tcp/0"}})
		if err != nil {
			b.Fatal(err)
		}
		path := filepath.Join(benchDirForAll(b), "away.db")
		bob := openPerson(b, openStore(b, path, false), newCable())
		bob.become("bob")
		code := bob.contactCode()
		var envelopes []chat.Envelope
		for range missedWriters {
			writer := newPerson(b, "writer", false, true)
			if _, err := bob.AddContact(writer.key, ""); err != nil {
				b.Fatal(err)
			}
			envelopes = append(envelopes, writer.writeTo(bob.key, code)...)
		}
		if err := bob.Close(); err != nil {
			b.Fatal(err)
		}
		for i := range envelopes {
			envelopes[i].PubsubTopic = bob.net.PubsubTopic()
			away.until = max(away.until, envelopes[i].Timestamp)
		}
		node.Archive().Add(envelopes...)
		away.node, away.store = node, path
	})
	if away.node == nil {
		b.Skip("what was missed could not be made")
	}
	return away.absence
}

// benchDirForAll is a directory that stays until the process ends.
func benchDirForAll(b *testing.B) string {
	b.Helper()
	dir, err := os.MkdirTemp("", "status1to1-bench-")
	if err != nil {
		b.Fatal(err)
	}
	atEnd = append(atEnd, func() { _ = os.RemoveAll(dir) })
	return dir
}

// atEnd is called when all benchmarks are done.
var atEnd []func()

// contactCode waits until the person has published their bundle.
func (p *person) contactCode() []chat.Envelope {
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if kept := p.net.take(); len(kept) > 0 {
			return kept
		}
	}
	p.b.Fatal("no contact code")
	return nil
}

// writeTo writes, one message an envelope, to somebody who is away, and returns the
// envelopes.
func (p *person) writeTo(to key.Public, code []chat.Envelope) []chat.Envelope {
	if _, err := p.AddContact(to, ""); err != nil {
		p.b.Fatal(err)
	}
	for _, e := range code {
		p.net.queue <- e
	}
	p.until("the bundle", func(d chat.Diagnostics) bool { return d.Received >= uint64(len(code)) })
	time.Sleep(50 * time.Millisecond)
	before := sentBy(p)
	for i := range missedEach {
		p.say(to, i)
		p.until("publishing", func(d chat.Diagnostics) bool { return d.Sent > before+uint64(i) })
	}
	kept := p.net.take()
	if err := p.Close(); err != nil {
		p.b.Fatal(err)
	}
	return kept
}

// light is a light node that knows only the service node of an absence.
func (a absence) light(b *testing.B) *waku.Node {
	b.Helper()
	n, err := waku.New(waku.Config{Mode: waku.ModeLight, Peers: []string{a.address}})
	if err != nil {
		b.Fatal(err)
	}
	return n
}

// query asks the store for everything with its envelopes, page by page, as an engine
// would have to at least.
func (a absence) query(b *testing.B, w *stopwatch) {
	b.Helper()
	w.start()
	defer w.stop()
	n := a.light(b)
	k, err := key.Generate(rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	if err := n.Start(context.Background(), port.TransportHooks{
		NodeKey: k, Received: func(port.Envelope) {}, Changed: func(port.NetworkChange) {}, Log: noLog{},
		Panicked: func(where string, value any, _ []byte) { b.Error(where, value) },
	}); err != nil {
		b.Fatal(err)
	}
	defer func() { _ = n.Stop() }()
	for end := time.Now().Add(patience); len(n.StoreNodes()) == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			b.Fatal("no store node")
		}
	}
	got := 0
	for topics := range slices.Chunk(a.topics(), port.MaxQueryTopics) {
		q := port.StoreQuery{PubsubTopic: a.node.PubsubTopics()[0], ContentTopics: topics, To: a.until + 1, WithEnvelopes: true, Limit: port.MaxQueryLimit}
		for more := true; more; {
			page, err := n.QueryStore(context.Background(), n.StoreNodes()[0], q)
			if err != nil {
				b.Fatal(err)
			}
			got += len(page.Entries)
			q.After, more = page.Next, page.Next != nil
		}
	}
	if got < missed {
		b.Fatalf("%d of %d messages", got, missed)
	}
}

// topics are the content topics of what is stored.
func (a absence) topics() []string {
	seen := map[string]bool{}
	var all []string
	for _, s := range a.node.Archive().List() {
		if topic := s.Message.GetContentTopic(); !seen[topic] {
			seen[topic] = true
			all = append(all, topic)
		}
	}
	return all
}

type noLog struct{}

func (noLog) Log(string, string, ...any) {}

// comeBack opens a client on a copy of the store, and waits until it has everything.
func (a absence) comeBack(b *testing.B, w *stopwatch) {
	b.Helper()
	path := filepath.Join(benchDir(b), "back.db")
	copyFile(b, a.store, path)
	st := openStore(b, path, true)
	w.start()
	c, err := chat.Open(context.Background(), chat.Options{Store: st, Transport: a.light(b), Settings: settings})
	if err != nil {
		b.Fatal(err)
	}
	(&person{Client: c, b: b}).hear(missed)
	w.stop()
	if err := c.Close(); err != nil {
		b.Fatal(err)
	}
}

func copyFile(b *testing.B, from, to string) {
	b.Helper()
	in, err := os.Open(from)
	if err != nil {
		b.Fatal(err)
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := io.Copy(out, in); err != nil {
		b.Fatal(err)
	}
	if err := out.Close(); err != nil {
		b.Fatal(err)
	}
}

// handedOver gives the same envelopes to a client on a copy of the store, without queries.
func (a absence) handedOver(b *testing.B, w *stopwatch) {
	b.Helper()
	path := filepath.Join(benchDir(b), "handed.db")
	copyFile(b, a.store, path)
	bob := openPerson(b, openStore(b, path, true), newCable())
	all := a.node.Archive().List()
	w.start()
	for _, s := range all {
		bob.net.queue <- s.Envelope()
	}
	bob.hear(missed)
	w.stop()
	if err := bob.Close(); err != nil {
		b.Fatal(err)
	}
}

// farAway is a link to the service node as a phone has it: 20 ms there and back, and at
// most 1.6 MB/s.
var farAway = faultproxy.Both(faultproxy.Link{Latency: 10 * time.Millisecond})

// behind returns the absence with its service node behind a link.
func (a absence) behind(b *testing.B, way faultproxy.Faults) absence {
	b.Helper()
	port := strings.Split(a.node.Address(), "/")[4]
	proxy, err := faultproxy.Listen("127.0.0.1:" + port)
	if err != nil {
		b.Fatal(err)
	}
	proxy.Set(way)
	b.Cleanup(func() { _ = proxy.Close() })
	a.address = strings.Replace(a.node.Address(), "/"+port+"/", fmt.Sprintf("/%d/", proxy.Port()), 1)
	return a
}

// BenchmarkCatchUp is how long 10,000 messages that were stored while somebody was away
// take, each, from open until the host has all events. Beside it are the queries alone, from
// the start of a node until the last page, and the receiving alone, of envelopes that are
// handed over. Both over real nodes, in light mode.
func BenchmarkCatchUp(b *testing.B) {
	a := missedMessages(b)
	run := func(name string, once func(b *testing.B, w *stopwatch)) {
		b.Run(name, func(b *testing.B) {
			w := newStopwatch(b)
			for range b.N {
				once(b, w)
			}
			w.done("catch-up/"+name, b.N*missed)
		})
	}
	run("receive", a.handedOver)
	for _, link := range []struct {
		name string
		way  faultproxy.Faults
	}{{"loopback", faultproxy.Faults{}}, {"20ms", farAway}} {
		a := a.behind(b, link.way)
		run("query/"+link.name, a.query)
		comparesWith("catch-up/messages/"+link.name, "catch-up/query/"+link.name)
		run("messages/"+link.name, a.comeBack)
	}
}
