package noise_test

import (
	"bytes"
	"testing"
	"time"

	"libstatus1to1/chat/protocol/noise"
)

// FuzzPayload: what is read goes together to the same bytes.
func FuzzPayload(f *testing.F) {
	for _, v := range transcripts(f) {
		for _, h := range v.Handshake {
			f.Add([]byte(h.Payload))
		}
		f.Add([]byte(v.Transport[0].Payload))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := noise.ParsePayload(b)
		if err != nil {
			return
		}
		again, err := p.Bytes()
		if err != nil || !bytes.Equal(again, b) {
			t.Fatalf("%x came back as %x: %v", b, again, err)
		}
	})
}

// FuzzRead: of all messages only the genuine one is read in an encrypted step.
func FuzzRead(f *testing.F) {
	v := transcripts(f)[0]
	a, b := v.handshakes(f)
	v.play(f, &a, &b, 0)
	reader := a
	if v.Handshake[1].From == "initiator" {
		reader = b
	}
	genuine := []byte(v.Handshake[1].Payload)
	f.Add(genuine)
	f.Fuzz(func(t *testing.T, payload []byte) {
		if _, _, err := reader.Read(payload); (err == nil) != bytes.Equal(payload, genuine) {
			t.Fatalf("%x: %v", payload, err)
		}
	})
}

// FuzzUnmarshalHandshake: what is taken comes back byte for byte and can be used.
func FuzzUnmarshalHandshake(f *testing.F) {
	seen := map[string]bool{} // a replay is slow: one transcript a pattern
	for _, v := range transcripts(f) {
		if seen[v.Pattern] {
			continue
		}
		seen[v.Pattern] = true
		a, b := v.handshakes(f)
		for i := range v.Handshake {
			v.play(f, &a, &b, i)
		}
		f.Add(a.Marshal())
		f.Add(b.Marshal())
	}
	f.Fuzz(func(t *testing.T, stored []byte) {
		h, err := noise.UnmarshalHandshake(stored)
		if err != nil {
			return
		}
		if !bytes.Equal(h.Marshal(), stored) {
			t.Fatal("a handshake came back changed")
		}
		_, _, _ = h.Write([]byte("x"))
		_, _, _ = h.Read(h.Message(0))
		_, _ = h.Finish()
	})
}

// FuzzUnmarshalTransport: what is taken comes back byte for byte and can be used.
func FuzzUnmarshalTransport(f *testing.F) {
	a, b := finished(f, noise.XX, chacha(1))
	lost := mustSeal(f, &a, "lost")
	payload := mustSeal(f, &a, "text")
	f.Add(a.Marshal())
	f.Add(b.Marshal())
	mustOpen(f, &b, payload, []byte("text"))
	f.Add(b.Marshal())
	f.Fuzz(func(t *testing.T, stored []byte) {
		tr, err := noise.UnmarshalTransport(stored)
		if err != nil {
			return
		}
		if !bytes.Equal(tr.Marshal(), stored) {
			t.Fatal("a transport came back changed")
		}
		_, _, _ = tr.Seal([]byte("x"))
		_, _, _ = tr.Open(lost)
	})
}

// FuzzOpen: of all payloads only the genuine ones open, and a refused one changes nothing.
func FuzzOpen(f *testing.F) {
	a, b := finished(f, noise.XX, chacha(2))
	var genuine [][]byte
	for range 3 {
		genuine = append(genuine, mustSeal(f, &a, "text"))
		f.Add(genuine[len(genuine)-1])
	}
	before := b.Marshal()
	f.Fuzz(func(t *testing.T, payload []byte) {
		after, _, err := b.Open(payload)
		known := false
		for _, g := range genuine {
			known = known || bytes.Equal(g, payload)
		}
		if known != (err == nil) || err != nil && !bytes.Equal(after.Marshal(), before) {
			t.Fatalf("%x: %v", payload, err)
		}
	})
}

// FuzzCertificate: what is read comes back byte for byte, and verifying does not panic.
func FuzzCertificate(f *testing.F) {
	c, _ := mustIssue(f, time.Hour)
	genuine := c.Bytes()
	f.Add(genuine)
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := noise.ParseCertificate(b)
		if err != nil {
			return
		}
		if !bytes.Equal(c.Bytes(), b) {
			t.Fatal("a certificate came back changed")
		}
		_ = c.Verify(issued)
	})
}
