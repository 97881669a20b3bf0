package chat_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"libstatus1to1/chat"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/internal/testsize"
	"libstatus1to1/store"
)

// A simulation runs engines without goroutines, on a manual network and a clock of
// its own: all decisions come from one seed, which a failure prints.

// simClock is the time of a simulation, or of one machine of it.
type simClock struct {
	mu     sync.Mutex
	now    time.Time
	passed time.Duration // by the clock that nobody sets
}

func (c *simClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *simClock) Both() (time.Time, time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now, c.passed
}

func (c *simClock) Wait(time.Duration) (<-chan time.Time, func()) { return nil, func() {} }

func (c *simClock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now, c.passed = c.now.Add(d), c.passed+d
}

// machineClock is the clock of a machine that may sleep, or be set wrong.
type machineClock struct {
	sim         *simClock
	set, missed time.Duration // of the time of day; by the clock that nobody sets
}

func (c *machineClock) Now() time.Time { return c.sim.Now().Add(c.set) }

func (c *machineClock) Both() (time.Time, time.Duration) {
	now, passed := c.sim.Both()
	return now.Add(c.set), passed - c.missed
}

func (c *machineClock) Wait(time.Duration) (<-chan time.Time, func()) { return nil, func() {} }

// slept notes that the machine was asleep; jump sets its time of day.
func (c *machineClock) slept(d time.Duration) { c.missed += d }
func (c *machineClock) jump(d time.Duration)  { c.set += d }

// simSettings: small times, so that a simulated hour is long.
var simSettings = chat.Settings{
	ResendBase: 2 * time.Second, AckDelay: 50 * time.Millisecond,
	ContactCodeEvery: time.Minute, AdvertiseEvery: 20 * time.Second,
}

type simulation struct {
	t       *testing.T
	seed    uint64
	random  *rand.Rand
	net     *memnet.Network
	clock   *simClock
	people  []*simPerson
	devices []*simDevice // running, in the order they were made
	made    int
	// settings are simSettings where a simulation does not choose others; unknown people
	// are in nobody's address book.
	settings chat.Settings
	unknown  bool
}

type simPerson struct {
	name    string
	private key.Private
	public  key.Public
	devices []*simDevice // enabled
	settled []*simDevice // enabled, and known to be by everybody
}

type simDevice struct {
	*chat.Client
	owner *simPerson
	store chat.Store
	id    string
	rand  io.Reader
	node  chat.Transport
	// clock is that of its machine, if it has one of its own; wire is between, if it is set.
	clock       *machineClock
	wire        *deadWire
	asleepSince time.Time
	// between stands between the client and its node, if it is set; probe is the client's.
	between func(chat.Transport) chat.Transport
	probe   func(point string)
	// backup is what the device begins with, if it is set.
	backup []byte
}

// kept is a store that survives the client.
type kept struct{ chat.Store }

func (kept) Close() error { return nil }

// simKeys are the identities: the same in all simulations, so that the keys of their
// topics are derived once.
var simKeys = func() (keys []key.Private) {
	for i := range 3 {
		var seed [32]byte
		seed[0] = byte(i + 1)
		k, err := key.Generate(rand.NewChaCha8(seed))
		if err != nil {
			panic(err)
		}
		keys = append(keys, k)
	}
	return keys
}()

// newSimulation is people without devices on a network of their own. What steps its clients is one
// goroutine: under the race detector a seed of each simulation shows all that others do meanwhile.
func newSimulation(t *testing.T, seed uint64, people int, o memnet.Options) *simulation {
	t.Helper()
	if testing.Short() && !strings.Contains(t.Name(), "/"+seedName) {
		t.Skip("one goroutine steps its clients")
	}
	o.Seed, o.Manual = seed, true
	s := &simulation{
		t: t, seed: seed, random: rand.New(rand.NewPCG(seed, 1)), net: memnet.New(o), settings: simSettings,
		clock: &simClock{now: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)},
	}
	for i := range people {
		s.people = append(s.people, &simPerson{
			name: string(rune('A' + i)), private: simKeys[i], public: simKeys[i].Public(),
		})
	}
	t.Cleanup(func() {
		for _, d := range s.devices {
			_ = d.Close()
		}
	})
	return s
}

// badNetwork loses a fifth and doubles and reorders as much.
var badNetwork = memnet.Options{Loss: 0.2, Duplicate: 0.2, Reorder: 0.2, MaxDelay: 5 * time.Millisecond}

func (s *simulation) fatalf(format string, args ...any) {
	s.t.Helper()
	s.t.Fatalf("seed %d: %s", s.seed, fmt.Sprintf(format, args...))
}

