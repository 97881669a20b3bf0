package outbox

import (
	crand "crypto/rand"
	"maps"
	"math/rand"
	"slices"
	"testing"
	"time"

	"libstatus1to1/chat/protocol/key"
)

// scanned returns the same as due and nextDue, by looking at every row.
func scanned(s *rows, now time.Time) (due map[key.Public][]row, next time.Time, ok bool) {
	due = map[key.Public][]row{}
	someone := map[key.Public]bool{}
	for _, r := range s.byMVDS {
		if !r.idle() {
			continue
		}
		if !ok || r.due.next.Before(next) {
			next, ok = r.due.next, true
		}
		if someone[r.peer] = someone[r.peer] || !r.due.next.After(now); !r.comesAlong(s.coalesce).After(now) {
			due[r.peer] = append(due[r.peer], *r)
		}
	}
	for peer, list := range due {
		slices.SortFunc(list, func(a, b row) int { return byClock(&a, &b) })
		if due[peer] = list[:min(len(list), maxDueRows)]; !someone[peer] {
			delete(due, peer)
		}
	}
	return due, next, ok
}

// sameSchedule compares the queues with a look at every row.
func sameSchedule(t *testing.T, s *rows, now time.Time) {
	t.Helper()
	due, next, ok := scanned(s, now)
	if at, found := s.nextDue(); found != ok || !at.Equal(next) {
		t.Fatalf("next due at %v (%v), want %v (%v)", at, found, next, ok)
	}
	got := s.due(now)
	if len(got) != len(due) {
		t.Fatalf("%d people have something due, want %d", len(got), len(due))
	}
	for peer, list := range due {
		if s.isDue(peer, now) != true || !slices.EqualFunc(got[peer], list, func(a, b row) bool { return a.mvds == b.mvds && a.at == b.at }) {
			t.Fatalf("%d rows of somebody are due, want %d", len(got[peer]), len(list))
		}
	}
	for peer, p := range s.people {
		if s.isDue(peer, now) != (due[peer] != nil) || len(p.due) == 0 || len(p.due) != len(p.along) {
			t.Fatalf("somebody with %d and %d rows in the queues has something due: %v", len(p.due), len(p.along), s.isDue(peer, now))
		}
	}
}

// Whatever is done to rows, what is due is what a look at every one of them says.
func TestScheduleModel(t *testing.T) {
	people := make([]key.Public, 4)
	for i := range people {
		k, err := key.Generate(crand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		people[i] = k.Public()
	}
	for seed := range int64(20) {
		random := rand.New(rand.NewSource(seed))
		o := New(Options{Rand: random, ResendBase: base})
		s := &o.rows
		now := time.Unix(1_800_000_000, 0)
		soon := func() time.Time { return now.Add(time.Duration(random.Intn(200)-50) * time.Second) }
		var last, attempts uint64
		one := func() (r row) {
			for _, mvds := range slices.SortedFunc(maps.Keys(s.byMVDS), func(a, b [32]byte) int { return slices.Compare(a[:], b[:]) }) {
				if r = *s.byMVDS[mvds]; random.Intn(4) == 0 {
					break
				}
			}
			return r
		}
		add := func() {
			last++
			s.add(&row{
				mvds: [32]byte{byte(random.Intn(60))}, number: last, peer: people[random.Intn(len(people))],
				clock: uint64(random.Intn(50)), due: schedule{next: soon()},
			})
		}
		for range 1500 {
			from := Device{people[random.Intn(len(people))], "phone"}
			switch random.Intn(15) {
			case 0, 1, 2:
				add()
			case 3, 4, 5:
				if r := one(); r.idle() {
					attempts++
					s.stored(&attempt{id: attempts, rows: []attemptRow{{r.mvds, r.number, r.sendsThen()}}})
				}
			case 6, 7, 8:
				if r := one(); r.at.state == inAttempt {
					s.published(o.dueAgain(r, now), r.at.attempt)
				}
			case 9:
				s.remove(one().mvds)
			case 10:
				s.change(one().mvds, func(r *row) { r.due.next, r.awaits = soon(), true })
			case 11:
				s.hurry(from, true, false, now, base)
				s.resend(from, now, base)
			case 12:
				s.release(from.Peer, now)
				s.hastenFor(people[:2], now)
			case 13:
				s.stopWaiting(from.Peer, now)
				r := one()
				s.setStored(r, &Stored{}, r.sends+1, soon(), base)
			case 14:
				switch random.Intn(20) {
				case 0:
					s.clear()
				case 1:
					s.shift(-time.Duration(random.Intn(100)) * time.Second)
				}
			}
			now = now.Add(time.Duration(random.Intn(20)) * time.Second)
			sameSchedule(t, s, now)
		}
	}
}

// A backlog of one person is listed up to a bound, from its front.
func TestBacklogIsListedInPart(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	o, r := sentTwice(t, now)
	const n = maxDueRows + 100
	for i := range uint64(n) {
		o.rows.add(&row{mvds: [32]byte{2, byte(i), byte(i >> 8)}, number: i, peer: r.peer, clock: n - i, due: schedule{next: now}})
	}
	list := o.rows.due(now)[r.peer]
	if len(list) != maxDueRows || list[0].clock != 1 || list[maxDueRows-1].clock != maxDueRows {
		t.Errorf("%d rows are listed, from clock %d", len(list), list[0].clock)
	}
}

// unanswering is a person in whose chain to us nothing was answered for long.
type unanswering struct{ Sealer }

func (unanswering) Recipient(key.Public) (Recipient, error) {
	return Recipient{Devices: []string{"phone"}, Unanswered: maxUnanswered}, nil
}

// roomy is a network with envelopes of a size.
type roomy struct{ Network }

func (roomy) MaxPayload() int { return 100 << 10 }

// A look at what is due to somebody to whom sending is held leaves nothing due, however long
// the backlog in front of it: or the loop would look again and again.
func TestHeldBacklogIsNotDue(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	for name, backlog := range map[string]struct{ rows, size int }{
		"many": {maxDueRows + 100, 100}, "large": {1, 90 << 10},
	} {
		o, old := sentTwice(t, now)
		peer := old.peer
		o.rows.remove(old.mvds)
		o.Sealer, o.Network = unanswering{}, roomy{}
		until := now.Add(o.rows.coalesce / 2)
		o.holds[peer] = &hold{next: until}
		for i := range uint64(backlog.rows) {
			o.rows.add(&row{mvds: [32]byte{2, byte(i), byte(i >> 8)}, number: i, peer: peer, clock: i, size: backlog.size, due: schedule{next: until}})
		}
		o.rows.add(&row{mvds: [32]byte{3}, number: 1 << 20, peer: peer, clock: 1 << 20, due: schedule{next: now}})
		if o.batchFor(peer, o.rows.due(now)[peer], now) != nil {
			t.Fatalf("%s: something goes to somebody to whom sending is held", name)
		}
		if o.rows.isDue(peer, now) {
			t.Errorf("%s: something is still due", name)
		}
	}
}
