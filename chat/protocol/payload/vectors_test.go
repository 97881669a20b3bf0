package payload

import (
	"bytes"
	"testing"

	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/internal/vectors"
)

// vectorPayload is one recorded payload and what is inside.
type vectorPayload struct {
	sealed                []byte
	private, sym          vectors.Hex // one of the two
	data                  vectors.Hex
	padding, signature    vectors.Hex // nil if the file does not say
	signer                vectors.Hex
	signerPrivate         key.Private
	hasPadding, hasSigned bool
}

func (v vectorPayload) open(t *testing.T) Opened {
	t.Helper()
	var o Opened
	var err error
	if len(v.private) > 0 {
		o, err = OpenAsymmetric(v.private.Private(t), v.sealed)
	} else {
		o, err = OpenSymmetric(key.Secret(v.sym), v.sealed)
	}
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// check opens the payload, compares all that is recorded, and seals it again
// with the recorded randomness.
func (v vectorPayload) check(t *testing.T) {
	o := v.open(t)
	if !bytes.Equal(o.Data, v.data) {
		t.Error("other data")
	}
	if !bytes.Equal(o.Signer.Uncompressed(), v.signer) {
		t.Errorf("signer %s, want %x", o.Signer, v.signer)
	}
	if v.hasPadding && !bytes.Equal(o.Padding, v.padding) {
		t.Error("other padding")
	}
	if v.hasSigned && !bytes.Equal(o.Signature, v.signature) {
		t.Error("other signature")
	}
	if len(o.Padding) != paddingSize(len(o.Data)) {
		t.Errorf("%d bytes of padding, our rule says %d", len(o.Padding), paddingSize(len(o.Data)))
	}
	frame, err := signedFrame(bytes.NewReader(o.Padding), v.signerPrivate, o.Data)
	if err != nil {
		t.Fatal(err)
	}
	if len(frame)%PadTo != 0 || !bytes.Equal(frame[len(frame)-key.SignatureSize:], o.Signature) {
		t.Error("the frame does not come out the same")
	}
	if len(v.sym) == 0 {
		return
	}
	nonce := v.sealed[len(v.sealed)-gcmNonceSize:]
	again, err := SealSymmetric(bytes.NewReader(append(bytes.Clone(o.Padding), nonce...)), key.Secret(v.sym), v.signerPrivate, o.Data)
	if err != nil || !bytes.Equal(again, v.sealed) {
		t.Errorf("sealed again it differs: %v", err)
	}
}

func TestVectorWire(t *testing.T) {
	file := vectors.ReadWire(t)
	for _, m := range file.Messages {
		p := m.Sealed
		t.Run(m.ID, func(t *testing.T) {
			if p.PaddingLength != paddingSize(len(p.Data)) {
				t.Errorf("padding of %d recorded, our rule says %d", p.PaddingLength, paddingSize(len(p.Data)))
			}
			vectorPayload{
				sealed: m.Waku.Payload, private: p.PrivateKey, sym: p.SymKey,
				data: p.Data, padding: p.Padding, signature: p.Signature, hasPadding: true, hasSigned: true,
				signer: p.Signer, signerPrivate: file.Participants.Private(t, m.From),
			}.check(t)
		})
	}
}

func TestVectorMessenger(t *testing.T) {
	file := vectors.ReadMessenger(t)
	for _, m := range file.Messages {
		t.Run(m.During, func(t *testing.T) {
			vectorPayload{
				sealed: m.Payload, private: m.PrivateKey, sym: m.SymKey, data: m.Data,
				signer: m.Signer, signerPrivate: file.Participants.Private(t, m.From),
			}.check(t)
		})
	}
}
