package contact

import (
	"errors"
	"fmt"
	"math"
	"testing"
)

// deployed are status-go's rules, written down from its behaviour: the oracle for
// runs in which every message arrives before anybody acts again.
type deployed struct{ ls, lc, rs, rc uint64 }

func (d *deployed) own(state, clock uint64) {
	if clock > d.lc {
		d.ls, d.lc = state, clock
	}
}

func (d *deployed) retract(clock uint64) {
	if clock > d.lc {
		*d = deployed{0, clock, 0, clock}
	}
}

func (d *deployed) gotRequest(clock uint64) {
	if clock > d.rc {
		d.rs, d.rc = 3, clock
	}
}

func (d *deployed) gotRetract(clock uint64) {
	if clock <= d.rc {
		return
	}
	if d.ls != 4 {
		d.ls, d.lc = 0, clock
	}
	d.rs, d.rc = 0, clock
}

func (d *deployed) gotState(from deployed) {
	if from.rc > d.lc && d.ls != 4 && from.rs == 0 {
		d.lc, d.ls, d.rs = from.rc, 0, 0
	}
	if from.lc > d.rc {
		switch from.ls {
		case 2:
			d.gotRequest(from.lc)
		case 0:
			d.gotRetract(from.lc)
		}
	}
}

func (d deployed) request() Request {
	return Request{Half{State(d.ls), d.lc}, Half{State(d.rs), d.rc}}
}

// action is something a side can do; letter what goes over the wire for it.
type action byte

const (
	request action = iota
	accept
	retract
	decline
	block
	say // a chat message, which carries the state
	actions
)

type letter struct {
	kind  action
	clock uint64
	state Propagated // request and say carry it
}

// side is one of two people with the Lamport clock of the chat.
type side struct {
	r    Request
	seen uint64
}

// act does what the engine does for an action; ok is false when the engine refuses.
func (s side) act(a action) (next side, out *letter, ok bool) {
	clock := s.r.NextClock(s.seen + 1)
	next = s
	switch a {
	case request:
		ok = !s.r.Added()
		next.r, _ = s.r.Send(clock)
		out = &letter{kind: a, clock: clock, state: next.r.Propagated()}
	case accept:
		ok = s.r.AddedUs() && !s.r.Added()
		next.r, _ = s.r.Send(clock)
		out = &letter{kind: a, clock: clock}
	case retract:
		ok = s.r.Added()
		next.r, _ = s.r.Retract(clock)
		out = &letter{kind: a, clock: clock}
	case decline:
		ok = s.r.Pending()
		next.r, _ = s.r.Dismiss(clock)
	case block:
		ok = s.r.Local.State != Dismissed
		told := false
		if next.r, told = s.r.Block(clock); told {
			out = &letter{kind: retract, clock: clock}
		}
	case say:
		ok = s.r.Local.State != Dismissed
		out = &letter{kind: a, clock: clock, state: s.r.Propagated()}
	}
	next.seen = max(s.seen, clock)
	return next, out, ok
}

func (s side) receive(l letter) side {
	switch l.kind {
	case request:
		s.r, _ = s.r.StateReceived(l.state)
		s.r, _ = s.r.RequestReceived(l.clock)
	case accept:
		s.r, _ = s.r.RequestReceived(l.clock)
	case retract:
		s.r, _ = s.r.RetractReceived(l.clock)
	case say:
		s.r, _ = s.r.StateReceived(l.state)
	}
	s.seen = max(s.seen, l.clock)
	return s
}

// agree: what each side holds of the other is what the other means, a refusal being
// none of their business.
func agree(a, b Request) bool { return a.AddedUs() == b.Added() && b.AddedUs() == a.Added() }

// world is two sides and what is under way to each.
type world struct {
	sides [2]side
	wire  [2][]letter // to whom
}

func (w world) key(left int) string { return fmt.Sprint(w, left) }

func (w world) without(to, i int) world {
	list := w.wire[to]
	w.wire[to] = append(append([]letter(nil), list[:i]...), list[i+1:]...)
	return w
}

