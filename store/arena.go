package store

// arena provides the memory for the plain and sealed records of a batch. bbolt keeps
// using what it is given until its transaction ends, so the memory is reused only by
// the next batch.
type arena struct {
	chunk []byte // the newest, all of it
	free  []byte // what is left of it
}

// Sizes of an arena's chunks in bytes: the first holds what some messages write, one of
// the largest, of which one is kept, what some hundred do. What is larger itself has a
// chunk of its own.
const (
	arenaFirst = 16 << 10
	arenaChunk = 1 << 20
)

// room is memory for n bytes, of length 0.
func (a *arena) room(n int) []byte {
	if n > arenaChunk {
		return make([]byte, 0, n)
	}
	if n > len(a.free) {
		a.chunk = make([]byte, max(n, min(2*len(a.chunk), arenaChunk), arenaFirst))
		a.free = a.chunk
	}
	piece := a.free[:0:n]
	a.free = a.free[n:]
	return piece
}

// copied is b in the arena.
func (a *arena) copied(b []byte) []byte { return append(a.room(len(b)), b...) }

// leave takes everything back. The chunk that is kept is wiped, so that plaintexts do not
// stay in it for long; others are the garbage collector's.
func (a *arena) leave() {
	clear(a.chunk[:len(a.chunk)-len(a.free)])
	a.free = a.chunk
}
