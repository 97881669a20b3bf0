package noisepeer_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/noise/noisepeer"
	"libstatus1to1/internal/testsize"
)

// onTheWay is a frame or a payload between two devices.
type onTheWay struct {
	from, to *device
	frame    []byte // or out
	out      noisepeer.Outgoing
}

// said is a message of one device to another. It is sealed again until it has arrived, as the
// outbox does.
type said struct {
	from, to *device
	text     string
	arrived  bool
}

// simulation has two people with two devices each, on a network that loses, repeats and
// reorders. Their clocks are one; the certificates are renewed in time.
type simulation struct {
	*world
	dice    *rand.Rand
	devices []*device
	pairs   [][2]*device // those that talk, in either order
	network []onTheWay
	outbox  []*said
	texts   map[string]*said
	bad     bool                             // the network
	copies  []map[key.Public]*noisepeer.Peer // of what devices knew once, if those are put back
}

func newSimulation(t *testing.T, seed uint64) *simulation {
	w := newWorld(t, seed)
	s := &simulation{world: w, dice: rand.New(rand.NewPCG(seed, 1)), texts: map[string]*said{}, bad: true}
	for _, name := range []string{"alice", "bob"} {
		identity := w.identity()
		for n := range 2 {
			s.devices = append(s.devices, w.device(identity, fmt.Sprintf("%s-%d", name, n+1)))
		}
	}
	for i, a := range s.devices {
		for j, b := range s.devices {
			if i == j || i > j && s.dice.IntN(2) == 0 {
				continue
			}
			s.pairs = append(s.pairs, [2]*device{a, b})
			switch s.dice.IntN(5) {
			case 0:
				a.card(b)
			case 1:
				shareX3DH(a, b)
			case 2:
				a.learn(b)
			case 3: // a secret that the other one does not have any more
				a.card(b)
				clear(b.cards)
			}
		}
	}
	return s
}

func (s *simulation) send(from, to *device, frames [][]byte, out []noisepeer.Outgoing) {
	for _, f := range frames {
		s.network = append(s.network, onTheWay{from: from, to: to, frame: f})
	}
	for _, o := range out {
		s.network = append(s.network, onTheWay{from: from, to: to, out: o})
	}
}

// deliver takes something off the network; on a bad one it is perhaps not the oldest, lost, or
// comes once more.
func (s *simulation) deliver() {
	if len(s.network) == 0 {
		return
	}
	i := 0
	if s.bad {
		i = s.dice.IntN(min(len(s.network), 12))
	}
	m := s.network[i]
	lost, twice := s.bad && s.dice.IntN(5) == 0, s.bad && s.dice.IntN(6) == 0
	if !twice {
		s.network = append(s.network[:i:i], s.network[i+1:]...)
	}
	if lost {
		return
	}
	if m.frame != nil {
		if r, err := m.to.take(m.from, m.frame); err == nil {
			s.send(m.to, m.from, raw(r.Frames), r.Outgoing)
		}
		return
	}
	opened, err := m.to.open(m.from, m.out)
	if err != nil {
		return
	}
	s.send(m.to, m.from, nil, opened.Outgoing)
	if opened.Kind != noisepeer.Data {
		return
	}
	msg := s.texts[string(opened.Plaintext)]
	if msg == nil || opened.Installation != msg.from.id || m.to != msg.to {
		s.t.Fatalf("%s opened %q of %s", m.to.id, opened.Plaintext, opened.Installation)
	}
	msg.arrived = true
}

func (s *simulation) say(from, to *device) {
	m := &said{from: from, to: to, text: fmt.Sprintf("%s to %s: %d", from.id, to.id, len(s.texts))}
	s.texts[m.text], s.outbox = m, append(s.outbox, m)
}

// work does for all devices what the engine does from time to time.
func (s *simulation) work() {
	for _, d := range s.devices {
		if d.self.Certificate.Expires.Sub(s.now) < 30*24*time.Hour {
			d.certify(certificateLife)
		}
		for _, other := range s.devices {
			if d == other {
				continue
			}
			if !s.due(d, other) {
				continue
			}
			if s.tick(d, other.identity.Public()); s.due(d, other) {
				s.t.Fatalf("%s has the same to do about %s again", d.id, other.id)
			}
		}
	}
	left := s.outbox[:0]
	for _, m := range s.outbox {
		if m.arrived {
			continue
		}
		left = append(left, m)
		if v := m.from.view(m.to); !v.Ready {
			s.send(m.from, m.to, m.from.begin(m.to), nil)
			continue
		}
		s.send(m.from, m.to, nil, []noisepeer.Outgoing{m.from.seal(m.to, m.text)})
	}
	s.outbox = left
}

