package noise

import "libstatus1to1/chat/protocol/key"

// machine interprets the tokens of a pattern. It is a value: work on a copy, keep the
// copy on success.
// Spec: The Noise Protocol Framework, "The HandshakeState object".
type machine struct {
	sym       symmetric
	initiator bool
	s, e      PrivateKey // ours
	rs, re    PublicKey  // the peer's, zero until known
	psk       *key.Secret
}

// newMachine hashes the pattern's name, the prologue and the pre-messages.
func newMachine(c Config) machine {
	m := machine{
		sym: newSymmetric(c.Pattern.ProtocolName()), initiator: c.Initiator,
		s: c.Static, e: c.Ephemeral, rs: c.RemoteStatic, re: c.RemoteEphemeral,
	}
	if c.Pattern.table.psk {
		m.psk = &c.PSK
	}
	m.sym.mixHash(c.Prologue)
	m.preMessage(c.Pattern.table.preInitiator, c.Initiator)
	m.preMessage(c.Pattern.table.preResponder, !c.Initiator)
	return m
}

// preMessage hashes a key both sides know beforehand.
func (m *machine) preMessage(pre []token, own bool) {
	for _, t := range pre {
		var p PublicKey
		switch {
		case t == tokenS && own:
			p = m.s.public
		case t == tokenS:
			p = m.rs
		case own:
			p = m.e.public
		default:
			p = m.re
		}
		m.sym.mixHash(p[:])
	}
}

// write is one message of ours: its keys and the payload, padded and sealed.
func (m *machine) write(tokens []token, tag Nametag, padded []byte) ([]WireKey, []byte, error) {
	var keys []WireKey
	for _, t := range tokens {
		switch t {
		case tokenE:
			keys = append(keys, WireKey{Bytes: m.e.public[:]})
			m.mixEphemeral(m.e.public)
		case tokenS:
			sealed := m.sym.keyed
			keys = append(keys, WireKey{sealed, m.sym.encryptAndHash(m.s.public[:], nil)})
		default:
			if err := m.mix(t); err != nil {
				return nil, nil, err
			}
		}
	}
	return keys, m.sym.encryptAndHash(padded, tag[:]), nil
}

// read is one message of the peer's, or, while a stored handshake is rebuilt, one of
// our own: then its keys must be ours. It gives the padded plaintext.
func (m *machine) read(tokens []token, own bool, p Payload) ([]byte, error) {
	keys := p.Keys
	for _, t := range tokens {
		if t != tokenE && t != tokenS {
			if err := m.mix(t); err != nil {
				return nil, err
			}
			continue
		}
		sealed := t == tokenS && m.sym.keyed
		if len(keys) == 0 || keys[0].Sealed != sealed {
			return nil, ErrKeys
		}
		if err := m.readKey(t, own, keys[0].Bytes); err != nil {
			return nil, err
		}
		keys = keys[1:]
	}
	if len(keys) > 0 {
		return nil, ErrKeys
	}
	return m.sym.decryptAndHash(p.Transport, p.Nametag[:])
}

func (m *machine) readKey(t token, own bool, wire []byte) error {
	mine, theirs := m.e.public, &m.re
	if t == tokenS {
		mine, theirs = m.s.public, &m.rs
		var err error
		if wire, err = m.sym.decryptAndHash(wire, nil); err != nil {
			return err
		}
	}
	p, err := ParsePublicKey(wire)
	if err != nil {
		return err
	}
	if own && p != mine {
		return ErrKeys
	}
	if !own {
		*theirs = p
	}
	if t == tokenE {
		m.mixEphemeral(p)
	}
	return nil
}

// mixEphemeral hashes an ephemeral key; with a psk it is mixed into the key too.
// Spec: The Noise Protocol Framework, "Handshake tokens" of pre-shared keys.
func (m *machine) mixEphemeral(p PublicKey) {
	m.sym.mixHash(p[:])
	if m.psk != nil {
		m.sym.mixKey(p[:])
	}
}

// mix is a token without a key of its own: an agreement or the psk.
func (m *machine) mix(t token) error {
	if t == tokenPSK {
		m.sym.mixKeyAndHash(m.psk[:])
		return nil
	}
	ours, theirs := m.pair(t)
	secret, err := ours.agree(theirs)
	if err != nil {
		return err
	}
	m.sym.mixKey(secret)
	return nil
}

// pair are the keys that agree: the token's first letter is the initiator's key.
func (m *machine) pair(t token) (PrivateKey, PublicKey) {
	switch {
	case t == tokenEE:
		return m.e, m.re
	case t == tokenSS:
		return m.s, m.rs
	case (t == tokenES) == m.initiator:
		return m.e, m.rs
	default:
		return m.s, m.re
	}
}
