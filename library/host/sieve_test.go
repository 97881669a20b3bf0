package host

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"regexp"
	"sort"
	"strings"
	"testing"
)

// A sieve finds pieces of secrets in what others may read, in any of the forms
// that logs and JSON give to bytes: as they are, in hex, in base64, wherever in a
// longer text they begin.
type sieve struct {
	keys  map[[keyPiece]byte]string
	texts map[[textPiece]byte]string
	// starts are the first two bytes of all pieces: most places need no more.
	starts [1 << 16]bool
}

// How long a piece must be to count. Eight bytes of a key do not occur by chance;
// of a text it takes more, because a word of it may.
const (
	keyPiece  = 8
	textPiece = 16
)

func newSieve() *sieve {
	return &sieve{keys: map[[keyPiece]byte]string{}, texts: map[[textPiece]byte]string{}}
}

// addKey adds the pieces of a secret of random bytes.
func (s *sieve) addKey(name string, secret []byte) {
	for i := 0; i+keyPiece <= len(secret); i++ {
		if piece := [keyPiece]byte(secret[i:]); varied(piece[:]) {
			s.keys[piece] = name
			s.starts[start(piece[:])] = true
		}
	}
}

// addText adds the pieces of a phrase, a passphrase or a message.
func (s *sieve) addText(name, secret string) {
	for i := 0; i+textPiece <= len(secret); i++ {
		s.texts[[textPiece]byte([]byte(secret[i:]))] = name
		s.starts[start([]byte(secret[i:]))] = true
	}
}

func start(piece []byte) int { return int(piece[0])<<8 | int(piece[1]) }

// varied keeps out zeros and the like, which occur everywhere.
func varied(piece []byte) bool {
	seen := map[byte]bool{}
	for _, b := range piece {
		seen[b] = true
	}
	return len(seen) > keyPiece/2
}

var (
	hexRun    = regexp.MustCompile(`[0-9a-fA-F]{16,}`)
	base64Run = regexp.MustCompile(`[A-Za-z0-9+/_-]{11,}`)
	urlToStd  = strings.NewReplacer("-", "+", "_", "/")
)

// find names the secrets of which a piece is in text, and the form.
func (s *sieve) find(text []byte) []string {
	found := map[string]bool{}
	s.look(text, "as it is", found)
	for _, run := range hexRun.FindAll(text, -1) {
		for shift := range 2 {
			digits := run[shift:]
			raw := make([]byte, len(digits)/2)
			if _, err := hex.Decode(raw, digits[:2*len(raw)]); err == nil {
				s.look(raw, "in hex", found)
			}
		}
	}
	for _, run := range base64Run.FindAll(text, -1) {
		std := urlToStd.Replace(string(run))
		for shift := range 4 {
			rest := std[min(shift, len(std)):]
			rest = rest[:len(rest)-len(rest)%4]
			if tail := std[shift+len(rest):]; len(tail) > 1 {
				rest += tail + strings.Repeat("A", 4-len(tail)) // a last group without its padding
			}
			if raw, err := base64.StdEncoding.DecodeString(rest); err == nil {
				s.look(raw, "in base64", found)
			}
		}
	}
	var names []string
	for name := range found {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

func (s *sieve) look(text []byte, form string, found map[string]bool) {
	for i := 0; i+keyPiece <= len(text); i++ {
		if !s.starts[start(text[i:])] {
			continue
		}
		if name, ok := s.keys[[keyPiece]byte(text[i:])]; ok {
			found[name+" "+form] = true
		}
		if i+textPiece <= len(text) {
			if name, ok := s.texts[[textPiece]byte(text[i:])]; ok {
				found[name+" "+form] = true
			}
		}
	}
}

// The sieve itself: what it must find, and what not.
func TestSecretsSieve(t *testing.T) {
	s := newSieve()
	secret := bytes.Repeat([]byte{1, 2, 250, 4, 5, 99, 7, 8, 9, 170}, 2)
	s.addKey("key", secret)
	s.addText("text", "correct horse battery staple")
	for before := range 4 {
		for after := range 4 {
			blob := append(bytes.Repeat([]byte{0xee}, before), secret...)
			blob = append(blob, bytes.Repeat([]byte{0xdd}, after)...)
			for form, text := range map[string]string{
				"as it is":  string(blob),
				"in hex":    fmt.Sprintf(`{"x":"0x%x"}`, blob),
				"in base64": `"` + base64.RawURLEncoding.EncodeToString(blob) + `"`,
			} {
				if got := s.find([]byte(text)); len(got) == 0 || !strings.HasPrefix(got[0], "key ") {
					t.Errorf("%d bytes before, %d after: not found %s", before, after, form)
				}
			}
			if got := s.find([]byte(strings.ToUpper(hex.EncodeToString(blob)))); len(got) == 0 {
				t.Error("not found in upper-case hex")
			}
			if got := s.find([]byte("x " + base64.StdEncoding.EncodeToString(blob))); len(got) == 0 {
				t.Error("not found in standard base64")
			}
		}
	}
	if got := s.find([]byte("the horse battery staple fell over")); len(got) != 1 || got[0] != "text as it is" {
		t.Errorf("found %q", got)
	}
	if got := s.find(append(bytes.Repeat([]byte{0}, 100), "a correct answer, a horse, a battery"...)); len(got) != 0 {
		t.Errorf("found %q where nothing is", got)
	}
}