// start opens the client of d, also again.
func (s *simulation) start(d *simDevice) {
	s.t.Helper()
	d.node = s.net.Join()
	transport := d.node
	if d.between != nil {
		transport = d.between(transport)
	}
	if d.wire != nil {
		d.wire.Transport, transport = transport, d.wire
	}
	clock := chat.Clock(s.clock)
	if d.clock != nil {
		clock = d.clock
	}
	c, err := chat.OpenStepped(context.Background(), chat.Options{
		Store: kept{d.store}, Transport: transport, Clock: clock, Rand: d.rand, Settings: s.settings,
		Logger: testLog{s.t, d.owner.name}, Probe: d.probe,
	})
	if err != nil {
		s.fatalf("%v", err)
	}
	d.Client = c
}

// add makes a new device of a person: not enabled anywhere yet, and knowing nothing.
func (s *simulation) add(p *simPerson, on chat.Store) *simDevice {
	s.t.Helper()
	return s.addDevice(p, &simDevice{}, on)
}

// addDevice is add for a device that has a clock or a wire.
func (s *simulation) addDevice(p *simPerson, d *simDevice, on chat.Store) *simDevice {
	s.t.Helper()
	s.made++
	var seed [32]byte
	seed[0], seed[1], seed[2] = byte(s.seed), byte(s.seed>>8), byte(s.made)
	d.owner, d.store, d.rand = p, on, rand.NewChaCha8(seed)
	s.start(d)
	if d.backup != nil {
		s.restore(d)
	} else if _, err := d.ImportIdentity(context.Background(), p.private, p.name); err != nil {
		s.fatalf("%v", err)
	}
	info, err := d.Identity()
	if err != nil {
		s.fatalf("%v", err)
	}
	d.id = info.InstallationID
	for _, other := range s.people {
		if other != p && !s.unknown && d.backup == nil {
			if _, err := d.AddContact(other.public, ""); err != nil {
				s.fatalf("%v", err)
			}
		}
	}
	s.devices = append(s.devices, d)
	return d
}

// stop ends a device for good.
func (s *simulation) stop(d *simDevice) {
	_ = d.Close()
	s.devices = slices.DeleteFunc(s.devices, func(o *simDevice) bool { return o == d })
}

// restart closes a device and opens it on its store.
func (s *simulation) restart(d *simDevice) {
	_ = d.Close()
	s.start(d)
}

// errCrash is the value of a probe's panic that ends a process.
var errCrash = errors.New("crashed")

// work does one round of a device. One that crashes is started again on its store.
func (s *simulation) work(d *simDevice) (worked bool) {
	defer func() {
		if v := recover(); v != nil {
			if v != errCrash {
				panic(v)
			}
			_ = d.node.Stop()
			s.start(d)
			worked = true
		}
	}()
	return d.Step()
}

// step delivers one envelope, or moves the clock to what is due next, and lets
// everybody work.
func (s *simulation) step() { s.stepUntil(s.clock.Now().Add(time.Hour)) }

// stepUntil is step that moves the clock no further than to end.
func (s *simulation) stepUntil(end time.Time) {
	delivered := s.net.Step()
	worked := false
	for _, d := range s.devices {
		for n := 0; n < 100 && s.work(d); n++ {
			worked = true
		}
	}
	if delivered || worked {
		s.clock.advance(time.Millisecond)
		return
	}
	next := end.Sub(s.clock.Now())
	for _, d := range s.devices {
		next = min(next, d.DueIn())
	}
	s.clock.advance(max(next, time.Millisecond))
}

// longest is the time, by its own clock, that a simulation may wait for something.
const longest = 6 * time.Hour

func (s *simulation) until(what string, ok func() bool) {
	s.t.Helper()
	end := s.clock.Now().Add(longest)
	for n := 0; ; n++ {
		if n%8 == 0 && ok() {
			return
		}
		if s.clock.Now().After(end) {
			s.fatalf("waited in vain for %s", what)
		}
		s.step()
	}
}

// enable makes d one of its owner's devices, by the hand of the user on one of the
// others, who waits until it shows there.
func (s *simulation) enable(d *simDevice) {
	s.t.Helper()
	p := d.owner
	if len(p.devices) > 0 {
		on := p.devices[s.random.IntN(len(p.devices))]
		s.until("a new device to be found", func() bool { return on.knows(d.id) })
		if _, err := on.EnableDevice(d.id); err != nil {
			s.fatalf("%v", err)
		}
	}
	p.devices = append(p.devices, d)
}

func (d *simDevice) knows(id string) bool {
	list, err := d.Devices()
	if err != nil {
		panic(err)
	}
	for _, o := range list {
		if o.Installation == id {
			return true
		}
	}
	return false
}

