package store

import (
	"encoding/binary"
	"errors"
	"math/rand"
	"slices"
	"testing"
	"time"

	"libstatus1to1/chat/port"
)

func testQueue(t *testing.T, s *subject) {
	bounds := func(first, last uint64) {
		t.Helper()
		s.view(func(tx port.Tx) {
			if f, l, err := tx.Bounds("q"); err != nil || f != first || l != last {
				t.Errorf("Bounds = %d, %d, %v; want %d, %d", f, l, err, first, last)
			}
		})
	}
	push := func(want uint64) {
		t.Helper()
		s.update(func(tx port.Tx) {
			if seq, err := tx.Append("q", number(want)); err != nil || seq != want {
				t.Errorf("Append = %d, %v; want %d", seq, err, want)
			}
		})
	}
	bounds(1, 0)
	s.update(func(tx port.Tx) { s.must(tx.Trim("q", 10)) })
	for i := range uint64(5) {
		push(i + 1)
	}
	bounds(1, 5)
	s.update(func(tx port.Tx) { s.must(tx.Trim("q", 2)); s.must(tx.Trim("q", 1)) })
	bounds(3, 5)
	s.again()
	bounds(3, 5)
	s.update(func(tx port.Tx) { s.must(tx.Trim("q", 99)) })
	bounds(6, 5)
	s.again()
	bounds(6, 5)
	push(6)
	bounds(6, 6)
}

func testRange(t *testing.T, s *subject) {
	s.update(func(tx port.Tx) {
		for i := range uint64(20) {
			_, err := tx.Append("q", number(i+1))
			s.must(err)
		}
		s.must(tx.Trim("q", 3))
	})
	s.again()
	collect := func(tx port.Tx, from uint64, each func(uint64) bool) (got []uint64) {
		s.must(tx.Range("q", from, func(seq uint64, v []byte) (bool, error) {
			if binary.BigEndian.Uint64(v) != seq {
				t.Errorf("entry %d holds %x", seq, v)
			}
			got = append(got, seq)
			return each(seq), nil
		}))
		return got
	}
	expect := func(got []uint64, want ...uint64) {
		t.Helper()
		if !slices.Equal(got, want) {
			t.Errorf("Range gave %v, want %v", got, want)
		}
	}
	s.view(func(tx port.Tx) {
		expect(collect(tx, 0, func(seq uint64) bool { return seq < 5 }), 4, 5)
		expect(collect(tx, 18, func(uint64) bool { return true }), 18, 19, 20)
		expect(collect(tx, 21, func(uint64) bool { return true }))
		expect(collect(tx, 1<<64-1, func(uint64) bool { return true }))
		stop := errors.New("stop")
		if err := tx.Range("q", 0, func(uint64, []byte) (bool, error) { return true, stop }); err != stop {
			t.Errorf("Range: %v, want the callback's error", err)
		}
	})
	s.update(func(tx port.Tx) {
		got := collect(tx, 0, func(seq uint64) bool { // trim and append while ranging
			_, err := tx.Append("q", number(0))
			s.must(err)
			s.must(tx.Trim("q", seq+4))
			return true
		})
		expect(got, 4, 9, 14, 19)
	})
	s.sound()
}

