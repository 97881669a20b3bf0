package ledger

import (
	"sync"
	"time"
)

// Lock is the engine's one lock. It guards all memory of the parts that only the loop
// changes; no other lock is held around it.
type Lock struct{ sync.Mutex }

// Turn is the lock, held: a function that takes one may use the memory that the lock
// guards, and cannot be called by anybody who does not hold it. The loop has one a round;
// a call that must keep the loop out has one of its own. Now and Online do not change
// during a turn.
type Turn struct {
	Now    time.Time
	Online bool // there is somebody to publish to, and no attempt to has just failed
}

// Do waits for the lock and runs f with it. begin is called when it has it, since waiting
// may have taken a while.
func (l *Lock) Do(begin func() Turn, f func(*Turn)) {
	l.Lock()
	defer l.Unlock()
	t := begin()
	f(&t)
}