// agreed reports whether every device addresses exactly the enabled devices of
// everybody.
func (s *simulation) agreed() bool {
	for _, p := range s.people {
		for _, d := range p.devices {
			for _, other := range s.people {
				var want []string
				for _, o := range other.devices {
					if o != d {
						want = append(want, o.id)
					}
				}
				slices.Sort(want)
				if !slices.Equal(d.Addressed(other.public), want) {
					return false
				}
			}
		}
	}
	return true
}

// listed reports whether all devices of others have heard that another device of its owner
// lists d. Only then can they see that it is listed no more: whoever has never listed a
// device cannot remove it, or an intruder could.
// Spec: 54, "Pairing".
func (s *simulation) listed(d *simDevice) bool {
	for _, p := range s.people {
		for _, o := range p.devices {
			if p != d.owner && o.ListedBy(d.owner.public, d.id) == "" {
				return false
			}
		}
	}
	return true
}

// settle waits until everybody addresses the enabled devices of everybody.
func (s *simulation) settle() {
	s.t.Helper()
	s.until("everybody to know the devices of everybody", s.agreed)
	for _, p := range s.people {
		p.settled = slices.Clone(p.devices)
	}
}

// quiet reports whether nobody has anything to send.
func (s *simulation) quiet() bool {
	for _, p := range s.people {
		for _, d := range p.devices {
			if n, err := d.Diagnostics(); err != nil || n.Outbox > 0 {
				return false
			}
		}
	}
	return true
}

// said is a message and the devices that must have it.
type said struct {
	id, text string
	from, to *simPerson
	devices  []*simDevice
}

// say sends a message from a device, due at the devices that everybody knows.
func (s *simulation) say(d *simDevice, to *simPerson) said {
	s.t.Helper()
	s.made++
	text := fmt.Sprintf("%s to %s %d", d.owner.name, to.name, s.made)
	m, err := d.Send(context.Background(), chat.SendRequest{To: to.public, Text: text})
	if err != nil {
		s.fatalf("%v", err)
	}
	return said{m.ID, text, d.owner, to, slices.Concat(d.owner.settled, to.settled)}
}

// chatter lets settled devices say n things, with whatever else happens in between.
func (s *simulation) chatter(n int, between func()) []said {
	s.t.Helper()
	var all []said
	for range n {
		from := s.people[s.random.IntN(len(s.people))]
		to := s.people[s.random.IntN(len(s.people))]
		if from == to {
			to = s.people[(slices.Index(s.people, from)+1)%len(s.people)]
		}
		all = append(all, s.say(from.settled[s.random.IntN(len(from.settled))], to))
		for range s.random.IntN(6) {
			s.step()
		}
		if between != nil {
			between()
		}
	}
	return all
}

// history counts the messages of a chat by id, on one device.
func (s *simulation) history(d *simDevice, with *simPerson) map[string]int {
	s.t.Helper()
	found, cursor := map[string]int{}, ""
	for {
		page, err := d.Messages(with.public, chat.PageRequest{Cursor: cursor, Limit: 200})
		if err != nil {
			s.fatalf("%v", err)
		}
		for _, m := range page.Items {
			found[m.ID]++
			mine := strings.HasPrefix(m.Text, d.owner.name+" ")
			if m.Outgoing != mine || mine && !m.Read {
				s.fatalf("a wrong message: %+v", m)
			}
		}
		if cursor = page.Next; cursor == "" {
			return found
		}
	}
}

// arrived checks that each message is once, in the right chat, on those of its devices
// that still run.
func (s *simulation) arrived(all []said) {
	s.t.Helper()
	for _, m := range all {
		for _, d := range m.devices {
			if !slices.Contains(s.devices, d) {
				continue
			}
			with := m.from
			if d.owner == m.from {
				with = m.to
			}
			if n := s.history(d, with)[m.id]; n != 1 {
				s.fatalf("%q is %d times on a device of %s", m.text, n, d.owner.name)
			}
		}
	}
}

// absent checks that a device has none of the messages.
func (s *simulation) absent(all []said, d *simDevice) {
	s.t.Helper()
	for _, with := range s.people {
		found := s.history(d, with)
		for _, m := range all {
			if found[m.id] > 0 {
				s.fatalf("%q is on a disabled device of %s", m.text, d.owner.name)
			}
		}
	}
}

// eachPair calls f for any two enabled devices that may write to one another, both
// ways, until it gives false.
func (s *simulation) eachPair(f func(p, q *simPerson, d, o *simDevice) bool) bool {
	for _, p := range s.people {
		for _, d := range p.devices {
			for _, q := range s.people {
				for _, o := range q.devices {
					if o != d && !f(p, q, d, o) {
						return false
					}
				}
			}
		}
	}
	return true
}

