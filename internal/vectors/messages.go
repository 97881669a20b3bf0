package vectors

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
)

// WireFile is wire.json.
type WireFile struct {
	Participants Participants
	Messages     []WireMessage
}

// WireMessage is one message of wire.json, in all its layers.
type WireMessage struct {
	ID, From, To, Kind, Note string
	GeneratedKeys            []KeyPair       `json:"generated_keys"`            // drawn by the sender
	GeneratedKeysOnReceipt   []KeyPair       `json:"generated_keys_on_receipt"` // and by the receiver
	Waku                     WakuMessage     `json:"waku_message"`
	Sealed                   WakuPayload     `json:"waku_payload"`
	ProtocolMessage          ProtocolMessage `json:"protocol_message"`
	Plaintext                Hex
	MVDS                     *MVDS        // nil if the message is not wrapped
	Application              *Application // nil if it is only acknowledgements
}

// WakuMessage is the envelope.
type WakuMessage struct {
	Payload      Hex
	ContentTopic string `json:"content_topic"`
	PubsubTopic  string `json:"pubsub_topic"`
	Version      uint32
	Timestamp    int64 // ns since 1970
	Ephemeral    bool
	Meta         Hex
	Hash         Hex
	Protobuf     Hex
}

// WakuPayload is what the 26/WAKU2-PAYLOAD holds and the key that opens it: one of
// PrivateKey and SymKey.
type WakuPayload struct {
	PrivateKey    Hex    `json:"private_key"`
	SymKey        Hex    `json:"sym_key"`
	Password      string // SymKey is derived from it
	TopicString   string `json:"topic_string"`
	Data          Hex
	Padding       Hex
	PaddingLength int `json:"padding_length"`
	Signature     Hex
	Signer        Hex
}

// ProtocolMessage is a 53/WAKU2-X3DH ProtocolMessage, decoded.
type ProtocolMessage struct {
	Bytes          Hex
	InstallationID string `json:"installation_id"`
	Bundles        []Hex
	Encrypted      []Encrypted
	PublicMessage  Hex `json:"public_message"`
}

// MVDS is a 2/MVDS payload, decoded. Bytes is in wire.json only.
type MVDS struct {
	Bytes    Hex
	Acks     []Hex
	Messages []struct {
		GroupID   Hex   `json:"group_id"`
		Timestamp int64 // s since 1970
		Body      Hex
		ID        Hex
	}
}

// Application is an ApplicationMetadataMessage, decoded.
type Application struct {
	Bytes       Hex
	Signature   Hex // wire.json only
	From        Hex // messenger.json only
	Type        int32
	TypeName    string `json:"type_name"`
	Payload     Hex
	MessageID   Hex          `json:"message_id"`
	ChatMessage *ChatMessage `json:"chat_message"` // nil for other types
}

// ChatMessage is a 62/STATUS-PAYLOADS ChatMessage, decoded.
type ChatMessage struct {
	ChatID             string `json:"chat_id"`
	Clock              uint64
	Timestamp          uint64
	Text               string
	ContentType        Enum         `json:"content_type"`
	MessageType        Enum         `json:"message_type"`
	State              ContactState `json:"contact_request_propagated_state"`
	CustomizationColor uint32       `json:"customization_color"`
	DisplayName        string       `json:"display_name"`
	ENSName            string       `json:"ens_name"`
	ResponseTo         string       `json:"response_to"`
}

// Enum is a number in wire.json (Name is empty then), a name in messenger.json.
type Enum struct {
	Number int32
	Name   string
}

// UnmarshalJSON takes either form.
func (e *Enum) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		return json.Unmarshal(b, &e.Name)
	}
	return json.Unmarshal(b, &e.Number)
}

// ContactState is a ContactRequestPropagatedState: an object in wire.json, the text
// form of a protobuf in messenger.json.
type ContactState struct {
	LocalClock  uint64 `json:"local_clock"`
	LocalState  uint64 `json:"local_state"`
	RemoteClock uint64 `json:"remote_clock"`
	RemoteState uint64 `json:"remote_state"`
}

// UnmarshalJSON takes either form.
func (s *ContactState) UnmarshalJSON(b []byte) error {
	if len(b) == 0 || b[0] != '"' {
		type object ContactState
		return json.Unmarshal(b, (*object)(s))
	}
	var text string
	if err := json.Unmarshal(b, &text); err != nil {
		return err
	}
	fields := map[string]*uint64{
		"local_clock": &s.LocalClock, "local_state": &s.LocalState,
		"remote_clock": &s.RemoteClock, "remote_state": &s.RemoteState,
	}
	// The library that writes the text puts a random number of spaces into it.
	for _, field := range strings.Fields(strings.ReplaceAll(text, ": ", ":")) {
		name, value, _ := strings.Cut(field, ":")
		into, known := fields[name]
		if !known {
			return fmt.Errorf("contact state with a field %q", name)
		}
		var err error
		if *into, err = strconv.ParseUint(value, 10, 64); err != nil {
			return err
		}
	}
	return nil
}

// MessengerFile is messenger.json.
type MessengerFile struct {
	Participants  Participants
	GeneratedKeys []KeyPair `json:"generated_keys"` // of both sides, in no order
	Messages      []MessengerMessage
}

// MessengerMessage is one message of messenger.json, as it was sent and as its
// receiver saw it.
type MessengerMessage struct {
	From, During string
	WakuMessage         // without Protobuf, see Encoded
	Encoded      Hex    `json:"waku_message"`
	Filter       string `json:"receiver_filter"`
	PrivateKey   Hex    `json:"private_key"`
	SymKey       Hex    `json:"sym_key"`
	Data         Hex    `json:"waku_data"` // the ProtocolMessage
	Signer       Hex    `json:"waku_signer"`
	// Layers is nil if the receiver did not listen to the topic at the time.
	Layers *Layers
}

// Layers is what a receiver of messenger.json made of a message.
type Layers struct {
	Plaintext       Hex
	Signer          Hex
	ProtocolMessage struct {
		InstallationID string `json:"installation_id"`
		Bundles        int
		Public         bool
		Encrypted      []struct {
			InstallationID string `json:"installation_id"`
			DH, X3DH       bool
			ID, Key        Hex
			N, PN          uint32
		}
	} `json:"protocol_message"`
	MVDS        *MVDS
	Application []*Application
}

// ReadWire reads wire.json, which must hold something.
func ReadWire(t testing.TB) WireFile {
	t.Helper()
	var file WireFile
	Read(t, "wire.json", &file)
	if len(file.Messages) == 0 {
		t.Fatal("wire.json holds no messages")
	}
	return file
}

// ReadMessenger reads messenger.json, which must hold something.
func ReadMessenger(t testing.TB) MessengerFile {
	t.Helper()
	var file MessengerFile
	Read(t, "messenger.json", &file)
	if len(file.Messages) == 0 {
		t.Fatal("messenger.json holds no messages")
	}
	return file
}
