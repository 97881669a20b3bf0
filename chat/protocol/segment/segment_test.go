package segment

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/internal/vectors"
)

// receiver puts one message together, as the engine does with many.
type receiver struct {
	set      Set
	payloads map[Place][]byte
	done     bool
}

var errDone = errors.New("already completed")

// take handles one segment; the message is nil while it is incomplete.
func (r *receiver) take(b []byte) ([]byte, error) {
	seg, err := Parse(b)
	if err != nil {
		return nil, err
	}
	if r.done {
		return nil, errDone
	}
	if r.set, err = r.set.With(seg); err != nil {
		return nil, err
	}
	if r.payloads == nil {
		r.payloads = map[Place][]byte{}
	}
	r.payloads[seg.Place] = seg.Payload
	if !r.set.Complete() {
		return nil, nil
	}
	whole, err := r.set.Assemble(seg.Hash, func(p Place) ([]byte, error) { return r.payloads[p], nil })
	r.done = err == nil
	return whole, err
}

func outcome(whole []byte, err error) string {
	switch {
	case errors.Is(err, ErrNotSegment):
		return "not_a_segment"
	case errors.Is(err, errDone):
		return "already_completed"
	case err != nil:
		return "error"
	case whole == nil:
		return "incomplete"
	}
	return "complete"
}

