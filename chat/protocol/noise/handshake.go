package noise

import (
	"encoding/binary"
	"fmt"
	"slices"

	"libstatus1to1/chat/protocol/key"
)

// Config holds the keys and choices of one side of a handshake. It is secret and redacts
// itself.
type Config struct {
	Pattern   Pattern
	Initiator bool
	Static    PrivateKey // this installation's
	// Ephemeral is drawn with GenerateKey for this handshake and no other. The device that
	// displays the QR code of a pairing uses the key of the code.
	Ephemeral       PrivateKey
	RemoteStatic    PublicKey  // where the pattern knows it beforehand, otherwise zero
	RemoteEphemeral PublicKey  // the key of a scanned QR code, otherwise zero
	Prologue        []byte     // what both sides know and must agree on
	PSK             key.Secret // for XXpsk0, otherwise zero
	Nametag         Nametag    // of message 1: from the QR code, otherwise zero
}

// Handshake is one run of a pattern, up to the next message. It is a value: Write and
// Read return the next one, and after an error the old one stays valid.
// The zero value is no handshake. It is secret and redacts itself.
//
// Two different messages written from the same value would share a nonce: store the next
// value before publishing the message. It holds the ephemeral key: forward
// secrecy begins when it is deleted, after Finish.
type Handshake struct {
	config  Config
	machine machine
	next    int     // index of the next message
	tag     Nametag // of the next message
	log     [][]byte
}

// Turn names the side whose message is next.
type Turn byte

// The turns of a handshake.
const (
	TurnOver  Turn = iota // all messages are through: Finish
	TurnWrite             // ours
	TurnRead              // the peer's
)

// New begins a handshake. Errors: ErrConfig, ErrPattern, ErrTooLong.
func New(c Config) (Handshake, error) {
	if c.Pattern.table == nil {
		return Handshake{}, ErrPattern
	}
	if len(c.Prologue) > MaxPrologue {
		return Handshake{}, ErrTooLong
	}
	theirs := c.Pattern.table.preInitiator
	if c.Initiator {
		theirs = c.Pattern.table.preResponder
	}
	fits := !c.Static.IsZero() && !c.Ephemeral.IsZero() &&
		has(theirs, tokenS) == !c.RemoteStatic.IsZero() &&
		has(theirs, tokenE) == !c.RemoteEphemeral.IsZero() &&
		c.Pattern.table.psk == (c.PSK != key.Secret{})
	if !fits {
		return Handshake{}, ErrConfig
	}
	c.Prologue = slices.Clone(c.Prologue)
	return Handshake{config: c, machine: newMachine(c), tag: c.Nametag}, nil
}

// Turn returns the side whose message is next.
func (h Handshake) Turn() Turn {
	if h.next == h.config.Pattern.Messages() {
		return TurnOver
	}
	if h.message().fromInitiator == h.config.Initiator {
		return TurnWrite
	}
	return TurnRead
}

func (h Handshake) message() message { return h.config.Pattern.table.messages[h.next] }

// Step counts the messages that were written or read.
func (h Handshake) Step() int { return h.next }

// Pattern is the handshake's pattern.
func (h Handshake) Pattern() Pattern { return h.config.Pattern }

// Initiator reports whether this side is the pattern's initiator.
func (h Handshake) Initiator() bool { return h.config.Initiator }

// Nametag is that of the next message.
func (h Handshake) Nametag() Nametag { return h.tag }

// Sealed reports whether the payload of the next message is encrypted. The first one of
// K1K1, XK1 and XX is not: put nothing private there.
func (h Handshake) Sealed() bool {
	if h.machine.sym.keyed {
		return true
	}
	return h.Turn() != TurnOver && slices.ContainsFunc(h.message().tokens, func(t token) bool { return t > tokenS })
}

// Write makes our next message, with plaintext as its payload, and gives the bytes to
// publish. Sending again means publishing the same bytes. Errors: ErrTurn, ErrTooLong,
// ErrKey.
func (h Handshake) Write(plaintext []byte) (Handshake, []byte, error) {
	if h.Turn() != TurnWrite {
		return h, nil, ErrTurn
	}
	if len(plaintext) > MaxHandshakePlaintext {
		return h, nil, ErrTooLong
	}
	m := h.machine
	keys, transport, err := m.write(h.message().tokens, h.tag, pad(plaintext))
	if err != nil {
		return h, nil, err
	}
	b, err := Payload{h.tag, h.config.Pattern.ProtocolID(), keys, transport}.Bytes()
	if err != nil {
		return h, nil, err
	}
	return h.advance(m, b), slices.Clone(b), nil
}

