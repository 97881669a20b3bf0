package noisesession_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"libstatus1to1/chat/protocol/noise"
	"libstatus1to1/chat/protocol/noise/noisesession"
	"libstatus1to1/internal/vectors"
)

// Session id, its hash and the topic's id of every recorded handshake.
func TestVectorSessionID(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(vectors.Dir(t), "noise", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, f := range files {
		name := filepath.Base(f)
		if name == "negative.json" {
			continue
		}
		var v struct {
			Final struct {
				H    vectors.Hex
				ID   vectors.Hex `json:"session_id_hkdf_h_32"`
				Hash vectors.Hex `json:"session_id_hash"`
				CTID vectors.Hex `json:"session_ct_id"`
			}
		}
		vectors.Read(t, filepath.Join("noise", name), &v)
		id := noisesession.NewID([32]byte(v.Final.H))
		hash := id.Hash()
		if !bytes.Equal(id[:], v.Final.ID) || !bytes.Equal(hash[:], v.Final.Hash) || id.CTID() != hex.EncodeToString(v.Final.CTID) {
			t.Errorf("%s: id %x, hash %x, ct-id %s", name, id[:], hash, id.CTID())
		}
		seen++
	}
	if seen == 0 {
		t.Fatal("no transcripts")
	}
}

func TestSession(t *testing.T) {
	a, b := pair(t, seeded(t))
	if a.ID() != b.ID() || a.Topic() != b.Topic() || a.Topic() != "/waku-noise-sessions/0.1/wakunoise/1/sessions/"+a.ID().CTID()+"/proto" {
		t.Fatalf("topics %s and %s", a.Topic(), b.Topic())
	}
	if a.Peer().InstallationID != "b" || b.Peer().InstallationID != "a" || a.State() != noisesession.Active {
		t.Fatal("the peers are wrong")
	}
	for i := range 5 {
		text := fmt.Sprint("text ", i)
		payload := mustSeal(t, &a, text)
		a, b = reload(t, a), reload(t, b)
		mustOpen(t, &b, payload, text)
		a, b = b, a
	}
	long := strings.Repeat("x", noisesession.MaxText)
	mustOpen(t, &b, mustSeal(t, &a, long), long)
	if _, _, err := a.Seal([]byte(long + "x")); !errors.Is(err, noise.ErrTooLong) {
		t.Errorf("one byte more: %v", err)
	}
}

// A session is active only with a valid certificate of the expected identity for the key
// of the handshake.
func TestEstablishRefuses(t *testing.T) {
	r := seeded(t)
	a, b := newDevice(t, r, mustIdentity(t, r), "a"), newDevice(t, r, mustIdentity(t, r), "b")
	h, _, _, certificate := shake(t, r, a, b, noisesession.ID{})
	good := noisesession.Config{Handshake: h, Certificate: certificate, Identity: b.identity.Public(), Scope: noise.DefaultScope}
	if _, err := noisesession.Establish(good, start); err != nil {
		t.Fatal(err)
	}
	other := newDevice(t, r, b.identity, "b")
	forged := bytes.Clone(certificate)
	forged[len(forged)-2] ^= 1
	for name, c := range map[string]struct {
		change func(*noisesession.Config)
		now    time.Time
		want   error
	}{
		"unfinished":  {func(c *noisesession.Config) { c.Handshake = noise.Handshake{} }, start, noisesession.ErrHandshake},
		"none":        {func(c *noisesession.Config) { c.Certificate = nil }, start, noisesession.ErrCertificate},
		"other key":   {func(c *noisesession.Config) { c.Certificate = other.certificate(t) }, start, noisesession.ErrCertificate},
		"forged":      {func(c *noisesession.Config) { c.Certificate = forged }, start, noisesession.ErrCertificate},
		"expired":     {func(*noisesession.Config) {}, start.Add(301 * 24 * time.Hour), noise.ErrCertificateTime},
		"not yet":     {func(*noisesession.Config) {}, start.Add(-2 * noise.MaxClockSkew), noise.ErrCertificateTime},
		"another one": {func(c *noisesession.Config) { c.Identity = a.identity.Public() }, start, noisesession.ErrIdentity},
		"scope":       {func(c *noisesession.Config) { c.Scope.Shard = "/" }, start, noise.ErrTopic},
	} {
		bad := good
		c.change(&bad)
		if _, err := noisesession.Establish(bad, c.now); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

// A termination counts from inside the session only.
func TestTermination(t *testing.T) {
	a, b := pair(t, seeded(t))
	before := b.Marshal()
	hash := a.ID().Hash()
	public, err := noise.Payload{Transport: hash[:]}.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	for _, payload := range [][]byte{hash[:], public} {
		if after, _, err := b.Open(payload, start); err == nil || !bytes.Equal(after.Marshal(), before) {
			t.Fatalf("the public hash ends a session: %v", err)
		}
	}
	late := mustSeal(t, &a, "late")
	ended, payload, err := a.Terminate(start)
	if err != nil || ended.State() != noisesession.Stale {
		t.Fatal(err)
	}
	fromB := mustSeal(t, &b, "crossing")
	b, m, err := b.Open(payload, start)
	if err != nil || m.Kind != noisesession.Termination || b.State() != noisesession.Stale {
		t.Fatalf("%v, %v", m.Kind, err)
	}
	a, b = reload(t, ended), reload(t, b)
	for _, s := range []noisesession.Session{a, b} {
		if _, _, err := s.Seal(nil); !errors.Is(err, noisesession.ErrNotActive) {
			t.Errorf("a stale session seals: %v", err)
		}
		if _, _, err := s.Terminate(start); !errors.Is(err, noisesession.ErrNotActive) {
			t.Errorf("a stale session ends again: %v", err)
		}
		if _, _, err := s.HandOver(); !errors.Is(err, noisesession.ErrNotActive) {
			t.Errorf("a stale session is handed over: %v", err)
		}
		if s.Due(start.Add(1000 * time.Hour)) {
			t.Error("a stale session is due")
		}
	}
	mustOpen(t, &b, late, "late")
	mustOpen(t, &a, fromB, "crossing")
	b = reload(t, b.Tick(start.Add(noisesession.StaleGrace)))
	if _, _, err := b.Open(late, start); b.State() != noisesession.Terminated || !errors.Is(err, noisesession.ErrTerminated) {
		t.Errorf("state %d after the grace: %v", b.State(), err)
	}
	if b.ID() != a.ID() {
		t.Error("a terminated session forgot its id")
	}
}

// Another's hash, and kinds of later versions, are passed up, and the session moves on.
func TestUnsupported(t *testing.T) {
	r := seeded(t)
	a, b := newDevice(t, r, mustIdentity(t, r), "a"), newDevice(t, r, mustIdentity(t, r), "b")
	h, hb, certA, _ := shake(t, r, a, b, noisesession.ID{})
	s, err := noisesession.Establish(noisesession.Config{Handshake: hb, Certificate: certA, Identity: a.identity.Public(), Scope: noise.DefaultScope}, start)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := h.Finish()
	if err != nil {
		t.Fatal(err)
	}
	for _, inside := range []string{"", "\x00", "\x02", "\x02" + strings.Repeat("x", 32), "\x03abc", "\x63"} {
		next, payload, err := raw.Seal([]byte(inside))
		if err != nil {
			t.Fatal(err)
		}
		raw = next
		var m noisesession.Message
		if s, m, err = s.Open(payload, start); err != nil || m.Kind != noisesession.Unsupported || string(m.Text) != inside || s.State() != noisesession.Active {
			t.Errorf("%q: %v, %v", inside, m.Kind, err)
		}
	}
}

func TestSilenceAndDue(t *testing.T) {
	a, b := pair(t, seeded(t))
	for d, due := range map[time.Duration]bool{0: false, noisesession.MaxAge - 1: false, noisesession.MaxAge: true} {
		if a.Due(start.Add(d)) != due {
			t.Errorf("due %v after %v", !due, d)
		}
	}
	if s := a.Tick(start.Add(noisesession.SilenceLimit - 1)); s.State() != noisesession.Active {
		t.Error("stale too early")
	}
	silent := a.Tick(start.Add(noisesession.SilenceLimit))
	if silent.State() != noisesession.Stale {
		t.Error("a silent peer's session is active")
	}
	if again := silent.Retire(start.Add(time.Hour)); !bytes.Equal(again.Marshal(), silent.Marshal()) {
		t.Error("a stale session went stale again")
	}
	var payload []byte
	for !a.Due(start) {
		payload = mustSeal(t, &a, "x")
		if len(payload) > 0 {
			mustOpen(t, &b, payload, "x")
		}
	}
	if !b.Due(start) {
		t.Error("the sides count differently")
	}
}

// The new session is bound to the old one: who has another old id does not get through.
func TestReactivation(t *testing.T) {
	r := seeded(t)
	a, b := newDevice(t, r, mustIdentity(t, r), "a"), newDevice(t, r, mustIdentity(t, r), "b")
	old, oldB := establish(t, r, a, b, noisesession.ID{}, start)
	fresh, freshB := establish(t, r, a, b, old.ID(), start.Add(time.Hour))
	if fresh.ID() == old.ID() || fresh.Previous() != old.ID() || reload(t, freshB).Previous() != old.ID() {
		t.Fatal("the new session is not bound to the old one")
	}
	if p, q := noisesession.Prologue([]byte("x"), old.ID()), noisesession.Prologue([]byte("x"), fresh.ID()); bytes.Equal(p, q) ||
		!bytes.Equal(noisesession.Prologue([]byte("x"), noisesession.ID{}), []byte("x")) {
		t.Error("the prologue does not bind")
	}
	set, gone, err := noisesession.Set{}.Add(oldB, start)
	if err != nil || gone != nil {
		t.Fatal(err)
	}
	if set, _, err = set.Add(freshB, start); err != nil {
		t.Fatal(err)
	}
	if s, err := set.Get(old.ID()); err != nil || s.State() != noisesession.Stale {
		t.Errorf("the old session: %v", err)
	}
	payload := mustSeal(t, &old, "late")
	if s, err := set.ByTopic(old.Topic()); err != nil {
		t.Error(err)
	} else {
		mustOpen(t, &s, payload, "late")
	}
}

func TestPrecedes(t *testing.T) {
	r := seeded(t)
	for range 50 {
		a := noisesession.Initiation{Identity: mustIdentity(t, r).Public(), Static: mustKey(t, r).Public()}
		b := noisesession.Initiation{Identity: mustIdentity(t, r).Public(), Static: mustKey(t, r).Public()}
		if a.Precedes(b) == b.Precedes(a) || a.Precedes(b) != (bytes.Compare(a.Identity.X(), b.Identity.X()) < 0) {
			t.Fatal("not one of two goes on")
		}
		b.Identity = a.Identity
		if a.Precedes(b) == b.Precedes(a) || a.Precedes(a) {
			t.Fatal("not one of two own devices goes on")
		}
	}
}

func TestSecretsDoNotPrint(t *testing.T) {
	a, _ := pair(t, seeded(t))
	_, h, err := a.HandOver()
	if err != nil {
		t.Fatal(err)
	}
	id := a.ID()
	for _, v := range []any{a, h, id} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%x", "%d"} {
			if text := fmt.Sprintf(verb, v); !strings.HasPrefix(text, "[redacted]") && !strings.HasPrefix(text, "ct-id ") {
				t.Errorf("%T with %s: %s", v, verb, text)
			}
		}
		if b, err := json.Marshal(v); err != nil || bytes.Contains(b, []byte(hex.EncodeToString(id[:]))) || len(b) > 100 {
			t.Errorf("%T in JSON: %s", v, b)
		}
	}
}

// Both sides talk over a bad network with restarts and forgeries, and one ends the session
// at some point: what opens is right and opens once.
func TestSessionModel(t *testing.T) {
	source := seeded(t)
	r := rand.New(source)
	for range 15 {
		a, b := pair(t, source)
		sides := [2]noisesession.Session{a, b}
		type flying struct {
			to      int
			text    string
			payload []byte
		}
		var air []flying
		opened := map[string]bool{}
		for step := range 300 {
			i := r.IntN(2)
			switch r.IntN(5) {
			case 0, 1:
				text := fmt.Sprint(i, " says ", step)
				next, payload, err := sides[i].Seal([]byte(text))
				if err != nil && sides[i].State() == noisesession.Active {
					t.Fatal(err)
				}
				if err == nil {
					sides[i], air = next, append(air, flying{1 - i, text, payload})
				}
			case 2, 3:
				if len(air) == 0 {
					continue
				}
				n := r.IntN(len(air))
				m := air[n]
				if r.IntN(3) == 0 { // delivered and gone; otherwise it may come again
					air = append(air[:n], air[n+1:]...)
				}
				bad := bytes.Clone(m.payload)
				bad[r.IntN(len(bad))] ^= 2
				before := sides[m.to].Marshal()
				if after, _, err := sides[m.to].Open(bad, start); err == nil || !bytes.Equal(after.Marshal(), before) {
					t.Fatal("a forged message")
				}
				next, got, err := sides[m.to].Open(m.payload, start)
				if err != nil {
					if !bytes.Equal(next.Marshal(), before) {
						t.Fatal("a refused message changed something")
					}
					continue
				}
				if got.Kind == noisesession.Data && (string(got.Text) != m.text || opened[m.text]) {
					t.Fatalf("%q came for %q", got.Text, m.text)
				}
				if (got.Kind == noisesession.Termination) != (m.text == "") || got.Kind == noisesession.Termination && next.State() != noisesession.Stale {
					t.Fatalf("kind %d, state %d", got.Kind, next.State())
				}
				opened[m.text], sides[m.to] = true, next
			case 4:
				sides[i] = reload(t, sides[i])
				if step > 200 && r.IntN(10) == 0 && sides[i].State() == noisesession.Active {
					next, payload, err := sides[i].Terminate(start)
					if err != nil {
						t.Fatal(err)
					}
					sides[i], air = next, append(air, flying{1 - i, "", payload})
				}
			}
		}
	}
}

// TestExport: both sides derive the same two secrets, others for another label and another
// session; a terminated session has none.
func TestExport(t *testing.T) {
	r := seeded(t)
	a, b := pair(t, r)
	outA, inA, err := a.Export("one")
	if err != nil {
		t.Fatal(err)
	}
	outB, inB, err := b.Export("one")
	if err != nil || outA != inB || inA != outB || outA == inA {
		t.Fatalf("the sides do not agree: %v", err)
	}
	if other, _, err := a.Export("two"); err != nil || other == outA {
		t.Errorf("another label gives the same secret: %v", err)
	}
	c, _ := pair(t, r)
	if other, _, err := c.Export("one"); err != nil || other == outA {
		t.Errorf("another session gives the same secret: %v", err)
	}
	over := a.Retire(start).Tick(start.Add(noisesession.StaleGrace))
	if _, _, err := over.Export("one"); !errors.Is(err, noisesession.ErrTerminated) {
		t.Errorf("a terminated session gives a secret: %v", err)
	}
}

// TestCertify: a session takes another certificate of the same device, and of no other.
func TestCertify(t *testing.T) {
	r := seeded(t)
	mine, theirs := newDevice(t, r, mustIdentity(t, r), "a"), newDevice(t, r, mustIdentity(t, r), "b")
	s, _ := establish(t, r, mine, theirs, noisesession.ID{}, start)
	issue := func(d device, at time.Time) []byte {
		c, err := noise.Issue(d.identity, d.installation, d.static.Public(), at, 2*time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		return c.Bytes()
	}
	next := theirs
	next.identity = mustIdentity(t, r)
	certified, err := s.Certify(issue(next, start), start)
	if err != nil || certified.Peer().Identity != next.identity.Public() || !certified.Expires().Equal(start.Add(2*time.Hour)) || certified.ID() != s.ID() {
		t.Fatalf("%v: %v", certified.Peer(), err)
	}
	if back := reload(t, certified); back.Peer() != certified.Peer() {
		t.Error("it is not stored")
	}
	elsewhere, another := next, next
	elsewhere.installation, another.static = "c", mustKey(t, r)
	provisional, err := noise.IssueProvisional(next.identity, next.installation, next.static.Public(), start, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	for name, certificate := range map[string][]byte{
		"of another installation": issue(elsewhere, start), "of another key": issue(another, start),
		"provisional": provisional.Bytes(), "none": nil,
	} {
		if same, err := s.Certify(certificate, start); !errors.Is(err, noisesession.ErrCertificate) || same.Peer() != s.Peer() {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := s.Certify(issue(next, start.Add(-3*time.Hour)), start); !errors.Is(err, noise.ErrCertificateTime) {
		t.Errorf("one that has run out: %v", err)
	}
}
