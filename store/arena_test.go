package store

import (
	"bytes"
	"testing"
)

// TestArena: pieces do not overlap, a batch finds nothing of the one before, and what is
// larger than a chunk is not kept.
func TestArena(t *testing.T) {
	var a arena
	for batch := range 3 {
		var pieces [][]byte
		for i := range 300 {
			size := i * 37 % 9000
			if i == 150 {
				size = arenaChunk + 1
			}
			piece := a.room(size)
			if len(piece) != 0 || cap(piece) != size {
				t.Fatalf("a piece of %d of %d bytes", len(piece), cap(piece))
			}
			if piece = piece[:size]; !bytes.Equal(piece, make([]byte, size)) {
				t.Fatalf("batch %d: something is left in piece %d", batch, i)
			}
			for j := range piece {
				piece[j] = byte(1 + i%255)
			}
			pieces = append(pieces, piece)
		}
		for i, piece := range pieces {
			if !bytes.Equal(piece, bytes.Repeat([]byte{byte(1 + i%255)}, len(piece))) {
				t.Fatalf("piece %d was written over", i)
			}
		}
		a.leave()
		if len(a.chunk) > arenaChunk || len(a.free) != len(a.chunk) {
			t.Errorf("%d bytes are kept, %d free", len(a.chunk), len(a.free))
		}
	}
	if got := a.copied([]byte("abc")); string(got) != "abc" {
		t.Errorf("copied %q", got)
	}
}