// encoded returns the segments of a message on the wire.
func encoded(t testing.TB, message []byte, size int) [][]byte {
	t.Helper()
	segments, err := Split(message, size)
	if err != nil {
		t.Fatal(err)
	}
	all := make([][]byte, len(segments))
	for i, s := range segments {
		if all[i], err = s.Encode(); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func TestVectorSegmentsSplit(t *testing.T) {
	for _, c := range vectors.ReadSegments(t).Cases {
		segments, err := Split(c.Payload, c.SegmentSize)
		if len(c.Segments) == 1 {
			if !errors.Is(err, ErrNotSegment) {
				t.Errorf("%s: %v for what fits", c.Name, err)
			}
			continue
		}
		if err != nil || len(segments) != len(c.Segments) {
			t.Fatalf("%s: %d segments, %v; want %d", c.Name, len(segments), err, len(c.Segments))
		}
		for i, s := range segments {
			if s.Length != len(c.Payload) {
				t.Errorf("%s: segment %d says that the message has %d bytes", c.Name, i, s.Length)
			}
			s.Length = 0 // the vectors are from before that field
			if b, err := s.Encode(); err != nil || !bytes.Equal(b, c.Segments[i].Bytes) {
				t.Errorf("%s: segment %d differs (%v)", c.Name, i, err)
			}
		}
	}
}

func TestVectorSegmentsAssemble(t *testing.T) {
	steps := 0
	for _, c := range vectors.ReadSegments(t).Cases {
		for _, d := range c.Deliveries {
			r := &receiver{}
			for i, s := range d.Steps {
				whole, err := r.take(c.Segments[s.Segment].Bytes)
				want := s.Result
				if want == "error" { // the deployed clients do not recover a last segment that is short
					want = "complete"
				}
				if got := outcome(whole, err); got != want {
					t.Errorf("%s, order %v, step %d: %s (%v), want %s", c.Name, d.Order, i, got, err, want)
				}
				if whole != nil && !bytes.Equal(whole, c.Payload) {
					t.Errorf("%s, order %v: another message came out", c.Name, d.Order)
				}
				steps++
			}
		}
	}
	if steps < 60 {
		t.Fatalf("only %d steps", steps)
	}
}

// Any segments up to the number of parity segments may be lost, the short last one too,
// whether its length is said or not, and whatever the message ends with.
func TestSegmentLoss(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for round := range 200 {
		count, size := 8+rng.IntN(100), 1+rng.IntN(200)
		last := 1 + rng.IntN(size)
		message := make([]byte, (count-1)*size+last)
		for i := range message {
			message[i] = byte(rng.Uint32())
		}
		zeros := []int{0, 1, 2, 30, last}[round%5]
		zeros = min(zeros, last, maxEndingZeros)
		message[len(message)-zeros-1] = 1
		clear(message[len(message)-zeros:])
		segments, err := Split(message, size)
		if err != nil {
			t.Fatal(err)
		}
		lost := count / parityEvery
		if len(segments) != count+lost {
			t.Fatalf("%d segments of %d", len(segments), count)
		}
		order := rng.Perm(len(segments))
		if round%2 == 0 { // the last one is among the lost
			for i, n := range order {
				if n == count-1 {
					order[0], order[i] = order[i], order[0]
				}
			}
		}
		r := &receiver{}
		for i, n := range order[lost:] {
			s := segments[n]
			if round%4 < 2 {
				s.Length = 0
			}
			b, err := s.Encode()
			if err != nil {
				t.Fatal(err)
			}
			whole, err := r.take(b)
			switch {
			case i < count-1 && (whole != nil || err != nil):
				t.Fatalf("round %d: complete too early, or %v", round, err)
			case i == count-1 && !bytes.Equal(whole, message):
				t.Fatalf("round %d (%d segments of %d, last %d, %d zeros): %v", round, count, size, last, zeros, err)
			case i == count-1:
				if _, err := r.take(b); !errors.Is(err, errDone) {
					t.Fatalf("round %d: one too many: %v", round, err)
				}
			}
		}
	}
}

// One too many is lost.
func TestSegmentLossBeyondParity(t *testing.T) {
	all := encoded(t, bytes.Repeat([]byte{1, 2, 3}, 1000), 300)
	if len(all) != 10+1 {
		t.Fatalf("%d segments", len(all))
	}
	r := &receiver{}
	for _, b := range all[2:] {
		if whole, err := r.take(b); whole != nil || err != nil {
			t.Fatal("complete with two segments missing", err)
		}
	}
}

func TestSegmentNoParityAbove256(t *testing.T) {
	for count, want := range map[int]int{7: 7, 8: 9, 16: 18, 227: 227 + 28, 228: 228 + 28, 229: 229, 1000: 1000} {
		if got := len(encoded(t, make([]byte, count*10), 10)); got != want {
			t.Errorf("%d segments become %d, want %d", count, got, want)
		}
	}
}

func TestSegmentSplitLimits(t *testing.T) {
	if _, err := Split(make([]byte, MaxMessage+1), 1<<20); !errors.Is(err, ErrTooLarge) {
		t.Error(err)
	}
	if _, err := Split(make([]byte, MaxSegments+1), 1); !errors.Is(err, ErrTooLarge) {
		t.Error(err)
	}
	if _, err := Split(make([]byte, MaxSegments), 1); err != nil {
		t.Error(err)
	}
}

func TestSegmentParse(t *testing.T) {
	hash := [32]byte{1}
	good := Segment{Hash: hash, Place: Place{Index: 1}, Count: 2, Payload: []byte{1}}
	for name, c := range map[string]struct {
		change func(*Segment)
		want   error
	}{
		"good":             {func(*Segment) {}, nil},
		"one of one":       {func(s *Segment) { s.Count, s.Index = 1, 0 }, ErrNotSegment},
		"none":             {func(s *Segment) { s.Count = 0 }, ErrNotSegment},
		"index":            {func(s *Segment) { s.Index = 2 }, ErrMalformed},
		"empty":            {func(s *Segment) { s.Payload = nil }, ErrMalformed},
		"many":             {func(s *Segment) { s.Count = MaxSegments + 1 }, ErrTooLarge},
		"very many":        {func(s *Segment) { s.Count = 1<<32 - 1 }, ErrTooLarge},
		"long":             {func(s *Segment) { s.Payload = make([]byte, MaxPayload+1) }, ErrTooLarge},
		"length":           {func(s *Segment) { s.Length = MaxMessage + 1 }, ErrTooLarge},
		"very long":        {func(s *Segment) { s.Length = 1<<63 - 1 }, ErrTooLarge},
		"parity":           {func(s *Segment) { s.Parity = true }, nil},
		"one parity":       {func(s *Segment) { s.Parity, s.Count, s.Index = true, 1, 0 }, nil},
		"much parity":      {func(s *Segment) { s.Parity, s.Count = true, MaxCoded }, ErrTooLarge},
		"index of parity":  {func(s *Segment) { s.Parity, s.Index = true, 2 }, ErrMalformed},
		"parity of nobody": {func(s *Segment) { s.Parity, s.Count = true, 0 }, ErrNotSegment},
	} {
		s := good
		c.change(&s)
		b, err := s.Encode()
		if err != nil {
			t.Fatal(err)
		}
		got, err := Parse(b)
		if !errors.Is(err, c.want) || err == nil && fmt.Sprint(got) != fmt.Sprint(s) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	short, err := good.Encode()
	if err != nil {
		t.Fatal(err)
	}
	short = append([]byte{10, 2, 1, 1}, short[34:]...) // a hash of two bytes
	if _, err := Parse(short); !errors.Is(err, ErrMalformed) {
		t.Error(err)
	}
}

// Segments of one message that do not fit each other.
func TestSegmentContradictions(t *testing.T) {
	data := func(index, count, size, length int) Segment {
		return Segment{Place: Place{Index: index}, Count: count, Length: length, Payload: make([]byte, size)}
	}
	parity := func(index, count, size int) Segment {
		s := data(index, count, size, 0)
		s.Parity = true
		return s
	}
	for name, c := range map[string]struct {
		segments []Segment
		want     error
	}{
		"fine":                     {[]Segment{data(0, 9, 10, 85), data(8, 9, 5, 0), parity(0, 1, 10)}, nil},
		"another count":            {[]Segment{data(0, 9, 10, 0), data(1, 8, 10, 0)}, ErrContradiction},
		"another size":             {[]Segment{data(0, 9, 10, 0), data(1, 9, 11, 0)}, ErrContradiction},
		"last is longest":          {[]Segment{data(8, 9, 11, 0), data(1, 9, 10, 0)}, ErrContradiction},
		"another last":             {[]Segment{data(8, 9, 8, 0), data(8, 9, 7, 0)}, ErrContradiction},
		"another size of parity":   {[]Segment{data(0, 9, 10, 0), parity(0, 1, 9)}, ErrContradiction},
		"another number of parity": {[]Segment{parity(0, 2, 10), parity(1, 3, 10)}, ErrContradiction},
		"too many places":          {[]Segment{data(0, 200, 10, 0), parity(0, 57, 10)}, ErrContradiction},
		"another length":           {[]Segment{data(0, 9, 10, 85), data(1, 9, 10, 86)}, ErrContradiction},
		"length and count":         {[]Segment{data(0, 9, 10, 91)}, ErrContradiction},
		"length and last":          {[]Segment{data(0, 9, 10, 85), data(8, 9, 6, 85)}, ErrContradiction},
		"too large":                {[]Segment{data(0, 100, MaxPayload, 0)}, ErrTooLarge},
	} {
		var set Set
		var err error
		for _, s := range c.segments {
			if set, err = set.With(s); err != nil {
				break
			}
		}
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

// What the hash does not confirm is no message, whatever is tried to find its end.
func TestSegmentHash(t *testing.T) {
	all := encoded(t, bytes.Repeat([]byte{7}, 900), 100)
	for _, order := range [][]int{{0, 1, 2, 3, 4, 5, 6, 7, 8}, {0, 1, 2, 3, 4, 5, 6, 7, 9}} {
		r := &receiver{}
		var err error
		for i, n := range order {
			b := bytes.Clone(all[n])
			if i == 3 {
				b[len(b)-10] ^= 1 // in its payload
			}
			_, err = r.take(b)
		}
		if !errors.Is(err, ErrHash) {
			t.Errorf("%v: %v", order, err)
		}
	}
}

// A set does not change when a segment is added to it.
func TestSegmentSetIsValue(t *testing.T) {
	seg := Segment{Place: Place{Index: 0}, Count: 3, Payload: []byte{1}}
	first, err := Set{}.With(seg)
	if err != nil {
		t.Fatal(err)
	}
	seg.Index = 1
	second, err := first.With(seg)
	if err != nil {
		t.Fatal(err)
	}
	if first.Has(seg.Place) || !second.Has(seg.Place) {
		t.Fatal("the set before changed")
	}
	if n, of := second.Received(); n != 2 || of != 3 {
		t.Fatal(n, of)
	}
}

func BenchmarkSegment10MB(b *testing.B) {
	message := make([]byte, 10<<20)
	rand.NewChaCha8([32]byte{1}).Read(message)
	for b.Loop() {
		segments, err := Split(message, 115200)
		if err != nil {
			b.Fatal(err)
		}
		var set Set
		payloads := map[Place][]byte{}
		for _, s := range segments[len(segments)-92:] {
			if set, err = set.With(s); err != nil {
				b.Fatal(err)
			}
			payloads[s.Place] = s.Payload
		}
		if _, err := set.Assemble([32]byte(key.Keccak256(message)), func(p Place) ([]byte, error) { return payloads[p], nil }); err != nil {
			b.Fatal(err)
		}
	}
}
