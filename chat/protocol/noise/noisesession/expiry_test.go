package noisesession_test

import (
	"bufio"
	"encoding/hex"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"libstatus1to1/chat/protocol/noise"
	"libstatus1to1/chat/protocol/noise/noisesession"
)

// certified is the life of the certificates of people_test.go.
const certified = 300 * 24 * time.Hour

// A session ends with its peer's certificate, however lively it is: what comes after that
// is not the device's any more. What was on its way is still opened for StaleGrace.
func TestSessionEndsWithItsCertificate(t *testing.T) {
	a, b := pair(t, seeded(t))
	end := start.Add(certified)
	if !a.Expires().Equal(end) || !b.Expires().Equal(end) {
		t.Fatalf("they end at %v and %v, their certificates at %v", a.Expires(), b.Expires(), end)
	}
	for now := start; now.Before(end); now = now.Add(20 * 24 * time.Hour) {
		a, b = reload(t, a.Tick(now)), reload(t, b.Tick(now))
		for _, way := range [][2]*noisesession.Session{{&a, &b}, {&b, &a}} {
			next, _, err := way[1].Open(mustSeal(t, way[0], "text"), now)
			if err != nil || next.State() != noisesession.Active {
				t.Fatalf("%v: state %d, %v", now, next.State(), err)
			}
			*way[1] = next
		}
		if due := now.Sub(start) >= noisesession.MaxAge; a.Due(now) != due {
			t.Errorf("due after %v: %v", now.Sub(start), !due)
		}
	}
	late := mustSeal(t, &b, "late")
	if last := a.Tick(end.Add(-1)); last.State() != noisesession.Active {
		t.Error("it ends early")
	}
	// Without a Tick too.
	next, _, err := a.Open(late, end)
	if err != nil || next.State() != noisesession.Stale {
		t.Errorf("opening after the end: state %d, %v", next.State(), err)
	}
	a = reload(t, a.Tick(end))
	if _, _, err := a.Seal(nil); a.State() != noisesession.Stale || !errors.Is(err, noisesession.ErrNotActive) {
		t.Fatalf("state %d at the end, sealing gives %v", a.State(), err)
	}
	if _, _, err := a.Open(late, end.Add(time.Hour)); err != nil {
		t.Errorf("what is late: %v", err)
	}
	a = a.Tick(end.Add(noisesession.StaleGrace))
	if _, _, err := a.Open(late, end); a.State() != noisesession.Terminated || !errors.Is(err, noisesession.ErrTerminated) {
		t.Errorf("state %d in the end, opening gives %v", a.State(), err)
	}
	// A device that was off all the time learns it at once.
	if off := b.Tick(end.Add(noisesession.StaleGrace)); off.State() != noisesession.Terminated {
		t.Errorf("state %d after a long sleep", off.State())
	}
}

// A young session is due before its certificate runs out.
func TestDueBeforeTheCertificateRunsOut(t *testing.T) {
	r := seeded(t)
	a, b := newDevice(t, r, mustIdentity(t, r), "a"), newDevice(t, r, mustIdentity(t, r), "b")
	end := start.Add(certified)
	s, _ := establish(t, r, a, b, noisesession.ID{}, end.Add(-noisesession.ExpiryNotice-time.Hour))
	if s.Due(end.Add(-noisesession.ExpiryNotice-1)) || !s.Due(end.Add(-noisesession.ExpiryNotice)) {
		t.Error("not due at the notice")
	}
}

// A session that is handed over keeps its end.
func TestHandoverKeepsTheEnd(t *testing.T) {
	a, _ := pair(t, seeded(t))
	_, h, err := a.HandOver()
	if err != nil {
		t.Fatal(err)
	}
	if h, err = noisesession.ParseHandover(h.Bytes()); err != nil {
		t.Fatal(err)
	}
	own := a.Peer().Identity
	s, err := noisesession.Adopt(h, noisesession.Peer{Identity: own}, own, start)
	if err != nil || !s.Expires().Equal(a.Expires()) {
		t.Errorf("it ends at %v, %v", s.Expires(), err)
	}
}

// Sessions stored before they had an end get one.
func TestStoredWithoutEnd(t *testing.T) {
	f, err := os.Open("testdata/stored/v1.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	n := 0
	for lines := bufio.NewScanner(f); lines.Scan(); n++ {
		name, text, _ := strings.Cut(lines.Text(), " ")
		b, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		s, err := noisesession.Unmarshal(b)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if life := s.Expires().Sub(s.Created()); life != 180*24*time.Hour || life > noise.MaxCertificateLife {
			t.Errorf("%s: it ends %v after it was made", name, life)
		}
		reload(t, s)
	}
	if n != 2 {
		t.Errorf("%d sessions", n)
	}
}
