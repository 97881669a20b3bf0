package x3dh_test

import (
	"bytes"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"testing"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/x3dh"
	"libstatus1to1/chat/wire"
	"libstatus1to1/internal/vectors"
)

type bundleVector struct {
	Name            string      `json:"name"`
	Bundle          vectors.Hex `json:"bundle"`
	IdentityPrivate vectors.Hex `json:"identity_private"`
	SignedPreKeys   []struct {
		InstallationID string      `json:"installation_id"`
		Public         vectors.Hex `json:"public"`
		Version        *uint32     `json:"version"` // not of every entry
	} `json:"signed_pre_keys"`
	Timestamp int64       `json:"timestamp"`
	Signature vectors.Hex `json:"signature"`
	Material  vectors.Hex `json:"signature_material"`
	Digest    vectors.Hex `json:"signature_digest"`
	Verify    bool        `json:"verify"`
	Error     string      `json:"error"`
}

func readBundles(t testing.TB) []bundleVector {
	t.Helper()
	var file struct {
		Bundles []bundleVector `json:"bundles"`
	}
	vectors.Read(t, "bundles.json", &file)
	if len(file.Bundles) == 0 {
		t.Fatal("no bundles")
	}
	return file.Bundles
}

// TestVectorBundles checks every bundle of bundles.json: its signed bytes, whether it
// verifies, and for a good one that signing it again gives the same signature.
func TestVectorBundles(t *testing.T) {
	for _, v := range readBundles(t) {
		t.Run(v.Name, func(t *testing.T) {
			var w wire.Bundle
			if err := proto.Unmarshal(v.Bundle, &w); err != nil {
				t.Fatal(err)
			}
			material, err := x3dh.SignatureMaterial(&w)
			if err != nil || !bytes.Equal(material, v.Material) || !bytes.Equal(key.Keccak256(material), v.Digest) {
				t.Fatalf("signed bytes %x (%v), want %x", material, err, v.Material)
			}
			b, err := x3dh.ParseBundle(&w)
			if (err == nil) != v.Verify {
				t.Fatalf("verifies: %v; status-go: %v %s", err, v.Verify, v.Error)
			}
			if err != nil {
				if len(b.SignedPreKeys) != 0 || !b.Identity.IsZero() {
					t.Fatal("a bad bundle gave its content")
				}
				return
			}
			v.compare(t, b, &w)
		})
	}
}

// compare checks the content of a good bundle, and signs it again.
func (v bundleVector) compare(t *testing.T, b x3dh.Bundle, w *wire.Bundle) {
	identity := v.IdentityPrivate.Private(t)
	if b.Identity != identity.Public() || b.Timestamp != v.Timestamp || len(b.SignedPreKeys) != len(w.GetSignedPreKeys()) {
		t.Fatalf("parsed %v", b)
	}
	for i, spk := range b.SignedPreKeys {
		if i > 0 && b.SignedPreKeys[i-1].InstallationID >= spk.InstallationID {
			t.Fatal("the installations are not in byte order")
		}
	}
	for _, want := range v.SignedPreKeys {
		spk, ok := b.Find(want.InstallationID)
		onWire := w.GetSignedPreKeys()[want.InstallationID]
		if !ok || spk.Key != want.Public.Public(t) || want.Version != nil && spk.Version != *want.Version || spk.ProtocolVersion != onWire.GetProtocolVersion() {
			t.Fatalf("installation %s: %v", want.InstallationID, spk)
		}
	}
	again, err := b.Sign(identity)
	if err != nil || !bytes.Equal(again.GetSignature(), v.Signature) || !proto.Equal(again, w) {
		t.Fatalf("signed again: %x (%v), want %x", again.GetSignature(), err, v.Signature)
	}
}

