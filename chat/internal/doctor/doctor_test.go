package doctor

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"libstatus1to1/chat/port"
)

// network is a transport with store nodes, all of which do as they are told.
type network struct {
	port.Transport
	status  port.NetworkStatus
	checks  func(context.Context) []port.Check
	publish error
	// answer is what a store node answers, by its id.
	answer map[string]func(context.Context, port.StoreQuery) (port.StorePage, error)

	mu        sync.Mutex
	published []port.Envelope
}

func (n *network) Status() port.NetworkStatus { return n.status }
func (n *network) PubsubTopic() string        { return "/waku/2/rs/16/32" }
func (n *network) Publish(_ context.Context, e port.Envelope) (port.Evidence, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.published = append(n.published, e)
	return port.Evidence{Hash: e.Hash()}, n.publish
}
func (n *network) StoreNodes() (ids []string) {
	for id := range n.answer {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}
func (n *network) PubsubTopics() []string { return []string{n.PubsubTopic()} }
func (n *network) QueryStore(ctx context.Context, node string, q port.StoreQuery) (port.StorePage, error) {
	return n.answer[node](ctx, q)
}
func (n *network) Examine(ctx context.Context) []port.Check {
	if n.checks == nil {
		return nil
	}
	return n.checks(ctx)
}

// Store nodes: one that keeps everything, one that forgets, one that never answers, and
// one that refuses.
func (n *network) keeps(_ context.Context, q port.StoreQuery) (page port.StorePage, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, e := range n.published {
		if slices.Contains(q.Hashes, e.Hash()) {
			page.Entries = append(page.Entries, port.StoreEntry{Hash: e.Hash(), Envelope: &e})
		}
	}
	return page, nil
}
func forgets(context.Context, port.StoreQuery) (port.StorePage, error) { return port.StorePage{}, nil }
func hangs(ctx context.Context, _ port.StoreQuery) (port.StorePage, error) {
	<-ctx.Done()
	return port.StorePage{}, ctx.Err()
}
func refuses(context.Context, port.StoreQuery) (port.StorePage, error) {
	return port.StorePage{}, errors.New("429 too many\x1b[2J\n requests " + strings.Repeat("x", 2*maxCause))
}

func online(peers int) *network {
	n := &network{status: port.NetworkStatus{Kind: "waku", State: port.NetworkOnline}}
	for i := range peers {
		n.status.Peers = append(n.status.Peers, port.NetworkPeer{PeerID: fmt.Sprint("peer", i), Connected: true, OnShard: true})
	}
	return n
}

func examiner(t *testing.T, n *network) *Doctor {
	return New(Options{Net: n, Now: time.Now, Rand: rand.Reader,
		Wait: func(d time.Duration) (<-chan time.Time, func()) {
			timer := time.NewTimer(d)
			return timer.C, func() { timer.Stop() }
		},
		Panicked: func(_ string, value any, _ []byte) { t.Errorf("panic: %v", value) },
	})
}

// of examines with a deadline of a minute, and returns one of the checks.
func of(t *testing.T, d *Doctor, name string) port.Check {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	checks := d.Examine(ctx)
	i := slices.IndexFunc(checks, func(c port.Check) bool { return c.Name == name })
	if i < 0 {
		t.Fatalf("there is no check %s in %+v", name, checks)
	}
	for _, c := range checks {
		if len(c.Cause) > maxCause || strings.ContainsAny(c.Cause, "\x1b\n") {
			t.Errorf("what a peer says is not bounded: %q", c.Cause)
		}
		if c.Cause == "" || (c.Result == port.CheckFailed || c.Result == port.CheckWarning) != (c.Remedy != "") && c.Result != port.CheckSkipped {
			t.Errorf("without a cause, or a remedy for what is no fault: %+v", c)
		}
	}
	return checks[i]
}

// wants fails the test unless a check has this result, and all words in its cause or remedy.
func wants(t *testing.T, c port.Check, result port.CheckResult, words ...string) {
	t.Helper()
	text := c.Cause + " " + c.Remedy
	for _, word := range words {
		if !strings.Contains(text, word) {
			t.Errorf("%q is not said in %+v", word, c)
		}
	}
	if c.Result != result {
		t.Errorf("%+v, want %s", c, result)
	}
}

func TestDoctorPeers(t *testing.T) {
	wants(t, of(t, examiner(t, online(3)), "relay_peers"), port.CheckPassed)
	wants(t, of(t, examiner(t, online(1)), "relay_peers"), port.CheckWarning, "only one peer")
	n := online(0)
	n.status.State = port.NetworkOffline
	wants(t, of(t, examiner(t, n), "relay_peers"), port.CheckFailed, "no peers", "network.preset")
	wants(t, of(t, examiner(t, n), "subscription"), port.CheckSkipped)
	wants(t, of(t, examiner(t, n), "round_trip"), port.CheckSkipped, "nobody")
	n.status.Peers = []port.NetworkPeer{{PeerID: "x", Static: true, Error: "the peer is on cluster 1"}}
	wants(t, of(t, examiner(t, n), "relay_peers"), port.CheckFailed, "cluster 1", "network.cluster")
	n.status.Peers = []port.NetworkPeer{{PeerID: "x", Connected: true}}
	wants(t, of(t, examiner(t, n), "relay_peers"), port.CheckFailed, "none is on our shards")
	n.status = port.NetworkStatus{Kind: "external", State: port.NetworkOnline}
	wants(t, of(t, examiner(t, n), "peers"), port.CheckSkipped)
}

func TestDoctorServicePeers(t *testing.T) {
	n := online(0)
	n.status.Mode = port.ModeLight
	n.status.Protocols = []port.NetworkProtocol{{Protocol: "filter", Peers: 2}, {Protocol: "lightpush", Peers: 1}}
	d := examiner(t, n)
	wants(t, of(t, d, "filter_peers"), port.CheckPassed)
	wants(t, of(t, d, "lightpush_peers"), port.CheckWarning, "only one")
	n.status.Protocols = nil
	n.status.Peers = []port.NetworkPeer{{PeerID: "x", Static: true, Error: "connection refused"}}
	wants(t, of(t, d, "filter_peers"), port.CheckFailed, "filter", "refused")
	wants(t, of(t, d, "lightpush_peers"), port.CheckFailed, "lightpush")
}

func TestDoctorSubscription(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := examiner(t, online(3))
		wants(t, of(t, d, "subscription"), port.CheckPassed, "yet")
		time.Sleep(quietAfter)
		wants(t, of(t, d, "subscription"), port.CheckWarning, "since the client was opened")
		d.Heard(port.Envelope{PubsubTopic: "/waku/2/rs/16/32"})
		time.Sleep(time.Minute)
		wants(t, of(t, d, "subscription"), port.CheckPassed, "1m")
		time.Sleep(quietAfter)
		wants(t, of(t, d, "subscription"), port.CheckWarning, "11m")
		for i := range 2 * maxHeard {
			d.Heard(port.Envelope{PubsubTopic: fmt.Sprint(i)})
		}
		if len(d.heard.all) > maxHeard {
			t.Errorf("%d topics are kept", len(d.heard.all))
		}
	})
}

