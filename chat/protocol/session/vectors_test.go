package session_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"testing"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/ratchet"
	"libstatus1to1/chat/protocol/session"
	"libstatus1to1/chat/protocol/x3dh"
	"libstatus1to1/chat/wire"
	"libstatus1to1/internal/vectors"
)

// TestVectorSessions plays ratchet.json with whole peers: bundles, the choice of
// sessions, the first message, every header and payload byte for byte.
func TestVectorSessions(t *testing.T) {
	encrypted, opened := 0, 0
	for _, sc := range vectors.ReadRatchet(t) {
		t.Run(sc.Name, func(t *testing.T) {
			p := &player{cast: newCast(t, sc.Participants), sent: map[string]vectors.Step{}, opened: map[[2]string][]byte{}, used: map[sessionName]bool{}, rand: seeded(1)}
			for _, st := range sc.Steps {
				p.step(st)
				if t.Failed() {
					t.Fatalf("in step %d (%s by %s)", st.Step, st.Op, st.By)
				}
			}
			p.converge()
			encrypted, opened = encrypted+len(p.sent), opened+len(p.opened)
		})
	}
	if encrypted == 0 || opened == 0 {
		t.Fatalf("%d encrypted, %d opened: nothing is proven", encrypted, opened)
	}
}

// sessionName names a session of status-go.
type sessionName struct{ owner, installation, bundle string }

// player plays one scenario of ratchet.json.
type player struct {
	*cast
	sent   map[string]vectors.Step // encrypt steps by message id
	opened map[[2]string][]byte    // receiver, id -> the ProtocolMessage it opened
	used   map[sessionName]bool    // sessions in which something succeeded
	both   [][2]string             // who encrypted in another session than we would
	rand   io.Reader               // for what goes on after the scenario
}

func (p *player) step(st vectors.Step) {
	p.t.Helper()
	p.draw(st.GeneratedKeys)
	switch st.Op {
	case "process_bundle":
		p.processBundle(st)
	case "encrypt":
		p.encryptStep(st)
	case "encrypt_discard":
		p.discard(st)
	case "decrypt":
		p.decrypt(st)
	case "confirm": // we erase the key of a message when it opens
	default:
		p.t.Errorf("unknown op %q", st.Op)
	}
	for _, want := range st.StateAfter {
		p.compare(st.By, want)
	}
}

func (p *player) processBundle(st vectors.Step) {
	p.t.Helper()
	var w wire.Bundle
	err := proto.Unmarshal(st.Bundle, &w)
	var b x3dh.Bundle
	if err == nil {
		b, err = x3dh.ParseBundle(&w)
	}
	if (err == nil) != (st.Expect == "ok") {
		p.t.Errorf("bundle: %v, expected %s %s", err, st.Expect, st.Error)
	}
	if err != nil {
		return
	}
	p.reveal(&w)
	p.setPeer(st.By, p.peer(st.By, st.Of).Learn(p.side(st.By).self, b, vectorNow))
}

func (p *player) encryptStep(st vectors.Step) {
	p.t.Helper()
	p.sent[st.ID] = st
	var pm wire.ProtocolMessage
	if err := proto.Unmarshal(st.ProtocolMessage, &pm); err != nil {
		p.t.Fatal(err)
	}
	p.reveal(pm.GetBundles()...)
	if !equalMaps(pm.GetEncryptedMessage(), recordedMap(st.Encrypted)) {
		p.t.Fatal("protocol_message and encrypted contradict each other")
	}
	inOther, err := p.encrypt(st.By, st.To, st.Plaintext, pm.GetEncryptedMessage(), func(out session.Outgoing) error {
		if out.Negotiated != st.Negotiated {
			return fmt.Errorf("%w: negotiated: %v", errDiffers, out.Negotiated)
		}
		return sameMap(out, pm.GetEncryptedMessage())
	})
	if err != nil {
		p.t.Fatal(err)
	}
	if inOther > 0 {
		p.both = append(p.both, [2]string{st.By, st.To})
	}
	shared, err := p.side(st.By).self.Identity.ECDH(p.side(st.To).self.Identity.Public())
	if len(st.SharedSecret) > 0 && (err != nil || !bytes.Equal(shared[:], st.SharedSecret)) {
		p.t.Errorf("another shared secret (%v)", err)
	}
	for installation, e := range pm.GetEncryptedMessage() {
		p.used[sessionName{st.By, installation, string(e.GetDRHeader().GetId())}] = true
	}
}

