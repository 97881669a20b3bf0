package soak

import (
	"encoding/json"
	"fmt"
	"time"

	"libstatus1to1/internal/faultproxy"
	"libstatus1to1/internal/soak/client"
)

// trapTime is how long a client may take to come to a point before it is killed anyway.
const trapTime = 2 * time.Second

// injectDue injects the faults of the plan that are due. A fault whose target is dead goes to
// another one of its kind, and waits if there is none.
func (r *run) injectDue() {
	for len(r.plan) > 0 && r.plan[0].At <= r.now && r.apply(r.plan[0]) {
		r.counts[r.plan[0].name()]++
		r.plan = r.plan[1:]
	}
	if len(r.plan) == 0 && r.quiet == 0 && r.whole() {
		r.quiet = r.now
	}
	r.presence()
}

// apply injects a fault; it reports false if that has to wait.
func (r *run) apply(f fault) bool {
	switch f.Kind {
	case killClient, trapClient, stopClient, longAway:
		for i := range r.sides {
			if s := r.sides[(f.Target+i)%clients]; s.up() && s.trap == 0 {
				r.harm(s, f)
				return true
			}
		}
		return false
	case killNode, stopNode:
		for i := range r.nodes {
			if n := r.nodes[(f.Target+i)%nodes]; n.up() {
				r.harmNode(n, f)
				return true
			}
		}
		return false
	case allNodes:
		for _, n := range r.nodes {
			if !n.up() {
				return false
			}
		}
		for _, n := range r.nodes {
			r.harmNode(n, f)
		}
	case misserve:
		r.nodes[f.Target].serve(f.Service, r.now+f.For)
	case offline:
		for i := range r.nodes {
			r.harmLink(linkOf(f.Target, i), f, faultproxy.Faults{Refuse: true})
		}
	case apart:
		r.harmLink(between, f, f.Way)
	default:
		r.harmLink(f.Target, f, f.Way)
	}
	return true
}

func (r *run) harm(s *side, f fault) {
	s.fault = f
	switch f.Kind {
	case stopClient:
		s.process.stop()
		s.resumes = r.now + f.For
	case trapClient:
		s.trap = r.now + trapTime
		s.process.tell(client.Request{Method: "trap", Params: mustJSON(client.Trap{Point: f.Point, Nth: f.Nth})})
	default:
		s.process.kill()
		r.killed(s)
	}
}

// killed counts a kill of a client, and says when it starts again. What it has said
// before is still to come.
func (r *run) killed(s *side) {
	r.kills++
	s.open, s.dying = false, true
	s.starts = r.now + s.fault.For
}

// died notes the end of a client's life.
func (r *run) died(s *side, how string) {
	if !s.dying {
		r.fail("%s ended by itself: %s", s.name, how)
	}
	s.process = nil
	s.fetched.died()
	s.resent.died()
}

func (r *run) harmNode(n *station, f fault) {
	if f.Kind == stopNode {
		n.process.stop()
		n.resumes = r.now + f.For
		return
	}
	n.process.kill()
	n.ready = false
	n.starts = r.now + f.For
	r.kills++
	r.forward(n.number, nowhere)
}

// listens notes that a node runs, and where.
func (r *run) listens(n *station, answer json.RawMessage) {
	var ready nodeReady
	r.read(answer, &ready)
	n.ready = true
	r.forward(n.number, fmt.Sprintf("127.0.0.1:%d", ready.Port))
}

// forward lets all links to a node lead to an address.
func (r *run) forward(node int, address string) {
	for i, l := range r.links {
		if leadsTo(i) == node {
			l.proxy.SetTarget(address)
		}
	}
}

func (r *run) harmLink(number int, f fault, way faultproxy.Faults) {
	l := r.links[number]
	switch f.Kind {
	case cutLink:
		l.proxy.Cut()
		return
	case halfLink:
		l.proxy.HalfOpen()
		return
	}
	l.set(way, r.now+f.For)
	if way.Refuse {
		l.proxy.Cut()
	}
}

// lift ends the faults whose time is over.
func (r *run) lift() {
	for _, l := range r.links {
		if l.until != 0 && r.now >= l.until {
			l.set(faultproxy.Faults{}, 0)
		}
	}
	for _, s := range r.sides {
		if s.process != nil && s.process.stopped && r.now >= s.resumes {
			s.process.resume()
		}
		if s.process != nil && s.trap != 0 && r.now >= s.trap {
			s.trap = 0
			s.process.kill()
			r.killed(s)
		}
	}
	for _, n := range r.nodes {
		if n.process != nil && n.process.stopped && r.now >= n.resumes {
			n.process.resume()
		}
		if n.mends != 0 && r.now >= n.mends {
			n.serve("", 0)
		}
	}
}

// whole reports whether nothing is wrong any more.
func (r *run) whole() bool {
	for _, l := range r.links {
		if l.until != 0 {
			return false
		}
	}
	for _, n := range r.nodes {
		if !n.up() || n.mends != 0 {
			return false
		}
	}
	return r.sides[0].up() && r.sides[1].up() && r.sides[0].trap == 0 && r.sides[1].trap == 0
}

func mustJSON(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}
