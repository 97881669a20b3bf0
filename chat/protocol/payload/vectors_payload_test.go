package payload

import (
	"bytes"
	"testing"

	"libstatus1to1/chat/protocol/key"
)

// vectorPayload is one recorded payload and what is inside.
type vectorPayload struct {
	sealed                []byte
	private, sym          hexBytes // one of the two
	data                  hexBytes
	padding, signature    hexBytes // nil if the file does not say
	signer                hexBytes
	signerPrivate         key.Private // zero if the file does not say
	hasPadding, hasSigned bool
}

func (v vectorPayload) open(t *testing.T) Opened {
	t.Helper()
	var o Opened
	var err error
	if len(v.private) > 0 {
		own, perr := key.ParsePrivate(v.private)
		if perr != nil {
			t.Fatal(perr)
		}
		o, err = OpenAsymmetric(own, v.sealed)
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
	if v.signerPrivate.IsZero() {
		return
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

type vectorParticipants map[string]struct {
	IdentityPrivate hexBytes `json:"identity_private"`
	IdentityPublic  hexBytes `json:"identity_public"`
}

func (p vectorParticipants) private(t *testing.T, name string) key.Private {
	t.Helper()
	k, err := key.ParsePrivate(p[name].IdentityPrivate)
	if err != nil {
		t.Fatalf("participant %q: %v", name, err)
	}
	return k
}

func TestVectorWire(t *testing.T) {
	var file struct {
		Participants vectorParticipants
		Messages     []struct {
			ID, From    string
			WakuMessage struct {
				Payload hexBytes
			} `json:"waku_message"`
			WakuPayload struct {
				PrivateKey    hexBytes `json:"private_key"`
				SymKey        hexBytes `json:"sym_key"`
				Data          hexBytes
				Padding       hexBytes
				PaddingLength int `json:"padding_length"`
				Signature     hexBytes
				Signer        hexBytes
			} `json:"waku_payload"`
		}
	}
	readVectors(t, "wire.json", &file)
	if len(file.Messages) == 0 {
		t.Fatal("no messages in the file")
	}
	for _, m := range file.Messages {
		p := m.WakuPayload
		t.Run(m.ID, func(t *testing.T) {
			if p.PaddingLength != paddingSize(len(p.Data)) {
				t.Errorf("padding of %d recorded, our rule says %d", p.PaddingLength, paddingSize(len(p.Data)))
			}
			vectorPayload{
				sealed: m.WakuMessage.Payload, private: p.PrivateKey, sym: p.SymKey,
				data: p.Data, padding: p.Padding, signature: p.Signature, hasPadding: true, hasSigned: true,
				signer: p.Signer, signerPrivate: file.Participants.private(t, m.From),
			}.check(t)
		})
	}
}

func TestVectorMessenger(t *testing.T) {
	var file struct {
		Participants vectorParticipants
		Messages     []struct {
			From, During string
			Payload      hexBytes
			PrivateKey   hexBytes `json:"private_key"`
			SymKey       hexBytes `json:"sym_key"`
			Data         hexBytes `json:"waku_data"`
			Signer       hexBytes `json:"waku_signer"`
		}
	}
	readVectors(t, "messenger.json", &file)
	if len(file.Messages) == 0 {
		t.Fatal("no messages in the file")
	}
	for _, m := range file.Messages {
		t.Run(m.During, func(t *testing.T) {
			vectorPayload{
				sealed: m.Payload, private: m.PrivateKey, sym: m.SymKey, data: m.Data,
				signer: m.Signer, signerPrivate: file.Participants.private(t, m.From),
			}.check(t)
		})
	}
}