func testHistory(t *testing.T, s *subject) {
	seed := time.Now().UnixNano()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewSource(seed))
	model := map[string][]port.Position{}
	for round := range 30 {
		s.update(func(tx port.Tx) {
			for range 60 {
				name := string(rune('a' + rng.Intn(3)))
				p := pos(uint64(rng.Intn(400)), byte(rng.Intn(3)))
				if rng.Intn(3) == 0 { // the usual: newest
					p.Clock = uint64(1000 + round)
				}
				i, there := slices.BinarySearchFunc(model[name], p, compare)
				added, err := tx.Insert([]byte(name), p)
				if err != nil || added == there {
					t.Errorf("Insert = %v, %v; want %v", added, err, !there)
				}
				if !there {
					model[name] = slices.Insert(model[name], i, p)
				}
			}
		})
		if round%10 == 9 {
			s.update(func(tx port.Tx) { s.must(tx.DropHistory([]byte("b"))) })
			delete(model, "b")
		}
		if round%7 == 0 {
			s.again()
		}
		s.view(func(tx port.Tx) {
			for _, name := range []string{"a", "b", "c", "none"} {
				want := slices.Clone(model[name])
				slices.Reverse(want)
				got, err := tx.Page([]byte(name), nil, 1e6)
				n, err2 := tx.Count([]byte(name))
				if err != nil || err2 != nil || !slices.Equal(got, want) || n != uint64(len(want)) {
					t.Fatalf("round %d: history %s has %d (Count %d), want %d: %v %v", round, name, len(got), n, len(want), err, err2)
				}
			}
		})
	}
}

func testOneSpot(t *testing.T, s *subject) {
	const n = 3000
	for _, order := range []string{"rising", "falling", "inward"} {
		name := []byte(order)
		s.update(func(tx port.Tx) {
			for _, c := range []uint64{1, 1 << 40} {
				_, err := tx.Insert(name, pos(c, 0))
				s.must(err)
			}
		})
		for i := uint64(0); i < n; i += 500 {
			s.update(func(tx port.Tx) {
				for j := i; j < i+500; j++ {
					c := 1000 + j
					switch {
					case order == "falling":
						c = 1000 + n - j
					case order == "inward" && j%2 == 0:
						c = 1000 + 2*n - j
					}
					if added, err := tx.Insert(name, pos(c, 0)); !added || err != nil {
						t.Errorf("Insert = %v, %v", added, err)
					}
				}
			})
		}
		s.again()
		s.view(func(tx port.Tx) {
			page, err := tx.Page(name, nil, 2*n)
			if err != nil || len(page) != n+2 || !slices.IsSortedFunc(page, func(a, b port.Position) int { return compare(b, a) }) {
				t.Errorf("%s: page of %d, %v", order, len(page), err)
			}
		})
	}
}

func testFront(t *testing.T, s *subject) {
	s.update(func(tx port.Tx) { // as history fetched newest first
		for i := uint64(5000); i > 0; i-- {
			if added, err := tx.Insert([]byte("c"), pos(i, 0)); !added || err != nil {
				t.Errorf("Insert = %v, %v", added, err)
			}
		}
	})
	s.again()
	s.view(func(tx port.Tx) {
		p := pos(3, 0)
		page, err := tx.Page([]byte("c"), &p, 10)
		if err != nil || !slices.Equal(page, []port.Position{pos(2, 0), pos(1, 0)}) {
			t.Errorf("the oldest page is %v, %v", page, err)
		}
	})
}

func testPages(t *testing.T, s *subject) {
	var want []port.Position
	s.update(func(tx port.Tx) {
		for i := range uint64(200) {
			p := pos(10+i/3*2, byte(i%3))
			want = append(want, p)
			_, err := tx.Insert([]byte("c"), p)
			s.must(err)
		}
	})
	s.view(func(tx port.Tx) {
		for clock := uint64(0); clock < 150; clock++ { // cursors on and between positions
			for id := range byte(4) {
				before := pos(clock, id)
				end, _ := slices.BinarySearchFunc(want, before, compare)
				expect := slices.Clone(want[max(0, end-7):end])
				slices.Reverse(expect)
				if got, err := tx.Page([]byte("c"), &before, 7); err != nil || !slices.Equal(got, expect) {
					t.Fatalf("Page before %d/%d = %v, %v; want %v", clock, id, got, err, expect)
				}
			}
		}
		for _, limit := range []int{0, -1} {
			if page, err := tx.Page([]byte("c"), nil, limit); err != nil || len(page) != 0 {
				t.Errorf("Page of %d: %v, %v", limit, page, err)
			}
		}
	})
}
