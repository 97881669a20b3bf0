package contact

import (
	"bytes"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/binary"
	"fmt"
	"strings"

	"libstatus1to1/chat/protocol/key"
)

const (
	// SafetyDigits is the length of a safety number: 30 digits for each of the two
	// keys, about 100 bits each.
	SafetyDigits = 60
	// safetyVersion changes when the formula does.
	safetyVersion = 0
	// safetyRounds makes a search for a key with a given number dear: some 2 ms a
	// key here instead of a microsecond.
	safetyRounds = 5200
	// safetyGroup digits come from five bytes.
	safetyGroup      = 5
	safetyGroupBytes = 5
)

// SafetyNumber is 60 digits that two people compare by voice or at sight: they are
// the same on both sides, and others if either key is another. Give it to people in
// groups of five; see GroupDigits.
//
// For each key h = version (2 bytes, 0) || compressed key, then 5200 times
// h = SHA-512(h || compressed key); the first 30 bytes of the last h are six
// big-endian 5-byte numbers, each modulo 100000 with leading zeros. The two halves
// stand in the order of the compressed keys. This is Signal's numeric fingerprint
// over Status's keys; the Status app has no such number.
func SafetyNumber(a, b key.Public) string {
	if bytes.Compare(a.Compressed(), b.Compressed()) > 0 {
		a, b = b, a
	}
	return safetyHalf(a) + safetyHalf(b)
}

func safetyHalf(k key.Public) string {
	identity := k.Compressed()
	h := append(binary.BigEndian.AppendUint16(nil, safetyVersion), identity...)
	for range safetyRounds {
		sum := sha512.Sum512(append(h, identity...))
		h = sum[:]
	}
	var digits strings.Builder
	for i := range SafetyDigits / 2 / safetyGroup {
		part := append(make([]byte, 8-safetyGroupBytes), h[i*safetyGroupBytes:(i+1)*safetyGroupBytes]...)
		fmt.Fprintf(&digits, "%05d", binary.BigEndian.Uint64(part)%100000)
	}
	return digits.String()
}

// GroupDigits writes a safety number in groups of five with spaces between.
func GroupDigits(number string) string {
	var groups []string
	for len(number) > safetyGroup {
		groups, number = append(groups, number[:safetyGroup]), number[safetyGroup:]
	}
	return strings.Join(append(groups, number), " ")
}

// SameSafetyNumber compares a number that somebody has read out or typed with the
// right one. Spaces between its digits do not matter.
func SameSafetyNumber(given, right string) bool {
	given = strings.Join(strings.Fields(given), "")
	return len(right) == SafetyDigits && subtle.ConstantTimeCompare([]byte(given), []byte(right)) == 1
}
