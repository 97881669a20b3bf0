package card_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/big"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/identity"
	"libstatus1to1/chat/identity/card"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/noise"
	"libstatus1to1/chat/protocol/x3dh"
	"libstatus1to1/chat/wire"
)

var issued = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

// source is randomness that repeats itself.
func source(seed uint64) *rand.ChaCha8 { return rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)}) }

func drawKey(t testing.TB, r *rand.ChaCha8) key.Private {
	t.Helper()
	k, err := key.Generate(r)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func preKey(t testing.TB, r *rand.ChaCha8, installation string) x3dh.SignedPreKey {
	return x3dh.SignedPreKey{InstallationID: installation, Key: drawKey(t, r).Public(), Version: 1 << 30, ProtocolVersion: 1}
}

const (
	device = "5d6e6d5c-97a6-4c41-9d0c-1f3f6d3a1b11"
	second = "0f1e2d3c-4b5a-4978-8695-a4b3c2d1e0f0"
	third  = "11111111-2222-4333-8444-555555555555"
)

// sample is a card with everything in it, and the key of its identity.
func sample(t testing.TB, installation string) (card.Card, key.Private) {
	t.Helper()
	r := source(1)
	self := drawKey(t, r)
	static, err := noise.GenerateKey(r)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := noise.Issue(self, installation, static.Public(), issued.Add(-24*time.Hour), 180*24*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := card.NewSecret(r)
	if err != nil {
		t.Fatal(err)
	}
	return card.Card{
		Identity: self.Public(), Device: preKey(t, r, installation), Others: []x3dh.SignedPreKey{preKey(t, r, second)},
		Certificate: cert, Secret: secret, DisplayName: "Zo\u00eb", Noise: true,
		Issued: issued, Expires: issued.Add(7 * 24 * time.Hour),
	}, self
}

func signed(t testing.TB, c card.Card, self key.Private) []byte {
	t.Helper()
	b, err := c.Sign(self)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func causeOf(err error) card.Cause {
	var e *card.Error
	if errors.As(err, &e) {
		return e.Cause
	}
	return card.Cause(fmt.Sprintf("no cause: %v", err))
}

func same(a, b card.Card) bool {
	return a.Identity == b.Identity && a.Device == b.Device && fmt.Sprint(a.Others) == fmt.Sprint(b.Others) &&
		bytes.Equal(a.Certificate.Bytes(), b.Certificate.Bytes()) && a.Secret == b.Secret && a.DisplayName == b.DisplayName &&
		a.Noise == b.Noise && a.Issued.Equal(b.Issued) && a.Expires.Equal(b.Expires)
}

// Every form of a card says the same, also as people copy it.
func TestCardForms(t *testing.T) {
	c, self := sample(t, device)
	b := signed(t, c, self)
	text, link := card.Text(b), card.Link(b)
	t.Logf("%d bytes, QR text %d characters, link %d characters", len(b), len(text), len(link))
	for name, form := range map[string]string{
		"text": text, "lower case": strings.ToLower(text), "wrapped": text[:60] + "\r\n  " + text[60:200] + "\n" + text[200:],
		"quoted": "\u201c" + text + "\u201d.", "link": link, "link in a sentence": "<" + link + ">,", "old host": strings.Replace(link, "status.app", "join.status.im", 1),
	} {
		if got, err := card.Read(form); err != nil || !same(got, c) {
			t.Errorf("%s: %v %+v", name, err, got)
		}
	}
	for i := range text {
		if !strings.ContainsRune("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:", rune(text[i])) {
			t.Fatalf("%q is not in the alphanumeric alphabet of QR codes", text[i])
		}
	}
	if c.Bundle().Timestamp != issued.UnixNano() || len(c.Bundle().SignedPreKeys) != 2 {
		t.Errorf("the bundle is %+v", c.Bundle())
	}
}

// A card as the first version of the format writes it is read as long as Version is 1.
func TestCardFormatStays(t *testing.T) {
	text, err := os.ReadFile("testdata/card-1.txt")
	if err != nil {
		t.Fatal(err)
	}
	c, self := sample(t, device)
	got, err := card.Read(string(text))
	if err != nil || !same(got, c) {
		t.Fatalf("%v %+v", err, got)
	}
	if again := card.Text(signed(t, c, self)); again != strings.TrimSpace(string(text)) {
		t.Errorf("it is written as %s now", again)
	}
}

// What a reader of links that knows nothing of cards takes from a link with one: the
// Status app splits it at the # and unmarshals the data.
func TestCardLinkWithoutCards(t *testing.T) {
	c, self := sample(t, device)
	link, err := identity.ParseLink(card.Link(signed(t, c, self)))
	if err != nil || link.Key != c.Identity || link.DisplayName != c.DisplayName {
		t.Fatalf("%+v %v", link, err)
	}
	whole, err := proto.Marshal(&wire.LinkData{Content: []byte("a person"), Card: []byte(link.Card)})
	if err != nil {
		t.Fatal(err)
	}
	// A message with a field 1 and none of the card's number stands for that of the app.
	var known wire.LinkUser
	if err := proto.Unmarshal(whole, &known); err != nil || known.GetDisplayName() != "a person" || len(known.ProtoReflect().GetUnknown()) == 0 {
		t.Errorf("the card is in the way: %v", err)
	}
}

// A card is within its bound with the longest name, the longest installation id and many
// other devices; who has to give way are the other devices, and then the name.
func TestCardFits(t *testing.T) {
	long := strings.Repeat("\U0001F642", 24)
	for _, installation := range []string{device, strings.Repeat("x", 64), "5D6E6D5C-97A6-4C41-9D0C-1F3F6D3A1B11"} {
		c, self := sample(t, installation)
		c.DisplayName = long
		r := source(2)
		c.Others = append(c.Others, preKey(t, r, third), preKey(t, r, strings.Repeat("y", 64)))
		b := signed(t, c, self)
		got, err := card.Parse(b)
		if err != nil || len(b) > card.MaxSize || got.Device != c.Device {
			t.Fatalf("%d bytes: %v", len(b), err)
		}
		if installation == device && got.DisplayName != long {
			t.Error("the name of a usual device gave way")
		}
	}
	c, self := sample(t, device)
	if c.DisplayName = "a name with 24 letters.."; len(signed(t, c, self)) > card.MaxSize {
		t.Error("too long")
	}
	if got, _ := card.Parse(signed(t, c, self)); len(got.Others) != 1 || got.DisplayName != c.DisplayName {
		t.Errorf("no room for another device beside a name: %+v", got)
	}
}

// Every bit of a card matters: with any of them changed, it is refused.
func TestCardAltered(t *testing.T) {
	c, self := sample(t, device)
	b := signed(t, c, self)
	for i := range b {
		for bit := range 8 {
			altered := bytes.Clone(b)
			altered[i] ^= 1 << bit
			got, err := card.Parse(altered)
			cause := causeOf(err)
			switch {
			case i == 0 && cause == card.CauseVersion:
			case (i == 1 || i == 2) && cause == card.CauseTruncated:
			case cause == card.CauseAltered:
			default:
				t.Fatalf("byte %d bit %d: %v %+v", i, bit, err, got)
			}
		}
	}
	// The other signature that recovers the same key, which anybody can compute.
	other := bytes.Clone(b)
	order, _ := new(big.Int).SetString("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141", 16)
	half := other[len(b)-33 : len(b)-1]
	new(big.Int).Sub(order, new(big.Int).SetBytes(half)).FillBytes(half)
	other[len(b)-1] ^= 1
	if _, err := card.Parse(other); causeOf(err) != card.CauseAltered {
		t.Errorf("with the other signature: %v", err)
	}
	text := card.Text(b)
	for i := len("STATUS-CARD:"); i < len(text)-1; i++ { // the last character is padded with bits that say nothing
		replaced := "A"
		if text[i] == 'A' {
			replaced = "B"
		}
		if _, err := card.Read(text[:i] + replaced + text[i+1:]); err == nil {
			t.Fatalf("character %d does not matter", i)
		}
	}
}

// A card that was cut off is refused wherever that is, as bytes and in each form.
func TestCardTruncated(t *testing.T) {
	c, self := sample(t, device)
	b := signed(t, c, self)
	for n := range b {
		if _, err := card.Parse(b[:n]); causeOf(err) != card.CauseTruncated {
			t.Fatalf("%d bytes: %v", n, err)
		}
	}
	if _, err := card.Parse(append(bytes.Clone(b), 0)); causeOf(err) != card.CauseAltered {
		t.Errorf("one byte more: %v", err)
	}
	text, link := card.Text(b), card.Link(b)
	for n := len("STATUS-CARD:"); n < len(text)-1; n++ {
		if _, err := card.Read(text[:n]); causeOf(err) != card.CauseTruncated {
			t.Fatalf("%d characters: %v", n, err)
		}
	}
	for n := range link {
		_, err := card.Read(link[:n])
		if cause := causeOf(err); n > len("https://status.app/u/") && cause != card.CauseTruncated && cause != card.CauseAltered || err == nil {
			t.Fatalf("%d characters of a link: %v", n, err)
		}
	}
}

// forge is the bytes of a card with a body of any kind, signed by somebody.
func forge(t testing.TB, body []byte, by key.Private) []byte {
	t.Helper()
	whole := bytes.Clone(body)
	n := len(body) + key.SignatureSize
	whole[1], whole[2] = byte(n>>8), byte(n)
	const domain = "status1to1-card/1"
	m := append([]byte{0, 0, 0, byte(len(domain))}, domain...)
	m = append(m, 0, 0, byte(len(whole)>>8), byte(len(whole)))
	signature, err := by.Sign(key.Keccak256(append(m, whole...)))
	if err != nil {
		t.Fatal(err)
	}
	return append(whole, signature...)
}

// Somebody signs the card of another: with their own key, or with the card's certificate
// replaced by one of their own.
func TestCardForeignSigned(t *testing.T) {
	c, self := sample(t, device)
	b := signed(t, c, self)
	mallory := drawKey(t, source(3))
	if got, err := card.Parse(forge(t, b[:len(b)-key.SignatureSize], self)); err != nil || !same(got, c) {
		t.Fatalf("the forger of this test cannot sign: %v", err)
	}
	if _, err := card.Parse(forge(t, b[:len(b)-key.SignatureSize], mallory)); causeOf(err) != card.CauseAltered {
		t.Errorf("signed by Mallory: %v", err)
	}
	if _, err := c.Sign(mallory); !errors.Is(err, card.ErrContent) {
		t.Errorf("Mallory signs in the name of another: %v", err)
	}
	other, _ := sample(t, second)
	c.Certificate = other.Certificate
	if _, err := c.Sign(self); !errors.Is(err, card.ErrContent) {
		t.Errorf("with the certificate of another device: %v", err)
	}
	static, err := noise.GenerateKey(source(6))
	if err != nil {
		t.Fatal(err)
	}
	if c.Certificate, err = noise.IssueProvisional(self, device, static.Public(), issued, time.Hour); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Sign(self); !errors.Is(err, card.ErrContent) {
		t.Errorf("with the certificate of a device without an identity: %v", err)
	}
}

// The card of one person in the link of another is refused: who goes by the key in the
// link and who goes by the card would have different people.
func TestCardSomebodyElse(t *testing.T) {
	c, self := sample(t, device)
	b := signed(t, c, self)
	link, err := identity.Link{Key: drawKey(t, source(4)).Public(), DisplayName: "Bob", Card: string(b)}.Format()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := card.Read(link); causeOf(err) != card.CauseOther {
		t.Errorf("%v", err)
	}
}

func TestCardTimes(t *testing.T) {
	c, self := sample(t, device)
	got, err := card.Parse(signed(t, c, self))
	if err != nil {
		t.Fatal(err)
	}
	for at, want := range map[time.Time]card.Cause{
		issued.Add(-card.MaxClockSkew - time.Second): card.CauseFuture,
		issued.Add(-card.MaxClockSkew):               "",
		c.Expires.Add(-time.Second):                  "",
		c.Expires:                                    card.CauseExpired,
	} {
		if err := got.Check(at); err == nil && want != "" || err != nil && causeOf(err) != want {
			t.Errorf("at %s: %v", at, err)
		}
	}
	for _, life := range []time.Duration{0, -time.Hour, card.MaxLife + time.Second} {
		if c.Expires = issued.Add(life); true {
			if _, err := c.Sign(self); !errors.Is(err, card.ErrContent) {
				t.Errorf("issued for %s: %v", life, err)
			}
		}
	}
	if card.MaxLife >= x3dh.KeepSpent {
		t.Error("a card outlives its pre-key")
	}
}

// What an identity may sign and must not say: the reader refuses it, and skips what it may.
func TestCardContent(t *testing.T) {
	c, self := sample(t, device)
	c.Others = nil
	whole := signed(t, c, self)
	body := whole[:len(whole)-key.SignatureSize]
	with := func(change func(b []byte) []byte) []byte { return forge(t, change(bytes.Clone(body)), self) }
	for name, test := range map[string]struct {
		bytes []byte
		want  card.Cause
	}{
		"as it is":             {with(func(b []byte) []byte { return b }), ""},
		"an unknown extension": {with(func(b []byte) []byte { return append(b, 200, 3, 1, 2, 3) }), ""},
		"an unknown flag":      {with(func(b []byte) []byte { b[3] |= 0x80; return b }), card.CauseVersion},
		"half an extension":    {with(func(b []byte) []byte { return append(b, 200, 3, 1, 2) }), card.CauseInvalid},
		"a stray byte":         {with(func(b []byte) []byte { return append(b, 1) }), card.CauseInvalid},
		"half a device":        {with(func(b []byte) []byte { return append(b, 1, 3, 1, 2, 3) }), card.CauseInvalid},
		"the device twice": {with(func(b []byte) []byte {
			return append(append(b, 1, 16+1+33+5), b[12:12+16+1+33+5]...)
		}), card.CauseInvalid},
		"a name that is no text": {with(func(b []byte) []byte { b[len(b)-1] = 0xff; return b }), card.CauseInvalid},
		"a life of years":        {with(func(b []byte) []byte { b[8] = 0xf0; return b }), card.CauseInvalid},
		"a pre-key at infinity":  {with(func(b []byte) []byte { copy(b[12+17:], make([]byte, 33)); return b }), card.CauseAltered},
		"too long":               {with(func(b []byte) []byte { return append(append(b, 200, 250), make([]byte, 250)...) }), card.CauseAltered},
	} {
		got, err := card.Parse(test.bytes)
		if err == nil && test.want != "" || err != nil && causeOf(err) != test.want {
			t.Errorf("%s: %v", name, err)
		}
		if test.want == "" && !same(got, c) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestCardOtherTexts(t *testing.T) {
	who := drawKey(t, source(5)).Public()
	for text, want := range map[string]card.Cause{
		"": card.CauseOtherText, "STATUS-CARD:": card.CauseTruncated, "STATUS-CARD:A": card.CauseTruncated,
		"status-card:\u00e9": card.CauseAltered, "STATUS-CARD:18": card.CauseAltered, "STATUS-CARD:AIAAA": card.CauseVersion,
		"hello": card.CauseOtherText, strings.Repeat("A", 20000): card.CauseOtherText,
		identity.FormatChatKey(who): card.CauseNoCard, identity.FormatLink(who): card.CauseNoCard,
		"https://status.app/c/abc#zQ3sh": card.CauseOtherText,
	} {
		if _, err := card.Read(text); causeOf(err) != want {
			t.Errorf("%.40q: %v", text, err)
		}
	}
}

// Nothing that prints a card prints the secret in it.
func TestCardRedacted(t *testing.T) {
	c, _ := sample(t, device)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
		for _, v := range []any{c.Secret, &c.Secret} {
			if s := fmt.Sprintf(verb, v); !strings.Contains(s, "redacted") {
				t.Errorf("%s prints %s", verb, s)
			}
		}
		if s := fmt.Sprintf(verb, c); !strings.Contains(s, "redacted") {
			t.Errorf("%s of a card prints the secret", verb)
		}
	}
	psk, id := c.Secret.PSK(), c.Secret.ID()
	if bytes.Contains(psk[:], c.Secret[:]) || bytes.Contains(psk[:], id[:]) || bytes.Equal(id[:], c.Secret[:]) {
		t.Error("the id or the key shows the secret")
	}
}

func FuzzParse(f *testing.F) {
	c, self := sample(f, device)
	b := signed(f, c, self)
	f.Add(b)
	f.Add(b[:100])
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := card.Parse(b)
		if err != nil {
			if cause := causeOf(err); strings.HasPrefix(string(cause), "no cause") {
				t.Fatal(cause)
			}
			return
		}
		if again, err := card.Read(card.Text(b)); err != nil || !same(again, got) {
			t.Errorf("the text says something else: %v", err)
		}
		if again, err := card.Read(card.Link(b)); err != nil || !same(again, got) {
			t.Errorf("the link says something else: %v", err)
		}
	})
}

func FuzzRead(f *testing.F) {
	c, self := sample(f, device)
	b := signed(f, c, self)
	f.Add(card.Text(b))
	f.Add(card.Link(b))
	f.Add(identity.FormatLink(c.Identity))
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := card.Read(text); err != nil && strings.HasPrefix(string(causeOf(err)), "no cause") {
			t.Fatal(err)
		}
	})
}
