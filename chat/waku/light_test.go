package waku

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"libstatus1to1/chat/enum"
	"libstatus1to1/chat/port"
	"libstatus1to1/internal/servicenode"
)

const shard32 = "/waku/2/rs/16/32"

// fast is timing for tests: what takes minutes takes tenths of seconds. What is late must
// still be longer than a busy machine takes to pass a message on.
var fast = timing{pingEvery: 200 * time.Millisecond, answer: 5 * time.Second, settle: time.Millisecond, late: time.Second,
	doubt: time.Hour, penalty: 50 * time.Millisecond, longestPenalty: 200 * time.Millisecond, hedge: 2 * time.Second,
	apart: 50 * time.Millisecond, gapEvery: time.Millisecond}

// service starts a service node.
func service(t testing.TB, o servicenode.Options) *servicenode.Node {
	t.Helper()
	if o.Listen == nil {
		o.Listen = []string{"/ip4/127.0.0.1/tcp/0"}
	}
	n, err := servicenode.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.Close() })
	return n
}

// services starts two service nodes that relay to each other.
func services(t testing.TB, o servicenode.Options) (a, b *servicenode.Node) {
	t.Helper()
	a = service(t, o)
	o.Peers = []string{a.Address()}
	b = service(t, o)
	eventually(t, "a mesh of two", func() bool { return a.RelayPeers(shard32) == 1 && b.RelayPeers(shard32) == 1 })
	return a, b
}

