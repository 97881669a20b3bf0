package vectors

import (
	"encoding/json"
	"testing"
)

// Scenario is one play of ratchet.json.
type Scenario struct {
	Name         string
	Description  string
	Participants Participants
	Steps        []Step
}

// Step is one step of a scenario. Which fields are set depends on Op.
type Step struct {
	Step            int
	Op              string // process_bundle, encrypt, encrypt_discard, decrypt or confirm
	By              string
	Of              string
	To              string
	From            string
	ID              string
	Count           int
	Plaintext       Hex
	Bundle          Hex
	ProtocolMessage Hex `json:"protocol_message"`
	Encrypted       []Encrypted
	Negotiated      bool
	SharedSecret    Hex `json:"shared_secret"`
	Expect          string
	Error           string
	Mutation        string
	Quirk           json.RawMessage
	GeneratedKeys   []KeyPair      `json:"generated_keys"`
	StateAfter      []SessionState `json:"state_after"`
}

// IsQuirk tells that the outcome of the step is an idiosyncrasy of status-go.
func (s Step) IsQuirk() bool {
	switch string(s.Quirk) {
	case "", "null", "false", `""`:
		return false
	}
	return true
}

// Encrypted is what a ProtocolMessage holds for one installation.
type Encrypted struct {
	InstallationID string `json:"installation_id"`
	Payload        Hex
	X3DH           *Header `json:"x3dh_header"`
	DR             *Header `json:"dr_header"`
	DH             *Header `json:"dh_header"`
}

// Header is a header of any of the three kinds: N and PN are of DR headers, ID is
// of no DH header.
type Header struct {
	Key, ID Hex
	N, PN   uint32
}

// SessionState is a Double Ratchet session of status-go.
type SessionState struct {
	BundleID       Hex    `json:"bundle_id"`
	InstallationID string `json:"installation_id"`
	DHr            Hex    // empty for a responder that has received nothing
	DHsPrivate     Hex    `json:"dhs_private"`
	DHsPublic      Hex    `json:"dhs_public"`
	RootKey        Hex    `json:"root_key"`
	SendChainKey   Hex    `json:"send_chain_key"`
	SendN          uint32 `json:"send_n"`
	RecvChainKey   Hex    `json:"recv_chain_key"`
	RecvN          uint32 `json:"recv_n"`
	PN             uint32
}

// ReadRatchet reads ratchet.json, which must hold something.
func ReadRatchet(t testing.TB) []Scenario {
	t.Helper()
	var file struct{ Scenarios []Scenario }
	Read(t, "ratchet.json", &file)
	if len(file.Scenarios) == 0 {
		t.Fatal("ratchet.json holds no scenarios")
	}
	return file.Scenarios
}
