package crashtest

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"libstatus1to1/chat"
)

// death is how a round ends for one side: at a named point, or at a moment.
type death struct {
	who   string // "alice", "bob" or "both"
	point string // "" for a moment
}

// deaths are the rounds: every point for each side and for both, and moments.
func deaths(moments int) (list []death) {
	for _, who := range []string{"alice", "bob", "both"} {
		for _, point := range chat.ProbePoints {
			list = append(list, death{who, point})
		}
		for range moments {
			list = append(list, death{who, ""})
		}
	}
	return list
}

// setting is a number from the environment, for longer runs:
//
//	CRASHTEST_MESSAGES=10000 CRASHTEST_MOMENTS=40 go test ./internal/crashtest
func setting(t *testing.T, name string, normal int) int {
	text := os.Getenv(name)
	if text == "" {
		return normal
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// TestCrash: whatever messages.send accepted is in both histories exactly once,
// in its sender's order, however often the processes are killed.
func TestCrash(t *testing.T) {
	total, moments := setting(t, "CRASHTEST_MESSAGES", 1000), setting(t, "CRASHTEST_MOMENTS", 3)
	if testing.Short() {
		total, moments = min(total, 100), 0
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))

	alice, bob := newSide(t, "alice"), newSide(t, "bob")
	t.Cleanup(func() { both(alice, bob, (*side).kill) })
	both(alice, bob, func(s *side) { s.start(nil); s.kill() }) // to know keys and addresses
	rounds := deaths(moments)
	random.Shuffle(len(rounds), func(i, j int) { rounds[i], rounds[j] = rounds[j], rounds[i] })
	for i, r := range rounds {
		live(random, alice, bob, r, total*(i+1)/len(rounds))
	}
	t.Logf("%d rounds, %d lives, %d deaths at named points; accepted %d and %d", len(rounds), alice.lives+bob.lives, alice.points+bob.points, len(alice.accepted), len(bob.accepted))
	for _, s := range []*side{alice, bob} {
		if want := 2 * len(chat.ProbePoints); s.points < want/2 {
			t.Errorf("%s died %d times at a named point, of %d", s.name, s.points, want)
		}
	}
	began := time.Now()
	alice.start(bob)
	bob.start(alice)
	both(alice, bob, func(s *side) {
		s.tell(order{UpTo: total})
		s.follow("everything to be there", func() bool {
			return s.died || s.outbox == 0 && len(s.accepted) == total && s.messages >= uint64(2*total)
		})
	})
	t.Logf("after the last start everything was there in %s", time.Since(began).Round(time.Millisecond))
	compare(t, alice, bob, total)
}

// passes is how often a side passes its point at most before it dies there. A round has some fifty
// messages of each side, and on a busy machine several of them go through a point at once.
const passes = 6

// live is one round: both run, and it ends with the death of one or both.
func live(random *rand.Rand, alice, bob *side, d death, upTo int) {
	alice.start(bob)
	bob.start(alice)
	both(alice, bob, func(s *side) {
		s.follow("the other one", func() bool { return s.died || s.online })
	})
	moment := time.Duration(random.IntN(1500)) * time.Millisecond
	nth := map[*side]int{alice: 1 + random.IntN(passes), bob: 1 + random.IntN(passes)}
	both(alice, bob, func(s *side) {
		do := order{UpTo: upTo}
		mortal := d.who == "both" || d.who == s.name
		if mortal {
			do.Point, do.Nth = d.point, nth[s]
		}
		s.tell(do)
		switch {
		case !mortal:
			s.followFor(moment)
		case d.point == "":
			s.followFor(moment)
			s.kill()
		default: // until the point, or for ever if it does not come there
			s.followFor(8 * time.Second)
			s.kill()
		}
	})
}

// compare reads both histories and wants the numbers 1 to total of each sender in
// order, each once, under the id it was accepted with.
func compare(t *testing.T, alice, bob *side, total int) {
	both(alice, bob, func(s *side) {
		s.tell(order{History: true})
		s.follow("its history", func() bool {
			return s.died || len(s.history) > 0 && s.history[len(s.history)-1].Kind == "checked"
		})
	})
	for _, reader := range []*side{alice, bob} {
		for _, problem := range reader.problems {
			t.Errorf("store.check of %s: %s", reader.name, problem)
		}
		if n := len(reader.history) - 1; n != 2*total {
			t.Errorf("%s has %d messages, want %d", reader.name, n, 2*total)
		}
		for _, writer := range []*side{alice, bob} {
			want := total // newest first
			for _, m := range reader.history {
				var n int
				if _, err := fmt.Sscanf(m.Text, writer.name+" %d", &n); err != nil {
					continue
				}
				if n != want || m.ID != writer.accepted[n] {
					t.Fatalf("%s has number %d of %s as %s where %d was to be; it was accepted as %s", reader.name, n, writer.name, m.ID, want, writer.accepted[n])
				}
				want--
			}
			if want != 0 {
				t.Errorf("%s lacks the first %d of %s", reader.name, want, writer.name)
			}
		}
	}
}