// TestInterleavings walks through every order of up to six actions of two sides and
// of the arrival of their messages. When all have arrived, the sides agree.
func TestInterleavings(t *testing.T) {
	length := 6
	if testing.Short() {
		length = 4
	}
	visited := map[string]bool{}
	ends := 0
	var walk func(w world, left int, path []string)
	walk = func(w world, left int, path []string) {
		if name := w.key(left); visited[name] {
			return
		} else {
			visited[name] = true
		}
		if len(w.wire[0])+len(w.wire[1]) == 0 {
			ends++
			if !agree(w.sides[0].r, w.sides[1].r) {
				t.Fatalf("after %v\nthey disagree: %+v\n%+v", path, w.sides[0].r, w.sides[1].r)
			}
		}
		for to := range w.wire {
			for i, l := range w.wire[to] {
				next := w.without(to, i)
				next.sides[to] = next.sides[to].receive(l)
				if again := next.sides[to].receive(l); again != next.sides[to] {
					t.Fatalf("after %v\na double changes something", path)
				}
				walk(next, left, append(path[:len(path):len(path)], fmt.Sprint("arrives at ", to, l)))
			}
		}
		if left == 0 {
			return
		}
		for who := range w.sides {
			for a := range actions {
				if a == say && left < 3 { // says nothing new at the end, and doubles the time
					continue
				}
				next, out, ok := w.sides[who].act(a)
				if !ok {
					continue
				}
				n := w
				n.sides[who] = next
				if out != nil {
					n.wire[1-who] = append(append([]letter(nil), w.wire[1-who]...), *out)
				}
				walk(n, left-1, append(path[:len(path):len(path)], fmt.Sprint(who, " does ", a)))
			}
		}
	}
	walk(world{}, length, nil)
	// One side's clock runs ahead of the other's, by less and by more than they act.
	walk(world{sides: [2]side{{seen: 2}, {}}}, length-1, nil)
	walk(world{sides: [2]side{{seen: 100}, {}}}, length-1, nil)
	t.Logf("%d situations, %d in which all had arrived", len(visited), ends)
	if ends < 100 {
		t.Fatal("too few: nothing is proven")
	}
}

// TestRepair loses any of the messages: once each side has shown the other how it
// sees the requests, and what was missed was sent back, they agree.
func TestRepair(t *testing.T) {
	length := 5
	if testing.Short() {
		length = 3
	}
	cases := 0
	var walk func(a, b side, left int, path []string)
	walk = func(a, b side, left int, path []string) {
		cases++
		x, y := a, b
		for range 2 {
			y = y.receive(letter{kind: say, clock: x.seen, state: x.r.Propagated()})
			x = x.receive(letter{kind: say, clock: y.seen, state: y.r.Propagated()})
		}
		// Who refuses or blocks says nothing: the other may go on hoping.
		if x.r.Local.State != Dismissed && y.r.Local.State != Dismissed && !agree(x.r, y.r) {
			t.Fatalf("after %v\nthey disagree: %+v\n%+v", path, x.r, y.r)
		}
		if left == 0 {
			return
		}
		for who := range 2 {
			from, to := a, b
			if who == 1 {
				from, to = b, a
			}
			for action := range say {
				next, out, ok := from.act(action)
				if !ok {
					continue
				}
				for _, lost := range []bool{false, true} {
					other := to
					if out != nil && !lost {
						other = to.receive(*out)
					} else if out == nil && lost {
						continue
					}
					p := append(path[:len(path):len(path)], fmt.Sprint(who, " does ", action, " lost ", lost))
					if who == 0 {
						walk(next, other, left-1, p)
					} else {
						walk(other, next, left-1, p)
					}
				}
			}
		}
	}
	walk(side{}, side{}, length, nil)
	t.Logf("%d runs", cases)
}

