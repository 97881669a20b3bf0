package soak

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"
)

// Options describe a run.
type Options struct {
	Duration time.Duration // of messages and faults, with a quiet end
	Messages int           // each way
	Kills    int           // at least
	Seed     uint64        // of the plan
	// Resend is resend_base_ms of the engines: the first wait for an acknowledgement. With
	// the default, 27 s, what is lost on the way has to come from store nodes.
	Resend time.Duration
	Light  bool      // half of the lives of clients are in light mode
	Log    io.Writer // what happens, for people
}

// patience is how long a run may take beyond its duration until everything has arrived. It
// is a guard against a hang: what it takes is measured, and is in the report.
const patience = 5 * time.Minute

// tick is how often a run looks at what is due.
const tick = 20 * time.Millisecond

// lookEvery is how often the clients are asked how much waits.
const lookEvery = time.Second

// run is a run. Everything in it happens in the goroutine of Run.
type run struct {
	Options
	directory string
	errors    *os.File // the standard error of all children
	began     time.Time
	now       time.Duration // since then
	said      chan spoken
	sides     [clients]*side
	nodes     [nodes]*station
	links     [links]*link
	plan      []fault    // what is left of it
	modes     *rand.Rand // draws the mode of each life
	due       int        // how many messages each side is to have sent by now
	together  presence
	looked    time.Duration
	counts    map[string]int // of faults, by kind
	points    map[string]int // of kills at points of the engine
	kills     int
	quiet     time.Duration // when the plan had ended and everything ran again
	err       error
}

// maxSaid is how many lines of children wait for the run.
const maxSaid = 4096

// Run does one run. The error tells what kept it from its end; what went wrong with
// messages is in the report.
func Run(o Options) (*Report, error) {
	directory, err := os.MkdirTemp("", "status1to1-soak-")
	if err != nil {
		return nil, err
	}
	r := &run{Options: o, directory: directory, said: make(chan spoken, maxSaid), counts: map[string]int{}, points: map[string]int{}}
	defer r.end()
	if r.errors, err = os.Create(filepath.Join(directory, "stderr.log")); err != nil {
		return nil, err
	}
	if r.nodes, r.links, err = newNetwork(o.Seed, directory); err != nil {
		return nil, err
	}
	r.sides = [clients]*side{{number: 0, name: "alice", outbox: -1}, {number: 1, name: "bob", outbox: -1}}
	for _, s := range r.sides {
		s.books.sender = s.name
	}
	r.plan = plan(o, rand.New(rand.NewPCG(o.Seed, 0)))
	r.modes = rand.New(rand.NewPCG(o.Seed, math.MaxUint64))
	r.began = time.Now()
	for r.err == nil && !r.finished() {
		r.step()
	}
	report := r.report()
	if r.err != nil || !report.OK {
		fmt.Fprintf(r.Log, "the stores and logs of this run are in %s\n", directory)
	} else {
		_ = os.RemoveAll(directory)
	}
	return report, r.err
}

// step waits for something to do, and does it.
func (r *run) step() {
	select {
	case said := <-r.said:
		r.now = time.Since(r.began)
		r.take(said)
	case <-time.After(tick):
		r.now = time.Since(r.began)
		r.due = min(r.Messages, 1+int(float64(r.Messages)*float64(r.now)/(faultyShare*float64(r.Duration))))
		r.start()
		r.lift()
		r.injectDue()
		for _, s := range r.sides {
			r.send(s)
			r.acknowledge(s)
		}
		if r.now-r.looked >= lookEvery {
			r.looked = r.now
			for _, s := range r.sides {
				r.look(s)
			}
		}
		if r.now > r.Duration+patience {
			r.fail("not everything has arrived after %s", r.now.Round(time.Second))
		}
	}
}

// take handles what a child said.
func (r *run) take(said spoken) {
	if said.err != nil {
		r.fail("%w", said.err)
		return
	}
	for _, s := range r.sides {
		switch {
		case said.by != s.process || s.process == nil:
		case said.line == nil:
			r.died(s, said.end)
		case said.line.Trapped != "":
			r.points[said.line.Trapped]++
			s.trap = 0
			r.killed(s)
		case said.line.Event != nil:
			r.heard(s, said.line.Event)
		default:
			s.answered(said.line)
		}
	}
	for _, n := range r.nodes {
		switch {
		case said.by != n.process || n.process == nil:
		case said.line == nil:
			n.process, n.ready = nil, false
		default:
			r.listens(n, said.line.Answer)
		}
	}
	r.presence()
}

// presence notes whether both are online now.
func (r *run) presence() {
	way := false
	for i, a := range r.nodes {
		for j, b := range r.nodes {
			ends := a.up() && b.up() && r.reaches(0, i) && r.reaches(1, j)
			way = way || ends && (i == j || r.links[between].carries())
		}
	}
	r.together.set(r.now, way && r.sides[0].up() && r.sides[1].up())
}

// reaches reports whether a client gets to a node and is served by it.
func (r *run) reaches(client, node int) bool {
	return r.links[linkOf(client, node)].carries() && !(r.sides[client].light && r.nodes[node].misleads())
}

// start starts whatever is dead and is to run.
func (r *run) start() {
	for _, n := range r.nodes {
		if n.process == nil && r.now >= n.starts {
			if err := n.start(r.errors, r.said); err != nil {
				r.fail("a node does not start: %w", err)
			}
		}
	}
	for _, s := range r.sides {
		if s.process != nil || r.now < s.starts {
			continue
		}
		if err := s.start(r.errors, r.said); err != nil {
			r.fail("a client does not start: %w", err)
			return
		}
		s.ask("open", r.config(s), func(result json.RawMessage, failure *string) { r.opened(s, result, failure) })
	}
}

// finished reports whether everything has arrived and was looked at. It begins to look
// when everything has arrived.
func (r *run) finished() bool {
	if len(r.plan) > 0 || r.quiet == 0 {
		return false
	}
	for _, s := range r.sides {
		if !s.up() || s.outbox != 0 || !s.books.done(r.Messages) {
			return false
		}
	}
	for _, s := range r.sides {
		if s.history == nil {
			s.history = []entry{}
			r.finish(s, "")
		}
	}
	return r.sides[0].finished && r.sides[1].finished
}

// end ends all children and waits for them.
func (r *run) end() {
	left := 0
	for _, p := range []*process{r.sides[0].child(), r.sides[1].child(), r.nodes[0].child(), r.nodes[1].child()} {
		if p != nil {
			p.kill()
			left++
		}
	}
	for left > 0 {
		if said := <-r.said; said.line == nil {
			left--
		}
	}
	for _, l := range r.links {
		if l != nil {
			_ = l.proxy.Close()
		}
	}
	_ = r.errors.Close()
}
