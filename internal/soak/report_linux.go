package soak

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"
)

// Report is the result of a run.
type Report struct {
	OK       bool           `json:"ok"`
	Light    bool           `json:"light"` // half of the lives of clients were in light mode
	Seed     uint64         `json:"seed"`
	Seconds  float64        `json:"seconds"`   // of the plan
	Settled  float64        `json:"settled_s"` // from the end of the faults until everything had arrived and was acknowledged
	Settings map[string]any `json:"engine"`
	Accepted map[string]int `json:"accepted"` // by sender
	Failed   map[string]int `json:"failed"`   // of which their senders were told
	Kills    int            `json:"kills"`
	Points   map[string]int `json:"kills_at_points"`
	Faults   map[string]int `json:"faults"`
	Lives    map[string]int `json:"lives"`
	// Fetched counts the envelopes that catch-up got from store nodes, Resent the messages
	// that were published again. Both are at least this many: see tally.
	Fetched  int `json:"fetched_from_stores"`
	Resent   int `json:"resent"`
	Repeated int `json:"events_repeated"` // after a crash, with the same number
	// Accepting is the time from the acceptance to the event at the receiver; Together
	// counts of it only the time in which both were online and a way led between them.
	Accepting Times    `json:"from_acceptance"`
	Together  Times    `json:"both_online"`
	Problems  []string `json:"problems"`
}

func (r *run) report() *Report {
	p := &Report{
		Light: r.Light, Seed: r.Seed, Seconds: r.Duration.Seconds(), Settled: max(0, r.now-r.quiet).Seconds(), Settings: r.engine(),
		Accepted: map[string]int{}, Failed: map[string]int{}, Kills: r.kills, Points: r.points, Faults: r.counts,
		Lives: map[string]int{}, Problems: []string{},
	}
	var all, along []time.Duration
	for _, s := range r.sides {
		if r.err == nil {
			for _, reader := range r.sides {
				s.books.compare(reader.name, reader.history, r.Messages)
			}
			s.books.ended(s.history)
		}
		took, tookAlong := s.books.times()
		all, along = append(all, took...), append(along, tookAlong...)
		p.Accepted[s.name], p.Failed[s.name], p.Lives[s.name] = len(s.books.messages), s.books.failed(), s.lives
		p.Repeated += s.again
		p.Fetched += s.fetched.total()
		p.Resent += s.resent.total()
		p.Problems = append(p.Problems, s.books.faults...)
	}
	for i, n := range r.nodes {
		p.Lives[fmt.Sprint("node ", i+1)] = n.lives
	}
	p.Accepting, p.Together = describe(all), describe(along)
	if r.kills < r.Kills {
		p.Problems = append(p.Problems, fmt.Sprintf("%d kills of %d", r.kills, r.Kills))
	}
	if r.err != nil {
		p.Problems = append(p.Problems, r.err.Error())
	}
	p.OK = len(p.Problems) == 0
	return p
}

// Print writes the report for people.
func (p *Report) Print(w io.Writer) {
	fmt.Fprintf(w, "soak: seed %d, %.0f s; accepted %s; failed and told %s\n", p.Seed, p.Seconds, counted(p.Accepted), counted(p.Failed))
	fmt.Fprintf(w, "%d kills (at points of the engine: %s); lives: %s\n", p.Kills, counted(p.Points), counted(p.Lives))
	fmt.Fprintf(w, "faults: %s\n", counted(p.Faults))
	fmt.Fprintf(w, "after the last fault everything was there in %.1f s; %d events came again after a crash\n", p.Settled, p.Repeated)
	fmt.Fprintf(w, "%d envelopes came from store nodes, %d messages were published again\n", p.Fetched, p.Resent)
	p.Accepting.print(w, "from acceptance to the event")
	p.Together.print(w, "of that, with both online")
	for _, problem := range p.Problems {
		fmt.Fprintln(w, "PROBLEM:", problem)
	}
	if p.OK {
		fmt.Fprintln(w, "0 lost, 0 doubled, order kept")
	}
}

// counted lists counts by name.
func counted(m map[string]int) string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(m)) {
		all = append(all, fmt.Sprintf("%s %d", name, m[name]))
	}
	if all == nil {
		return "none"
	}
	return strings.Join(all, ", ")
}

// Save writes the report as JSON.
func (p *Report) Save(path string) error {
	b, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(b, '\n'), 0o644)
}
