package noisesession_test

import (
	"bytes"
	"testing"
	"time"

	"libstatus1to1/chat/protocol/noise/noisesession"
)

// FuzzUnmarshal: what is taken comes back byte for byte and can be used.
func FuzzUnmarshal(f *testing.F) {
	a, b := pair(f, chacha(1))
	payload := mustSeal(f, &a, "text")
	f.Add(a.Marshal())
	f.Add(b.Retire(start).Marshal())
	f.Add(b.Retire(start).Tick(start.Add(noisesession.StaleGrace)).Marshal())
	f.Fuzz(func(t *testing.T, stored []byte) {
		s, err := noisesession.Unmarshal(stored)
		if err != nil {
			return
		}
		if stored[0] == 1 { // of the version without an end: it is written as the present one
			stored = s.Marshal()
			if s, err = noisesession.Unmarshal(stored); err != nil {
				t.Skip(err) // a time that the present version takes for none
			}
		}
		if !bytes.Equal(s.Marshal(), stored) {
			t.Fatal("a session came back changed")
		}
		_, _, _ = s.Open(payload, start)
		_, _, _ = s.Seal([]byte("x"))
		_, _, _ = s.HandOver()
		_ = s.Tick(start.Add(time.Hour))
	})
}

// FuzzHandover: what is read comes back byte for byte, and can be adopted.
func FuzzHandover(f *testing.F) {
	a, _ := pair(f, chacha(1))
	mustSeal(f, &a, "text")
	_, h, err := a.HandOver()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(h.Bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := noisesession.ParseHandover(b)
		if err != nil {
			return
		}
		if !bytes.Equal(h.Bytes(), b) {
			t.Fatal("a hand-over came back changed")
		}
		if _, err := noisesession.Adopt(h, a.Peer(), a.Peer().Identity, start); err != nil {
			t.Fatal(err)
		}
	})
}