// TestDeployedRules: where every message arrives before anybody acts again, the
// states are status-go's.
func TestDeployedRules(t *testing.T) {
	length, runs := 6, 0
	if testing.Short() {
		length = 4
	}
	var walk func(ours [2]side, theirs [2]deployed, left int, path []string)
	walk = func(ours [2]side, theirs [2]deployed, left int, path []string) {
		runs++
		for i := range ours {
			if ours[i].r != theirs[i].request() {
				t.Fatalf("after %v side %d has %+v, status-go %+v", path, i, ours[i].r, theirs[i])
			}
		}
		if left == 0 {
			return
		}
		for who := range ours {
			for a := range actions {
				if a == block {
					continue // status-go keeps their half there
				}
				next, out, ok := ours[who].act(a)
				if !ok {
					continue
				}
				o, d := ours, theirs
				o[who] = next
				clock := next.seen
				switch a {
				case request, accept:
					d[who].own(2, clock)
				case retract:
					d[who].retract(clock)
				case decline:
					d[who].own(4, clock)
				}
				if out != nil {
					o[1-who] = o[1-who].receive(*out)
					switch a {
					case request:
						d[1-who].gotState(d[who])
						d[1-who].gotRequest(clock)
					case accept:
						d[1-who].gotRequest(clock)
					case retract:
						d[1-who].gotRetract(clock)
					case say:
						d[1-who].gotState(d[who])
					}
				}
				walk(o, d, left-1, append(path[:len(path):len(path)], fmt.Sprint(who, " does ", a)))
			}
		}
	}
	walk([2]side{}, [2]deployed{}, length, nil)
	t.Logf("%d runs", runs)
}

func TestSendBack(t *testing.T) {
	ours := Request{Local: Half{Sent, 20}, Remote: Half{Received, 10}}
	for name, c := range map[string]struct {
		theirs Propagated
		back   bool
	}{
		"they know":             {Propagated{Half{Sent, 10}, Half{Received, 20}}, false},
		"they know an older":    {Propagated{Half{Sent, 10}, Half{Received, 5}}, false},
		"they missed it":        {Propagated{Half{Sent, 10}, Half{None, 5}}, true},
		"they know nothing":     {Propagated{Half{Sent, 10}, Half{}}, true},
		"they have a later end": {Propagated{Half{None, 30}, Half{None, 30}}, false},
	} {
		if _, o := ours.StateReceived(c.theirs); o.SendBack != c.back {
			t.Errorf("%s: %+v", name, o)
		}
	}
	ended := Request{Local: Half{None, 20}, Remote: Half{None, 20}}
	if _, o := ended.StateReceived(Propagated{Half{Sent, 10}, Half{Received, 8}}); !o.SendBack || o.Changed {
		t.Errorf("they missed the end: %+v", o)
	}
}

func TestNewRequest(t *testing.T) {
	r, o := Request{}.RequestReceived(5)
	if !o.New || !o.Changed || !r.Pending() || r.Name() != "received" {
		t.Fatalf("%+v %+v", r, o)
	}
	if next, o := r.RequestReceived(5); o != (Outcome{}) || next != r {
		t.Fatalf("a double: %+v", o)
	}
	if _, o := r.RequestReceived(6); o.New || !o.Changed {
		t.Fatalf("asked again: %+v", o)
	}
	r, _ = r.RetractReceived(7)
	if r, o = r.StateReceived(Propagated{Local: Half{Sent, 9}}); !o.New || !r.Pending() {
		t.Fatalf("asked anew: %+v %+v", r, o)
	}
}

