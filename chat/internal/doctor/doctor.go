// Package doctor finds out what is wrong when messages do not travel. Each check has a
// result, its cause and a remedy, for people, and details for programs.
//
//	doctor.go         all checks at once, within a deadline
//	clock.go          our clock, against itself and against what others publish
//	peers.go          are there peers for each protocol?
//	subscription.go   does anything arrive?
//	roundtrip.go      publish, and read it back from the store nodes
//
// A transport adds checks of its own: see port.Examiner.
package doctor

import (
	"context"
	"io"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"libstatus1to1/chat/port"
	"libstatus1to1/chat/text"
)

// Options are the arguments of New; all fields are required.
type Options struct {
	Net  port.Transport
	Now  func() time.Time
	Rand io.Reader
	// Wait waits for a duration by the engine's clock; the function ends the wait.
	Wait func(time.Duration) (<-chan time.Time, func())
	// Panicked is called after a check has panicked.
	Panicked func(where string, value any, stack []byte)
}

// Doctor examines a client, for network.doctor. All methods may be called from any goroutine.
type Doctor struct {
	Options
	opened time.Time
	clock  clock
	heard  heard

	probing sync.Mutex // held while a probe is under way; guards last
	last    probe
}

// New returns a doctor that has seen nothing yet.
func New(o Options) *Doctor { return &Doctor{Options: o, opened: o.Now(), clock: newClock()} }

// Part makes some checks; it ends with ctx. Names are those of the checks that it makes.
type Part struct {
	Names []string
	Make  func(ctx context.Context) []port.Check
}

// Heard notes an envelope that has just come in from the network, of any topic.
func (d *Doctor) Heard(e port.Envelope) {
	now := d.Now()
	d.clock.heard(now, e)
	d.heard.note(now, e.PubsubTopic)
}

// Examine makes all checks, its own and those of the client, and returns them in the order
// in which a person would look at them. What is not done when ctx ends is skipped.
func (d *Doctor) Examine(ctx context.Context, own ...Part) []port.Check {
	status := d.Net.Status()
	parts := append(own,
		Part{[]string{"clock"}, func(context.Context) []port.Check { return []port.Check{d.clock.check(d.Now())} }},
		d.transport(),
		Part{[]string{"peers"}, func(context.Context) []port.Check { return d.peers(status) }},
		Part{[]string{"subscription"}, func(context.Context) []port.Check { return []port.Check{d.subscription(status)} }},
		Part{[]string{"round_trip"}, func(ctx context.Context) []port.Check { return []port.Check{d.roundTrip(ctx, status)} }},
	)
	checking, cancel := endingSooner(ctx)
	defer cancel()
	done := make([]chan []port.Check, len(parts))
	for i, p := range parts {
		done[i] = make(chan []port.Check, 1)
		go func() { done[i] <- d.guarded(checking, p) }()
	}
	var all []port.Check
	for i, p := range parts {
		all = append(all, p.result(ctx, done[i])...)
	}
	for i := range all {
		// A cause may quote what a peer has said.
		all[i].Cause = text.Shown(all[i].Cause, maxCause, text.Name)
	}
	return all
}

// A check that waits until its time is over still has something to tell. So it ends before
// the caller's deadline, by a part of the time that is left, and by a quarter of a second at
// most.
const (
	tellingShare = 5
	tellingTime  = 250 * time.Millisecond
)

// endingSooner returns the context of the checks.
func endingSooner(ctx context.Context) (context.Context, context.CancelFunc) {
	end, limited := ctx.Deadline()
	if !limited {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, end.Add(-min(time.Until(end)/tellingShare, tellingTime)))
}

// maxCause is the length of a cause in code points: some sentences.
const maxCause = 600

// transport is the part of the transport, which may have none.
func (d *Doctor) transport() Part {
	examiner, ok := d.Net.(port.Examiner)
	if !ok {
		return Part{}
	}
	return Part{[]string{"network"}, examiner.Examine}
}

// result waits for the checks of a part.
func (p Part) result(ctx context.Context, done <-chan []port.Check) []port.Check {
	select {
	case checks := <-done:
		return checks
	case <-ctx.Done():
	}
	select {
	case checks := <-done: // both were ready
		return checks
	default:
		return p.skipped("the deadline came before it was done", "call network.doctor with a later deadline")
	}
}

// guarded makes the checks of a part, and reports its panic.
func (d *Doctor) guarded(ctx context.Context, p Part) (checks []port.Check) {
	defer func() {
		if value := recover(); value != nil {
			d.Panicked("doctor", value, debug.Stack())
			checks = p.skipped("the check has failed itself", "report the defect")
		}
	}()
	if p.Make == nil {
		return nil
	}
	return p.Make(ctx)
}

// skipped returns all checks of a part as skipped.
func (p Part) skipped(cause, remedy string) []port.Check {
	var all []port.Check
	for _, name := range p.Names {
		all = append(all, port.Check{Name: name, Result: port.CheckSkipped, Cause: cause, Remedy: remedy})
	}
	return all
}

// Worst returns the first check that failed, or else the first with a warning.
func Worst(checks []port.Check) (worst port.Check, found bool) {
	for _, result := range []port.CheckResult{port.CheckFailed, port.CheckWarning} {
		if i := slices.IndexFunc(checks, func(c port.Check) bool { return c.Result == result }); i >= 0 {
			return checks[i], true
		}
	}
	return worst, false
}

// age returns the ms from at until now, for details.
func age(now, at time.Time) int64 { return now.Sub(at).Milliseconds() }