// converged reports whether any two devices use one session to write to one another.
func (s *simulation) converged() bool {
	return s.eachPair(func(p, q *simPerson, d, o *simDevice) bool {
		in := d.SendsIn(q.public, o.id)
		return in != "" && in == o.SendsIn(p.public, d.id)
	})
}

// converge lets everybody write to everybody until all use one session.
func (s *simulation) converge() []said {
	s.t.Helper()
	var all []said
	for range 12 {
		for _, p := range s.people {
			for _, d := range p.devices {
				for _, q := range s.people {
					if q != p {
						all = append(all, s.say(d, q))
					}
				}
			}
		}
		s.until("an empty outbox", s.quiet)
		if s.converged() {
			return all
		}
	}
	s.eachPair(func(p, q *simPerson, d, o *simDevice) bool {
		if in := d.SendsIn(q.public, o.id); in == "" || in != o.SendsIn(p.public, d.id) {
			s.t.Logf("one of %s with one of %s:\n%s\nback:\n%s", p.name, q.name,
				strings.Join(d.DescribeSessions(q.public, o.id), "\n"), strings.Join(o.DescribeSessions(p.public, d.id), "\n"))
		}
		return true
	})
	s.fatalf("the sessions do not converge")
	return nil
}

// people with devices, all enabled and known to all.
func (s *simulation) populate(devices func(i int) int) {
	s.t.Helper()
	for i, p := range s.people {
		for range devices(i) {
			s.enable(s.add(p, store.Memory()))
		}
	}
	s.settle()
}

// seedsInShort is the number of seeds that run under the race detector: the clients are
// stepped by one goroutine, and others only compute, the same for each seed.
const seedsInShort = 1

// partOfSeeds is the part of the seeds that runs without STATUS1TO1_TESTS=all.
const partOfSeeds = 4

// seedName begins the names of the tests that seeds runs.
const seedName = "seed"

// seeds runs one simulation a seed, in parallel.
func seeds(t *testing.T, n int, run func(t *testing.T, seed uint64)) {
	n = testsize.Many(n, (n+partOfSeeds-1)/partOfSeeds)
	if testing.Short() {
		n = min(n, seedsInShort)
	}
	for seed := uint64(1); seed <= uint64(n); seed++ {
		t.Run(fmt.Sprint(seedName, " ", seed), func(t *testing.T) {
			t.Parallel()
			run(t, seed)
		})
	}
}

// Two or three people with three devices each: devices are added, restarted, lost,
// disabled and replaced while everybody writes, over a bad network.
func TestSimulationDevices(t *testing.T) {
	seeds(t, 60, func(t *testing.T, seed uint64) {
		s := newSimulation(t, seed, 2+int(seed%4)/3, badNetwork)
		s.populate(func(i int) int {
			if i == 0 {
				return 2
			}
			return 3
		})
		restarts := func() {
			if s.random.IntN(5) == 0 {
				s.restart(s.devices[s.random.IntN(len(s.devices))])
			}
		}
		all := s.chatter(4, restarts)

		// A third device joins the first person while they write.
		p := s.people[0]
		third := s.add(p, store.Memory())
		all = append(all, s.chatter(2, restarts)...)
		s.enable(third)
		all = append(all, s.chatter(3, restarts)...)
		s.settle()
		all = append(all, s.chatter(4, restarts)...)
		s.until("an empty outbox", s.quiet)
		s.arrived(all)

		// One is lost: the user disables it on the others.
		gone := p.devices[s.random.IntN(3)]
		s.until("everybody to hear that it is listed", func() bool { return s.listed(gone) })
		p.devices = slices.DeleteFunc(slices.Clone(p.devices), func(d *simDevice) bool { return d == gone })
		for _, d := range p.devices {
			if _, err := d.DisableDevice(gone.id); err != nil {
				s.fatalf("%v", err)
			}
		}
		s.settle()
		after := s.chatter(5, restarts)
		s.until("an empty outbox", s.quiet)
		s.arrived(after)
		s.absent(after, gone)

		// The identity is recovered on a new one, which takes its place.
		s.stop(gone)
		fresh := s.add(p, store.Memory())
		after = append(after, s.chatter(2, restarts)...)
		s.enable(fresh)
		s.settle()
		last := s.chatter(4, restarts)
		s.until("an empty outbox", s.quiet)
		s.arrived(slices.Concat(all, after, last, s.converge()))
		s.absent(all, fresh) // history is not invented
	})
}