// eventually waits for a condition.
func eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	for began := time.Now(); !condition(); time.Sleep(5 * time.Millisecond) {
		if time.Since(began) > patience {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// light prepares a light node that knows service nodes; change may change its timing.
func light(t testing.TB, change func(*timing), nodes ...*servicenode.Node) *station {
	t.Helper()
	c := Config{Mode: ModeLight}
	for _, n := range nodes {
		c.Peers = append(c.Peers, n.Address())
	}
	s := prepare(t, c)
	s.settings.timing = fast
	if change != nil {
		change(&s.settings.timing)
	}
	s.start(t)
	return s
}

// subscribed waits until a light node has working subscriptions at these nodes.
func (s *station) untilSubscribed(t testing.TB, nodes ...*servicenode.Node) {
	t.Helper()
	s.until(t, "subscriptions", func() bool {
		for _, n := range nodes {
			if !slices.ContainsFunc(s.Status().Subscriptions, func(x port.NetworkSubscription) bool {
				return x.PeerID == n.ID() && x.Working
			}) {
				return false
			}
		}
		return true
	})
}

// on returns an envelope on shard 32.
func on(contentTopic, text string) port.Envelope {
	return port.Envelope{PubsubTopic: shard32, ContentTopic: contentTopic, Payload: []byte(text), Timestamp: time.Now().UnixNano()}
}

func sentBy(t testing.TB, n *servicenode.Node, e port.Envelope) {
	t.Helper()
	if err := n.Publish(context.Background(), e); err != nil {
		t.Fatal(err)
	}
}

// Two light nodes talk through two service nodes, each message arrives once, and they
// relay nothing.
func TestLightTwoNodesExchange(t *testing.T) {
	for _, protocols := range [][]servicenode.Protocol{nil, without(servicenode.Lightpush)} {
		one, two := services(t, servicenode.Options{Protocols: protocols, MinRelayPeers: 1})
		a, b := light(t, nil, one, two), light(t, nil, one, two)
		for _, s := range []*station{a, b} {
			s.untilSubscribed(t, one, two)
			s.untilOnline(t)
		}
		for i := range 10 {
			from, to := a, b
			if i%2 == 1 {
				from, to = b, a
			}
			e := envelope(fmt.Appendf(nil, "message %d", i))
			evidence := from.publish(t, e)
			if e.PubsubTopic = shard32; evidence.Kind != "lightpush" || evidence.Peers != 1 || evidence.Hash != servicenode.HashOf(e) {
				t.Errorf("evidence %+v", evidence)
			}
			if got := to.untilReceived(t, e.Payload); got.PubsubTopic != shard32 || got.Timestamp != e.Timestamp || got.ContentTopic != topic {
				t.Errorf("received %+v", got)
			}
		}
		for _, s := range []*station{a, b} {
			if got := len(s.allReceived()); got != 5 {
				t.Errorf("%d envelopes received, want 5", got)
			}
			if status := s.Status(); len(status.ListenAddresses) != 0 {
				t.Errorf("it listens: %+v", status)
			}
			if one.RelayPeers(shard32) != 1 || two.RelayPeers(shard32) != 1 {
				t.Error("a light node relays")
			}
			s.stop(t)
		}
	}
}

// without returns all protocols but some.
func without(some ...servicenode.Protocol) []servicenode.Protocol {
	return slices.DeleteFunc(servicenode.AllProtocols(), func(p servicenode.Protocol) bool { return slices.Contains(some, p) })
}

// Content topics come and go while it runs; many go in batches.
func TestLightTopicsFollow(t *testing.T) {
	one, two := services(t, servicenode.Options{})
	s := light(t, nil, one, two)
	s.untilSubscribed(t, one, two)
	id := s.Status().PeerID
	many := make([]string, 250)
	for i := range many {
		many[i] = fmt.Sprintf("/waku/1/0x%08x/rfc26", i)
	}
	asked := one.Asked(servicenode.Filter)
	if err := s.Subscribe(many...); err != nil {
		t.Fatal(err)
	}
	eventually(t, "all topics", func() bool { return one.Subscriptions(id) == 252 && two.Subscriptions(id) == 252 }) // with its own, and that of probes
	if requests := one.Asked(servicenode.Filter) - asked; requests > 60 {
		t.Errorf("%d requests for 250 topics", requests)
	}
	sentBy(t, one, on(many[7], "hello"))
	s.untilReceived(t, []byte("hello"))
	if err := s.Unsubscribe(many...); err != nil {
		t.Fatal(err)
	}
	eventually(t, "only its own", func() bool { return one.Subscriptions(id) == 2 && two.Subscriptions(id) == 2 })
	sentBy(t, one, on(many[7], "unheard"))
	sentBy(t, one, on(topic, "heard"))
	s.untilReceived(t, []byte("heard"))
	if got := s.allReceived(); len(got) != 2 {
		t.Errorf("received %+v", got)
	}
}

// A light node whose only service node is started again subscribes again, and says from
// when on it may have missed something.
func TestLightOnlyPeerRestarts(t *testing.T) {
	o := servicenode.Options{Key: newKey(t), Listen: []string{free(t)}}
	one := service(t, o)
	s := light(t, nil, one)
	s.untilSubscribed(t, one)
	s.untilMissed(t, 1)
	sentBy(t, one, on(topic, "before"))
	s.untilReceived(t, []byte("before"))
	worked := time.Now()
	if err := one.Close(); err != nil {
		t.Fatal(err)
	}
	s.until(t, "being offline", func() bool { return s.Status().State == port.NetworkOffline })
	again := service(t, o)
	s.untilSubscribed(t, again)
	s.untilOnline(t)
	sentBy(t, again, on(topic, "after"))
	s.untilReceived(t, []byte("after"))
	gaps := s.untilMissed(t, 2)
	if !gaps[0].IsZero() || gaps[1].IsZero() || gaps[1].After(worked) {
		t.Errorf("missed since %v, it worked until %v", gaps, worked)
	}
}

// One that forgets the subscription and keeps the connection is found by the pings.
func TestLightForgottenSubscription(t *testing.T) {
	one := service(t, servicenode.Options{})
	s := light(t, nil, one)
	s.untilSubscribed(t, one)
	s.untilMissed(t, 1)
	one.ForgetSubscriptions()
	s.untilMissed(t, 2)
	eventually(t, "a new subscription", func() bool { return one.Subscriptions(s.Status().PeerID) == 2 })
	sentBy(t, one, on(topic, "after"))
	s.untilReceived(t, []byte("after"))
}

// One that says nothing any more, on a connection that stays, is replaced.
func TestLightSilentPeer(t *testing.T) {
	one, two := services(t, servicenode.Options{})
	s := light(t, func(t *timing) { t.answer = time.Second }, one)
	s.untilSubscribed(t, one)
	if err := s.Connect(two.Address()); err != nil {
		t.Fatal(err)
	}
	s.untilSubscribed(t, one, two)
	three := service(t, servicenode.Options{Peers: []string{one.Address(), two.Address()}})
	if err := s.Connect(three.Address()); err != nil {
		t.Fatal(err)
	}
	one.SetFaults(servicenode.Faults{FilterHangs: true, FilterSilent: true})
	s.untilSubscribed(t, two, three)
	sentBy(t, two, on(topic, "after"))
	s.untilReceived(t, []byte("after"))
}

// A subscription that is kept, and for which nothing is pushed, is found by what another
// node pushes, made anew, and the time is told from which on something may be missing.
func TestLightSilentFilterIsFound(t *testing.T) {
	one, two := services(t, servicenode.Options{})
	s := light(t, func(t *timing) { t.late = 200 * time.Millisecond }, one, two)
	s.untilSubscribed(t, one, two)
	sentBy(t, one, on(topic, "first"))
	s.untilReceived(t, []byte("first"))
	s.untilMissed(t, 1)
	time.Sleep(2 * s.settings.timing.late) // it has been subscribed for so long
	silentSince := time.Now()
	two.SetFaults(servicenode.Faults{FilterSilent: true})
	for i := range 3 {
		sentBy(t, one, on(topic, fmt.Sprint("silent ", i)))
		s.untilReceived(t, fmt.Appendf(nil, "silent %d", i))
	}
	gaps := s.untilMissed(t, 2)
	if since := gaps[len(gaps)-1]; since.IsZero() || since.After(silentSince) {
		t.Errorf("missed since %v, it was silent since %v", since, silentSince)
	}
	two.SetFaults(servicenode.Faults{})
	one.SetFaults(servicenode.Faults{FilterSilent: true})
	// What is published while the subscription is made anew is part of the gap.
	sent := 0
	s.until(t, "what is pushed again", func() bool {
		sent++
		sentBy(t, one, on(topic, fmt.Sprint("mended ", sent)))
		return slices.ContainsFunc(s.received, func(e port.Envelope) bool { return bytes.HasPrefix(e.Payload, []byte("mended")) })
	})
}

// A single service node that pushes nothing is found by a probe, although it answers pings.
func TestLightProbe(t *testing.T) {
	one, other := services(t, servicenode.Options{})
	s := light(t, func(t *timing) { t.late, t.doubt = 100*time.Millisecond, 300*time.Millisecond }, one)
	s.untilSubscribed(t, one)
	s.untilMissed(t, 1)
	one.SetFaults(servicenode.Faults{FilterSilent: true})
	s.untilMissed(t, 2)
	if err := s.Connect(other.Address()); err != nil {
		t.Fatal(err)
	}
	s.untilSubscribed(t, other)
	for _, stored := range one.Archive().List() {
		if !stored.Message.GetEphemeral() {
			t.Errorf("a probe that is kept: %+v", stored)
		}
	}
	if got := s.allReceived(); len(got) != 0 {
		t.Errorf("probes were delivered: %+v", got)
	}
}

// untilMissed waits until gaps were reported so often, and returns them.
func (s *station) untilMissed(t testing.TB, times int) (gaps []time.Time) {
	t.Helper()
	s.until(t, fmt.Sprint(times, " gaps"), func() bool {
		gaps = slices.Clone(s.missed)
		return len(gaps) >= times
	})
	return gaps
}

// A refused or slow push goes to another node, and what nobody takes is no success.
func TestLightPublishStatuses(t *testing.T) {
	one, two := services(t, servicenode.Options{MaxMessageSize: 100 << 10})
	s := light(t, func(t *timing) { t.hedge = 100 * time.Millisecond }, one, two)
	s.untilOnline(t)
	s.until(t, "two nodes to publish through", func() bool { return len(s.running.Load().mode.takersOn(shard32)) == 2 })
	for _, c := range []struct {
		name   string
		faults servicenode.Faults
		want   func(error) bool
	}{
		{"no peers", servicenode.Faults{LightpushStatus: pushNoPeers}, func(err error) bool { return errors.Is(err, port.ErrNoPeers) }},
		{"not available", servicenode.Faults{LightpushStatus: pushNotAvailable}, func(err error) bool { return errors.Is(err, port.ErrNoPeers) }},
		{"too large", servicenode.Faults{LightpushStatus: pushTooLarge}, func(err error) bool { return errors.Is(err, port.ErrTooLarge) }},
		{"too many", servicenode.Faults{LightpushStatus: pushTooManyRequests}, isDown},
		{"bad request", servicenode.Faults{LightpushStatus: 400}, isDown},
		{"broken", servicenode.Faults{LightpushStatus: 500}, isDown},
	} {
		two.SetFaults(servicenode.Faults{})
		one.SetFaults(c.faults)
		for range 4 {
			s.publish(t, envelope([]byte(c.name)))
		}
		two.SetFaults(c.faults)
		if evidence, err := s.Publish(context.Background(), envelope([]byte(c.name))); err == nil || !c.want(err) {
			t.Errorf("%s: %+v, %v", c.name, evidence, err)
		}
	}
	one.SetFaults(servicenode.Faults{LightpushHangs: true})
	two.SetFaults(servicenode.Faults{})
	for range 4 {
		s.publish(t, envelope([]byte("slow")))
	}
	one.SetFaults(servicenode.Faults{})
	if _, err := s.Publish(context.Background(), envelope(make([]byte, 120<<10))); !errors.Is(err, port.ErrTooLarge) {
		t.Errorf("120 KiB: %v", err)
	}
	two.SetFaults(servicenode.Faults{LightpushHangs: true})
	one.SetFaults(servicenode.Faults{LightpushHangs: true})
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	if _, err := s.Publish(ctx, envelope([]byte("nobody answers"))); err == nil {
		t.Error("published without an answer")
	}
}

func isDown(err error) bool { return port.CodeOf(err) == port.CodeNetworkDown }

// "auto" is light on phones only, and light nodes listen nowhere.
func TestLightMode(t *testing.T) {
	for system, want := range map[string]enum.NetworkMode{"android": ModeLight, "ios": ModeLight, "linux": ModeRelay, "darwin": ModeRelay, "windows": ModeRelay} {
		if got := modeFor(system); got != want {
			t.Errorf("%s: %s", system, got)
		}
	}
	if _, err := New(Config{Mode: "edge"}); port.CodeOf(err) != port.CodeBadConfig {
		t.Errorf("an unknown mode: %v", err)
	}
	for _, name := range Presets() {
		c, _ := Preset(name)
		c.Mode = ModeLight
		n, err := New(c)
		if err != nil || len(n.settings.listen) != 0 || n.Status().Mode != port.ModeLight {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, mode := range []enum.NetworkMode{"", ModeAuto, ModeRelay} {
		if n, err := New(Config{Mode: mode}); err != nil || n.Status().Mode != port.ModeRelay {
			t.Errorf("%q: %v", mode, err)
		}
	}
}

// A service node that says it has published and has not is found, since nobody pushes the
// message, and is not asked as long as there is another one.
func TestLightFalseSent(t *testing.T) {
	one, two := services(t, servicenode.Options{})
	s := light(t, func(t *timing) {
		t.late, t.penalty, t.longestPenalty = 100*time.Millisecond, time.Hour, time.Hour
	}, one, two)
	s.untilSubscribed(t, one, two)
	s.until(t, "two nodes to publish through", func() bool { return len(s.running.Load().mode.takersOn(shard32)) == 2 })
	time.Sleep(2 * s.settings.timing.late) // its subscriptions are old enough
	one.SetFaults(servicenode.Faults{LightpushLoses: true})
	publisher := s.running.Load().mode.(*lightMode).publisher
	s.until(t, "the liar to be found", func() bool {
		s.mu.Unlock() // until holds it, and the hooks want it
		defer s.mu.Lock()
		s.publish(t, envelope([]byte("is it out?")))
		publisher.mu.Lock()
		defer publisher.mu.Unlock()
		return publisher.penalties.has(one.Host().ID(), time.Now())
	})
	asked := one.Asked(servicenode.Lightpush)
	for i := range 10 {
		s.publish(t, envelope(fmt.Append(nil, i)))
	}
	if again := one.Asked(servicenode.Lightpush); again != asked {
		t.Errorf("it was asked %d times more", again-asked)
	}
}

// What a sleep of the machine hid is told, from when it fell asleep on.
func TestLightSleep(t *testing.T) {
	wall, passed := time.Unix(1_800_000_000, 0), time.Duration(0)
	w := &sleepWatch{now: func() (time.Time, time.Duration) { return wall, passed }, wall: wall}
	step := func(byWall, byClock time.Duration, want bool) {
		t.Helper()
		before := wall
		wall, passed = wall.Add(byWall), passed+byClock
		if since, slept := w.slept(); slept != want || !since.Equal(before) {
			t.Errorf("%v, %v: %v since %v", byWall, byClock, slept, since)
		}
	}
	step(90*time.Second, 90*time.Second, false)
	step(91*time.Second, 90*time.Second, false)
	step(8*time.Hour, time.Minute, true)
	step(90*time.Second, 90*time.Second, false)
	step(-time.Hour, time.Minute, false)
}

// A light node that knows one service node finds a second one by peer exchange, and one
// that pushes everything through one stream is understood.
func TestLightFinds(t *testing.T) {
	one, two := services(t, servicenode.Options{OnePushStream: true})
	relaying := service(t, servicenode.Options{Protocols: without(servicenode.Filter, servicenode.Lightpush)})
	if err := one.Introduce(relaying, two); err != nil {
		t.Fatal(err)
	}
	s := prepare(t, Config{Mode: ModeLight, Peers: []string{one.Address()}, Exchange: true})
	s.settings.timing = fast
	s.start(t)
	s.untilSubscribed(t, one, two)
	for i := range 3 {
		sentBy(t, one, on(topic, fmt.Sprint(i)))
		s.untilReceived(t, fmt.Append(nil, i))
	}
	if got := s.allReceived(); len(got) != 3 || s.running.Load().connected(relaying.Host().ID()) {
		t.Errorf("%+v, %+v", got, s.Status())
	}
}

// More content topics than a service node takes are spread over several, each at two.
func TestLightManyTopics(t *testing.T) {
	nodes := []*servicenode.Node{service(t, servicenode.Options{})}
	for range 3 {
		nodes = append(nodes, service(t, servicenode.Options{Peers: []string{nodes[0].Address()}}))
	}
	s := light(t, nil, nodes...)
	many := make([]string, criteriaByClient+500)
	for i := range many {
		many[i] = fmt.Sprintf("/waku/1/0x%08x/rfc26", i)
	}
	if err := s.Subscribe(many...); err != nil {
		t.Fatal(err)
	}
	id := s.Status().PeerID
	eventually(t, "every topic at two nodes", func() bool {
		total := 0
		for _, n := range nodes {
			has := n.Subscriptions(id)
			if has > criteriaByClient {
				t.Fatalf("%d criteria at one node", has)
			}
			total += has
		}
		return total == 2*(len(many)+1)+len(nodes) // with its own topic, and that of probes
	})
	for i := range 20 {
		text := fmt.Sprint("on topic ", i)
		sentBy(t, nodes[0], on(many[i*70], text))
		s.untilReceived(t, []byte(text))
	}
}
