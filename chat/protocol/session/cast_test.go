package session_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/ratchet"
	"libstatus1to1/chat/protocol/session"
	"libstatus1to1/chat/protocol/x3dh"
	"libstatus1to1/chat/wire"
	"libstatus1to1/internal/vectors"
)

// vectorNow is later than any recorded timestamp, so that none is cut.
var vectorNow = time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)

// side is a participant of a vector file, played by our code.
type side struct {
	self  session.Self
	all   []vectors.KeyPair // its pre-keys, those of the future too
	have  int               // how many of them exist by now
	peers map[key.Public]session.Peer
}

// cast is all participants, and every key that was drawn so far.
type cast struct {
	t     testing.TB
	sides map[string]*side
	drawn map[key.Public]key.Private
}

func newCast(t testing.TB, people vectors.Participants) *cast {
	c := &cast{t: t, sides: map[string]*side{}, drawn: map[key.Public]key.Private{}}
	for name, p := range people {
		c.sides[name] = &side{
			self: session.Self{Identity: p.IdentityPrivate.Private(t), InstallationID: p.InstallationID},
			all:  p.SignedPreKeys, peers: map[key.Public]session.Peer{},
		}
		if len(p.SignedPreKeys) > 0 {
			c.sides[name].rotateTo(t, 1)
		}
	}
	return c
}

// rotateTo makes the first n pre-keys, the last of them current.
func (s *side) rotateTo(t testing.TB, n int) {
	t.Helper()
	for ; s.have < n; s.have++ {
		at := vectorNow.Add(time.Duration(s.have-len(s.all)) * x3dh.RotateAfter)
		next, _, err := s.self.PreKeys.Rotate(at, bytes.NewReader(s.all[s.have].Private))
		if err != nil {
			t.Fatal(err)
		}
		s.self.PreKeys = next
	}
}

func (c *cast) side(name string) *side {
	c.t.Helper()
	s, ok := c.sides[name]
	if !ok {
		c.t.Fatalf("no participant %q", name)
	}
	return s
}

// peer returns the state that one participant has of another.
func (c *cast) peer(by, of string) session.Peer {
	c.t.Helper()
	identity := c.side(of).self.Identity.Public()
	if p, ok := c.side(by).peers[identity]; ok {
		return p
	}
	return session.Peer{Identity: identity}
}

func (c *cast) setPeer(by string, p session.Peer) { c.side(by).peers[p.Identity] = p }

func (c *cast) draw(keys []vectors.KeyPair) {
	c.t.Helper()
	for _, k := range keys {
		c.drawn[k.Public.Public(c.t)] = k.Private.Private(c.t)
	}
}

// private is the drawn key that belongs to a public one.
func (c *cast) private(public []byte) []byte {
	c.t.Helper()
	k, ok := c.drawn[vectors.Hex(public).Public(c.t)]
	if !ok {
		c.t.Fatal("a key of a header is not among the generated ones")
	}
	return k.Bytes()
}

// reveal makes the pre-keys that a bundle shows: their owner has rotated by now.
func (c *cast) reveal(bundles ...*wire.Bundle) {
	c.t.Helper()
	for _, b := range bundles {
		for _, spk := range b.GetSignedPreKeys() {
			for _, s := range c.sides {
				for i, own := range s.all {
					if bytes.Equal(own.Public.Public(c.t).Compressed(), spk.GetSignedPreKey()) {
						s.rotateTo(c.t, i+1)
					}
				}
			}
		}
	}
}

// errDiffers: what a participant would send is not what is recorded.
var errDiffers = errors.New("not as recorded")

// named chooses the sessions that a recorded map names.
func named(want map[string]*wire.EncryptedMessageProtocol) func(session.Peer, string) int {
	return func(p session.Peer, installation string) int {
		id := want[installation].GetDRHeader().GetId()
		return slices.IndexFunc(p.Sessions, func(s session.Session) bool {
			return s.InstallationID == installation && bytes.Equal(s.ID.Compressed(), id)
		})
	}
}

// draws is the randomness that gave a recorded map, in the order we draw it in.
// inOther counts the installations for which our own rule chooses another session.
func (c *cast) draws(s *side, p session.Peer, want map[string]*wire.EncryptedMessageProtocol) (draws []byte, inOther int, err error) {
	c.t.Helper()
	choose := named(want)
	for _, in := range p.Active() {
		x3dh, dr := want[in.ID].GetX3DHHeader(), want[in.ID].GetDRHeader()
		if dr == nil {
			return nil, 0, fmt.Errorf("%w: nothing for installation %s, which we would address", errDiffers, in.ID)
		}
		i := choose(p, in.ID)
		switch {
		case i < 0 && x3dh == nil:
			return nil, 0, fmt.Errorf("%w: in a session we do not hold", errDiffers)
		case i < 0:
			draws = append(append(draws, c.private(x3dh.GetKey())...), c.private(dr.GetKey())...)
		}
		if i == p.Chosen(s.self, in.ID) {
			continue
		}
		if i < 0 || !p.Sendable(s.self, p.Sessions[i]) {
			return nil, 0, fmt.Errorf("%w: in a session with %s that we would not send in", errDiffers, in.ID)
		}
		inOther++
	}
	if e := want[session.NoInstallation]; len(p.Active()) == 0 && e.GetDHHeader() != nil {
		draws = append(c.private(e.GetDHHeader().GetKey()), e.GetPayload()[len(e.GetPayload())-12:]...)
	}
	return draws, inOther, nil
}

// encrypt lets a participant encrypt as the recorded map says: in the sessions it
// names, with the keys its headers show. check judges the result; nothing changes on
// an error.
func (c *cast) encrypt(by, to string, plaintext []byte, want map[string]*wire.EncryptedMessageProtocol, check func(session.Outgoing) error) (inOther int, err error) {
	c.t.Helper()
	s, p := c.side(by), c.peer(by, to)
	draws, inOther, err := c.draws(s, p, want)
	if err != nil {
		return 0, err
	}
	rand := bytes.NewReader(draws)
	next, out, err := p.EncryptIn(s.self, plaintext, vectorNow, session.Source{Rand: rand, IV: ratchet.DerivedIV()}, named(want))
	if err != nil {
		return 0, fmt.Errorf("%w: %w", errDiffers, err)
	}
	if rand.Len() != 0 {
		return 0, fmt.Errorf("%w: %d bytes of randomness were not drawn", errDiffers, rand.Len())
	}
	if err := check(out); err != nil {
		return 0, err
	}
	if inOther == 0 {
		plain, same, err := p.Encrypt(s.self, plaintext, nil, vectorNow, session.Source{Rand: bytes.NewReader(draws), IV: ratchet.DerivedIV()})
		if err != nil || !proto.Equal(plain.Record(), next.Record()) || !equalMaps(same.Messages, out.Messages) {
			c.t.Fatalf("our own choice of sessions gives something else (%v)", err)
		}
	}
	c.setPeer(by, next)
	return inOther, nil
}

// sameMap compares what was made with what is recorded, payloads and headers.
func sameMap(out session.Outgoing, want map[string]*wire.EncryptedMessageProtocol) error {
	if !equalMaps(out.Messages, want) {
		return fmt.Errorf("%w: %v\nwant %v", errDiffers, out.Messages, want)
	}
	return nil
}

func equalMaps(a, b map[string]*wire.EncryptedMessageProtocol) bool {
	return proto.Equal(&wire.ProtocolMessage{EncryptedMessage: a}, &wire.ProtocolMessage{EncryptedMessage: b})
}
