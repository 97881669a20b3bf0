package noise_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/noise"
)

var issued = time.Unix(1_790_000_000, 0)

func mustIssue(t testing.TB, life time.Duration) (noise.Certificate, key.Private) {
	t.Helper()
	r := seeded(t)
	identity, err := key.Generate(r)
	if err != nil {
		t.Fatal(err)
	}
	c, err := noise.Issue(identity, "installation-1", mustKey(t, r).Public(), issued, life)
	if err != nil {
		t.Fatal(err)
	}
	return c, identity
}

func TestCertificate(t *testing.T) {
	c, identity := mustIssue(t, time.Hour)
	back, err := noise.ParseCertificate(c.Bytes())
	if err != nil || !bytes.Equal(back.Bytes(), c.Bytes()) || back != c {
		t.Fatalf("came back as %v: %v", back, err)
	}
	if back.Identity != identity.Public() || !back.Issued.Equal(issued) || !back.Expires.Equal(issued.Add(time.Hour)) {
		t.Errorf("fields: %v", back)
	}
	for at, want := range map[time.Duration]error{
		0: nil, time.Hour - time.Second: nil, -noise.MaxClockSkew: nil,
		time.Hour: noise.ErrCertificateTime, -noise.MaxClockSkew - time.Second: noise.ErrCertificateTime,
	} {
		if err := back.Verify(issued.Add(at)); !errors.Is(err, want) {
			t.Errorf("verifying %v after issue: %v, want %v", at, err, want)
		}
	}
}

// Any changed byte, any truncation and any trailing byte is refused by parsing or
// verifying.
func TestCertificateForged(t *testing.T) {
	c, _ := mustIssue(t, time.Hour)
	good := c.Bytes()
	for i := range good {
		bad := bytes.Clone(good)
		bad[i] ^= 1
		if parsed, err := noise.ParseCertificate(bad); err == nil && parsed.Verify(issued) == nil {
			t.Errorf("byte %d changed and accepted", i)
		}
		if _, err := noise.ParseCertificate(good[:i]); !errors.Is(err, noise.ErrCertificate) {
			t.Errorf("%d bytes: %v", i, err)
		}
	}
	if _, err := noise.ParseCertificate(append(good, 0)); !errors.Is(err, noise.ErrCertificate) {
		t.Errorf("a trailing byte: %v", err)
	}
	other, _ := key.Generate(seeded(t))
	c.Identity = other.Public()
	if err := c.Verify(issued); !errors.Is(err, noise.ErrCertificate) {
		t.Errorf("another's signature: %v", err)
	}
}

