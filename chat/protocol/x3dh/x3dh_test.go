package x3dh_test

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/x3dh"
	"libstatus1to1/chat/wire"
)

func generate(t testing.TB) key.Private {
	t.Helper()
	k, err := key.Generate(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestAgreement(t *testing.T) {
	alice, bob, spk := generate(t), generate(t), generate(t)
	active, ephemeral, err := x3dh.Active(rand.Reader, alice, bob.Public(), spk.Public())
	if err != nil {
		t.Fatal(err)
	}
	passive, err := x3dh.Passive(bob, spk, alice.Public(), ephemeral)
	if err != nil || passive != active {
		t.Fatalf("the two sides disagree (%v)", err)
	}
	other := generate(t)
	for name, f := range map[string]func() (key.Secret, error){
		"another sender":    func() (key.Secret, error) { return x3dh.Passive(bob, spk, other.Public(), ephemeral) },
		"another identity":  func() (key.Secret, error) { return x3dh.Passive(other, spk, alice.Public(), ephemeral) },
		"another pre-key":   func() (key.Secret, error) { return x3dh.Passive(bob, other, alice.Public(), ephemeral) },
		"another ephemeral": func() (key.Secret, error) { return x3dh.Passive(bob, spk, alice.Public(), other.Public()) },
	} {
		if s, err := f(); err != nil || s == active {
			t.Errorf("%s agrees as well (%v)", name, err)
		}
	}
	again, second, err := x3dh.Active(rand.Reader, alice, bob.Public(), spk.Public())
	if err != nil || again == active || second == ephemeral {
		t.Fatalf("the same secret twice (%v)", err)
	}
}

func TestMissingKeys(t *testing.T) {
	k := generate(t)
	p := k.Public()
	var none key.Private
	var nobody key.Public
	if _, _, err := x3dh.Active(rand.Reader, none, p, p); !errors.Is(err, x3dh.ErrKey) {
		t.Errorf("no identity: %v", err)
	}
	if _, _, err := x3dh.Active(rand.Reader, k, nobody, p); !errors.Is(err, x3dh.ErrKey) {
		t.Errorf("no peer: %v", err)
	}
	if _, _, err := x3dh.Active(rand.Reader, k, p, nobody); !errors.Is(err, x3dh.ErrKey) {
		t.Errorf("no pre-key: %v", err)
	}
	if _, _, err := x3dh.Active(strings.NewReader("short"), k, p, p); err == nil {
		t.Error("an agreement without randomness")
	}
	if _, err := x3dh.Passive(k, none, p, p); !errors.Is(err, x3dh.ErrKey) {
		t.Errorf("no own pre-key: %v", err)
	}
	if _, err := x3dh.Passive(k, k, p, nobody); !errors.Is(err, x3dh.ErrKey) {
		t.Errorf("no ephemeral key: %v", err)
	}
	if _, _, err := x3dh.SealDH(rand.Reader, nobody, nil); !errors.Is(err, x3dh.ErrKey) {
		t.Errorf("to nobody: %v", err)
	}
	for _, n := range []int{0, 31, 32, 43} {
		if _, _, err := x3dh.SealDH(strings.NewReader(strings.Repeat("r", n)), p, nil); err == nil {
			t.Errorf("sealed with %d random bytes", n)
		}
	}
	if _, err := x3dh.OpenDH(k, nobody, make([]byte, 28)); !errors.Is(err, x3dh.ErrKey) {
		t.Errorf("no ephemeral key: %v", err)
	}
}

func TestDirect(t *testing.T) {
	k := generate(t)
	for _, text := range []string{"", "x", strings.Repeat("long", 5000)} {
		ephemeral, payload, err := x3dh.SealDH(rand.Reader, k.Public(), []byte(text))
		if err != nil || len(payload) != len(text)+x3dh.DirectOverhead {
			t.Fatalf("%d bytes, %v", len(payload), err)
		}
		got, err := x3dh.OpenDH(k, ephemeral, payload)
		if err != nil || got == nil || string(got) != text {
			t.Fatalf("%d bytes, %v", len(got), err)
		}
		if _, err := x3dh.OpenDH(generate(t), ephemeral, payload); !errors.Is(err, x3dh.ErrAuth) {
			t.Fatalf("somebody else: %v", err)
		}
		for i := 0; i < len(payload); i += 1 + len(payload)/60 {
			forged := bytes.Clone(payload)
			forged[i] ^= 1
			if _, err := x3dh.OpenDH(k, ephemeral, forged); !errors.Is(err, x3dh.ErrAuth) {
				t.Fatalf("byte %d changed: %v", i, err)
			}
		}
	}
	for n := range x3dh.DirectOverhead {
		if _, err := x3dh.OpenDH(k, generate(t).Public(), make([]byte, n)); !errors.Is(err, x3dh.ErrPayload) {
			t.Fatalf("%d bytes: %v", n, err)
		}
	}
}

// signedBundle has n installations, listed out of order.
func signedBundle(t testing.TB, n int) (key.Private, x3dh.Bundle, *wire.Bundle) {
	t.Helper()
	identity := generate(t)
	b := x3dh.Bundle{Identity: identity.Public(), Timestamp: 1}
	for i := range n {
		b.SignedPreKeys = append(b.SignedPreKeys, x3dh.SignedPreKey{
			InstallationID: fmt.Sprint("device ", n-i), Key: generate(t).Public(), Version: uint32(i), ProtocolVersion: x3dh.ProtocolVersion,
		})
	}
	w, err := b.Sign(identity)
	if err != nil {
		t.Fatal(err)
	}
	return identity, b, w
}

func TestBundle(t *testing.T) {
	for _, n := range []int{0, 1, 3, x3dh.MaxSignedPreKeys} {
		identity, b, w := signedBundle(t, n)
		got, err := x3dh.ParseBundle(w)
		if err != nil || len(got.SignedPreKeys) != n || got.Identity != identity.Public() || got.Timestamp != 1 {
			t.Fatalf("%d installations: %v", n, err)
		}
		for _, want := range b.SignedPreKeys {
			if spk, ok := got.Find(want.InstallationID); !ok || spk != want {
				t.Fatalf("%s came back as %v", want.InstallationID, spk)
			}
		}
		if _, ok := got.Find("somebody else's"); ok {
			t.Fatal("found what is not there")
		}
	}
}

func TestParseBundleRefuses(t *testing.T) {
	signer, _, _ := signedBundle(t, 0)
	for name, c := range map[string]struct {
		change func(*wire.Bundle)
		want   error
	}{
		"no identity":      {func(w *wire.Bundle) { w.Identity = nil }, x3dh.ErrIdentity},
		"no point":         {func(w *wire.Bundle) { w.Identity = bytes.Repeat([]byte{2}, 32) }, x3dh.ErrIdentity},
		"uncompressed":     {func(w *wire.Bundle) { w.Identity = signer.Public().Uncompressed() }, x3dh.ErrIdentity},
		"another identity": {func(w *wire.Bundle) { w.Identity = signer.Public().Compressed() }, x3dh.ErrSignature},
		"no signature":     {func(w *wire.Bundle) { w.Signature = nil }, x3dh.ErrSignature},
		"short signature":  {func(w *wire.Bundle) { w.Signature = w.Signature[:64] }, x3dh.ErrSignature},
		"long signature":   {func(w *wire.Bundle) { w.Signature = append(w.Signature, 0) }, x3dh.ErrSignature},
		"wild recovery id": {func(w *wire.Bundle) { w.Signature[64] = 27 }, x3dh.ErrSignature},
		"timestamp":        {func(w *wire.Bundle) { w.Timestamp++ }, x3dh.ErrSignature},
		"timestamp gone":   {func(w *wire.Bundle) { w.Timestamp = 0 }, x3dh.ErrSignature},
		"version":          {func(w *wire.Bundle) { w.SignedPreKeys["device 1"].Version++ }, x3dh.ErrSignature},
		"entry gone":       {func(w *wire.Bundle) { delete(w.SignedPreKeys, "device 1") }, x3dh.ErrSignature},
		"nil entry":        {func(w *wire.Bundle) { w.SignedPreKeys["device 1"] = nil }, x3dh.ErrSignedPreKey},
		"pre-key gone":     {func(w *wire.Bundle) { w.SignedPreKeys["device 1"].SignedPreKey = nil }, x3dh.ErrSignedPreKey},
		"empty id":         {func(w *wire.Bundle) { w.SignedPreKeys[""] = w.SignedPreKeys["device 1"] }, x3dh.ErrSignedPreKey},
		"long id":          {func(w *wire.Bundle) { w.SignedPreKeys[strings.Repeat("x", 65)] = w.SignedPreKeys["device 1"] }, x3dh.ErrSignedPreKey},
		"too many": {func(w *wire.Bundle) {
			for i := range x3dh.MaxSignedPreKeys {
				w.SignedPreKeys[fmt.Sprint(i)] = w.SignedPreKeys["device 1"]
			}
		}, x3dh.ErrTooMany},
	} {
		_, _, w := signedBundle(t, 2)
		c.change(w)
		if b, err := x3dh.ParseBundle(w); !errors.Is(err, c.want) || !b.Identity.IsZero() {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := x3dh.ParseBundle(nil); !errors.Is(err, x3dh.ErrIdentity) {
		t.Errorf("no bundle: %v", err)
	}
	// Signed by the identity, yet no key: the signature alone is not enough.
	identity, _, w := signedBundle(t, 1)
	w.SignedPreKeys["device 1"].SignedPreKey = append([]byte{2}, bytes.Repeat([]byte{0xff}, 32)...)
	material, err := x3dh.SignatureMaterial(w)
	if err != nil {
		t.Fatal(err)
	}
	if w.Signature, err = identity.Sign(key.Keccak256(material)); err != nil {
		t.Fatal(err)
	}
	if _, err := x3dh.ParseBundle(w); !errors.Is(err, x3dh.ErrSignedPreKey) {
		t.Errorf("a signed pre-key off the curve: %v", err)
	}
}

func TestSignRefuses(t *testing.T) {
	identity, b, _ := signedBundle(t, 2)
	with := func(change func(*x3dh.Bundle)) x3dh.Bundle {
		c := b
		c.SignedPreKeys = append([]x3dh.SignedPreKey(nil), b.SignedPreKeys...)
		change(&c)
		return c
	}
	for name, c := range map[string]struct {
		bundle x3dh.Bundle
		want   error
	}{
		"another identity": {with(func(b *x3dh.Bundle) { b.Identity = generate(t).Public() }), x3dh.ErrIdentity},
		"no pre-key":       {with(func(b *x3dh.Bundle) { b.SignedPreKeys[0].Key = key.Public{} }), x3dh.ErrSignedPreKey},
		"no id":            {with(func(b *x3dh.Bundle) { b.SignedPreKeys[0].InstallationID = "" }), x3dh.ErrSignedPreKey},
		"the same id": {with(func(b *x3dh.Bundle) {
			b.SignedPreKeys[0].InstallationID = b.SignedPreKeys[1].InstallationID
		}), x3dh.ErrSignedPreKey},
	} {
		if w, err := c.bundle.Sign(identity); !errors.Is(err, c.want) || w != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := b.Sign(key.Private{}); !errors.Is(err, x3dh.ErrIdentity) {
		t.Errorf("no key: %v", err)
	}
}

func TestRedacted(t *testing.T) {
	p, _ := rotate(t, x3dh.PreKeys{}, time.Unix(1e9, 0))
	k, _ := p.Current()
	js, err := json.Marshal(map[string]any{"keys": p, "key": k})
	if err != nil {
		t.Fatal(err)
	}
	out := string(js)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%X", "%d", "%q"} {
		out += fmt.Sprintf(verb, p) + fmt.Sprintf(verb, &p) + fmt.Sprintf(verb, k)
	}
	secret := k.Private.Bytes()[:6]
	if strings.Contains(strings.ToLower(out), hex.EncodeToString(secret)) || strings.Contains(out, strings.Trim(fmt.Sprint(secret), "[]")) {
		t.Fatal("a secret was printed")
	}
	if !strings.Contains(out, "[redacted]") {
		t.Fatal("nothing says redacted")
	}
}

func FuzzParseBundle(f *testing.F) {
	for _, v := range readBundles(f) {
		f.Add([]byte(v.Bundle))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var w wire.Bundle
		if proto.Unmarshal(raw, &w) != nil {
			return
		}
		b, err := x3dh.ParseBundle(&w)
		if err != nil {
			return
		}
		if b.Identity.IsZero() || len(b.SignedPreKeys) > x3dh.MaxSignedPreKeys {
			t.Fatalf("taken: %v", b)
		}
		for i, spk := range b.SignedPreKeys {
			if spk.Key.IsZero() || i > 0 && b.SignedPreKeys[i-1].InstallationID >= spk.InstallationID {
				t.Fatalf("taken: %v", b)
			}
		}
	})
}

func FuzzOpenDH(f *testing.F) {
	k := generate(f)
	ephemeral, payload, err := x3dh.SealDH(rand.Reader, k.Public(), []byte("the message"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(ephemeral.Compressed(), payload)
	f.Add(ephemeral.Compressed(), []byte{})
	f.Add([]byte{}, payload)
	f.Fuzz(func(t *testing.T, from, body []byte) {
		p, _ := key.ParsePublic(from)
		plaintext, err := x3dh.OpenDH(k, p, body)
		genuine := p == ephemeral && bytes.Equal(body, payload)
		// The secret is an X coordinate: the ephemeral key's mirror image opens it, too.
		mirrored := !p.IsZero() && bytes.Equal(p.X(), ephemeral.X()) && bytes.Equal(body, payload)
		if err == nil && !genuine && !mirrored || genuine && (err != nil || string(plaintext) != "the message") {
			t.Fatalf("genuine %v: %v", genuine, err)
		}
	})
}
