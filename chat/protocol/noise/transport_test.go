package noise_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"libstatus1to1/chat/protocol/noise"
)

func mustSeal(t testing.TB, from *noise.Transport, plaintext string) []byte {
	t.Helper()
	next, payload, err := from.Seal([]byte(plaintext))
	if err != nil {
		t.Fatal(err)
	}
	*from = next
	return payload
}

// reload stores a transport and reads it back.
func reload(t testing.TB, tr noise.Transport) noise.Transport {
	t.Helper()
	stored := tr.Marshal()
	tr, err := noise.UnmarshalTransport(stored)
	if err != nil || !bytes.Equal(tr.Marshal(), stored) {
		t.Fatalf("a transport came back changed: %v", err)
	}
	return tr
}

// refuses checks the error, one of those, and that nothing changed.
func refuses(t testing.TB, to noise.Transport, payload []byte, want ...error) {
	t.Helper()
	before := to.Marshal()
	after, plaintext, err := to.Open(payload)
	if !slices.ContainsFunc(want, func(w error) bool { return errors.Is(err, w) }) || plaintext != nil || !bytes.Equal(after.Marshal(), before) || !bytes.Equal(to.Marshal(), before) {
		t.Fatalf("opening gives %v, want %v, or the state changed", err, want)
	}
}

// The window's edge: 49 lost is the most, and what is further ahead waits for what lies
// between.
func TestWindowEdge(t *testing.T) {
	for _, order := range []noise.TagOrder{noise.SpecOrder, noise.GoNoiseOrder} {
		a, b := finished(t, noise.XX, seeded(t))
		a = a.WithTagOrder(order)
		var sent [][]byte
		for i := range noise.Window + 1 {
			sent = append(sent, mustSeal(t, &a, fmt.Sprint(i)))
		}
		// Its nametag may be that of go-noise's message 2.
		refuses(t, b, sent[noise.Window], noise.ErrNametag, noise.ErrAuth)
		if !b.Awaits(noise.Nametag(sent[noise.Window-1][:noise.NametagSize])) {
			t.Error("Awaits does not know the window")
		}
		mustOpen(t, &b, sent[noise.Window-1], []byte(fmt.Sprint(noise.Window-1)))
		if b.Missing() != noise.Window-1 {
			t.Errorf("%d missing", b.Missing())
		}
		mustOpen(t, &b, sent[noise.Window], []byte(fmt.Sprint(noise.Window)))
		for i := range noise.Window - 1 {
			mustOpen(t, &b, sent[i], []byte(fmt.Sprint(i)))
		}
		refuses(t, b, sent[3], noise.ErrNametag, noise.ErrAuth)
		if b.Awaits(noise.TransportNametag(a.State().Out.Nametags, 1000)) {
			t.Error("a nametag far off is waited for")
		}
	}
}

// Of more than MaxSkipped missing messages the oldest are given up.
func TestSkippedIsBounded(t *testing.T) {
	a, b := finished(t, noise.XX, seeded(t))
	var lost [][]byte
	for len(lost) < noise.MaxSkipped+30 {
		for range 30 {
			lost = append(lost, mustSeal(t, &a, "lost"))
		}
		mustOpen(t, &b, mustSeal(t, &a, "here"), []byte("here"))
		b = reload(t, b)
	}
	if b.Missing() != noise.MaxSkipped {
		t.Fatalf("%d missing", b.Missing())
	}
	gone := len(lost) - noise.MaxSkipped
	refuses(t, b, lost[gone-1], noise.ErrNametag)
	mustOpen(t, &b, lost[gone], []byte("lost"))
}

// Padding is checked after the cipher, and the genuine message comes through after it.
func TestOpenRefuses(t *testing.T) {
	a, b := finished(t, noise.XX, seeded(t))
	block := noise.Pad([]byte("text"))
	for name, c := range map[string]struct {
		payload []byte
		want    error
	}{
		"empty":           {noise.SealRaw(a, 0, 0, nil), noise.ErrPadding},
		"not a block":     {noise.SealRaw(a, 0, 0, block[1:]), noise.ErrPadding},
		"wrong nonce":     {noise.SealRaw(a, 1, 0, block), noise.ErrAuth},
		"foreign nametag": {noise.SealRaw(a, 0, 1000, block), noise.ErrNametag},
		"our own":         {mustSeal(t, &b, "mine"), noise.ErrNametag},
		"nothing":         {nil, noise.ErrPayload},
	} {
		t.Run(name, func(t *testing.T) { refuses(t, b, c.payload, c.want) })
	}
	chacha, err := noise.SealChaChaPoly(a.State().Out.Cipher, noise.Nametag{}, nil, seeded(t))
	if err != nil {
		t.Fatal(err)
	}
	refuses(t, b, chacha, noise.ErrProtocol)
	mustOpen(t, &b, mustSeal(t, &a, "text"), []byte("text"))
	var none noise.Transport
	if _, _, err := none.Seal(nil); !errors.Is(err, noise.ErrStored) {
		t.Errorf("the zero transport seals: %v", err)
	}
	if _, _, err := none.Open(chacha); !errors.Is(err, noise.ErrStored) {
		t.Errorf("the zero transport opens: %v", err)
	}
}

