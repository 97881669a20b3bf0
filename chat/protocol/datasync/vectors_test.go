package datasync

import (
	"bytes"
	"errors"
	"testing"

	"libstatus1to1/internal/vectors"
)

// checkPayload decodes plaintext, compares it with v and encodes it again. The
// messages must be of one of the groups.
func checkPayload(t *testing.T, v *vectors.MVDS, plaintext []byte, groups map[[32]byte]bool) {
	t.Helper()
	p, err := Decode(plaintext)
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Acks) != len(v.Acks) || len(p.Messages) != len(v.Messages) || len(p.Offers)+len(p.Requests) != 0 {
		t.Fatalf("%d acks, %d messages, %d offers, %d requests", len(p.Acks), len(p.Messages), len(p.Offers), len(p.Requests))
	}
	for i, a := range v.Acks {
		if !bytes.Equal(p.Acks[i][:], a) {
			t.Errorf("ack %d: %x, want %x", i, p.Acks[i], a)
		}
	}
	for i, want := range v.Messages {
		got := p.Messages[i]
		id := got.ID()
		if !bytes.Equal(got.GroupID[:], want.GroupID) || got.Timestamp != want.Timestamp ||
			!bytes.Equal(got.Body, want.Body) || !bytes.Equal(id[:], want.ID) {
			t.Errorf("message %d: group %x, timestamp %d, id %x, want %x, %d, %x, or other bodies",
				i, got.GroupID, got.Timestamp, id, want.GroupID, want.Timestamp, want.ID)
		}
		if !groups[got.GroupID] {
			t.Errorf("message %d: not in a group of its sender", i)
		}
	}
	again, err := Encode(p)
	if err != nil || !bytes.Equal(again, plaintext) {
		t.Errorf("encoded again it differs: %x, %v", again, err)
	}
}

// groups are those an identity is in: with each participant and with itself.
func groups(t *testing.T, ps vectors.Participants, name string) map[[32]byte]bool {
	t.Helper()
	out := map[[32]byte]bool{}
	for other := range ps {
		out[GroupID(ps.Public(t, name), ps.Public(t, other))] = true
	}
	return out
}

func TestVectorGroups(t *testing.T) {
	var file struct {
		Keys []struct {
			Public vectors.Hex `json:"public_compressed"`
		}
		Pairs []struct {
			A, B  int
			Group vectors.Hex `json:"mvds_group_id"`
		}
	}
	vectors.Read(t, "keys.json", &file)
	if len(file.Pairs) == 0 {
		t.Fatal("no pairs in the file")
	}
	for i, pair := range file.Pairs {
		a, b := file.Keys[pair.A].Public.Public(t), file.Keys[pair.B].Public.Public(t)
		ab, ba := GroupID(a, b), GroupID(b, a)
		if !bytes.Equal(ab[:], pair.Group) || ab != ba {
			t.Errorf("pair %d: %x and %x, want %x", i, ab, ba, pair.Group)
		}
	}
}

func TestVectorWire(t *testing.T) {
	file := vectors.ReadWire(t)
	for _, m := range file.Messages {
		t.Run(m.ID, func(t *testing.T) {
			if m.MVDS == nil || len(m.MVDS.Bytes) == 0 {
				if _, err := Decode(m.Plaintext); !errors.Is(err, ErrNotMVDS) {
					t.Errorf("a message without MVDS: %v", err)
				}
				return
			}
			if !bytes.Equal(m.Plaintext, m.MVDS.Bytes) {
				t.Fatal("the plaintext is not the MVDS payload")
			}
			group := GroupID(file.Participants.Public(t, m.From), file.Participants.Public(t, m.To))
			checkPayload(t, m.MVDS, m.Plaintext, map[[32]byte]bool{group: true})
		})
	}
}

func TestVectorMessenger(t *testing.T) {
	file := vectors.ReadMessenger(t)
	seen := 0
	for _, m := range file.Messages {
		if m.Layers == nil {
			continue
		}
		seen++
		t.Run(m.During, func(t *testing.T) {
			if m.Layers.MVDS == nil {
				if _, err := Decode(m.Layers.Plaintext); !errors.Is(err, ErrNotMVDS) {
					t.Errorf("a message without MVDS: %v", err)
				}
				return
			}
			checkPayload(t, m.Layers.MVDS, m.Layers.Plaintext, groups(t, file.Participants, m.From))
		})
	}
	if seen == 0 {
		t.Fatal("no layers in the file")
	}
}
