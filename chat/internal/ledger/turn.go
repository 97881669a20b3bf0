package ledger

import (
	"sync"
	"time"
)

// Lock is the engine's one lock. It guards all memory of the parts that only the loop
// changes; no other lock is held around it.
type Lock struct{ mu sync.Mutex }

// Turn is the lock, held: a function that takes one may use the memory that the lock
// guards, and cannot be called by anybody who does not hold it. The loop has one a round;
// a call that must keep the loop out has one of its own. Now and Online do not change
// during a turn.
type Turn struct {
	Now    time.Time
	Online bool // there is somebody to publish to, and publishing has not just failed

	lock *Lock
}

// Begin waits for the lock. read returns the time and whether we are online; it is called
// with the lock held, because waiting may have taken a while.
func (l *Lock) Begin(read func() (now time.Time, online bool)) *Turn {
	l.mu.Lock()
	now, online := read()
	return &Turn{Now: now, Online: online, lock: l}
}

// TryBegin is Begin if nobody has the lock, and returns nil otherwise.
func (l *Lock) TryBegin(read func() (now time.Time, online bool)) *Turn {
	if !l.mu.TryLock() {
		return nil
	}
	now, online := read()
	return &Turn{Now: now, Online: online, lock: l}
}

// End gives the lock back.
func (t *Turn) End() { t.lock.mu.Unlock() }
