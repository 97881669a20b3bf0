package ratchet_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"testing"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/ratchet"
	"libstatus1to1/chat/wire"
	"libstatus1to1/internal/vectors"
)

// TestVectorRatchet plays ratchet.json at the level of single sessions: each is named by
// (owner, peer installation, bundle id), so nothing has to be chosen. Bundles, "none"
// messages and the choice of sessions are tested where they live (x3dh, session).
func TestVectorRatchet(t *testing.T) {
	encrypts, decrypts := 0, 0
	for _, sc := range vectors.ReadRatchet(t) {
		t.Run(sc.Name, func(t *testing.T) {
			p := newPlayer(t, sc)
			for _, st := range sc.Steps {
				p.step(st)
			}
			encrypts, decrypts = encrypts+p.encrypts, decrypts+p.decrypts
		})
	}
	if encrypts == 0 || decrypts == 0 {
		t.Fatalf("played %d encrypts and %d decrypts", encrypts, decrypts)
	}
}

type sessionName struct{ owner, installation, bundle string }

// player runs one scenario.
type player struct {
	t                  *testing.T
	sc                 vectors.Scenario
	sessions           map[sessionName]ratchet.State
	opened             map[sessionName]bool       // the owner has decrypted something in it
	latest             map[[2]string]sessionName  // owner, installation -> session used last
	preKeys            map[[2]string]key.Public   // owner, installation -> pre-key it knows
	sent               map[string]vectors.Step    // encrypt steps by message id
	plain              map[[2]string][]byte       // receiver, id -> what it decrypted to
	drawn              map[key.Public]key.Private // all generated keys up to now
	encrypts, decrypts int
}

func newPlayer(t *testing.T, sc vectors.Scenario) *player {
	return &player{
		t: t, sc: sc,
		sessions: map[sessionName]ratchet.State{}, opened: map[sessionName]bool{},
		latest: map[[2]string]sessionName{}, preKeys: map[[2]string]key.Public{},
		sent: map[string]vectors.Step{}, plain: map[[2]string][]byte{}, drawn: map[key.Public]key.Private{},
	}
}

func (p *player) step(st vectors.Step) {
	p.t.Helper()
	for _, g := range st.GeneratedKeys {
		p.drawn[g.Public.Public(p.t)] = g.Private.Private(p.t)
	}
	switch st.Op {
	case "process_bundle":
		p.processBundle(st)
	case "encrypt":
		p.sent[st.ID] = st
		for _, e := range st.Encrypted {
			if e.DR != nil {
				p.encrypt(st, e)
			}
		}
	case "encrypt_discard":
		p.discard(st)
	case "decrypt":
		p.decrypt(st)
	case "confirm": // the used key is erased already
	default:
		p.t.Fatalf("step %d: unknown op %q", st.Step, st.Op)
	}
	for _, want := range st.StateAfter {
		p.compare(st, want)
	}
}

// processBundle remembers pre-keys for encrypt_discard, the one step without headers.
func (p *player) processBundle(st vectors.Step) {
	var b wire.Bundle
	if st.Expect != "ok" || proto.Unmarshal(st.Bundle, &b) != nil {
		return
	}
	p.learn(st.By, &b)
}

func (p *player) learn(by string, b *wire.Bundle) {
	for id, spk := range b.GetSignedPreKeys() {
		p.preKeys[[2]string{by, id}] = vectors.Hex(spk.GetSignedPreKey()).Public(p.t)
	}
}

// initiate makes the session of the side that sends the X3DH header.
func (p *player) initiate(by, to string, ephemeral key.Private, spk, ratchetKey key.Public) ratchet.State {
	p.t.Helper()
	identity := p.sc.Participants[by].IdentityPrivate.Private(p.t)
	peer := p.sc.Participants[to].IdentityPublic.Public(p.t)
	secret := agree(p.t, dh(p.t, identity, spk), dh(p.t, ephemeral, peer), dh(p.t, ephemeral, spk))
	s, err := ratchet.NewInitiator(secret, spk, bytes.NewReader(p.private(ratchetKey).Bytes()))
	if err != nil {
		p.t.Fatal(err)
	}
	return s
}