func TestPropagatedRefuses(t *testing.T) {
	const latest = 1000
	for name, c := range map[string]struct {
		ls, lc, rs, rc uint64
		err            error
	}{
		"mutual":          {1, 5, 0, 0, ErrState},
		"their dismissal": {2, 5, 4, 5, ErrState},
		"local received":  {3, 5, 0, 0, ErrState},
		"huge state":      {math.MaxUint64, 5, 0, 0, ErrState},
		"256 is not 0":    {256, 5, 0, 0, ErrState},
		"late local":      {2, latest + 1, 0, 0, ErrClock},
		"late remote":     {2, 5, 3, latest + 1, ErrClock},
		"fine":            {2, latest, 3, latest, nil},
		"dismissed":       {4, 5, 3, 3, nil},
		"nothing":         {0, 0, 0, 0, nil},
	} {
		if _, err := ParsePropagated(c.ls, c.lc, c.rs, c.rc, latest); !errors.Is(err, c.err) || c.err == nil && err != nil {
			t.Errorf("%s: %v, want %v", name, err, c.err)
		}
	}
	if _, err := ParsePropagated(2, MaxClock+1, 0, 0, math.MaxUint64); !errors.Is(err, ErrClock) {
		t.Errorf("past every clock: %v", err)
	}
}

// Clocks at the end of the range wedge nothing.
func TestHugeClocks(t *testing.T) {
	r := Request{}
	for _, clock := range []uint64{MaxClock + 1, math.MaxUint64} {
		for _, f := range []func(uint64) (Request, Outcome){r.Send, r.Dismiss, r.Retract, r.RequestReceived, r.RetractReceived} {
			if next, o := f(clock); next != r || o != (Outcome{}) {
				t.Fatalf("clock %d changed %+v", clock, next)
			}
		}
	}
}

func TestLevels(t *testing.T) {
	mutual := Request{Half{Sent, 1}, Half{Received, 2}}
	for _, c := range []struct {
		r                 Request
		verified, blocked bool
		want              Trust
		name              string
	}{
		{Request{}, false, false, Unknown, "none"},
		{Request{Local: Half{Sent, 1}}, false, false, Requested, "sent"},
		{Request{Remote: Half{Received, 1}}, false, false, Requested, "received"},
		{Request{Local: Half{Dismissed, 2}, Remote: Half{Received, 1}}, false, false, Requested, "declined"},
		{mutual, false, false, Mutual, "mutual"},
		{mutual, true, false, Verified, "mutual"},
		{Request{}, true, false, Verified, "none"},
		{mutual, true, true, Blocked, "mutual"},
	} {
		if got := c.r.Level(c.verified, c.blocked); got != c.want || c.r.Name() != c.name {
			t.Errorf("%+v: %s %s, want %s %s", c.r, got, c.r.Name(), c.want, c.name)
		}
	}
}

// A request is new when one waits for an answer that did not before, whatever made it so:
// one who removes somebody and asks again says with one state that our half is void and
// that theirs is not.
func TestNewIsPendingThatWasNot(t *testing.T) {
	mutual := Request{Half{Sent, 10}, Half{Received, 10}}
	r, o := mutual.StateReceived(Propagated{Local: Half{Sent, 30}, Remote: Half{None, 20}})
	if !o.New || !r.Pending() {
		t.Fatalf("asked again after a removal: %+v %+v", r, o)
	}
	declined := Request{Half{Dismissed, 10}, Half{None, 5}}
	if r, o := declined.RequestReceived(20); o.New || r.Pending() {
		t.Fatalf("who was declined asks again: %+v %+v", r, o)
	}
	states, clocks := []State{None, Sent, Received, Dismissed}, []uint64{0, 1, 2, 3}
	halves := func(allowed ...State) (all []Half) {
		for _, s := range states {
			for _, c := range clocks {
				for _, a := range allowed {
					if s == a {
						all = append(all, Half{s, c})
					}
				}
			}
		}
		return all
	}
	for _, local := range halves(None, Sent, Dismissed) {
		for _, remote := range halves(None, Received) {
			before := Request{local, remote}
			check := func(after Request, o Outcome) {
				t.Helper()
				if want := after.Pending() && !before.Pending(); o.New != want {
					t.Fatalf("%+v became %+v: new %v", before, after, o.New)
				}
			}
			for _, c := range clocks {
				check(before.RequestReceived(c))
			}
			for _, l := range halves(None, Sent, Dismissed) {
				for _, r := range halves(None, Received) {
					check(before.StateReceived(Propagated{l, r}))
				}
			}
		}
	}
}