// Read reads the peer's next message and returns its plaintext. Errors, after which h stays
// valid: ErrTurn, ErrPayload, ErrNametag, ErrProtocol, ErrKeys, ErrKey,
// ErrAuth, ErrPadding.
func (h Handshake) Read(payload []byte) (Handshake, []byte, error) {
	if h.Turn() != TurnRead {
		return h, nil, ErrTurn
	}
	return h.read(payload, false)
}

// read reads the next message: the peer's, or our own if a stored handshake is replayed.
func (h Handshake) read(payload []byte, own bool) (Handshake, []byte, error) {
	p, err := parsePayload(payload)
	switch {
	case err != nil:
		return h, nil, err
	case p.Nametag != h.tag:
		return h, nil, ErrNametag
	case p.Protocol != h.config.Pattern.ProtocolID():
		return h, nil, ErrProtocol
	case len(payload) > MaxMessage+headSize:
		return h, nil, ErrPayload
	}
	m := h.machine
	padded, err := m.read(h.message().tokens, own, p)
	if err != nil {
		return h, nil, err
	}
	plaintext, err := unpad(padded)
	if err != nil {
		return h, nil, err
	}
	return h.advance(m, slices.Clone(payload)), slices.Clone(plaintext), nil
}

// advance is h after a message. The nametag of the next one is derived from the new hash.
func (h Handshake) advance(m machine, payload []byte) Handshake {
	h.machine = m
	h.log = append(slices.Clip(h.log), payload)
	h.next++
	h.tag = Nametag(derive(m.sym.h[:], nil, "", NametagSize))
	return h
}

// Message is the payload of message i, sent or received, nil if there is none yet.
func (h Handshake) Message(i int) []byte {
	if i < 0 || i >= len(h.log) {
		return nil
	}
	return slices.Clone(h.log[i])
}

// Hash is h: after the last message it identifies the session. It is no secret.
func (h Handshake) Hash() [32]byte { return h.machine.sym.h }

// RemoteStatic is the peer's static key, zero while it is not known. It is
// authenticated once the handshake is over.
func (h Handshake) RemoteStatic() PublicKey { return h.machine.rs }

// Static is our public static key.
func (h Handshake) Static() PublicKey { return h.config.Static.public }

// authcodeModulus leaves 8 decimal digits.
const authcodeModulus = 100_000_000

// Authcode returns the 8 digits that both users compare, derived from h as it is now. A
// pairing shows those after message 1.
// Spec: 43/WAKU2-DEVICE-PAIRING, "Protocol Flow".
func (h Handshake) Authcode() string {
	return digits(derive(h.machine.sym.h[:], nil, "", 8))
}

// nonceAuthcodeLabel keeps these digits apart from those of 43.
const nonceAuthcodeLabel = "status1to1-pairing-authcode/1"

// NonceAuthcode returns 8 digits like Authcode, derived from h as it is now and one nonce of
// each side. What they protect depends on when each side learns the other's nonce; see
// package pairing.
func (h Handshake) NonceAuthcode(initiator, responder [32]byte) string {
	secret := append(initiator[:], responder[:]...)
	return digits(derive(h.machine.sym.h[:], secret, nonceAuthcodeLabel, 8))
}

func digits(b []byte) string {
	return fmt.Sprintf("%08d", binary.BigEndian.Uint64(b)%authcodeModulus)
}

// Export derives a secret that only the two sides can know, for the handshake as far as it
// has come; another one for each label. Error: ErrNotSecret before any key was agreed on.
func (h Handshake) Export(label string) (key.Secret, error) {
	if !h.machine.sym.keyed {
		return key.Secret{}, ErrNotSecret
	}
	return key.Secret(derive(h.machine.sym.ck[:], h.machine.sym.h[:], label, 32)), nil
}

// Finish is the transport of a handshake that is over. Error: ErrUnfinished.
func (h Handshake) Finish() (Transport, error) {
	if h.config.Pattern.table == nil || h.Turn() != TurnOver {
		return Transport{}, ErrUnfinished
	}
	forth, back := h.machine.sym.split()
	forthTags, backTags := h.machine.sym.nametagSecrets()
	if h.config.Initiator {
		return newTransport(Keys{forth, forthTags}, Keys{back, backTags}), nil
	}
	return newTransport(Keys{back, backTags}, Keys{forth, forthTags}), nil
}
