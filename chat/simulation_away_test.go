package chat_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"libstatus1to1/chat"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/chat/port"
	"libstatus1to1/store"
)

// People who are away for long: off the network, asleep, or with a dead connection that
// nobody notices. What waits for them goes within seconds of their return.

// awaySettings publish the contact code as rarely as it is deployed, so that nothing but
// a return makes anybody hear of it.
var awaySettings = chat.Settings{
	ResendBase: 2 * time.Second, AckDelay: 50 * time.Millisecond,
	ContactCodeEvery: 300 * time.Hour, AdvertiseEvery: 300 * time.Hour,
}

const (
	// soon is within seconds, with a ResendBase of 2 s instead of 27 s: less than three
	// waits.
	soon = 6 * time.Second
	// givenUp is more than after which a message fails with that.
	givenUp = 40 * time.Hour
)

// deadWire is a transport whose connection may be dead without anybody noticing.
type deadWire struct {
	chat.Transport
	dead bool
}

func (w *deadWire) Start(ctx context.Context, hooks chat.TransportHooks) error {
	received := hooks.Received
	hooks.Received = func(e chat.Envelope) {
		if !w.dead {
			received(e)
		}
	}
	return w.Transport.Start(ctx, hooks)
}

func (w *deadWire) Publish(ctx context.Context, e chat.Envelope) (chat.Evidence, error) {
	if w.dead {
		return chat.Evidence{Kind: "memory", Peers: 1}, nil
	}
	return w.Transport.Publish(ctx, e)
}

// The store nodes of a dead connection are not there.

func (w *deadWire) StoreNodes() []string {
	if w.dead {
		return nil
	}
	return w.Transport.(port.Archive).StoreNodes()
}

func (w *deadWire) PubsubTopics() []string { return w.Transport.(port.Archive).PubsubTopics() }

func (w *deadWire) QueryStore(ctx context.Context, node string, q port.StoreQuery) (port.StorePage, error) {
	return w.Transport.(port.Archive).QueryStore(ctx, node, q)
}

// away is a way to be away, and to come back.
type away struct {
	name  string
	leave func(*simDevice)
	come  func(*simDevice)
}

// ways to be away. A machine that sleeps does no work, its connections are dead, and of
// its two clocks only the time of day goes on.
func (s *simulation) ways() []away {
	return []away{
		{"off the network", func(d *simDevice) { d.node.(*memnet.Node).SetOnline(false) }, func(d *simDevice) { d.node.(*memnet.Node).SetOnline(true) }},
		{"asleep", func(d *simDevice) {
			d.wire.dead = true
			s.devices = slices.DeleteFunc(s.devices, func(o *simDevice) bool { return o == d })
			d.asleepSince = s.clock.Now()
		}, func(d *simDevice) {
			d.wire.dead = false
			s.devices = append(s.devices, d)
			d.clock.slept(s.clock.Now().Sub(d.asleepSince))
		}},
		{"stopped", func(d *simDevice) {
			_ = d.Close()
			s.devices = slices.DeleteFunc(s.devices, func(o *simDevice) bool { return o == d })
		},
			func(d *simDevice) { s.start(d); s.devices = append(s.devices, d) }},
	}
}

// awaySimulation is one of people with one device each, or two of the first, and
// somebody else to publish to. They are in nobody's address book, if unknown.
func awaySimulation(t *testing.T, seed uint64, unknown bool, devices int) *simulation {
	s := newSimulation(t, seed, 3, memnet.Options{MaxDelay: 5 * time.Millisecond})
	s.settings, s.unknown = awaySettings, unknown
	s.settleAway(unknown, devices)
	return s
}

// settleAway adds the devices of awaySimulation.
func (s *simulation) settleAway(unknown bool, devices int) {
	s.t.Helper()
	for i, p := range s.people {
		n := 1
		if i == 0 {
			n = devices
		}
		for range n {
			d := &simDevice{clock: &machineClock{sim: s.clock}, wire: &deadWire{}}
			s.enable(s.addDevice(p, d, store.Memory()))
		}
	}
	if unknown { // they meet by writing
		for _, p := range s.people {
			p.settled = slices.Clone(p.devices)
		}
	} else {
		s.settle()
	}
}

// pass lets time pass.
func (s *simulation) pass(d time.Duration) {
	for end := s.clock.Now().Add(d); s.clock.Now().Before(end); {
		s.stepUntil(end)
	}
}

