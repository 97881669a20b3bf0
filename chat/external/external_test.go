package external

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"libstatus1to1/chat/port"
)

// program is a carrier that notes what it was asked for.
type program struct {
	mu        sync.Mutex
	asked     []port.EnvelopeID
	withdrawn []port.EnvelopeID
	confirmed int
	topics    []int
	states    []port.NetworkState
}

func (p *program) note(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
}

func (p *program) Carry(id port.EnvelopeID, _ port.Envelope) {
	p.note(func() { p.asked = append(p.asked, id) })
}
func (p *program) Withdraw(id port.EnvelopeID) {
	p.note(func() { p.withdrawn = append(p.withdrawn, id) })
}
func (p *program) Confirmed()              { p.note(func() { p.confirmed++ }) }
func (p *program) TopicsChanged(count int) { p.note(func() { p.topics = append(p.topics, count) }) }

func (p *program) hooks() port.TransportHooks {
	return port.TransportHooks{Carrier: p, Changed: func(c port.NetworkChange) { p.note(func() { p.states = append(p.states, c.State) }) }}
}

func start(t *testing.T, c Config) (*Node, *program) {
	t.Helper()
	n, p := New(c), &program{}
	if err := n.Start(t.Context(), p.hooks()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.Stop() })
	return n, p
}

func envelope(payload string) port.Envelope {
	return port.Envelope{ContentTopic: "/a/1/b/proto", Payload: []byte(payload), Timestamp: time.Now().UnixNano()}
}

// publish fails the test unless Publish returns want.
func publish(t *testing.T, n *Node, e port.Envelope, want error) {
	t.Helper()
	if _, err := n.Publish(context.Background(), e); !errors.Is(err, want) {
		t.Fatalf("publishing gave %v, want %v", err, want)
	}
}

// An envelope is out once the program says so, and it is asked only once meanwhile.
func TestExternalConfirms(t *testing.T) {
	n, p := start(t, Config{})
	e := envelope("one")
	publish(t, n, e, port.ErrUnderWay)
	e.Timestamp++ // published again, it has another
	publish(t, n, e, port.ErrUnderWay)
	publish(t, n, envelope("two"), port.ErrUnderWay)
	if len(p.asked) != 2 || p.asked[0] == p.asked[1] {
		t.Fatalf("the program was asked for %x", p.asked)
	}
	n.Confirm(p.asked[0], port.PublishDone)
	n.Confirm(p.asked[0], port.PublishTooLarge) // nobody waits for it any more
	evidence, err := n.Publish(t.Context(), e)
	if err != nil || evidence != (port.Evidence{Kind: "external"}) || p.confirmed == 0 {
		t.Fatalf("%+v %v, %d", evidence, err, p.confirmed)
	}
	n.Confirm(p.asked[1], port.PublishTooLarge)
	publish(t, n, envelope("two"), port.ErrTooLarge)
	publish(t, n, envelope("two"), port.ErrUnderWay) // a new one: the result was told
	n.Confirm(p.asked[1], port.PublishUnavailable)
	if _, err := n.Publish(t.Context(), envelope("two")); port.CodeOf(err) != port.CodeNetworkDown {
		t.Fatal(err)
	}
	if len(n.underWay) != 0 || n.bytes != 0 || n.confirmed.Len() != 0 {
		t.Errorf("%d envelopes, %d bytes and %d results are left", len(n.underWay), n.bytes, n.confirmed.Len())
	}
}

