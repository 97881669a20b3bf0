package x3dh_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"math"
	mrand "math/rand/v2"
	"strings"
	"testing"
	"time"

	"libstatus1to1/chat/protocol/x3dh"
)

const (
	hour = time.Hour
	day  = 24 * hour
)

var start = time.Date(2026, 11, 22, 12, 0, 0, 123456789, time.UTC)

func rotate(t testing.TB, p x3dh.PreKeys, now time.Time) (x3dh.PreKeys, bool) {
	t.Helper()
	before := p.Marshal()
	next, changed, err := p.Rotate(now, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(before, p.Marshal()) {
		t.Fatal("Rotate changed the value it was called on")
	}
	if changed == bytes.Equal(before, next.Marshal()) {
		t.Fatalf("changed is %v", changed)
	}
	return next, changed
}

func current(t testing.TB, p x3dh.PreKeys) x3dh.PreKey {
	t.Helper()
	k, ok := p.Current()
	if !ok {
		t.Fatal("no current pre-key")
	}
	return k
}

func holds(p x3dh.PreKeys, k x3dh.PreKey) bool {
	found, ok := p.Find(k.Private.Public().Compressed())
	return ok && found.Private == k.Private && found.Version == k.Version
}

func TestRotate(t *testing.T) {
	var none x3dh.PreKeys
	if _, ok := none.Current(); ok || none.Len() != 0 {
		t.Fatal("the zero value has a pre-key")
	}
	p, changed := rotate(t, none, start)
	first := current(t, p)
	if !changed || first.Version != 1 || !first.Created.Equal(start.Truncate(time.Millisecond)) || !first.Replaced.IsZero() {
		t.Fatalf("first pre-key: version %d of %v", first.Version, first.Created)
	}
	if spk := first.Signed("id"); spk.Key != first.Private.Public() || spk.Version != 1 || spk.ProtocolVersion != 1 || spk.InstallationID != "id" {
		t.Fatalf("in a bundle: %v", spk)
	}
	if _, changed := rotate(t, p, start.Add(day-time.Second)); changed {
		t.Fatal("rotated before the day was over")
	}
	p, _ = rotate(t, p, start.Add(day))
	second := current(t, p)
	if second.Version != 2 || second.Private == first.Private || !holds(p, first) || p.Len() != 2 {
		t.Fatalf("after a day: version %d, %d kept", second.Version, p.Len())
	}
	if _, ok := p.Find(nil); ok {
		t.Fatal("found no key")
	}
	if _, _, err := p.Rotate(start.Add(2*day), strings.NewReader("")); err == nil {
		t.Fatal("rotated without randomness")
	}
}

// Daily use: a spent key goes 30 days after it was replaced, not after it was made.
func TestKeepSpent(t *testing.T) {
	p, _ := rotate(t, x3dh.PreKeys{}, start)
	first := current(t, p)
	for d := 1; d <= 30; d++ {
		p, _ = rotate(t, p, start.Add(time.Duration(d)*day))
		if !holds(p, first) {
			t.Fatalf("erased on day %d", d)
		}
	}
	p, changed := rotate(t, p, start.Add(31*day))
	if holds(p, first) || !changed || p.Len() != 31 {
		t.Fatalf("day 31: %d kept", p.Len())
	}
	// A long sleep: the key in use before it is replaced now and stays 30 days from now.
	last := current(t, p)
	p, _ = rotate(t, p, start.Add(400*day))
	if p.Len() != 2 || !holds(p, last) {
		t.Fatalf("after a year: %d kept", p.Len())
	}
	p, _ = rotate(t, p, start.Add(430*day-time.Second))
	if !holds(p, last) {
		t.Fatal("erased a second early")
	}
	if p, _ = rotate(t, p, start.Add(430*day)); holds(p, last) {
		t.Fatal("kept longer than 30 days")
	}
}

func TestClockBehind(t *testing.T) {
	p, _ := rotate(t, x3dh.PreKeys{}, start)
	p, _ = rotate(t, p, start.Add(day))
	want := []x3dh.PreKey{current(t, p)}
	wrong := time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC)
	p, changed := rotate(t, p, wrong)
	if current(t, p).Version != 2 || !changed || !current(t, p).Created.Equal(wrong) {
		t.Fatal("a clock that is behind rotated")
	}
	for h := range 23 { // it stays behind for a while
		if p, changed = rotate(t, p, wrong.Add(time.Duration(h)*hour)); changed {
			t.Fatal("a clock that is behind rotates again and again")
		}
	}
	p, _ = rotate(t, p, wrong.Add(day)) // a day of use is a day of use
	want = append(want, current(t, p))
	if p.Len() != 3 {
		t.Fatalf("%d kept", p.Len())
	}
	p, _ = rotate(t, p, start.Add(2*day)) // put right
	for _, k := range want {
		if !holds(p, k) {
			t.Fatalf("putting the clock right erased version %d", k.Version)
		}
	}
	if current(t, p).Version != 4 {
		t.Fatalf("version %d", current(t, p).Version)
	}
}

