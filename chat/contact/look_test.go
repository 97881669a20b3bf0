package contact

import (
	"crypto/rand"
	"strings"
	"testing"

	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/internal/vectors"
)

func TestVectorColours(t *testing.T) {
	var file struct {
		Keys []struct {
			Public    vectors.Hex `json:"public_uncompressed"`
			ColorHash [][2]int    `json:"color_hash"`
			ColorID   *int        `json:"color_id"`
		}
	}
	vectors.Read(t, "keys.json", &file)
	if len(file.Keys) == 0 {
		t.Fatal("keys.json holds no keys")
	}
	for _, v := range file.Keys {
		k := v.Public.Public(t)
		if v.ColorID == nil || ColourID(k) != *v.ColorID {
			t.Errorf("%s: colour id %d, want %v", k, ColourID(k), v.ColorID)
		}
		ring := ColourHash(k)
		if len(ring) != len(v.ColorHash) || len(ring) == 0 {
			t.Fatalf("%s: ring %v, want %v", k, ring, v.ColorHash)
		}
		for i, s := range ring {
			if [2]int{s.Length, s.Colour} != v.ColorHash[i] {
				t.Errorf("%s: segment %d is %v, want %v", k, i, s, v.ColorHash[i])
			}
		}
	}
}

func somebody(t testing.TB) key.Public {
	t.Helper()
	k, err := key.Generate(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k.Public()
}

func TestSafetyNumber(t *testing.T) {
	a, b, c := somebody(t), somebody(t), somebody(t)
	number := SafetyNumber(a, b)
	if len(number) != SafetyDigits || strings.Trim(number, "0123456789") != "" {
		t.Fatalf("number %q", number)
	}
	if SafetyNumber(b, a) != number {
		t.Error("the sides see different numbers")
	}
	if SafetyNumber(a, c) == number || SafetyNumber(c, b) == number {
		t.Error("another key gives the same number")
	}
	grouped := GroupDigits(number)
	if len(grouped) != SafetyDigits+11 || !SameSafetyNumber(" "+grouped+"\n", number) {
		t.Errorf("grouped %q", grouped)
	}
	for _, wrong := range []string{"", number[:59], number + "0", SafetyNumber(a, c)} {
		if SameSafetyNumber(wrong, number) {
			t.Errorf("%q passes for %q", wrong, number)
		}
	}
	if SameSafetyNumber("", "") {
		t.Error("no number is no proof")
	}
}

// The formula is fixed: this number was computed by an independent script.
func TestSafetyNumberIsFixed(t *testing.T) {
	parse := func(last byte) key.Public {
		scalar := make([]byte, 32)
		scalar[31] = last
		k, err := key.ParsePrivate(scalar)
		if err != nil {
			t.Fatal(err)
		}
		return k.Public()
	}
	const want = "943236645624767617338973908059541972563879575140435525851436"
	if got := SafetyNumber(parse(1), parse(2)); got != want {
		t.Errorf("number %s, want %s", got, want)
	}
}

func BenchmarkSafetyNumber(b *testing.B) {
	x, y := somebody(b), somebody(b)
	for b.Loop() {
		SafetyNumber(x, y)
	}
}
