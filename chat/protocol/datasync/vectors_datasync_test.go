package datasync

import (
	"bytes"
	"errors"
	"testing"

	"libstatus1to1/chat/protocol/key"
)

// vectorMVDS is a payload as both wire.json and messenger.json record it.
type vectorMVDS struct {
	Acks     []hexBytes
	Messages []struct {
		GroupID   hexBytes `json:"group_id"`
		Timestamp int64
		Body      hexBytes
		ID        hexBytes
	}
}

// check decodes plaintext, compares it with v and encodes it again. The
// messages must be of one of the groups.
func (v vectorMVDS) check(t *testing.T, plaintext []byte, groups map[[32]byte]bool) {
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

type vectorParticipants map[string]struct {
	IdentityPublic hexBytes `json:"identity_public"`
}

func (ps vectorParticipants) public(t *testing.T, name string) key.Public {
	t.Helper()
	p, err := key.ParsePublic(ps[name].IdentityPublic)
	if err != nil {
		t.Fatalf("participant %q: %v", name, err)
	}
	return p
}

// groups are those an identity is in: with each participant and with itself.
func (ps vectorParticipants) groups(t *testing.T, name string) map[[32]byte]bool {
	t.Helper()
	out := map[[32]byte]bool{}
	for other := range ps {
		out[GroupID(ps.public(t, name), ps.public(t, other))] = true
	}
	return out
}

func TestVectorGroups(t *testing.T) {
	var file struct {
		Keys []struct {
			Public hexBytes `json:"public_compressed"`
		}
		Pairs []struct {
			A, B  int
			Group hexBytes `json:"mvds_group_id"`
		}
	}
	readVectors(t, "keys.json", &file)
	if len(file.Pairs) == 0 {
		t.Fatal("no pairs in the file")
	}
	for i, pair := range file.Pairs {
		a, errA := key.ParsePublic(file.Keys[pair.A].Public)
		b, errB := key.ParsePublic(file.Keys[pair.B].Public)
		if errA != nil || errB != nil {
			t.Fatal(errA, errB)
		}
		ab, ba := GroupID(a, b), GroupID(b, a)
		if !bytes.Equal(ab[:], pair.Group) || ab != ba {
			t.Errorf("pair %d: %x and %x, want %x", i, ab, ba, pair.Group)
		}
	}
}

func TestVectorWire(t *testing.T) {
	var file struct {
		Participants vectorParticipants
		Messages     []struct {
			ID, From, To string
			Plaintext    hexBytes
			MVDS         *struct {
				Bytes hexBytes
				vectorMVDS
			}
		}
	}
	readVectors(t, "wire.json", &file)
	if len(file.Messages) == 0 {
		t.Fatal("no messages in the file")
	}
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
			group := GroupID(file.Participants.public(t, m.From), file.Participants.public(t, m.To))
			m.MVDS.check(t, m.Plaintext, map[[32]byte]bool{group: true})
		})
	}
}

func TestVectorMessenger(t *testing.T) {
	var file struct {
		Participants vectorParticipants
		Messages     []struct {
			From, During string
			Layers       *struct {
				Plaintext hexBytes
				MVDS      *vectorMVDS
			}
		}
	}
	readVectors(t, "messenger.json", &file)
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
			m.Layers.MVDS.check(t, m.Layers.Plaintext, file.Participants.groups(t, m.From))
		})
	}
	if seen == 0 {
		t.Fatal("no layers in the file")
	}
}