func TestIssueRefuses(t *testing.T) {
	r := seeded(t)
	identity, err := key.Generate(r)
	if err != nil {
		t.Fatal(err)
	}
	static := mustKey(t, r).Public()
	for name, issue := range map[string]func() (noise.Certificate, error){
		"no identity": func() (noise.Certificate, error) { return noise.Issue(key.Private{}, "i", static, issued, time.Hour) },
		"no key": func() (noise.Certificate, error) {
			return noise.Issue(identity, "i", noise.PublicKey{}, issued, time.Hour)
		},
		"no id":       func() (noise.Certificate, error) { return noise.Issue(identity, "", static, issued, time.Hour) },
		"space in id": func() (noise.Certificate, error) { return noise.Issue(identity, "a b", static, issued, time.Hour) },
		"no life":     func() (noise.Certificate, error) { return noise.Issue(identity, "i", static, issued, 0) },
		"too long": func() (noise.Certificate, error) {
			return noise.Issue(identity, "i", static, issued, 2*noise.MaxCertificateLife)
		},
		"before 1970": func() (noise.Certificate, error) {
			return noise.Issue(identity, "i", static, time.Unix(-9, 0), time.Hour)
		},
		"id too long ": func() (noise.Certificate, error) {
			return noise.Issue(identity, string(make([]byte, 65)), static, issued, time.Hour)
		},
	} {
		if _, err := issue(); !errors.Is(err, noise.ErrCertificate) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestChaChaPoly(t *testing.T) {
	r := seeded(t)
	secret, tag := key.Secret{1}, noise.Nametag{2}
	payload, err := noise.SealChaChaPoly(secret, tag, []byte("text"), r)
	if err != nil {
		t.Fatal(err)
	}
	p, err := noise.ParsePayload(payload)
	if err != nil || p.Protocol != noise.ProtocolChaChaPoly || len(p.Transport) != 12+noise.PadBlock+16 || len(p.Keys) != 0 {
		t.Fatalf("%+v, %v", p, err)
	}
	if got, err := noise.OpenChaChaPoly(secret, tag, payload); err != nil || string(got) != "text" {
		t.Fatalf("%q, %v", got, err)
	}
	if _, err := noise.OpenChaChaPoly(key.Secret{2}, tag, payload); !errors.Is(err, noise.ErrAuth) {
		t.Errorf("another key: %v", err)
	}
	if _, err := noise.OpenChaChaPoly(secret, noise.Nametag{3}, payload); !errors.Is(err, noise.ErrNametag) {
		t.Errorf("another nametag: %v", err)
	}
	payload[0] ^= 1
	if _, err := noise.OpenChaChaPoly(secret, noise.Nametag(payload[:16]), payload); !errors.Is(err, noise.ErrAuth) {
		t.Errorf("a nametag that was not sealed: %v", err)
	}
	short, err := noise.Payload{Protocol: noise.ProtocolChaChaPoly, Transport: make([]byte, 11)}.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := noise.OpenChaChaPoly(secret, noise.Nametag{}, short); !errors.Is(err, noise.ErrPayload) {
		t.Errorf("no room for a nonce: %v", err)
	}
}

func TestScope(t *testing.T) {
	if got := noise.DefaultScope.HandshakeTopic(); got != "/waku-noise-sessions/0.1/wakunoise/1/sessions_shard-10/proto" {
		t.Error(got)
	}
	if got := noise.DefaultScope.SessionTopic("ab"); got != "/waku-noise-sessions/0.1/wakunoise/1/sessions/ab/proto" {
		t.Error(got)
	}
	if err := noise.DefaultScope.Check(); err != nil {
		t.Error(err)
	}
	for _, part := range []string{"", "a/b", "a\xff", "a\u200b", "a\n", strings.Repeat("x", 65)} {
		for _, s := range []noise.Scope{{part, "1", "1"}, {"a", part, "1"}, {"a", "1", part}} {
			if err := s.Check(); !errors.Is(err, noise.ErrTopic) {
				t.Errorf("%q: %v", s, err)
			}
		}
	}
}

func TestPadding(t *testing.T) {
	for n := range 3 * noise.PadBlock {
		text := bytes.Repeat([]byte{byte(n)}, n)
		padded := noise.Pad(text)
		if len(padded)%noise.PadBlock != 0 || len(padded) <= n || len(padded) > n+noise.PadBlock {
			t.Fatalf("%d bytes become %d", n, len(padded))
		}
		got, err := noise.Unpad(padded)
		if err != nil || !bytes.Equal(got, text) {
			t.Fatalf("%d bytes: %v", n, err)
		}
	}
	block := bytes.Repeat([]byte{9}, noise.PadBlock)
	for _, last := range []byte{0, 249, 255} {
		block[noise.PadBlock-1] = last
		if _, err := noise.Unpad(block); !errors.Is(err, noise.ErrPadding) {
			t.Errorf("pad byte %d: %v", last, err)
		}
	}
}

// TestProvisionalCertificate: the certificate of a device without an identity is one for a
// pairing only, and neither kind can be made the other.
func TestProvisionalCertificate(t *testing.T) {
	r := seeded(t)
	made, err := key.Generate(r)
	if err != nil {
		t.Fatal(err)
	}
	static := mustKey(t, r).Public()
	provisional, err := noise.IssueProvisional(made, "installation-1", static, issued, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := noise.Issue(made, "installation-1", static, issued, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	back, err := noise.ParseCertificate(provisional.Bytes())
	if err != nil || back != provisional || !back.Provisional {
		t.Fatalf("came back as %v: %v", back, err)
	}
	if err := back.VerifyDevice(issued); err != nil {
		t.Error(err)
	}
	if err := back.Verify(issued); !errors.Is(err, noise.ErrCertificate) {
		t.Errorf("it is valid for an identity: %v", err)
	}
	if err := whole.VerifyDevice(issued); err != nil {
		t.Error(err)
	}
	for _, c := range []noise.Certificate{provisional, whole} {
		b := c.Bytes()
		b[0] = 3 - b[0] // the version of the other kind
		relabelled, err := noise.ParseCertificate(b)
		if err != nil {
			t.Fatal(err)
		}
		if err := relabelled.VerifyDevice(issued); !errors.Is(err, noise.ErrCertificate) {
			t.Errorf("relabelled: %v", err)
		}
	}
}
