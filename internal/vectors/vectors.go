// Package vectors reads the test vectors of testdata/vectors for the tests of
// other packages: the files, byte strings and keys in them, and the shapes that
// more than one package looks at. Only _test.go files import it.
//
// testdata/vectors/FORMAT.md says what the fields mean. Another set of files in the
// same format can be named by the environment; see EnvDir.
package vectors

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"libstatus1to1/chat/protocol/key"
)

// EnvDir names the environment variable that holds the directory of the vectors.
// A relative one begins at the root of the repository. Unset: testdata/vectors.
const EnvDir = "STATUS1TO1_VECTORS"

// Dir is the directory of the vectors.
func Dir(t testing.TB) string {
	t.Helper()
	dir := os.Getenv(EnvDir)
	if dir == "" {
		dir = filepath.Join("testdata", "vectors")
	}
	if filepath.IsAbs(dir) {
		return dir
	}
	return filepath.Join(root(t), dir)
}

// root is the directory of go.mod: tests run in the directory of their package.
func root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		info, err := os.Stat(filepath.Join(dir, "go.mod"))
		if err == nil && info.Mode().IsRegular() {
			return dir
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("no go.mod above the test")
		}
		dir = filepath.Dir(dir)
	}
}

// Read decodes the file called name, "ratchet.json" for one. What cannot be read
// ends the test.
func Read(t testing.TB, name string, into any) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(Dir(t), name))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// Hex is a byte string, lower-case hex in the files.
type Hex []byte

// UnmarshalText decodes hex digits.
func (h *Hex) UnmarshalText(text []byte) (err error) {
	*h, err = hex.DecodeString(string(text))
	return err
}

// Public is h as a public key, which it must be.
func (h Hex) Public(t testing.TB) key.Public {
	t.Helper()
	p, err := key.ParsePublic(h)
	if err != nil {
		t.Fatalf("public key of %d bytes: %v", len(h), err)
	}
	return p
}

// Private is h as a private key, which it must be.
func (h Hex) Private(t testing.TB) key.Private {
	t.Helper()
	k, err := key.ParsePrivate(h)
	if err != nil {
		t.Fatalf("private key of %d bytes: %v", len(h), err)
	}
	return k
}

// KeyPair is a key that was drawn while the vectors were made.
type KeyPair struct {
	Owner   string
	Purpose string // signed_pre_key, x3dh_ephemeral, dh_ephemeral or ratchet
	Private Hex
	Public  Hex
}

// Participant is one side of a scenario.
type Participant struct {
	IdentityPrivate Hex       `json:"identity_private"`
	IdentityPublic  Hex       `json:"identity_public"`
	InstallationID  string    `json:"installation_id"`
	SignedPreKeys   []KeyPair `json:"signed_pre_keys"` // in order of creation
}

// Participants are the sides of a scenario, by name.
type Participants map[string]Participant

// Private is the identity of a participant who must be there.
func (ps Participants) Private(t testing.TB, name string) key.Private {
	t.Helper()
	return ps.get(t, name).IdentityPrivate.Private(t)
}

// Public is the public identity of a participant who must be there.
func (ps Participants) Public(t testing.TB, name string) key.Public {
	t.Helper()
	return ps.get(t, name).IdentityPublic.Public(t)
}

func (ps Participants) get(t testing.TB, name string) Participant {
	t.Helper()
	p, ok := ps[name]
	if !ok {
		t.Fatalf("no participant %q in the file", name)
	}
	return p
}
