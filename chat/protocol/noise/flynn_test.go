package noise_test

import (
	"bytes"
	"testing"

	flynn "github.com/flynn/noise"

	"libstatus1to1/chat/protocol/noise"
)

// nametagged is ChaChaPoly as a Noise handshake of 35 needs it: the nametag is appended
// to the associated data of all but the encrypted static key.
type nametagged struct{ tag *noise.Nametag }

func (n nametagged) CipherName() string { return "ChaChaPoly" }
func (n nametagged) Cipher(k [32]byte) flynn.Cipher {
	return taggedCipher{flynn.CipherChaChaPoly.Cipher(k), n.tag}
}

type taggedCipher struct {
	flynn.Cipher
	tag *noise.Nametag
}

func (c taggedCipher) ad(ad []byte, plain int) []byte {
	if plain == noise.KeySize {
		return ad
	}
	return append(bytes.Clone(ad), c.tag[:]...)
}

func (c taggedCipher) Encrypt(out []byte, n uint64, ad, plaintext []byte) []byte {
	return c.Cipher.Encrypt(out, n, c.ad(ad, len(plaintext)), plaintext)
}

func (c taggedCipher) Decrypt(out []byte, n uint64, ad, sealed []byte) ([]byte, error) {
	return c.Cipher.Decrypt(out, n, c.ad(ad, len(sealed)-16), sealed)
}

var (
	flynnE, flynnS = flynn.MessagePatternE, flynn.MessagePatternS
	flynnEE        = flynn.MessagePatternDHEE
	flynnES        = flynn.MessagePatternDHES
	flynnSE        = flynn.MessagePatternDHSE
)

// flynnPatterns are the patterns that flynn/noise supports: not WakuPairing2, in which one
// side writes twice in a row.
var flynnPatterns = map[string]flynn.HandshakePattern{
	noise.K1K1: {
		Name:                 "K1K1",
		InitiatorPreMessages: []flynn.MessagePattern{flynnS},
		ResponderPreMessages: []flynn.MessagePattern{flynnS},
		Messages:             [][]flynn.MessagePattern{{flynnE}, {flynnE, flynnEE, flynnES}, {flynnSE}},
	},
	noise.XK1: {
		Name:                 "XK1",
		ResponderPreMessages: []flynn.MessagePattern{flynnS},
		Messages:             [][]flynn.MessagePattern{{flynnE}, {flynnE, flynnEE, flynnES}, {flynnS, flynnSE}},
	},
	noise.XX:     flynn.HandshakeXX,
	noise.XXpsk0: flynn.HandshakeXX,
	noise.WakuPairing: {
		Name:                 "WakuPairing",
		ResponderPreMessages: []flynn.MessagePattern{flynnE},
		Messages:             [][]flynn.MessagePattern{{flynnE, flynnEE}, {flynnS, flynnES}, {flynnS, flynnSE, flynn.MessagePatternDHSS}},
	},
}

func dhKey(k noise.PrivateKey) flynn.DHKey {
	public := k.Public()
	return flynn.DHKey{Private: k.Bytes(), Public: public[:]}
}

// flynnSide is flynn/noise's handshake with the same keys.
func flynnSide(t testing.TB, c noise.Config, tag *noise.Nametag) *flynn.HandshakeState {
	t.Helper()
	config := flynn.Config{
		CipherSuite: flynn.NewCipherSuite(flynn.DH25519, nametagged{tag}, flynn.HashSHA256),
		Random:      bytes.NewReader(c.Ephemeral.Bytes()),
		Pattern:     flynnPatterns[c.Pattern.Name()],
		Initiator:   c.Initiator, Prologue: c.Prologue,
		StaticKeypair: dhKey(c.Static),
	}
	if c.Pattern.Name() == noise.WakuPairing && !c.Initiator {
		config.EphemeralKeypair = dhKey(c.Ephemeral)
	}
	if !c.RemoteStatic.IsZero() {
		config.PeerStatic = c.RemoteStatic[:]
	}
	if !c.RemoteEphemeral.IsZero() {
		config.PeerEphemeral = c.RemoteEphemeral[:]
	}
	if c.Pattern.Name() == noise.XXpsk0 {
		config.PresharedKey = c.PSK[:]
	}
	h, err := flynn.NewHandshakeState(config)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// flat is a payload as flynn/noise has it: keys and transport message in a row.
func flat(t testing.TB, payload []byte) []byte {
	t.Helper()
	p, err := noise.ParsePayload(payload)
	if err != nil {
		t.Fatal(err)
	}
	var b []byte
	for _, k := range p.Keys {
		b = append(b, k.Bytes...)
	}
	return append(b, p.Transport...)
}

// Our interpreter and flynn/noise's write the same bytes, read each other's and end with
// the same keys.
func TestAgainstFlynn(t *testing.T) {
	r := seeded(t)
	for name := range flynnPatterns {
		for range 5 {
			ca, cb := configs(t, name, r)
			ours, err := noise.New(ca)
			if err != nil {
				t.Fatal(err)
			}
			ourPeer, err := noise.New(cb)
			if err != nil {
				t.Fatal(err)
			}
			var tag noise.Nametag
			theirs, theirPeer := flynnSide(t, ca, &tag), flynnSide(t, cb, &tag)
			var forth, back *flynn.CipherState
			for i := range 3 {
				tag = ours.Nametag()
				payload, reader := turn(t, &ours, &ourPeer, "text")
				writer, other := theirs, theirPeer
				if i == 1 {
					writer, other = other, writer
				}
				message, _, _, err := writer.WriteMessage(nil, noise.Pad([]byte("text")))
				if err != nil || !bytes.Equal(message, flat(t, payload)) {
					t.Fatalf("%s, message %d: %x and %x: %v", name, i, message, flat(t, payload), err)
				}
				var padded []byte
				if padded, forth, back, err = other.ReadMessage(nil, message); err != nil || !bytes.Equal(padded, noise.Pad([]byte("text"))) {
					t.Fatalf("%s, message %d: %v", name, i, err)
				}
				read(t, reader, payload, "text")
				if h := ours.Hash(); !bytes.Equal(theirs.ChannelBinding(), h[:]) {
					t.Fatalf("%s, message %d: h differs", name, i)
				}
			}
			s := mustFinish(t, ours).State()
			if forth.UnsafeKey() != [32]byte(s.Out.Cipher) || back.UnsafeKey() != [32]byte(s.In.Cipher) {
				t.Fatalf("%s: other keys", name)
			}
		}
	}
}