// arriveSoon checks that all is delivered within seconds from now.
func (s *simulation) arriveSoon(how string, all []said) { s.t.Helper(); s.arriveWithin(soon, how, all) }

// arriveWithin checks that all is delivered within d from now.
func (s *simulation) arriveWithin(d time.Duration, how string, all []said) {
	s.t.Helper()
	end := s.clock.Now().Add(d)
	for delivered := s.delivered(all); !delivered(); s.stepUntil(end) {
		if !s.clock.Now().Before(end) {
			s.fatalf("%s: not there %s after the return", how, d)
		}
	}
	s.until("an empty outbox", s.quiet)
	s.arrived(all)
}

// Somebody was away for hours, and what was said meanwhile comes within seconds of their
// return: also to those whose address book they are not in, whichever way they were away.
func TestSimulationReturn(t *testing.T) {
	seeds(t, 60, func(t *testing.T, seed uint64) {
		s := awaySimulation(t, seed, seed%2 == 0, 1)
		a, b := s.people[0], s.people[1]
		all := []said{s.say(a.devices[0], b), s.say(b.devices[0], a)}
		s.until("an empty outbox", s.quiet)
		for range 3 {
			way := s.ways()[s.random.IntN(3)]
			way.leave(b.devices[0])
			s.pass(time.Duration(s.random.IntN(20)) * time.Minute)
			waiting := []said{s.say(a.devices[0], b), s.say(a.devices[0], b)}
			s.pass(30*time.Minute + time.Duration(s.random.IntN(20*60))*time.Minute)
			way.come(b.devices[0])
			s.arriveSoon(way.name, waiting)
			all = append(all, waiting...)
		}
		s.arrived(all)
	})
}

// Who was away has sent into the void, with the other side there all the time.
func TestSimulationReturnOfTheSender(t *testing.T) {
	seeds(t, 40, func(t *testing.T, seed uint64) {
		s := awaySimulation(t, seed, seed%2 == 0, 1)
		a, b := s.people[0], s.people[1]
		s.say(a.devices[0], b)
		s.say(b.devices[0], a)
		s.until("an empty outbox", s.quiet)
		d := a.devices[0]
		d.wire.dead = true
		all := []said{s.say(d, b)}
		s.pass(time.Hour + time.Duration(s.random.IntN(20*60))*time.Minute)
		way := s.ways()[s.random.IntN(3)]
		way.leave(d)
		s.pass(time.Minute)
		d.wire.dead = false
		way.come(d)
		s.arriveSoon(way.name, all)
	})
}

// notHurried is the wait up to which a message that some device has is not hurried for
// another one: ten waits of ResendBase.
const notHurried = 20 * time.Second

// An own second device was away. What is due by its schedule shortly after the return, and
// has arrived at another device already, may wait for that.
func TestSimulationReturnOfADevice(t *testing.T) {
	seeds(t, 40, func(t *testing.T, seed uint64) {
		s := awaySimulation(t, seed, false, 2+int(seed%2))
		a, b := s.people[0], s.people[1]
		way := s.ways()[s.random.IntN(3)]
		gone := a.devices[1]
		way.leave(gone)
		all := []said{s.say(a.devices[0], b), s.say(b.devices[0], a)}
		s.pass(time.Hour + time.Duration(s.random.IntN(20*60))*time.Minute)
		within := soon
		for _, sender := range []*simDevice{a.devices[0], b.devices[0]} {
			if due := sender.DueIn(); due < notHurried {
				within = max(within, due+soon)
			}
		}
		way.come(gone)
		s.arriveWithin(within, way.name, all)
	})
}

// The clock of a machine was a year ahead and is set right, then wrong and right again:
// what is due in a second does not wait for as long.
func TestSimulationClockSet(t *testing.T) {
	seeds(t, 10, func(t *testing.T, seed uint64) {
		s := awaySimulation(t, seed, false, 1)
		d, to := s.people[0].devices[0], s.people[1]
		d.clock.jump(365 * 24 * time.Hour)
		s.pass(time.Minute)
		s.ways()[0].leave(to.devices[0])
		for _, by := range []time.Duration{-365 * 24 * time.Hour, 30 * time.Hour, -30 * time.Hour} {
			s.say(d, to)
			s.pass(time.Second)
			before := s.resent(d)
			d.clock.jump(by)
			s.pass(soon)
			if s.resent(d) == before {
				s.fatalf("set by %s: nothing was sent again", by)
			}
		}
	})
}

