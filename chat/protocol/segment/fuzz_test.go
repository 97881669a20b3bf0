package segment

import (
	"bytes"
	"encoding/binary"
	"testing"

	"libstatus1to1/chat/protocol/key"
)

func FuzzParse(f *testing.F) {
	for _, b := range encoded(f, bytes.Repeat([]byte{1, 2, 3}, 300), 100) {
		f.Add(b)
	}
	f.Add([]byte{0x10, 1, 0x18, 2})
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := Parse(b)
		if err != nil {
			return
		}
		again, err := s.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if back, err := Parse(again); err != nil || back.Hash != s.Hash || back.Place != s.Place || back.Count != s.Count ||
			back.Length != s.Length || !bytes.Equal(back.Payload, s.Payload) {
			t.Fatalf("%v reads back as %v (%v)", s.Place, back.Place, err)
		}
		if _, err := (Set{}).With(s); err != nil && s.Count*len(s.Payload) <= MaxMessage && s.Length == 0 {
			t.Fatalf("the first segment contradicts: %v", err)
		}
	})
}

// FuzzAssemble has segments of one message altered and reordered. Whatever comes out is the
// message.
func FuzzAssemble(f *testing.F) {
	message := bytes.Repeat([]byte{9, 8, 7}, 350)
	all := encoded(f, message, 100)
	f.Add([]byte{0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0})
	f.Add([]byte{11, 0, 0, 0, 10, 0, 0, 0, 9, 0, 0, 0, 8, 0, 0, 0, 7, 0, 0, 0, 6, 0, 0, 0, 5, 0, 0, 0, 4, 0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0})
	hash := [32]byte(key.Keccak256(message))
	f.Fuzz(func(t *testing.T, script []byte) {
		r := &receiver{}
		for len(script) >= 4 && !r.done {
			b := bytes.Clone(all[int(script[0])%len(all)])
			at, change := int(binary.LittleEndian.Uint16(script[1:])), script[3]
			script = script[4:]
			b[at%len(b)] ^= change
			if seg, err := Parse(b); err != nil || seg.Hash != hash {
				continue
			}
			if whole, err := r.take(b); err == nil && whole != nil && !bytes.Equal(whole, message) {
				t.Fatal("another message came out")
			}
		}
	})
}