func (s *simulation) due(d, other *device) bool {
	at := d.of(other).Due(d.self, s.now)
	return !at.IsZero() && !at.After(s.now)
}

func (s *simulation) tick(d *device, identity key.Public) {
	p, frames, changed, err := d.peers[identity].Tick(d.self, s.now, s.rand)
	if err != nil {
		s.t.Fatal(err)
	}
	if !changed {
		return
	}
	*d.peers[identity] = p
	for _, f := range frames {
		for _, to := range s.devices {
			if to.id == f.Installation {
				s.send(d, to, [][]byte{f.Bytes}, nil)
			}
		}
	}
}

func (s *simulation) step() {
	switch n := s.dice.IntN(100); {
	case n < 70:
		s.deliver()
	case n < 78:
		p := s.pairs[s.dice.IntN(len(s.pairs))]
		s.say(p[0], p[1])
	case n < 90:
		s.work()
	case n == 90 && s.copies != nil:
		s.putBack()
	case n < 93:
		s.devices[s.dice.IntN(len(s.devices))].restart()
	case n < 95:
		p := s.pairs[s.dice.IntN(len(s.pairs))]
		s.send(p[0], p[1], p[0].renew(p[1]), nil)
	case n < 99:
		s.now = s.now.Add(time.Duration(1+s.dice.IntN(120)) * time.Minute)
	default:
		s.now = s.now.Add(time.Duration(1+s.dice.IntN(9*24)) * time.Hour)
	}
}

// putBack replaces what a device knows by an older copy, and takes a copy for the next time.
func (s *simulation) putBack() {
	i := s.dice.IntN(len(s.devices))
	if s.copies[i] != nil && s.dice.IntN(2) == 0 {
		for identity, p := range s.copies[i] {
			c := *p
			s.devices[i].peers[identity] = &c
		}
		return
	}
	s.copies[i] = s.devices[i].copyOf()
}

// confirmed reports whether all who have said something know that the other side has the
// session. Nobody answers here: where the confirmation was lost, message 3 brings another.
func (s *simulation) confirmed() bool {
	for _, p := range s.pairs {
		if !p[0].view(p[1]).Confirmed {
			return false
		}
	}
	return true
}

// settle lets everything arrive on a network that works, and demands that all that was said
// has arrived and that each pair is left with one session.
func (s *simulation) settle() {
	s.bad = false
	for _, p := range s.pairs {
		s.say(p[0], p[1])
	}
	const rounds = 400
	for n := 0; n < rounds && (n == 0 || len(s.outbox) > 0 || !s.confirmed()); n++ {
		s.work()
		for len(s.network) > 0 {
			s.deliver()
		}
		s.now = s.now.Add(13 * time.Minute)
	}
	if len(s.outbox) > 0 {
		m := s.outbox[0]
		s.t.Fatalf("%d messages have not arrived, the first one %q; %+v; %+v", len(s.outbox), m.text, m.from.view(m.to), m.to.view(m.from))
	}
	for _, p := range s.pairs {
		a, b := p[0].view(p[1]), p[1].view(p[0])
		if !a.Ready || !b.Ready || !a.Confirmed || a.Session != b.Session {
			s.t.Errorf("%s and %s do not have one session: %+v; %+v", p[0].id, p[1].id, a, b)
		}
	}
}

// How many simulations there are, and how long each is.
const (
	seeds = 200
	steps = 250
)

// TestSimulation: whatever is lost, repeated, reordered, and whoever is restarted, what was
// said arrives, at the right device and from the right one, while sessions are renewed and
// certificates run out.
func TestSimulation(t *testing.T) {
	n := uint64(testsize.Many(seeds, seeds/4))
	if testing.Short() {
		n = 20
	}
	for seed := range n {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			s := newSimulation(t, seed)
			for range steps {
				s.step()
			}
			s.settle()
		})
	}
}

// TestSimulationOlderCopies: the same when stores are replaced by older copies of themselves.
// Then sessions are lost, and found to be.
func TestSimulationOlderCopies(t *testing.T) {
	n := uint64(testsize.Many(seeds/4, seeds/8))
	if testing.Short() {
		n = 10
	}
	for seed := range n {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			s := newSimulation(t, 1000+seed)
			s.copies = make([]map[key.Public]*noisepeer.Peer, len(s.devices))
			for range steps {
				s.step()
			}
			s.settle()
		})
	}
}
