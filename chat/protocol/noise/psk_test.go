package noise_test

import (
	"testing"

	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/noise"
)

func TestPSK(t *testing.T) {
	secret := key.Secret{1}
	psk, err := noise.PSK(secret, "one", "two")
	if err != nil {
		t.Fatal(err)
	}
	if other, err := noise.PSK(secret, "two", "one"); err != nil || other != psk {
		t.Error("the sides disagree")
	}
	for _, ids := range [][2]string{{"one", "twp"}, {"onet", "wo"}} {
		if other, err := noise.PSK(secret, ids[0], ids[1]); err != nil || other == psk {
			t.Error("other devices have the same psk")
		}
	}
	if other, err := noise.PSK(key.Secret{2}, "one", "two"); err != nil || other == psk {
		t.Error("another secret has the same psk")
	}
	if _, err := noise.PSK(secret, "", "two"); err == nil {
		t.Error("no installation id")
	}
	if id, other := noise.NamePSK(psk), noise.NamePSK(key.Secret{2}); id == other || id == (noise.PSKID{}) {
		t.Error("the name of a psk does not follow from it")
	}
}