func (p *player) private(public key.Public) key.Private {
	p.t.Helper()
	k, ok := p.drawn[public]
	if !ok {
		p.t.Fatal("a key of a header is not among the generated ones")
	}
	return k
}

func (p *player) encrypt(st vectors.Step, e vectors.Encrypted) {
	p.t.Helper()
	name := sessionName{st.By, e.InstallationID, hex.EncodeToString(e.DR.ID)}
	s, ok := p.sessions[name]
	if !ok {
		if e.X3DH == nil {
			p.t.Fatalf("step %d: no session %v", st.Step, name)
		}
		ephemeral := p.private(e.X3DH.Key.Public(p.t))
		s = p.initiate(st.By, st.To, ephemeral, e.X3DH.ID.Public(p.t), e.DR.Key.Public(p.t))
	}
	s, m, err := s.Encrypt(st.Plaintext, ratchet.DerivedIV())
	if err != nil {
		p.t.Fatalf("step %d: %v", st.Step, err)
	}
	want := ratchet.Header{Key: e.DR.Key.Public(p.t), N: e.DR.N, PN: e.DR.PN}
	if m.Header != want || !bytes.Equal(m.Payload, e.Payload) {
		p.t.Fatalf("step %d: made n=%d pn=%d, %x\nwant n=%d pn=%d, %x", st.Step,
			m.Header.N, m.Header.PN, m.Payload, want.N, want.PN, e.Payload)
	}
	p.use(name, s)
	p.encrypts++
}

func (p *player) use(name sessionName, s ratchet.State) {
	p.sessions[name] = s
	p.latest[[2]string{name.owner, name.installation}] = name
}

// discard advances the sending chains to every installation of the recipient that the
// sender knows.
func (p *player) discard(st vectors.Step) {
	p.t.Helper()
	identity := p.sc.Participants[st.To].IdentityPublic
	found := false
	for to, peer := range p.sc.Participants {
		at := [2]string{st.By, peer.InstallationID}
		if !bytes.Equal(peer.IdentityPublic, identity) {
			continue
		}
		name, ok := p.latest[at]
		s := p.sessions[name]
		if spk, known := p.preKeys[at]; !ok && known {
			name = sessionName{st.By, peer.InstallationID, hex.EncodeToString(spk.Compressed())}
			keys := p.generated(st, "x3dh_ephemeral", "ratchet")
			if len(keys) < 2 {
				p.t.Fatalf("step %d: a session begins without its two keys", st.Step)
			}
			s = p.initiate(st.By, to, keys[0], spk, keys[1].Public())
			ok = true
		}
		if !ok {
			continue
		}
		found = true
		for range st.Count {
			next, _, err := s.Encrypt(st.Plaintext, ratchet.DerivedIV())
			if err != nil {
				p.t.Fatalf("step %d: %v", st.Step, err)
			}
			s = next
		}
		p.use(name, s)
	}
	if !found {
		p.t.Fatalf("step %d: no session to discard messages of", st.Step)
	}
}

// generated is the keys the step's actor drew, in order, of the given purposes.
func (p *player) generated(st vectors.Step, purposes ...string) (keys []key.Private) {
	for _, g := range st.GeneratedKeys {
		for _, purpose := range purposes {
			if g.Owner == st.By && g.Purpose == purpose {
				keys = append(keys, g.Private.Private(p.t))
			}
		}
	}
	return keys
}

// randomness returns the random bytes that the ratchet may draw in the step.
func (p *player) randomness(st vectors.Step) *bytes.Reader {
	var b []byte
	for _, k := range p.generated(st, "ratchet") {
		b = append(b, k.Bytes()...)
	}
	return bytes.NewReader(b)
}

