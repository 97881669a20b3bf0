package noise

import (
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"slices"

	"golang.org/x/crypto/chacha20poly1305"

	"libstatus1to1/chat/protocol/key"
)

// Keys are the secrets of one direction of a transport.
type Keys struct {
	Cipher   key.Secret // ChaChaPoly
	Nametags key.Secret // what the nametags are derived from
}

// Transport seals and opens messages after a handshake. It is a value: Seal and Open
// return the next one, and after an error the old one stays valid. The zero value is no
// transport. It is secret and redacts itself.
//
// Two different messages sealed by the same value would share a nonce: store the next
// value before publishing the message.
//
// Spec: 35/WAKU2-NOISE, "After-handshake".
type Transport struct {
	out  *direction
	sent uint64   // messages sealed, the next nonce
	send TagOrder // for sealing
	in   *direction
	recv inbound
}

// direction is one direction of a transport with its cipher; it is never written to. It
// uses the cipher itself and not flynn/noise's wrapper, which allocates a nonce each time.
type direction struct {
	keys   Keys
	cipher cipher.AEAD
}

func newDirection(k Keys) *direction {
	aead, err := chacha20poly1305.New(k.Cipher[:])
	if err != nil {
		panic(err) // only for a key of another length
	}
	return &direction{k, aead}
}

// putNonce writes the nonce of message n: 4 zero bytes, then the number.
// Spec: the Noise protocol framework, "The ChaChaPoly cipher functions".
func putNonce(to []byte, n uint64) {
	binary.LittleEndian.PutUint32(to, 0)
	binary.LittleEndian.PutUint64(to[nonceSize-8:], n)
}

// newTransport begins at nonce 0 both ways.
func newTransport(out, in Keys) Transport {
	return Transport{out: newDirection(out), in: newDirection(in)}
}

// maxNonce is the number of messages after which a transport ends. It is below Noise's own
// limit of 2^64 - 2, so that a nonce plus a window does not overflow, and out of reach.
const maxNonce = 1 << 62

// WithTagOrder is t with its nametags sent in this order; set it before the first
// message. A go-noise peer reads no other order than its own.
func (t Transport) WithTagOrder(o TagOrder) Transport {
	t.send = o
	return t
}

// TagOrder is the order nametags are sent in.
func (t Transport) TagOrder() TagOrder { return t.send }

// PeerOrder is the order of the peer's latest message. Message 0 has the same nametag in
// both orders.
func (t Transport) PeerOrder() TagOrder { return t.recv.order }

// Sent counts the messages that were sealed.
func (t Transport) Sent() uint64 { return t.sent }

// Received is one more than the highest number of a message that was opened.
func (t Transport) Received() uint64 { return t.recv.next }

// Missing counts the messages below Received that were not opened and still can be.
func (t Transport) Missing() int { return len(t.recv.skipped) }

// Awaits reports whether a payload with this nametag may be for this transport.
func (t Transport) Awaits(tag Nametag) bool {
	if t.in == nil {
		return false
	}
	secret := &t.in.keys.Nametags
	return t.recv.expects(secret, tag) || len(t.recv.candidates(secret, tag)) > 0
}

// Seal encrypts a message and gives the payload to publish. Sending again means
// publishing the same bytes. Errors: ErrTooLong, ErrExhausted, ErrStored for the zero
// Transport.
func (t Transport) Seal(plaintext []byte) (Transport, []byte, error) {
	switch {
	case t.out == nil:
		return t, nil, ErrStored
	case len(plaintext) > MaxPlaintext:
		return t, nil, ErrTooLong
	case t.sent >= maxNonce:
		return t, nil, ErrExhausted
	}
	tag := transportNametag(&t.out.keys.Nametags, t.send.index(t.sent))
	padded := len(plaintext)/PadBlock*PadBlock + PadBlock
	size := headSize + padded + tagSize
	b := make([]byte, size+nonceSize) // one allocation for all
	b, nonce := b[:size:size], b[size:]
	putNonce(nonce, t.sent)
	appendHead(b[:0], tag, ProtocolTransport, nil, padded+tagSize)
	text := b[headSize : headSize+padded]
	fillPadding(text[copy(text, plaintext):])
	t.out.cipher.Seal(text[:0], nonce, text, b[:NametagSize])
	t.sent++
	return t, b, nil
}

