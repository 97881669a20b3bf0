package chat_test

import (
	"fmt"
	"testing"
)

// The same seed gives the same run.
func TestSimulationDeviceSeedReproduces(t *testing.T) {
	run := func() (trace string) {
		s := newSimulation(t, 7, 2, badNetwork)
		s.populate(func(int) int { return 2 })
		all := s.chatter(6, func() { s.restart(s.devices[s.random.IntN(len(s.devices))]) })
		s.until("an empty outbox", s.quiet)
		all = append(all, s.converge()...)
		s.arrived(all)
		for _, m := range all {
			trace += m.id
		}
		return fmt.Sprint(trace, s.net.Stats(), s.clock.Now())
	}
	if a, b := run(), run(); a != b {
		t.Fatalf("two runs differ:\n%s\n%s", a, b)
	}
}
