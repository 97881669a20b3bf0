package servicenode

import (
	"context"
	"fmt"
	"testing"
	"time"

	"libstatus1to1/chat/port"
)

const (
	shard = "/waku/2/rs/16/32"
	topic = "/waku/1/0x12345678/rfc26"
)

// patience bounds waits for things that will happen; it is no measurement.
const patience = 40 * time.Second

func start(t testing.TB, o Options) *Node {
	t.Helper()
	n, err := Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	return n
}

func until(t testing.TB, what string, condition func() bool) {
	t.Helper()
	for began := time.Now(); !condition(); time.Sleep(10 * time.Millisecond) {
		if time.Since(began) > patience {
			t.Fatal("waited in vain for ", what)
		}
	}
}

func envelope(content string, at int64, text string) port.Envelope {
	return port.Envelope{PubsubTopic: shard, ContentTopic: content, Payload: []byte(text), Timestamp: at}
}

// Nodes relay to each other and store what they relay, but not what is ephemeral or late.
func TestNodesRelay(t *testing.T) {
	one := start(t, Options{})
	two := start(t, Options{Peers: []string{one.Addresses()[1]}}) // over the WebSocket
	until(t, "peers", func() bool { return one.RelayPeers(shard) == 1 && two.RelayPeers(shard) == 1 })
	now := time.Now()
	passing := envelope(topic, now.UnixNano(), "passing")
	passing.Ephemeral = true
	late := envelope(topic, now.Add(-2*maxVariance).UnixNano(), "late")
	for _, e := range []port.Envelope{passing, late, envelope(topic, now.UnixNano(), "kept")} {
		if err := one.Publish(context.Background(), e); err != nil {
			t.Fatal(err)
		}
	}
	for _, n := range []*Node{one, two} {
		until(t, "a stored message", func() bool { return n.Archive().Count() == 1 })
		if s := n.Archive().List()[0]; string(s.Message.Payload) != "kept" || s.Hash != HashOf(s.Envelope()) {
			t.Errorf("%+v", s)
		}
	}
	if err := two.Publish(context.Background(), port.Envelope{PubsubTopic: "/waku/2/rs/16/1", Payload: []byte{1}}); err == nil {
		t.Error("published on a foreign shard")
	}
}

// An archive in a file is there again, without a last message that is cut.
func TestArchiveFile(t *testing.T) {
	path := t.TempDir() + "/archive"
	for cut := range 3 {
		a, err := OpenArchive(path)
		if err != nil {
			t.Fatal(err)
		}
		if a.Count() != cut*10 {
			t.Fatalf("%d messages after %d starts", a.Count(), cut)
		}
		for i := range 10 {
			a.Add(envelope(topic, int64(100-i), fmt.Sprint(cut, i)))
		}
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
		appendTo(t, path, []byte{200, 1, 10, 32, 5}) // the beginning of an entry
	}
}

// A hundred thousand messages in any order take the archive moments, in one call.
func TestArchiveOfManyMessages(t *testing.T) {
	const many = 100_000
	a, all := NewArchive(), make([]port.Envelope, many)
	for i := range all {
		all[i] = envelope(fmt.Sprint("/waku/1/", i%100, "/rfc26"), int64(1+i*7919%many), fmt.Sprint(i))
	}
	if a.Add(all...) != many || a.Add(all[:10]...) != 0 || a.Count() != many {
		t.Fatal(a.Count())
	}
	got := map[Hash]bool{}
	q := query{pubsub: shard, contents: []string{"/waku/1/3/rfc26", "/waku/1/4/rfc26"}, from: 1, to: many, limit: 100}
	for last := int64(0); ; {
		page, more, ok := a.find(q)
		if !ok {
			t.Fatal("the cursor is not there")
		}
		for _, s := range page {
			if s.Time < last || got[s.Hash] {
				t.Fatalf("%+v after %d", s, last)
			}
			last, got[s.Hash] = s.Time, true
		}
		if !more {
			break
		}
		q.after = &page[len(page)-1].Hash
	}
	if len(got) != many/50 {
		t.Errorf("%d messages", len(got))
	}
	if first := a.List()[0]; !a.Remove(first.Hash) || a.Has(first.Hash) || a.Remove(first.Hash) || a.Count() != many-1 {
		t.Error("not removed")
	}
}