func TestExternalRefuses(t *testing.T) {
	n := New(Config{MaxMessageSize: 1000})
	publish(t, n, envelope("early"), port.ErrNoPeers)
	if err := n.Start(t.Context(), port.TransportHooks{}); err == nil {
		t.Error("it started without a carrier")
	}
	n, _ = start(t, Config{MaxMessageSize: 1000})
	if err := n.Start(t.Context(), (&program{}).hooks()); err == nil {
		t.Error("it started twice")
	}
	publish(t, n, envelope(string(make([]byte, n.MaxPayload()))), port.ErrUnderWay)
	publish(t, n, envelope(string(make([]byte, n.MaxPayload()+1))), port.ErrTooLarge)
	foreign := envelope("x")
	foreign.PubsubTopic = "/waku/2/rs/1/0"
	if _, err := n.Publish(t.Context(), foreign); port.CodeOf(err) != port.CodeBadParams {
		t.Error(err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := n.Publish(gone, envelope("x")); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if port.CodeOf(n.Connect("x")) != port.CodeWrongState || port.CodeOf(n.Disconnect("x")) != port.CodeWrongState {
		t.Error("it connects")
	}
}

// What the program was asked for is bounded, by number and by bytes.
func TestExternalIsBounded(t *testing.T) {
	n, p := start(t, Config{MaxMessageSize: 1 << 20})
	for i := range maxUnderWay {
		publish(t, n, envelope(string(rune('a'+i))), port.ErrUnderWay)
	}
	publish(t, n, envelope("too many"), port.ErrBusy)
	n.Confirm(p.asked[0], port.PublishDone)
	publish(t, n, envelope("next"), port.ErrUnderWay)

	n, p = start(t, Config{MaxMessageSize: 1 << 20})
	big := make([]byte, n.MaxPayload())
	for i := range maxUnderWayBytes / len(big) {
		big[0] = byte(i)
		publish(t, n, envelope(string(big)), port.ErrUnderWay)
	}
	big[0]++
	publish(t, n, envelope(string(big)), port.ErrBusy)
	for _, id := range p.asked { // published once, so that nobody asks for the results
		n.Confirm(id, port.PublishDone)
	}
	for i := range 2 * maxConfirmed {
		publish(t, n, envelope(string(rune(0x4e00+i))), port.ErrUnderWay)
		n.Confirm(p.asked[len(p.asked)-1], port.PublishDone)
	}
	if n.confirmed.Len() > maxConfirmed || n.bytes != 0 {
		t.Errorf("%d results, %d bytes", n.confirmed.Len(), n.bytes)
	}
}

// A program that does not confirm, or says that it is offline, is asked again later.
func TestExternalAsksAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, p := start(t, Config{})
		e := envelope("one")
		publish(t, n, e, port.ErrUnderWay)
		time.Sleep(slowAfter)
		synctest.Wait()
		if check := n.Examine(t.Context())[0]; check.Result != port.CheckWarning || check.Remedy == "" {
			t.Errorf("%+v", check)
		}
		time.Sleep(confirmWithin)
		synctest.Wait()
		if len(p.withdrawn) != 1 || p.withdrawn[0] != p.asked[0] || p.confirmed != 1 {
			t.Fatalf("%+v", p)
		}
		publish(t, n, e, port.ErrUnderWay)
		if len(p.asked) != 2 || p.asked[1] != p.asked[0] {
			t.Fatalf("asked for %x", p.asked)
		}

		n.SetOnline(false)
		synctest.Wait()
		publish(t, n, e, port.ErrNoPeers)
		if check := n.Examine(t.Context())[0]; check.Result != port.CheckFailed {
			t.Errorf("%+v", check)
		}
		n.SetOnline(false) // no news
		n.SetOnline(true)
		synctest.Wait()
		publish(t, n, e, port.ErrUnderWay)
		want := []port.NetworkState{port.NetworkOnline, port.NetworkOffline, port.NetworkOnline}
		if !slices.Equal(p.states, want) || len(p.withdrawn) != 2 || len(p.asked) != 3 {
			t.Errorf("%+v", p)
		}
		if check := n.Examine(t.Context())[0]; check.Result != port.CheckPassed {
			t.Errorf("%+v", check)
		}
		if err := n.Stop(); err != nil || n.Stop() != nil || len(n.underWay) != 0 {
			t.Error(err)
		}
		if s := n.Status(); s.State != port.NetworkStopped || s.Peers[0].Connected {
			t.Errorf("%+v", s)
		}
		if err := n.Start(t.Context(), p.hooks()); err != nil {
			t.Fatal(err)
		}
		publish(t, n, e, port.ErrUnderWay)
	})
}

func TestExternalTopics(t *testing.T) {
	n, p := start(t, Config{})
	_ = n.Subscribe("b", "a")
	_ = n.Subscribe("a") // known
	_ = n.Unsubscribe("b", "c")
	_ = n.Unsubscribe("c")
	if !slices.Equal(p.topics, []int{2, 1}) || !n.Wants("a") || n.Wants("b") || !slices.Equal(n.ContentTopics(), []string{"a"}) {
		t.Errorf("%v, %v", p.topics, n.ContentTopics())
	}
}