func TestClockAhead(t *testing.T) {
	p, _ := rotate(t, x3dh.PreKeys{}, start)
	first := current(t, p)
	p, _ = rotate(t, p, start.AddDate(10, 0, 0))
	if current(t, p).Version != 2 || !holds(p, first) {
		t.Fatal("a jump forwards did not rotate once")
	}
	p, _ = rotate(t, p, start.Add(hour)) // put right
	if current(t, p).Version != 2 || !holds(p, first) {
		t.Fatal("a jump back rotated or erased")
	}
	if p, _ = rotate(t, p, start.Add(hour+day)); current(t, p).Version != 3 {
		t.Fatal("after the jump back keys no longer rotate")
	}
	// Erasing by age waits for the wrong date; the count bounds it meanwhile.
	for d := range 2 * x3dh.MaxPreKeys {
		p, _ = rotate(t, p, start.Add(hour+time.Duration(d+2)*day))
	}
	if p.Len() > x3dh.MaxPreKeys || holds(p, first) {
		t.Fatalf("%d kept", p.Len())
	}
}

// Whatever the clock does: versions rise by one, at most one key a call, the current and
// the one before are always there, and the bytes come back.
func TestRotateModel(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := mrand.New(mrand.NewPCG(seed, 2))
	var p x3dh.PreKeys
	now := start
	for range 300 {
		switch random.IntN(8) {
		case 0:
			now = start.Add(time.Duration(random.Int64N(int64(200*365*day))) - 100*365*day)
		case 1:
			now = now.Add(-time.Duration(random.Int64N(int64(3 * day))))
		default:
			now = now.Add(time.Duration(random.Int64N(int64(2 * day))))
		}
		before, had := p.Current()
		p, _ = rotate(t, p, now)
		after := current(t, p)
		if after.Version != before.Version && after.Version != before.Version+1 {
			t.Fatalf("version %d after %d", after.Version, before.Version)
		}
		if (after.Version == before.Version) != (after.Private == before.Private) || had && !holds(p, before) || p.Len() > x3dh.MaxPreKeys {
			t.Fatalf("version %d to %d, %d kept", before.Version, after.Version, p.Len())
		}
		again, err := x3dh.UnmarshalPreKeys(p.Marshal())
		if err != nil || !bytes.Equal(again.Marshal(), p.Marshal()) || current(t, again) != after {
			t.Fatalf("did not come back: %v", err)
		}
		p = again
	}
}

func TestUnmarshalPreKeysRefuses(t *testing.T) {
	p, _ := rotate(t, x3dh.PreKeys{}, start)
	p, _ = rotate(t, p, start.Add(day))
	good := p.Marshal()
	const header, entry = 9, 52
	change := func(at int, to byte) []byte {
		b := bytes.Clone(good)
		b[at] = to
		return b
	}
	for name, b := range map[string][]byte{
		"empty": nil, "short": good[:len(good)-1], "long": append(bytes.Clone(good), 0), "another version": change(0, 9),
		"no key":            append(append(bytes.Clone(good[:header]), make([]byte, 32)...), good[header+32:]...),
		"version 0":         change(header+35, 0),
		"versions fall":     change(header+35, 2),
		"spent key last":    good[:header+entry],
		"too many":          append(bytes.Clone(good), make([]byte, entry*x3dh.MaxPreKeys)...),
		"current key first": append(bytes.Clone(good[:header]), append(bytes.Clone(good[header+entry:]), good[header+entry:]...)...),
	} {
		if _, err := x3dh.UnmarshalPreKeys(b); !errors.Is(err, x3dh.ErrPreKeys) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if empty, err := x3dh.UnmarshalPreKeys(x3dh.PreKeys{}.Marshal()); err != nil || empty.Len() != 0 {
		t.Errorf("no pre-keys: %v", err)
	}
}

func FuzzUnmarshalPreKeys(f *testing.F) {
	p, _ := rotate(f, x3dh.PreKeys{}, start)
	f.Add(x3dh.PreKeys{}.Marshal(), int64(0))
	f.Add(p.Marshal(), start.UnixMilli())
	p, _ = rotate(f, p, start.Add(40*day))
	f.Add(p.Marshal(), start.UnixMilli())
	f.Fuzz(func(t *testing.T, b []byte, now int64) {
		p, err := x3dh.UnmarshalPreKeys(b)
		if err != nil {
			return
		}
		if !bytes.Equal(p.Marshal(), b) {
			t.Fatal("came back changed")
		}
		next, _, err := p.Rotate(time.UnixMilli(now), rand.Reader)
		if k, _ := p.Current(); err != nil && k.Version != 1<<32-1 { // then none is left
			t.Fatal(err)
		}
		if _, err := x3dh.UnmarshalPreKeys(next.Marshal()); err != nil {
			t.Fatal("a rotated value cannot be read back")
		}
	})
}

// With no version left the pre-keys stay as they are, and read back.
func TestRenewAtTheLastVersion(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	keys, _, err := x3dh.PreKeys{}.Rotate(now, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if keys, err = keys.Renew(now, math.MaxUint32, rand.Reader); err != nil {
		t.Fatal(err)
	}
	keys, err = keys.Renew(now.Add(time.Hour), uint32(now.Unix()), rand.Reader)
	if !errors.Is(err, x3dh.ErrPreKeys) {
		t.Errorf("renewed past the last version: %v", err)
	}
	if again, err := x3dh.UnmarshalPreKeys(keys.Marshal()); err != nil || again.Len() != 2 {
		t.Fatalf("they do not read back: %v", err)
	}
}
