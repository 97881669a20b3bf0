package key

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/crypto/secp256k1"
)

func generate(t *testing.T) Private {
	t.Helper()
	k, err := Generate(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestRoundTrips(t *testing.T) {
	k := generate(t)
	again, err := ParsePrivate(k.Bytes())
	if err != nil || again != k {
		t.Fatalf("private key did not come back: %v", err)
	}
	for _, form := range [][]byte{k.Public().Compressed(), k.Public().Uncompressed()} {
		p, err := ParsePublic(form)
		if err != nil || p != k.Public() {
			t.Fatalf("%d-byte public key did not come back: %v", len(form), err)
		}
	}
	if want := "0x" + hex.EncodeToString(k.Public().Uncompressed()); k.Public().Hex() != want {
		t.Fatalf("Hex = %s, want %s", k.Public().Hex(), want)
	}
}

func TestECDHAgrees(t *testing.T) {
	a, b := generate(t), generate(t)
	ab, err1 := a.ECDH(b.Public())
	ba, err2 := b.ECDH(a.Public())
	if err1 != nil || err2 != nil || ab != ba || ab == (Secret{}) {
		t.Fatalf("the two sides disagree: %v %v", err1, err2)
	}
}

func TestSignRecover(t *testing.T) {
	k := generate(t)
	digest := Keccak256([]byte("a"), []byte("message"))
	if !bytes.Equal(digest, Keccak256([]byte("amessage"))) {
		t.Fatal("Keccak256 must hash the concatenation of its parts")
	}
	sig, err := k.Sign(digest)
	if err != nil || len(sig) != SignatureSize || sig[64] > 1 {
		t.Fatalf("bad signature shape %x: %v", sig, err)
	}
	if p, err := Recover(digest, sig); err != nil || p != k.Public() {
		t.Fatalf("recovered another key: %v", err)
	}
	sig[3] ^= 1
	if p, err := Recover(digest, sig); err == nil && p == k.Public() {
		t.Fatal("a changed signature recovered the signer")
	}
	if _, err := Recover(digest, sig[:64]); err == nil {
		t.Fatal("a short signature was taken")
	}
}

func TestRefuses(t *testing.T) {
	order := secp256k1.S256().N.Bytes()
	for name, b := range map[string][]byte{
		"empty": nil, "short": make([]byte, 31), "zero": make([]byte, 32), "order": order,
		"above order": new(big.Int).Add(secp256k1.S256().N, big.NewInt(1)).Bytes(),
	} {
		if _, err := ParsePrivate(b); err == nil {
			t.Errorf("private key %s was taken", name)
		}
	}
	good := generate(t).Public()
	off := good.Uncompressed()
	off[64] ^= 1
	hybrid := good.Uncompressed()
	hybrid[0] = 6
	noPoint := append([]byte{2}, bytes.Repeat([]byte{0xff}, 32)...)
	for name, b := range map[string][]byte{
		"empty": nil, "off the curve": off, "hybrid": hybrid, "x above the field": noPoint,
		"x only": good.X(), "infinity": make([]byte, 65), "wrong tag": append([]byte{5}, good.X()...),
	} {
		if _, err := ParsePublic(b); err == nil {
			t.Errorf("public key %s was taken", name)
		}
	}
	if _, err := Generate(bytes.NewReader(make([]byte, 4096))); err == nil {
		t.Error("an all-zero randomness source gave a key")
	}
	if _, err := (Private{}).Sign(Keccak256()); err == nil {
		t.Error("the zero key signed")
	}
	if _, err := generate(t).ECDH(Public{}); err == nil {
		t.Error("ECDH with no key gave a secret")
	}
}

func TestRedacted(t *testing.T) {
	k := generate(t)
	s, err := k.ECDH(generate(t).Public())
	if err != nil {
		t.Fatal(err)
	}
	holder := struct {
		K Private
		S Secret
		P *Private
	}{k, s, &k}
	js, err := json.Marshal(holder)
	if err != nil {
		t.Fatal(err)
	}
	out := string(js)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%X", "%d", "%q"} {
		out += fmt.Sprintf(verb, holder) + fmt.Sprintf(verb, k) + fmt.Sprintf(verb, s)
	}
	low := strings.ToLower(out)
	for _, secret := range [][]byte{k.Bytes(), s[:]} {
		decimal := strings.Trim(fmt.Sprint(secret[:6]), "[]")
		if strings.Contains(low, hex.EncodeToString(secret[:6])) || strings.Contains(out, decimal) {
			t.Fatal("a secret was printed")
		}
	}
	if !strings.Contains(out, redacted) {
		t.Fatal("nothing says redacted")
	}
}