// A subscription at a service node that is not known to push any more is named.
func TestDoctorSilentSubscription(t *testing.T) {
	n := online(2)
	n.status.Mode = port.ModeLight
	d := examiner(t, n)
	wants(t, of(t, d, "subscription"), port.CheckFailed, "no service node", "filter_peers")
	now := time.Now()
	n.status.Subscriptions = []port.NetworkSubscription{{PeerID: "one", Working: true, WorkedAt: now.UnixMilli()}, {PeerID: "two"}}
	wants(t, of(t, d, "subscription"), port.CheckPassed, "1 service nodes")
	n.status.Subscriptions[1] = port.NetworkSubscription{PeerID: "two", Working: true, WorkedAt: now.Add(-time.Hour).UnixMilli()}
	wants(t, of(t, d, "subscription"), port.CheckWarning, "two", "1h0m")
}

func TestDoctorClock(t *testing.T) {
	for _, c := range []struct {
		ahead  time.Duration
		result port.CheckResult
		words  []string
	}{
		{0, port.CheckPassed, nil},
		{-10 * time.Second, port.CheckPassed, nil},
		{30 * time.Second, port.CheckWarning, []string{"30s ahead of", "store nodes"}},
		{10 * time.Minute, port.CheckFailed, []string{"10m0s ahead of", "set the clock"}},
		{-10 * time.Minute, port.CheckFailed, []string{"10m0s behind"}},
	} {
		synctest.Test(t, func(t *testing.T) {
			d := examiner(t, online(3))
			hear := func(topic string, ahead time.Duration) {
				d.Heard(port.Envelope{ContentTopic: topic, Timestamp: time.Now().Add(-ahead).UnixNano()})
			}
			hear("1", c.ahead)
			for range 100 { // of one topic, however often: it says nothing
				hear("liar", -24*time.Hour)
			}
			wants(t, of(t, d, "clock"), port.CheckSkipped, "too few")
			hear("2", c.ahead)
			hear("3", c.ahead)
			d.Heard(port.Envelope{ContentTopic: "0"}) // without a timestamp
			wants(t, of(t, d, "clock"), c.result, c.words...)
			time.Sleep(sampleAge + time.Second)
			wants(t, of(t, d, "clock"), port.CheckSkipped, "too few")
		})
	}
}

func TestDoctorClockJump(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := examiner(t, online(3))
		d.Jumped(-3 * time.Hour)
		wants(t, of(t, d, "clock"), port.CheckWarning, "-3h0m0s")
		time.Sleep(jumpAge)
		wants(t, of(t, d, "clock"), port.CheckSkipped)
	})
}