func TestLongestPlaintext(t *testing.T) {
	a, b := finished(t, noise.XX, seeded(t))
	long := string(make([]byte, noise.MaxPlaintext))
	payload := mustSeal(t, &a, long)
	if len(payload) > noise.MaxPayload {
		t.Fatalf("%d bytes", len(payload))
	}
	mustOpen(t, &b, payload, []byte(long))
	if _, _, err := a.Seal(make([]byte, noise.MaxPlaintext+1)); !errors.Is(err, noise.ErrTooLong) {
		t.Errorf("one byte more: %v", err)
	}
}

// Nonces can be given up, never taken back.
func TestSkipTo(t *testing.T) {
	a, b := finished(t, noise.XX, seeded(t))
	a, err := a.SkipTo(5)
	if err != nil {
		t.Fatal(err)
	}
	mustOpen(t, &b, mustSeal(t, &a, "six"), []byte("six"))
	if b.Missing() != 5 {
		t.Errorf("%d missing", b.Missing())
	}
	if _, err := a.SkipTo(5); !errors.Is(err, noise.ErrStored) {
		t.Errorf("going back: %v", err)
	}
}

// A transport that has used its numbers says so.
func TestExhausted(t *testing.T) {
	a, _ := finished(t, noise.XX, seeded(t))
	s := a.State()
	s.Sent = 1 << 62
	full, err := noise.NewTransport(s)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := full.Seal(nil); !errors.Is(err, noise.ErrExhausted) {
		t.Errorf("sealing: %v", err)
	}
	s.Received = 1<<62 + 1
	if _, err := noise.NewTransport(s); !errors.Is(err, noise.ErrStored) {
		t.Errorf("an impossible state: %v", err)
	}
}

// A model of a lossy, reordering, doubling network with restarts and forgeries: what is
// opened is opened once and right, and all inside the window opens.
func TestTransportModel(t *testing.T) {
	source := seeded(t)
	r := rand.New(source)
	for round := range 20 {
		a, b := finished(t, patterns[round%len(patterns)], source)
		a = a.WithTagOrder(noise.TagOrder(round % 2))
		runModel(t, r, a, b)
	}
}

type flying struct {
	n       uint64
	payload []byte
}

func runModel(t *testing.T, r *rand.Rand, a, b noise.Transport) {
	var air []flying
	var top uint64
	opened := map[uint64]bool{}
	for range 300 {
		switch r.IntN(6) {
		case 0, 1: // send
			n := a.Sent()
			air = append(air, flying{n: n, payload: mustSeal(t, &a, fmt.Sprint("text ", n))})
		case 2: // lose
			if len(air) > 0 && r.IntN(4) == 0 {
				i := r.IntN(len(air))
				air = append(air[:i], air[i+1:]...)
			}
		case 3, 4: // deliver, maybe again later
			if len(air) == 0 {
				continue
			}
			m := air[r.IntN(len(air))]
			if opened[m.n] || m.n >= top+noise.Window {
				refuses(t, b, m.payload, noise.ErrNametag, noise.ErrAuth)
				continue
			}
			bad := bytes.Clone(m.payload)
			bad[len(bad)-1-r.IntN(200)] ^= 0x40
			refuses(t, b, bad, noise.ErrAuth)
			mustOpen(t, &b, m.payload, []byte(fmt.Sprint("text ", m.n)))
			opened[m.n], top = true, max(top, m.n+1)
		case 5: // restart
			a, b = reload(t, a), reload(t, b)
		}
	}
	if b.Received() != top {
		t.Fatalf("received %d, want %d", b.Received(), top)
	}
}
