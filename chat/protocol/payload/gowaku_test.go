package payload

import (
	"bytes"
	"crypto/rand"
	"testing"

	"github.com/ethereum/go-ethereum/crypto"
	gowaku "github.com/waku-org/go-waku/waku/v2/payload"
	"github.com/waku-org/go-waku/waku/v2/protocol/pb"
	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/protocol/key"
)

// gowakuKeys says the same keys in go-waku's words.
func gowakuKeys(t *testing.T, kind gowaku.KeyKind, own key.Private, sym key.Secret, signer key.Private) *gowaku.KeyInfo {
	t.Helper()
	recipient, err := crypto.ToECDSA(own.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	info := &gowaku.KeyInfo{Kind: kind, SymKey: sym[:], PubKey: recipient.PublicKey}
	if !signer.IsZero() {
		if info.PrivKey, err = crypto.ToECDSA(signer.Bytes()); err != nil {
			t.Fatal(err)
		}
	}
	return info
}

func TestGoWakuReadsOurs(t *testing.T) {
	own, signer, sym := newKey(t), newKey(t), newSym(t)
	for _, n := range sizes {
		data := randomBytes(t, n)
		asymmetric, err := SealAsymmetric(rand.Reader, own.Public(), signer, data)
		if err != nil {
			t.Fatal(err)
		}
		symmetric, err := SealSymmetric(rand.Reader, sym, signer, data)
		if err != nil {
			t.Fatal(err)
		}
		for kind, sealed := range map[gowaku.KeyKind][]byte{gowaku.Asymmetric: asymmetric, gowaku.Symmetric: symmetric} {
			// To decode, go-waku wants the recipient's private key as PrivKey.
			info := gowakuKeys(t, kind, own, sym, own)
			got, err := gowaku.DecodePayload(&pb.WakuMessage{Payload: sealed, Version: proto.Uint32(1)}, info)
			if err != nil {
				t.Fatalf("%s, %d bytes: %v", kind, n, err)
			}
			if !bytes.Equal(got.Data, data) || got.PubKey == nil ||
				!bytes.Equal(crypto.FromECDSAPub(got.PubKey), signer.Public().Uncompressed()) {
				t.Fatalf("%s, %d bytes: other data or signer", kind, n)
			}
			if len(got.Padding) != paddingSize(n) {
				t.Fatalf("%s, %d bytes: padding of %d", kind, n, len(got.Padding))
			}
		}
	}
}

func TestWeReadGoWaku(t *testing.T) {
	own, sym := newKey(t), newSym(t)
	for _, signer := range []key.Private{newKey(t), {}} {
		for _, n := range sizes {
			data := randomBytes(t, n)
			for _, kind := range []gowaku.KeyKind{gowaku.Asymmetric, gowaku.Symmetric} {
				sealed, err := gowaku.Payload{Data: data, Key: gowakuKeys(t, kind, own, sym, signer)}.Encode(1)
				if err != nil {
					t.Fatal(err)
				}
				var o Opened
				if kind == gowaku.Asymmetric {
					o, err = OpenAsymmetric(own, sealed)
				} else {
					o, err = OpenSymmetric(sym, sealed)
				}
				if err != nil || !bytes.Equal(o.Data, data) || o.Signer != signer.Public() {
					t.Fatalf("%s, %d bytes, signed %t: %v", kind, n, !signer.IsZero(), err)
				}
				if !signer.IsZero() && len(o.Padding) != paddingSize(n) {
					t.Fatalf("%s, %d bytes: go-waku pads by %d, we by %d", kind, n, len(o.Padding), paddingSize(n))
				}
			}
		}
	}
}
