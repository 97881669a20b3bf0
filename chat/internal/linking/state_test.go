package linking

import (
	"slices"
	"testing"
)

// TestStates: every state of a pairing can be reached and leads to a final one, and the
// functions that ask for a kind of state agree with the table.
func TestStates(t *testing.T) {
	reached := map[State]bool{}
	var follow func(State)
	follow = func(s State) {
		if reached[s] {
			return
		}
		reached[s] = true
		for _, next := range states[s].next {
			follow(next)
		}
	}
	follow("")
	for s, rule := range states {
		if !reached[s] {
			t.Errorf("nothing leads to %q", s)
		}
		for _, next := range rule.next {
			if !next.known() {
				t.Errorf("%q leads to %q, which is no state", s, next)
			}
		}
		if s.underway() && !s.mayBecome(Failed) {
			t.Errorf("%q cannot fail", s)
		}
		if s.over() && (s.underway() || len(rule.next) > 0) {
			t.Errorf("%q is over, and something follows it", s)
		}
	}
	if over := []bool{Failed.over(), Ended.over(), Paired.over(), State("").over(), State("odd").over()}; !slices.Equal(over, []bool{true, true, false, false, false}) {
		t.Errorf("over: %v", over)
	}
}

// TestFinalStatesStay: what is over does not become anything else.
func TestFinalStatesStay(t *testing.T) {
	for from := range states {
		for to := range states {
			e := pairingEntry{state: from}
			if e.become(to); from.over() && e.state != from || e.state != from && e.state != to {
				t.Errorf("%q became %q on the way to %q", from, e.state, to)
			}
		}
	}
	for from := range transferStates {
		for to := range transferStates {
			x := transferEntry{state: from}
			if moved := x.become(to); moved != slices.Contains(transferStates[from], to) {
				t.Errorf("a transfer that is %q becoming %q: %v", from, to, moved)
			}
		}
	}
}