// Open decrypts a payload of the peer: the next one, one up to Window ahead, or one that
// is missing. Errors, after which t stays valid: ErrPayload, ErrProtocol,
// ErrNametag, ErrAuth, ErrPadding, ErrStored for the zero Transport.
func (t Transport) Open(payload []byte) (Transport, []byte, error) {
	if t.in == nil {
		return t, nil, ErrStored
	}
	tag, sealed, err := parseTransport(payload)
	if err != nil {
		return t, nil, err
	}
	secret := &t.in.keys.Nametags
	next := t
	if t.recv.expects(secret, tag) {
		plaintext, err := next.open(candidate{t.recv.next, t.recv.order}, payload[:NametagSize], sealed)
		if !errors.Is(err, ErrAuth) {
			return next, plaintext, err
		}
	}
	err = ErrNametag
	for _, c := range t.recv.candidates(secret, tag) {
		var plaintext []byte
		if plaintext, err = next.open(c, payload[:NametagSize], sealed); !errors.Is(err, ErrAuth) {
			return next, plaintext, err
		}
	}
	return t, nil, err
}

// open tries one nonce. After an error t is as it was.
func (t *Transport) open(c candidate, tag, sealed []byte) ([]byte, error) {
	if len(sealed) < tagSize {
		return nil, ErrAuth
	}
	size := len(sealed) - tagSize
	b := make([]byte, size+nonceSize) // one allocation for both
	b, nonce := b[:size:size], b[size:]
	putNonce(nonce, c.nonce)
	padded, err := t.in.cipher.Open(b[:0], nonce, sealed, tag)
	if err != nil {
		return nil, ErrAuth
	}
	plaintext, err := unpad(padded)
	if err != nil {
		return nil, err
	}
	t.recv = t.recv.opened(c)
	return plaintext, nil
}

// State is all of a transport that another device needs to go on with it. It is secret.
type State struct {
	Out, In        Keys
	Sent, Received uint64 // next nonces
}

// State gives the transport's secrets and positions. Missing messages are left out.
func (t Transport) State() State {
	if t.out == nil {
		return State{}
	}
	return State{t.out.keys, t.in.keys, t.sent, t.recv.next}
}

// NewTransport makes a transport that goes on from a state. Error: ErrStored for a missing
// secret or a number no transport reaches.
func NewTransport(s State) (Transport, error) {
	if slices.Contains([]key.Secret{s.Out.Cipher, s.Out.Nametags, s.In.Cipher, s.In.Nametags}, key.Secret{}) {
		return Transport{}, ErrStored
	}
	t := newTransport(s.Out, s.In)
	t.sent, t.recv.next = s.Sent, s.Received
	if t.sent > maxNonce || t.recv.next > maxNonce {
		return Transport{}, ErrStored
	}
	return t, nil
}

// SkipTo is t with the nonces below sent given up, for a device that gets a session back
// which another one has used meanwhile. Error: ErrStored when that would go back.
func (t Transport) SkipTo(sent uint64) (Transport, error) {
	if t.out == nil || sent < t.sent || sent > maxNonce {
		return t, ErrStored
	}
	t.sent = sent
	return t, nil
}

// transportVersion is the version of a stored transport.
const transportVersion = 1

// Marshal is the transport for storing: secret bytes, numbers big-endian.
func (t Transport) Marshal() []byte {
	b := make([]byte, 0, 1+4*32+2+2*8+2+8*len(t.recv.skipped))
	b = append(b, transportVersion)
	state := t.State()
	for _, k := range []Keys{state.Out, state.In} {
		b = append(append(b, k.Cipher[:]...), k.Nametags[:]...)
	}
	b = append(b, byte(t.send), byte(t.recv.order))
	b = binary.BigEndian.AppendUint64(b, t.sent)
	b = binary.BigEndian.AppendUint64(b, t.recv.next)
	b = binary.BigEndian.AppendUint16(b, uint16(len(t.recv.skipped)))
	for _, n := range t.recv.skipped {
		b = binary.BigEndian.AppendUint64(b, n)
	}
	return b
}

// UnmarshalTransport reads what Marshal wrote. Error: ErrStored.
func UnmarshalTransport(b []byte) (Transport, error) {
	r := NewReader(b)
	if r.Byte() != transportVersion {
		return Transport{}, ErrStored
	}
	var s State
	for _, k := range []*Keys{&s.Out, &s.In} {
		copy(k.Cipher[:], r.Take(len(k.Cipher)))
		copy(k.Nametags[:], r.Take(len(k.Nametags)))
	}
	send, order := TagOrder(r.Byte()), TagOrder(r.Byte())
	s.Sent, s.Received = r.Uint64(), r.Uint64()
	missing := r.Uint16()
	if missing > MaxSkipped {
		return Transport{}, ErrStored
	}
	skipped := make([]uint64, missing)
	for i := range skipped {
		skipped[i] = r.Uint64()
	}
	t, err := NewTransport(s)
	t.send, t.recv.order, t.recv.skipped = send, order, skipped
	if err != nil || !r.Done() || send > GoNoiseOrder || order > GoNoiseOrder || !t.recv.valid() {
		return Transport{}, ErrStored
	}
	return t, nil
}
