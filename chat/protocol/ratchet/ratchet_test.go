package ratchet_test

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/ratchet"
)

func generate(t testing.TB) key.Private {
	t.Helper()
	k, err := key.Generate(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// sessionPair is a fresh session, both sides; the initiator has sent nothing yet.
func sessionPair(t testing.TB) (alice, bob ratchet.State) {
	t.Helper()
	var secret key.Secret
	if _, err := rand.Read(secret[:]); err != nil {
		t.Fatal(err)
	}
	spk := generate(t)
	alice, err := ratchet.NewInitiator(secret, spk.Public(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return alice, ratchet.NewResponder(secret, spk)
}

func mustEncrypt(t testing.TB, s *ratchet.State, text string) ratchet.Message {
	t.Helper()
	next, m, err := s.Encrypt([]byte(text), ratchet.RandomIV(rand.Reader))
	if err != nil {
		t.Fatal(err)
	}
	*s = next
	return m
}

func mustDecrypt(t testing.TB, s *ratchet.State, m ratchet.Message, want string) {
	t.Helper()
	next, got, err := s.Decrypt(m, rand.Reader)
	if err != nil || string(got) != want {
		t.Fatalf("n=%d pn=%d: got %q, %v, want %q", m.Header.N, m.Header.PN, got, err, want)
	}
	*s = next
}

// mustRefuse checks the error and that nothing changed.
func mustRefuse(t testing.TB, s ratchet.State, m ratchet.Message, want error) {
	t.Helper()
	before := stored(s)
	next, plaintext, err := s.Decrypt(m, rand.Reader)
	if !errors.Is(err, want) || plaintext != nil {
		t.Fatalf("n=%d pn=%d: got %d bytes, error %v, want %v", m.Header.N, m.Header.PN, len(plaintext), err, want)
	}
	if !bytes.Equal(before, stored(s)) || !bytes.Equal(before, stored(next)) {
		t.Fatal("a refused message changed the state")
	}
}

func stored(s ratchet.State) []byte { return append(s.Marshal(), s.MarshalSkipped()...) }

// reload is s after a restart.
func reload(t testing.TB, s ratchet.State) ratchet.State {
	t.Helper()
	again, err := ratchet.Unmarshal(s.Marshal())
	if err != nil {
		t.Fatal(err)
	}
	if again, err = again.WithSkipped(s.MarshalSkipped()); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(stored(s), stored(again)) {
		t.Fatal("a state did not come back as it was stored")
	}
	return again
}

func TestConversation(t *testing.T) {
	alice, bob := sessionPair(t)
	for round := range 5 {
		for i := range 3 {
			text := fmt.Sprint("a", round, i)
			mustDecrypt(t, &bob, mustEncrypt(t, &alice, text), text)
		}
		mustDecrypt(t, &alice, mustEncrypt(t, &bob, ""), "")
		if alice.Remote() != bob.Own() {
			t.Fatal("Remote is not the peer's Own")
		}
	}
	if alice.SendN() != 0 || alice.PN() != 3 || bob.SendN() != 1 || alice.RecvN() != 1 {
		t.Fatalf("counters: %d %d %d %d", alice.SendN(), alice.PN(), bob.SendN(), alice.RecvN())
	}
}

// The responder may speak before it has opened anything, as the deployed one may.
func TestResponderFirst(t *testing.T) {
	alice, bob := sessionPair(t)
	mustDecrypt(t, &alice, mustEncrypt(t, &bob, "early"), "early")
	mustDecrypt(t, &bob, mustEncrypt(t, &alice, "hello"), "hello")
	mustDecrypt(t, &alice, mustEncrypt(t, &bob, "now"), "now")
}

func TestValues(t *testing.T) {
	alice, bob := sessionPair(t)
	m0, m1, m2 := mustEncrypt(t, &alice, "0"), mustEncrypt(t, &alice, "1"), mustEncrypt(t, &alice, "2")
	mustDecrypt(t, &bob, m2, "2")
	// Two futures of one value, each from the same skipped keys.
	left, right := bob, bob
	mustDecrypt(t, &left, m0, "0")
	mustDecrypt(t, &right, m1, "1")
	mustDecrypt(t, &right, m0, "0")
	mustDecrypt(t, &left, m1, "1")
	if bob.SkippedLen() != 2 || left.SkippedLen() != 0 || right.SkippedLen() != 0 {
		t.Fatalf("skipped: %d %d %d", bob.SkippedLen(), left.SkippedLen(), right.SkippedLen())
	}
	mustDecrypt(t, &bob, m0, "0")
	mustDecrypt(t, &bob, m1, "1")
}

func TestRefuses(t *testing.T) {
	alice, bob := sessionPair(t)
	first := mustEncrypt(t, &alice, "first")
	mustRefuse(t, bob, ratchet.Message{Payload: first.Payload}, ratchet.ErrHeader)
	for n := range ratchet.Overhead {
		short := first
		short.Payload = first.Payload[:n]
		mustRefuse(t, bob, short, ratchet.ErrPayload)
	}
	for i := range first.Payload {
		forged := first
		forged.Payload = bytes.Clone(first.Payload)
		forged.Payload[i] ^= 0x10
		mustRefuse(t, bob, forged, ratchet.ErrAuth)
	}
	for _, h := range []ratchet.Header{
		{Key: first.Header.Key, PN: 1}, {Key: first.Header.Key, N: 1}, {Key: generate(t).Public()},
	} {
		mustRefuse(t, bob, ratchet.Message{Header: h, Payload: first.Payload}, ratchet.ErrAuth)
	}
	mustDecrypt(t, &bob, first, "first")
	mustRefuse(t, bob, first, ratchet.ErrKeyGone)
	skipped, second := mustEncrypt(t, &alice, "skipped"), mustEncrypt(t, &alice, "second")
	mustDecrypt(t, &bob, second, "second")
	forged := skipped
	forged.Payload = append([]byte{skipped.Payload[0] ^ 1}, skipped.Payload[1:]...)
	mustRefuse(t, bob, forged, ratchet.ErrAuth)
	mustDecrypt(t, &bob, skipped, "skipped")
	mustRefuse(t, bob, skipped, ratchet.ErrKeyGone)
}

func TestRefusesWithoutState(t *testing.T) {
	var none ratchet.State
	if _, _, err := none.Encrypt(nil, ratchet.DerivedIV()); !errors.Is(err, ratchet.ErrState) {
		t.Fatalf("the zero state encrypted: %v", err)
	}
	if _, _, err := none.Decrypt(ratchet.Message{}, rand.Reader); !errors.Is(err, ratchet.ErrState) {
		t.Fatalf("the zero state decrypted: %v", err)
	}
	if _, err := ratchet.NewInitiator(key.Secret{1}, key.Public{}, rand.Reader); !errors.Is(err, ratchet.ErrHeader) {
		t.Fatalf("a session with nobody: %v", err)
	}
	alice, bob := sessionPair(t)
	if _, _, err := alice.Encrypt(nil, ratchet.IV{}); !errors.Is(err, ratchet.ErrIV) {
		t.Fatalf("no IV was chosen: %v", err)
	}
	before := stored(alice)
	next, _, err := alice.Encrypt(nil, ratchet.RandomIV(strings.NewReader("short")))
	if err == nil || !bytes.Equal(before, stored(next)) {
		t.Fatalf("encrypting without randomness: %v", err)
	}
	m := mustEncrypt(t, &alice, "needs a key of ours")
	before = stored(bob)
	next, plaintext, err := bob.Decrypt(m, strings.NewReader(""))
	if err == nil || plaintext != nil || !bytes.Equal(before, stored(next)) {
		t.Fatalf("a ratchet step without randomness: %v", err)
	}
}

// A forged message must not draw a key: only an authentic one makes us step.
func TestForgedDrawsNothing(t *testing.T) {
	alice, bob := sessionPair(t)
	m := mustEncrypt(t, &alice, "x")
	m.Payload[0] ^= 1
	source := strings.NewReader(strings.Repeat("r", 64))
	if _, _, err := bob.Decrypt(m, source); !errors.Is(err, ratchet.ErrAuth) || source.Len() != 64 {
		t.Fatalf("%v, %d of 64 random bytes left", err, source.Len())
	}
}

func TestMaxSkip(t *testing.T) {
	alice, bob := sessionPair(t)
	mustDecrypt(t, &bob, mustEncrypt(t, &alice, "first"), "first")
	for range ratchet.MaxSkip {
		mustEncrypt(t, &alice, "lost")
	}
	reaches, beyond := mustEncrypt(t, &alice, "reaches"), mustEncrypt(t, &alice, "beyond")
	mustRefuse(t, bob, beyond, ratchet.ErrSkip)
	mustDecrypt(t, &bob, reaches, "reaches")
	if bob.SkippedLen() != ratchet.MaxSkip {
		t.Fatalf("%d keys kept", bob.SkippedLen())
	}
	mustDecrypt(t, &bob, beyond, "beyond")

	// The same in the two chains of one step: the previous one and the new one.
	alice, bob = sessionPair(t)
	mustDecrypt(t, &bob, mustEncrypt(t, &alice, "first"), "first")
	for range ratchet.MaxSkip {
		mustEncrypt(t, &alice, "lost")
	}
	mustDecrypt(t, &alice, mustEncrypt(t, &bob, "turn"), "turn")
	far := alice
	for range ratchet.MaxSkip {
		mustEncrypt(t, &far, "lost")
	}
	mustDecrypt(t, &bob, mustEncrypt(t, &far, "far"), "far")
	if bob.SkippedLen() != 2*ratchet.MaxSkip {
		t.Fatalf("%d keys kept", bob.SkippedLen())
	}
}

func TestPreviousChainTooLong(t *testing.T) {
	alice, bob := sessionPair(t)
	mustDecrypt(t, &bob, mustEncrypt(t, &alice, "first"), "first")
	for range ratchet.MaxSkip + 1 {
		mustEncrypt(t, &alice, "lost")
	}
	mustDecrypt(t, &alice, mustEncrypt(t, &bob, "turn"), "turn")
	mustRefuse(t, bob, mustEncrypt(t, &alice, "too far"), ratchet.ErrSkip)
}

// Numbers near 2^32 are refused before any work: none of these spins or wraps.
func TestHugeNumbers(t *testing.T) {
	alice, bob := sessionPair(t)
	m := mustEncrypt(t, &alice, "first")
	mustDecrypt(t, &bob, m, "first")
	for _, n := range []uint32{ratchet.MaxSkip + 2, 1 << 31, math.MaxUint32 - 1, math.MaxUint32} {
		mustRefuse(t, bob, ratchet.Message{Header: ratchet.Header{Key: m.Header.Key, N: n}, Payload: m.Payload}, ratchet.ErrSkip)
		other := generate(t).Public()
		mustRefuse(t, bob, ratchet.Message{Header: ratchet.Header{Key: other, N: n, PN: 1}, Payload: m.Payload}, ratchet.ErrSkip)
		mustRefuse(t, bob, ratchet.Message{Header: ratchet.Header{Key: other, PN: n}, Payload: m.Payload}, ratchet.ErrSkip)
	}
	mustRefuse(t, bob, ratchet.Message{Header: ratchet.Header{Key: generate(t).Public()}, Payload: m.Payload}, ratchet.ErrKeyGone)

	last := alice.WithSendN(math.MaxUint32 - 1)
	m = mustEncrypt(t, &last, "the last")
	if _, _, err := last.Encrypt(nil, ratchet.DerivedIV()); !errors.Is(err, ratchet.ErrExhausted) {
		t.Fatalf("message 2^32: %v", err)
	}
	end := bob.WithRecvN(math.MaxUint32)
	m.Header.N = math.MaxUint32
	mustRefuse(t, end, m, ratchet.ErrExhausted)
	end = bob.WithRecvN(math.MaxUint32 - 5)
	mustRefuse(t, end, m, ratchet.ErrExhausted)
}

// The oldest keys go first once MaxSkippedKeys are held.
func TestMaxSkippedKeys(t *testing.T) {
	alice, bob := sessionPair(t)
	var lost []ratchet.Message
	for i := range 2*ratchet.MaxSkip + 2 {
		if i == ratchet.MaxSkip/2 || i == ratchet.MaxSkip+ratchet.MaxSkip/2 {
			mustDecrypt(t, &bob, mustEncrypt(t, &alice, "arrives"), "arrives")
		}
		lost = append(lost, mustEncrypt(t, &alice, fmt.Sprint(i)))
	}
	mustDecrypt(t, &bob, mustEncrypt(t, &alice, "arrives"), "arrives")
	if bob.SkippedLen() != ratchet.MaxSkippedKeys {
		t.Fatalf("%d keys kept", bob.SkippedLen())
	}
	mustRefuse(t, bob, lost[0], ratchet.ErrKeyGone)
	mustRefuse(t, bob, lost[1], ratchet.ErrKeyGone)
	bob = reload(t, bob)
	for i, m := range lost[2:] {
		mustDecrypt(t, &bob, m, fmt.Sprint(i+2))
	}
	if bob.SkippedLen() != 0 || bob.MarshalSkipped() != nil {
		t.Fatalf("%d keys left", bob.SkippedLen())
	}
}

// A key lapses MaxKeep keys later, also across ratchet steps.
func TestMaxKeep(t *testing.T) {
	for _, turns := range []bool{false, true} {
		alice, bob := sessionPair(t)
		late := mustEncrypt(t, &alice, "late") // key 0
		for i := 1; i < ratchet.MaxKeep-1; i++ {
			mustDecrypt(t, &bob, mustEncrypt(t, &alice, "x"), "x")
			if turns && i%1000 == 0 {
				mustDecrypt(t, &alice, mustEncrypt(t, &bob, "turn"), "turn")
			}
		}
		inTime := bob
		mustDecrypt(t, &inTime, late, "late")
		before := bob
		mustDecrypt(t, &bob, mustEncrypt(t, &alice, "x"), "x")
		if bob.Derived() != ratchet.MaxKeep || bob.SkippedLen() != 0 || !bob.SkippedChanged(before) {
			t.Fatalf("turns %v: %d derived, %d kept", turns, bob.Derived(), bob.SkippedLen())
		}
		if _, _, err := bob.Decrypt(late, rand.Reader); err == nil {
			t.Fatal("a lapsed key opened a message")
		}
	}
}

func TestIV(t *testing.T) {
	alice, _ := sessionPair(t)
	seal := func(iv ratchet.IV) []byte {
		_, m, err := alice.Encrypt([]byte("the same"), iv)
		if err != nil {
			t.Fatal(err)
		}
		return m.Payload
	}
	if !bytes.Equal(seal(ratchet.DerivedIV()), seal(ratchet.DerivedIV())) {
		t.Fatal("the derived IV is not derived")
	}
	chosen := []byte("sixteen bytes iv")
	if got := seal(ratchet.RandomIV(bytes.NewReader(chosen)))[:ratchet.IVSize]; !bytes.Equal(got, chosen) {
		t.Fatalf("the IV sent is %x", got)
	}
}

func TestRedacted(t *testing.T) {
	alice, bob := sessionPair(t)
	mustEncrypt(t, &alice, "lost")
	mustDecrypt(t, &bob, mustEncrypt(t, &alice, "x"), "x")
	root := bob.RootKey()
	skipped := bob.MarshalSkipped()
	js, err := json.Marshal(map[string]any{"s": bob, "p": &bob})
	if err != nil {
		t.Fatal(err)
	}
	out := string(js)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%X", "%d", "%q"} {
		out += fmt.Sprintf(verb, bob) + fmt.Sprintf(verb, &bob) + fmt.Sprintf(verb, struct{ S ratchet.State }{bob})
	}
	for _, secret := range [][]byte{root[:6], bob.OwnPrivate().Bytes()[:6], skipped[len(skipped)-6:]} {
		decimal := strings.Trim(fmt.Sprint(secret), "[]")
		if strings.Contains(strings.ToLower(out), hex.EncodeToString(secret)) || strings.Contains(out, decimal) {
			t.Fatal("a secret was printed")
		}
	}
	if !strings.Contains(out, "[redacted]") {
		t.Fatal("nothing says redacted")
	}
}
