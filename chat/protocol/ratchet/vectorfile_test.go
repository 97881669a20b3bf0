package ratchet_test

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"libstatus1to1/chat/protocol/key"
)

// repoRoot is the directory of go.mod.
func repoRoot(t testing.TB) string {
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("no go.mod above the test")
		}
		dir = filepath.Dir(dir)
	}
}

// readVectors decodes one file of STATUS1TO1_VECTORS, by default testdata/vectors.
func readVectors(t testing.TB, name string, into any) {
	t.Helper()
	dir := os.Getenv("STATUS1TO1_VECTORS")
	if dir == "" {
		dir = filepath.Join("testdata", "vectors")
	}
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(repoRoot(t), dir)
	}
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// hexBytes is a byte string of the vector files.
type hexBytes []byte

func (h *hexBytes) UnmarshalText(text []byte) (err error) {
	*h, err = hex.DecodeString(string(text))
	return err
}

func (h hexBytes) public(t testing.TB) key.Public {
	t.Helper()
	p, err := key.ParsePublic(h)
	if err != nil {
		t.Fatalf("public key of %d bytes: %v", len(h), err)
	}
	return p
}

func (h hexBytes) private(t testing.TB) key.Private {
	t.Helper()
	k, err := key.ParsePrivate(h)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// scenario is one entry of ratchet.json; see FORMAT.md.
type scenario struct {
	Name         string                 `json:"name"`
	Participants map[string]participant `json:"participants"`
	Steps        []step                 `json:"steps"`
}

type participant struct {
	IdentityPrivate hexBytes `json:"identity_private"`
	IdentityPublic  hexBytes `json:"identity_public"`
	InstallationID  string   `json:"installation_id"`
	SignedPreKeys   []struct {
		Private hexBytes `json:"private"`
		Public  hexBytes `json:"public"`
	} `json:"signed_pre_keys"`
}

type step struct {
	Step            int             `json:"step"`
	Op              string          `json:"op"`
	By              string          `json:"by"`
	To              string          `json:"to"`
	Of              string          `json:"of"`
	From            string          `json:"from"`
	ID              string          `json:"id"`
	Count           int             `json:"count"`
	Plaintext       hexBytes        `json:"plaintext"`
	Bundle          hexBytes        `json:"bundle"`
	ProtocolMessage hexBytes        `json:"protocol_message"`
	Encrypted       []encrypted     `json:"encrypted"`
	Expect          string          `json:"expect"`
	Error           string          `json:"error"`
	Quirk           json.RawMessage `json:"quirk"`
	GeneratedKeys   []generated     `json:"generated_keys"`
	StateAfter      []sessionState  `json:"state_after"`
}

// quirk tells that the step's outcome is an idiosyncrasy of status-go.
func (s step) quirk() bool {
	switch string(s.Quirk) {
	case "", "null", "false", `""`:
		return false
	}
	return true
}

type generated struct {
	Owner   string   `json:"owner"`
	Purpose string   `json:"purpose"`
	Private hexBytes `json:"private"`
	Public  hexBytes `json:"public"`
}

type encrypted struct {
	InstallationID string   `json:"installation_id"`
	Payload        hexBytes `json:"payload"`
	X3DH           *struct {
		Key hexBytes `json:"key"`
		ID  hexBytes `json:"id"`
	} `json:"x3dh_header"`
	DR *struct {
		Key hexBytes `json:"key"`
		N   uint32   `json:"n"`
		PN  uint32   `json:"pn"`
		ID  hexBytes `json:"id"`
	} `json:"dr_header"`
}

type sessionState struct {
	BundleID       hexBytes `json:"bundle_id"`
	InstallationID string   `json:"installation_id"`
	DHr            hexBytes `json:"dhr"`
	DHsPrivate     hexBytes `json:"dhs_private"`
	DHsPublic      hexBytes `json:"dhs_public"`
	RootKey        hexBytes `json:"root_key"`
	SendChainKey   hexBytes `json:"send_chain_key"`
	SendN          uint32   `json:"send_n"`
	RecvChainKey   hexBytes `json:"recv_chain_key"`
	RecvN          uint32   `json:"recv_n"`
	PN             uint32   `json:"pn"`
}