// states are the states that the running device d was told of a message, in their order.
func (s *simulation) states(d *simDevice, all map[string][]string) {
	for {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		e, err := d.NextEvent(ctx)
		if err != nil {
			s.fatalf("%v", err)
		}
		if e == nil {
			return
		}
		if e.Type == (event.MessageState{}).Type() {
			m := decodeEvent[event.MessageState](s.t, e)
			all[m.MessageID] = append(all[m.MessageID], string(m.State)+string(m.Failure))
		}
	}
}

// Somebody was away for so long that what was said failed. It comes within seconds of
// their return, in order, but for what the user has cancelled.
func TestSimulationReturnAfterFailure(t *testing.T) {
	seeds(t, 20, func(t *testing.T, seed uint64) {
		s := awaySimulation(t, seed, seed%2 == 0, 1)
		a, b := s.people[0], s.people[1]
		all := []said{s.say(a.devices[0], b), s.say(b.devices[0], a)}
		s.until("an empty outbox", s.quiet)
		way := s.ways()[s.random.IntN(3)]
		way.leave(b.devices[0])
		d := a.devices[0]
		var waiting []said
		for range 5 {
			waiting = append(waiting, s.say(d, b))
			s.pass(time.Duration(s.random.IntN(60)) * time.Second)
		}
		cancelled := waiting[2]
		waiting = slices.Delete(waiting, 2, 3)
		if seed%4 < 2 { // while it waits
			s.cancel(d, cancelled)
		}
		s.pass(givenUp)
		if seed%4 >= 2 { // when it has failed
			s.cancel(d, cancelled)
		}
		if s.random.IntN(2) == 0 {
			s.restart(d)
		}
		way.come(b.devices[0])
		s.arriveSoon(way.name, waiting)
		s.absent([]said{cancelled}, b.devices[0])
		told := map[string][]string{}
		s.states(d, told)
		for _, m := range waiting {
			if got := told[m.id]; len(got) < 4 || !slices.Equal(got[len(got)-4:], []string{"failedundeliverable", "queued", "sent", "delivered"}) {
				s.fatalf("the sender was told %q", got)
			}
		}
		if got := told[cancelled.id]; got[len(got)-1] != "failedcancelled" {
			s.fatalf("of the cancelled one the sender was told %q", got)
		}
		s.arrived(all)
		for _, d := range s.devices {
			if check, err := d.CheckStore(context.Background()); err != nil || len(check.Problems) > 0 {
				s.fatalf("%+v, %v", check, err)
			}
		}
	})
}

func (s *simulation) cancel(d *simDevice, m said) {
	s.t.Helper()
	if _, wentOut, err := d.Cancel(mustID(s.t, m.id)); err != nil || !wentOut {
		s.fatalf("cancelled: %v, %v", wentOut, err)
	}
}

// What people published before, and we never had, is no sign that they are there when
// somebody publishes it again.
func TestSimulationOldContactCodes(t *testing.T) {
	seeds(t, 10, func(t *testing.T, seed uint64) {
		s := awaySimulation(t, seed, false, 1)
		a, b := s.people[0], s.people[1]
		d, e := a.devices[0], b.devices[0]
		var old []chat.Envelope
		stop := s.net.Tap(func(e chat.Envelope) { old = append(old, e) })
		d.wire.dead = true
		for range 5 { // codes that the first never has
			s.pass(time.Hour)
			s.restart(e)
		}
		s.pass(time.Hour)
		stop()
		d.wire.dead = false
		s.restart(e)
		s.pass(time.Minute)
		far := s.ways()[0]
		far.leave(e)
		waiting := []said{s.say(d, b)}
		s.pass(10 * time.Hour)
		before := s.resent(d)
		for _, replayed := range old {
			s.net.Inject(replayed)
			s.pass(time.Minute)
		}
		if after := s.resent(d); after > before+1 { // one may be due
			s.fatalf("%d old envelopes made us send %d times", len(old), after-before)
		}
		far.come(e)
		s.arriveSoon("after all", waiting)
	})
}

func (s *simulation) resent(d *simDevice) uint64 {
	n, err := d.Diagnostics()
	if err != nil {
		s.fatalf("%v", err)
	}
	return n.Resent
}