func (p *player) decrypt(st vectors.Step) {
	p.t.Helper()
	raw, mutated := st.ProtocolMessage, len(st.ProtocolMessage) > 0
	if !mutated {
		raw = p.sent[st.ID].ProtocolMessage
	}
	var pm wire.ProtocolMessage
	if err := proto.Unmarshal(raw, &pm); err != nil {
		if st.Expect == "ok" && !st.IsQuirk() {
			p.t.Fatalf("step %d: %v", st.Step, err)
		}
		return
	}
	for _, b := range pm.GetBundles() {
		if st.Expect == "ok" && bytes.Equal(b.GetIdentity(), p.sc.Participants[st.From].IdentityPublic.Public(p.t).Compressed()) {
			p.learn(st.By, b)
		}
	}
	own := p.sc.Participants[st.By].InstallationID
	entry := pm.GetEncryptedMessage()[own]
	if entry.GetDRHeader() == nil {
		return // a "none" message, or not for this device: no ratchet in it
	}
	rand := p.randomness(st)
	name, next, plaintext, err := p.open(st, pm.GetInstallationId(), entry, rand)
	seen, again := p.plain[[2]string{st.By, st.ID}]
	switch {
	case st.IsQuirk():
		if err == nil && st.Expect == "ok" {
			p.use(name, next)
		}
	case st.Expect == "ok" && err == nil:
		if !bytes.Equal(plaintext, st.Plaintext) {
			p.t.Fatalf("step %d: decrypted to %x, want %x", st.Step, plaintext, st.Plaintext)
		}
		if rand.Len() != 0 {
			p.t.Fatalf("step %d: a generated key was not drawn", st.Step)
		}
		p.use(name, next)
		p.opened[name] = true
		p.plain[[2]string{st.By, st.ID}] = plaintext
		p.decrypts++
	case st.Expect == "ok" && again && bytes.Equal(seen, st.Plaintext):
		// A second copy: status-go keeps the used key until it is confirmed, we do not.
	case st.Expect == "ok":
		p.t.Fatalf("step %d: %v", st.Step, err)
	case err == nil && p.lapsed(name, entry):
		p.t.Logf("step %d: status-go, which counts used keys as well, has dropped this one", st.Step)
	case err == nil && mutated && p.sameEntry(st, own, entry):
		p.t.Logf("step %d: what is wrong (%s) is outside the ratchet", st.Step, st.Error)
	case err == nil:
		p.t.Fatalf("step %d: opened, status-go says %q", st.Step, st.Error)
	}
}

// sameEntry tells that a mutation left alone what the ratchet sees.
func (p *player) sameEntry(st vectors.Step, own string, entry *wire.EncryptedMessageProtocol) bool {
	var genuine wire.ProtocolMessage
	if proto.Unmarshal(p.sent[st.ID].ProtocolMessage, &genuine) != nil {
		return false
	}
	return proto.Equal(genuine.GetEncryptedMessage()[own], entry)
}

// lapsed tells that status-go may have dropped a kept key that we have: it keeps used
// keys, too, so fewer missing ones fit into its MaxSkippedKeys.
func (p *player) lapsed(name sessionName, e *wire.EncryptedMessageProtocol) bool {
	ratchetKey, err := key.ParsePublic(e.GetDRHeader().GetKey())
	if err != nil {
		return false
	}
	age, kept := p.sessions[name].SkippedAge(ratchet.Header{Key: ratchetKey, N: e.GetDRHeader().GetN()})
	return kept && age > ratchet.MaxSkippedKeys
}

var errNoSession = errors.New("test: no session for the header")