// recordedMap is the encrypted_message map as the file spells it out.
func recordedMap(list []vectors.Encrypted) map[string]*wire.EncryptedMessageProtocol {
	m := map[string]*wire.EncryptedMessageProtocol{}
	for _, e := range list {
		x := &wire.EncryptedMessageProtocol{Payload: e.Payload}
		if h := e.X3DH; h != nil {
			x.X3DHHeader = &wire.X3DHHeader{Key: h.Key, Id: h.ID}
		}
		if h := e.DR; h != nil {
			x.DRHeader = &wire.DRHeader{Key: h.Key, N: h.N, Pn: h.PN, Id: h.ID}
		}
		if h := e.DH; h != nil {
			x.DHHeader = &wire.DHHeader{Key: h.Key}
		}
		m[e.InstallationID] = x
	}
	return m
}

// discard encrypts messages that nobody gets. There are no headers to go by, so the
// keys of a session it begins are taken in the order they were drawn in.
func (p *player) discard(st vectors.Step) {
	p.t.Helper()
	var draws []byte
	for _, k := range st.GeneratedKeys {
		draws = append(draws, k.Private...)
	}
	src := session.Source{Rand: bytes.NewReader(draws), IV: ratchet.DerivedIV()}
	peer := p.peer(st.By, st.To)
	if len(peer.Active()) == 0 {
		return // messages to "none" leave no trace
	}
	for range st.Count {
		next, out, err := peer.Encrypt(p.side(st.By).self, st.Plaintext, nil, vectorNow, src)
		if err != nil {
			p.t.Fatal(err)
		}
		peer = next
		for installation, e := range out.Messages {
			p.used[sessionName{st.By, installation, string(e.GetDRHeader().GetId())}] = true
		}
	}
	p.setPeer(st.By, peer)
}

func (p *player) decrypt(st vectors.Step) {
	p.t.Helper()
	raw := st.ProtocolMessage
	if len(raw) == 0 {
		raw = p.sent[st.ID].ProtocolMessage
	}
	before := p.peer(st.By, st.From)
	record := before.Record()
	next, in, pm, left, err := p.receive(st, raw, before)
	if !proto.Equal(before.Record(), record) {
		p.t.Fatal("Receive changed the value it was called on")
	}
	again := bytes.Equal(p.opened[[2]string{st.By, st.ID}], raw)
	switch {
	case err != nil && (st.Expect == "error" || st.IsQuirk()):
		wantTyped(p.t, err)
	case err != nil && again:
		// A second copy: status-go keeps the key until it is confirmed, we erase it.
		if !errors.Is(err, session.ErrDecrypt) {
			p.t.Errorf("a second copy: %v", err)
		}
	case err != nil:
		p.t.Errorf("does not open: %v", err)
	case st.Expect == "error" && !st.IsQuirk():
		p.t.Errorf("opens, though status-go says %q (%s)", st.Error, st.Mutation)
	default:
		if st.Expect == "ok" && !bytes.Equal(in.Plaintext, st.Plaintext) {
			p.t.Errorf("opens to %x, want %x", in.Plaintext, st.Plaintext)
		}
		if left != 0 && !st.IsQuirk() {
			p.t.Errorf("%d bytes of recorded randomness were not drawn", left)
		}
		p.setPeer(st.By, next)
		p.opened[[2]string{st.By, st.ID}] = raw
		if in.Session >= 0 {
			s := next.Sessions[in.Session]
			p.used[sessionName{st.By, pm.GetInstallationId(), string(s.ID.Compressed())}] = true
		}
	}
}

