package ratchet_test

import (
	"crypto/rand"
	"fmt"
	mrand "math/rand/v2"
	"testing"
	"time"

	"libstatus1to1/chat/protocol/ratchet"
)

// newSeed is printed, so that a failure can be played again by putting it here.
func newSeed(t testing.TB) *mrand.Rand {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	return mrand.New(mrand.NewPCG(seed, 1))
}

// flight is a message under way in a model.
type flight struct {
	message   ratchet.Message
	text      string
	delivered bool
}

// TestModel lets two peers talk over a network that drops, doubles and reorders, and
// restarts them at random. The model is simple: within the limits the first copy of a
// message opens to its text, and every further copy is refused.
func TestModel(t *testing.T) {
	random := newSeed(t)
	for range 30 {
		a, b := sessionPair(t)
		peers := [2]ratchet.State{a, b}
		var air [2][]flight // by receiver
		opened := 0
		for turn := range 250 {
			me := random.IntN(2)
			switch action := random.IntN(10); {
			case action < 4: // send; the responder only once it has been spoken to
				if me == 1 && peers[1].Remote().IsZero() {
					continue
				}
				text := fmt.Sprint("message ", turn)
				m := mustEncrypt(t, &peers[me], text)
				air[1-me] = append(air[1-me], flight{message: m, text: text})
			case action < 9: // deliver any one, sometimes a copy of one delivered before
				if len(air[me]) == 0 {
					continue
				}
				f := &air[me][random.IntN(len(air[me]))]
				if f.delivered {
					if _, _, err := peers[me].Decrypt(f.message, rand.Reader); err == nil {
						t.Fatalf("turn %d: a second copy opened", turn)
					}
					continue
				}
				mustDecrypt(t, &peers[me], f.message, f.text)
				f.delivered = true
				opened++
			default:
				peers[me] = reload(t, peers[me])
			}
		}
		if opened < 20 {
			t.Fatalf("only %d messages opened: the model tests nothing", opened)
		}
		// What is still in the air may come after everything else.
		for me := range peers {
			for _, f := range air[me] {
				if !f.delivered {
					mustDecrypt(t, &peers[me], f.message, f.text)
				}
			}
			if peers[me].SkippedLen() != 0 {
				t.Fatalf("%d keys kept though every message has come", peers[me].SkippedLen())
			}
		}
	}
}
