// Package testsize says how much of the same a test does: simulations with other random numbers,
// repetitions of an attack, messages of a large history.
package testsize

import "os"

// all is set in CI (.ci/run), and by who wants to know it exactly.
var all = os.Getenv("STATUS1TO1_TESTS") == "all"

// Many is the first number with STATUS1TO1_TESTS=all, and otherwise the second, which still shows
// each thing the test is there for.
func Many(everything, usual int) int {
	if all {
		return everything
	}
	return usual
}