// open decrypts with the session the header names, made from the X3DH header if need be.
func (p *player) open(st vectors.Step, installation string, e *wire.EncryptedMessageProtocol, rand io.Reader) (name sessionName, s ratchet.State, plaintext []byte, err error) {
	name = sessionName{st.By, installation, hex.EncodeToString(e.GetDRHeader().GetId())}
	s, ok := p.sessions[name]
	if fresh, made := p.respond(st, e.GetX3DHHeader()); made && (!ok || !p.opened[name] && s.Remote().IsZero()) {
		s, ok = fresh, true
		p.sessions[name] = s // status-go, too, keeps a session whose first message is bad
	}
	if !ok {
		return name, s, nil, errNoSession
	}
	ratchetKey, err := key.ParsePublic(e.GetDRHeader().GetKey())
	if err != nil {
		return name, s, nil, err
	}
	before := append(s.Marshal(), s.MarshalSkipped()...)
	m := ratchet.Message{
		Header:  ratchet.Header{Key: ratchetKey, N: e.GetDRHeader().GetN(), PN: e.GetDRHeader().GetPn()},
		Payload: e.GetPayload(),
	}
	next, plaintext, err := s.Decrypt(m, rand)
	if !bytes.Equal(before, append(s.Marshal(), s.MarshalSkipped()...)) {
		p.t.Fatalf("step %d: Decrypt changed the value it was called on", st.Step)
	}
	return name, next, plaintext, err
}

// respond makes the session of the side whose pre-key an X3DH header names.
func (p *player) respond(st vectors.Step, h *wire.X3DHHeader) (ratchet.State, bool) {
	ephemeral, err := key.ParsePublic(h.GetKey())
	if err != nil {
		return ratchet.State{}, false
	}
	me := p.sc.Participants[st.By]
	peer := p.sc.Participants[st.From].IdentityPublic.Public(p.t)
	for _, spk := range me.SignedPreKeys {
		if bytes.Equal(spk.Public.Public(p.t).Compressed(), h.GetId()) {
			own := spk.Private.Private(p.t)
			identity := me.IdentityPrivate.Private(p.t)
			secret := agree(p.t, dh(p.t, own, peer), dh(p.t, identity, ephemeral), dh(p.t, own, ephemeral))
			return ratchet.NewResponder(secret, own), true
		}
	}
	return ratchet.State{}, false
}

// compare checks every recorded part of a session.
func (p *player) compare(st vectors.Step, want vectors.SessionState) {
	p.t.Helper()
	s, ok := p.sessions[sessionName{st.By, want.InstallationID, hex.EncodeToString(want.BundleID)}]
	if !ok {
		p.t.Fatalf("step %d: we have no session with %s", st.Step, want.InstallationID)
	}
	var dhr []byte
	if !s.Remote().IsZero() {
		dhr = s.Remote().Compressed()
	}
	root, send, recv := s.RootKey(), s.SendChainKey(), s.RecvChainKey()
	for _, f := range []struct {
		name      string
		got, want []byte
	}{
		{"dhr", dhr, want.DHr}, {"dhs_public", s.Own().Compressed(), want.DHsPublic},
		{"dhs_private", s.OwnPrivate().Bytes(), want.DHsPrivate}, {"root_key", root[:], want.RootKey},
		{"send_chain_key", send[:], want.SendChainKey}, {"recv_chain_key", recv[:], want.RecvChainKey},
	} {
		if !bytes.Equal(f.got, f.want) {
			p.t.Errorf("step %d: %s is %x, want %x", st.Step, f.name, f.got, f.want)
		}
	}
	if s.SendN() != want.SendN || s.RecvN() != want.RecvN || s.PN() != want.PN {
		p.t.Errorf("step %d: send_n %d, recv_n %d, pn %d, want %d, %d, %d", st.Step,
			s.SendN(), s.RecvN(), s.PN(), want.SendN, want.RecvN, want.PN)
	}
}

// The X3DH secret, written out here so that this package does not need x3dh.

func dh(t testing.TB, k key.Private, p key.Public) key.Secret {
	t.Helper()
	s, err := k.ECDH(p)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func agree(t testing.TB, parts ...key.Secret) key.Secret {
	t.Helper()
	var all []byte
	for _, s := range parts {
		all = append(all, s[:]...)
	}
	return key.Secret(key.Keccak256(all))
}