// TestVectorAgreement makes the X3DH secret of every first message of ratchet.json on
// both sides, and checks it by the HMAC that status-go put under the message.
func TestVectorAgreement(t *testing.T) {
	checked := 0
	for _, sc := range vectors.ReadRatchet(t) {
		drawn := map[key.Public]key.Private{}
		preKeys := map[key.Public]key.Private{}
		for _, p := range sc.Participants {
			for _, spk := range p.SignedPreKeys {
				preKeys[spk.Public.Public(t)] = spk.Private.Private(t)
			}
		}
		for _, st := range sc.Steps {
			for _, g := range st.GeneratedKeys {
				drawn[g.Public.Public(t)] = g.Private.Private(t)
			}
			for _, e := range st.Encrypted {
				if e.X3DH == nil || e.DR == nil || e.DR.N != 0 {
					continue
				}
				me, peer := sc.Participants[st.By], sc.Participants[st.To]
				spk, ephemeral, ratchetKey := e.X3DH.ID.Public(t), e.X3DH.Key.Public(t), e.DR.Key.Public(t)
				active, made, err := x3dh.Active(bytes.NewReader(drawn[ephemeral].Bytes()), me.IdentityPrivate.Private(t), peer.IdentityPublic.Public(t), spk)
				if err != nil || made != ephemeral {
					t.Fatalf("%s, step %d: ephemeral key %v, %v", sc.Name, st.Step, made, err)
				}
				passive, err := x3dh.Passive(peer.IdentityPrivate.Private(t), preKeys[spk], me.IdentityPublic.Public(t), ephemeral)
				if err != nil || passive != active {
					t.Fatalf("%s, step %d: the two sides disagree (%v)", sc.Name, st.Step, err)
				}
				if !opensFirst(t, passive, preKeys[spk], ratchetKey, e.DR.N, e.DR.PN, e.Payload) {
					t.Fatalf("%s, step %d: another secret than status-go's", sc.Name, st.Step)
				}
				checked++
			}
		}
	}
	if checked == 0 {
		t.Fatal("no first message")
	}
}

// opensFirst checks the HMAC of the first message of a session: FORMAT.md's formulas
// written out, so that this package does not need ratchet.
func opensFirst(t testing.TB, secret key.Secret, spk key.Private, ratchetKey key.Public, n, pn uint32, payload []byte) bool {
	t.Helper()
	dh, err := spk.ECDH(ratchetKey)
	if err != nil {
		t.Fatal(err)
	}
	sum := func(k []byte, parts ...[]byte) []byte {
		m := hmac.New(sha256.New, k)
		for _, p := range parts {
			m.Write(p)
		}
		return m.Sum(nil)
	}
	root, err := hkdf.Key(sha256.New, dh[:], secret[:], "rsZUpEuXUqqwXBvSy3EcievAh4cMj6QL", 96)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := hkdf.Key(sha256.New, sum(root[32:64], []byte{0x10}), make([]byte, 32), "pcwSByyx2CRdryCffXJwy7xgVZWtW5Sh", 80)
	if err != nil {
		t.Fatal(err)
	}
	header := binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(nil, n), pn)
	split := len(payload) - sha256.Size
	return bytes.Equal(sum(keys[32:64], header, ratchetKey.Compressed(), payload[:split]), payload[split:])
}

// TestVectorDirect opens every "none" message of ratchet.json, and makes it again.
func TestVectorDirect(t *testing.T) {
	checked := 0
	for _, sc := range vectors.ReadRatchet(t) {
		for _, st := range sc.Steps {
			for _, e := range st.Encrypted {
				if e.DH == nil {
					continue
				}
				ephemeral, peer := e.DH.Key.Public(t), sc.Participants[st.To].IdentityPrivate.Private(t)
				plaintext, err := x3dh.OpenDH(peer, ephemeral, e.Payload)
				if err != nil || !bytes.Equal(plaintext, st.Plaintext) {
					t.Fatalf("%s, step %d: %v", sc.Name, st.Step, err)
				}
				var draws []byte
				for _, g := range st.GeneratedKeys {
					if g.Public.Public(t) == ephemeral {
						draws = append(g.Private, e.Payload[len(e.Payload)-12:]...)
					}
				}
				made, payload, err := x3dh.SealDH(bytes.NewReader(draws), peer.Public(), st.Plaintext)
				if err != nil || made != ephemeral || !bytes.Equal(payload, e.Payload) {
					t.Fatalf("%s, step %d: made %x (%v)", sc.Name, st.Step, payload, err)
				}
				checked++
			}
		}
	}
	if checked == 0 {
		t.Fatal("no direct message")
	}
}
