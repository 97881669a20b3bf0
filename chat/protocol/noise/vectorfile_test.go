package noise_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/noise"
	"libstatus1to1/internal/vectors"
)

// transcript is a go-*.json or js-*.json file; see FORMAT.md.
type transcript struct {
	name         string
	Pattern      string
	ProtocolName string      `json:"protocol_name"`
	ProtocolID   byte        `json:"protocol_id"`
	Prologue     vectors.Hex `json:"prologue"`
	PSK          vectors.Hex `json:"psk"`
	Initiator    party
	Responder    party
	HInitial     vectors.Hex `json:"h_initial"`
	Handshake    []struct {
		From               string
		MessageNametag     vectors.Hex `json:"message_nametag"`
		TransportPlaintext vectors.Hex `json:"transport_plaintext"`
		HandshakeMessage   []struct {
			Flag byte
			PK   vectors.Hex
		} `json:"handshake_message"`
		TransportMessage vectors.Hex `json:"transport_message"`
		Payload          vectors.Hex
		HAfter           vectors.Hex `json:"h_after"`
		CKAfter          vectors.Hex `json:"ck_after"`
		NextNametag      vectors.Hex `json:"next_message_nametag"`
		Authcode         string
	}
	Final struct {
		H           vectors.Hex
		Forth       vectors.Hex `json:"key_initiator_to_responder"`
		Back        vectors.Hex `json:"key_responder_to_initiator"`
		ForthSecret vectors.Hex `json:"nametag_secret_initiator_to_responder"`
		BackSecret  vectors.Hex `json:"nametag_secret_responder_to_initiator"`
	}
	Nametags struct {
		Forth []vectors.Hex `json:"initiator_to_responder"`
		Back  []vectors.Hex `json:"responder_to_initiator"`
	}
	Transport []sealed
	GoOrder   []sealed `json:"transport_go_noise_order"`
}

type party struct{ Static, Ephemeral vectors.KeyPair }

type sealed struct {
	From           string
	N              uint64
	MessageNametag vectors.Hex `json:"message_nametag"`
	Plaintext      vectors.Hex
	Payload        vectors.Hex
}

// transcripts reads every transcript there is.
func transcripts(t testing.TB) []transcript {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(vectors.Dir(t), "noise", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all []transcript
	for _, f := range files {
		name := filepath.Base(f)
		if name == "negative.json" {
			continue
		}
		v := transcript{name: strings.TrimSuffix(name, ".json")}
		vectors.Read(t, filepath.Join("noise", name), &v)
		all = append(all, v)
	}
	if len(all) == 0 {
		t.Fatal("no transcripts")
	}
	return all
}

func privateKey(t testing.TB, p vectors.KeyPair) noise.PrivateKey {
	t.Helper()
	k, err := noise.ParsePrivateKey(p.Private)
	if err != nil {
		t.Fatal(err)
	}
	if public := k.Public(); !slices.Equal(public[:], p.Public) {
		t.Fatalf("public key %s, want %x", public, p.Public)
	}
	return k
}

// handshakes are the initiator's and the responder's side before message 1.
func (v *transcript) handshakes(t testing.TB) (initiator, responder noise.Handshake) {
	t.Helper()
	return v.handshake(t, true), v.handshake(t, false)
}

func (v *transcript) handshake(t testing.TB, initiator bool) noise.Handshake {
	t.Helper()
	pattern, err := noise.Lookup(v.Pattern)
	if err != nil {
		t.Fatal(err)
	}
	own, other := v.Initiator, v.Responder
	if !initiator {
		own, other = other, own
	}
	c := noise.Config{
		Pattern: pattern, Initiator: initiator,
		Static: privateKey(t, own.Static), Ephemeral: privateKey(t, own.Ephemeral),
		Prologue: v.Prologue, Nametag: noise.Nametag(v.Handshake[0].MessageNametag),
	}
	if v.PSK != nil {
		c.PSK = key.Secret(v.PSK)
	}
	if v.Pattern == noise.K1K1 || v.Pattern == noise.XK1 && initiator {
		c.RemoteStatic = noise.PublicKey(other.Static.Public)
	}
	if v.Pattern == noise.WakuPairing && initiator {
		c.RemoteEphemeral = noise.PublicKey(other.Ephemeral.Public)
	}
	h, err := noise.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// transports are both sides after the handshake.
func (v *transcript) transports(t testing.TB) (initiator, responder noise.Transport) {
	t.Helper()
	a, b := v.handshakes(t)
	for i := range v.Handshake {
		v.play(t, &a, &b, i)
	}
	return mustFinish(t, a), mustFinish(t, b)
}

// play has step i written and read, and gives the payload.
func (v *transcript) play(t testing.TB, initiator, responder *noise.Handshake, i int) []byte {
	t.Helper()
	writer, reader := initiator, responder
	if v.Handshake[i].From == "responder" {
		writer, reader = reader, writer
	}
	next, payload, err := writer.Write(v.Handshake[i].TransportPlaintext)
	if err != nil {
		t.Fatalf("writing message %d: %v", i, err)
	}
	*writer = next
	next, plaintext, err := reader.Read(payload)
	if err != nil {
		t.Fatalf("reading message %d: %v", i, err)
	}
	*reader = next
	if !slices.Equal(plaintext, v.Handshake[i].TransportPlaintext) {
		t.Fatalf("message %d reads %x", i, plaintext)
	}
	return payload
}

func mustFinish(t testing.TB, h noise.Handshake) noise.Transport {
	t.Helper()
	tr, err := h.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return tr
}