func (p *player) receive(st vectors.Step, raw []byte, before session.Peer) (next session.Peer, in session.Incoming, pm *wire.ProtocolMessage, left int, err error) {
	pm = &wire.ProtocolMessage{}
	if err := proto.Unmarshal(raw, pm); err != nil {
		return before, in, pm, 0, session.ErrHeader
	}
	var draws []byte
	for _, k := range st.GeneratedKeys {
		if k.Owner == st.By && k.Purpose == "ratchet" {
			draws = append(draws, k.Private...)
		}
	}
	rand := bytes.NewReader(draws)
	next, in, err = before.Receive(p.side(st.By).self, pm, vectorNow, session.Source{Rand: rand, IV: ratchet.DerivedIV()})
	return next, in, pm, rand.Len(), err
}

// wantTyped checks that an error is one of those Receive promises.
func wantTyped(t testing.TB, err error) {
	t.Helper()
	for _, known := range []error{
		session.ErrBundle, session.ErrEmpty, session.ErrHeader, session.ErrNoHeader,
		session.ErrNoPreKey, session.ErrNoSession, session.ErrDecrypt,
	} {
		if errors.Is(err, known) {
			return
		}
	}
	t.Errorf("an error of no known type: %v", err)
}

// compare checks every recorded part of a session that keys are kept in.
func (p *player) compare(by string, want vectors.SessionState) {
	p.t.Helper()
	for _, peer := range p.side(by).peers {
		for _, s := range peer.Sessions {
			if s.InstallationID == want.InstallationID && bytes.Equal(s.ID.Compressed(), want.BundleID) {
				compareState(p.t, s.Ratchet, want)
				return
			}
		}
	}
	if p.used[sessionName{by, want.InstallationID, string(want.BundleID)}] {
		p.t.Errorf("we have no session with %s", want.InstallationID)
	}
	// Otherwise only status-go has it, from a message that did not open.
}

// compareState reads the parts by ratchet.State.Marshal's layout.
func compareState(t testing.TB, s ratchet.State, want vectors.SessionState) {
	t.Helper()
	b := s.Marshal()[1:]
	take := func(n int) []byte {
		part := b[:n]
		b = b[n:]
		return part
	}
	number := func() uint32 { return binary.BigEndian.Uint32(take(4)) }
	same := bytes.Equal(take(32), want.RootKey)
	same = bytes.Equal(take(32), want.DHsPrivate) && same
	take(2 * key.UncompressedSize)
	same = bytes.Equal(take(32), want.SendChainKey) && number() == want.SendN && same
	same = bytes.Equal(take(32), want.RecvChainKey) && number() == want.RecvN && same
	if !same || number() != want.PN {
		t.Error("a key, chain or number of the session differs")
	}
	var remote []byte
	if !s.Remote().IsZero() {
		remote = s.Remote().Compressed()
	}
	if !bytes.Equal(s.Own().Compressed(), want.DHsPublic) || !bytes.Equal(remote, want.DHr) {
		t.Error("a ratchet key of the session differs")
	}
}

// converge goes on after a simultaneous start, by our own rule: within one message
// each way both sides use one session, and everything opens.
func (p *player) converge() {
	p.t.Helper()
	for _, pair := range p.both {
		a, b := pair[0], pair[1]
		for range 2 {
			p.exchange(a, b)
			p.exchange(b, a)
		}
		chosen := func(by, with string) []byte {
			peer := p.peer(by, with)
			return peer.Sessions[peer.Chosen(p.side(by).self, p.side(with).self.InstallationID)].ID.Compressed()
		}
		if !bytes.Equal(chosen(a, b), chosen(b, a)) {
			p.t.Errorf("%s and %s do not converge", a, b)
		}
	}
}

func (p *player) exchange(from, to string) {
	p.t.Helper()
	f, r := p.side(from), p.side(to)
	src := session.Source{Rand: p.rand, IV: ratchet.DerivedIV()}
	sender, out, err := p.peer(from, to).Encrypt(f.self, []byte("more"), nil, vectorNow, src)
	if err != nil {
		p.t.Fatal(err)
	}
	pm := &wire.ProtocolMessage{InstallationId: f.self.InstallationID, EncryptedMessage: out.Messages}
	receiver, in, err := p.peer(to, from).Receive(r.self, pm, vectorNow, src)
	if err != nil || string(in.Plaintext) != "more" {
		p.t.Fatalf("going on: %v", err)
	}
	p.setPeer(from, sender)
	p.setPeer(to, receiver)
}