func TestDoctorRoundTrip(t *testing.T) {
	type nodes = map[string]func(context.Context, port.StoreQuery) (port.StorePage, error)
	n := online(3)
	for _, c := range []struct {
		what   string
		nodes  nodes
		result port.CheckResult
		words  []string
	}{
		{"none", nil, port.CheckSkipped, []string{"no store node"}},
		{"two that keep", nodes{"a": n.keeps, "b": n.keeps}, port.CheckPassed, []string{"all of 2"}},
		{"one that forgets", nodes{"a": n.keeps, "b": forgets}, port.CheckWarning, []string{"1 of 2", "b: does not have it"}},
		{"all forget", nodes{"a": forgets, "b": refuses}, port.CheckFailed, []string{"none of 2", "a: does not have it", "clock"}},
		{"none can be asked", nodes{"a": refuses, "b": hangs}, port.CheckFailed, []string{"could be asked", "429"}},
	} {
		synctest.Test(t, func(t *testing.T) {
			n.answer = c.nodes
			check := of(t, examiner(t, n), "round_trip")
			wants(t, check, c.result, c.words...)
			t.Logf("%s: %+v", c.what, check)
		})
	}
	n.answer, n.publish = nodes{"a": n.keeps}, port.ErrNoPeers
	wants(t, of(t, examiner(t, n), "round_trip"), port.CheckFailed, "no peers")
}

// A probe goes out once a minute at most, is random, and is on a topic of its own.
func TestDoctorProbesSeldom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := online(3)
		n.answer = map[string]func(context.Context, port.StoreQuery) (port.StorePage, error){"a": n.keeps}
		d := examiner(t, n)
		var all sync.WaitGroup
		for range 5 {
			all.Go(func() { wants(t, of(t, d, "round_trip"), port.CheckPassed) })
		}
		all.Wait()
		if len(n.published) != 1 {
			t.Fatalf("%d probes", len(n.published))
		}
		time.Sleep(5 * time.Second)
		wants(t, of(t, d, "round_trip"), port.CheckPassed, "tried 5s ago")
		time.Sleep(probeEvery)
		wants(t, of(t, d, "round_trip"), port.CheckPassed)
		if len(n.published) != 2 || bytes.Equal(n.published[0].Payload, n.published[1].Payload) || n.published[0].ContentTopic != probeTopic {
			t.Errorf("%+v", n.published)
		}
	})
}

// An examination ends at its deadline, whatever hangs, and says what it has found.
func TestDoctorKeepsTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := online(3)
		n.answer = map[string]func(context.Context, port.StoreQuery) (port.StorePage, error){"a": hangs}
		stuck := make(chan struct{})
		n.checks = func(context.Context) []port.Check { <-stuck; return nil }
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		began := time.Now()
		checks := examiner(t, n).Examine(ctx)
		if took := time.Since(began); took > 4*time.Second {
			t.Errorf("it took %s", took)
		}
		found := map[string]port.CheckResult{}
		for _, c := range checks {
			found[c.Name] = c.Result
		}
		if found["network"] != port.CheckSkipped || found["relay_peers"] != port.CheckPassed || found["round_trip"] == "" {
			t.Errorf("%v", found)
		}
		close(stuck)
	})
}

// A probe that the deadline of the caller has ended says nothing about the network.
func TestDoctorDeadlineIsNoFailure(t *testing.T) {
	n := online(3)
	n.answer = map[string]func(context.Context, port.StoreQuery) (port.StorePage, error){"a": n.keeps}
	n.publish = context.DeadlineExceeded
	wants(t, of(t, examiner(t, n), "round_trip"), port.CheckFailed, "could not be published")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	wants(t, examiner(t, n).roundTrip(ctx, n.status), port.CheckSkipped, "deadline")
}

// A check that panics is skipped, reported, and harms no other.
func TestDoctorPanics(t *testing.T) {
	n := online(3)
	n.checks = func(context.Context) []port.Check { panic("oh") }
	d := examiner(t, n)
	panics := 0
	d.Panicked = func(string, any, []byte) { panics++ }
	wants(t, of(t, d, "network"), port.CheckSkipped, "has failed itself")
	if panics != 1 {
		t.Errorf("%d panics were reported", panics)
	}
}

func TestDoctorNamesTheWorst(t *testing.T) {
	checks := []port.Check{{Name: "a", Result: port.CheckPassed}, {Name: "b", Result: port.CheckWarning}, {Name: "c", Result: port.CheckSkipped}}
	if worst, found := Worst(checks); !found || worst.Name != "b" {
		t.Error(worst)
	}
	if worst, found := Worst(append(checks, port.Check{Name: "d", Result: port.CheckFailed})); !found || worst.Name != "d" {
		t.Error(worst)
	}
	if _, found := Worst(checks[:1]); found {
		t.Error("a check that has passed is the worst")
	}
}
