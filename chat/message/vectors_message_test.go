package message

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
)

// vectorApplication is an application message as both files record it.
type vectorApplication struct {
	Bytes       hexBytes
	Signature   hexBytes // wire.json only
	From        hexBytes // messenger.json only
	Type        int32
	TypeName    string `json:"type_name"`
	Payload     hexBytes
	MessageID   hexBytes           `json:"message_id"`
	ChatMessage *vectorChatMessage `json:"chat_message"`
}

type vectorChatMessage struct {
	ChatID             string `json:"chat_id"`
	Clock              uint64
	Timestamp          uint64
	Text               string
	ContentType        enumValue   `json:"content_type"`
	MessageType        enumValue   `json:"message_type"`
	State              vectorState `json:"contact_request_propagated_state"`
	CustomizationColor uint32      `json:"customization_color"`
	DisplayName        string      `json:"display_name"`
	ENSName            string      `json:"ens_name"`
	ResponseTo         string      `json:"response_to"`
}

// enumValue is a number (wire.json) or a name (messenger.json).
type enumValue struct {
	number int32
	name   string
}

func (e *enumValue) UnmarshalJSON(b []byte) error {
	if b[0] == '"' {
		return json.Unmarshal(b, &e.name)
	}
	return json.Unmarshal(b, &e.number)
}

func (e enumValue) is(v protoreflect.Enum) bool {
	if e.name != "" {
		value := v.Descriptor().Values().ByNumber(v.Number())
		return value != nil && string(value.Name()) == e.name
	}
	return protoreflect.EnumNumber(e.number) == v.Number()
}

// vectorState is an object (wire.json) or protobuf text (messenger.json).
type vectorState struct {
	wire.ContactRequestPropagatedState
}

func (s *vectorState) UnmarshalJSON(b []byte) error {
	if b[0] == '"' {
		var text string
		if err := json.Unmarshal(b, &text); err != nil {
			return err
		}
		return prototext.Unmarshal([]byte(text), &s.ContactRequestPropagatedState)
	}
	return json.Unmarshal(b, &s.ContactRequestPropagatedState)
}

// check unwraps the message, compares all that is recorded, wraps it again, and
// looks into a ChatMessage.
func (v *vectorApplication) check(t *testing.T, signer key.Private, carriedAt time.Time) {
	t.Helper()
	signedBy := signer.Public()
	if v.From != nil && !bytes.Equal(v.From, signedBy.Uncompressed()) {
		t.Errorf("recorded as from %x", v.From)
	}
	app, err := Unwrap(v.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	if app.Signer != signedBy || !bytes.Equal(app.Payload, v.Payload) || int32(app.Type) != v.Type || app.Type.String() != v.TypeName {
		t.Errorf("unwrapped to %s from %s, want %s from %s", app.Type, app.Signer, v.TypeName, signedBy)
	}
	if id := ID(signedBy, v.Bytes); !bytes.Equal(id[:], v.MessageID) {
		t.Errorf("message id %x, want %x", id, v.MessageID)
	}
	if v.Signature != nil && !bytes.Contains(v.Bytes, v.Signature) {
		t.Error("the recorded signature is not in the bytes")
	}
	again, err := Wrap(signer, app.Type, app.Payload)
	if err != nil || !bytes.Equal(again, v.Bytes) {
		t.Errorf("wrapped again it differs: %x, %v", again, err)
	}
	if (app.Type == wire.ApplicationMetadataMessage_CHAT_MESSAGE) != (v.ChatMessage != nil) {
		t.Fatal("type and chat_message contradict each other")
	}
	if v.ChatMessage != nil {
		v.ChatMessage.check(t, app.Payload, carriedAt)
	}
}

func (v *vectorChatMessage) check(t *testing.T, payload []byte, carriedAt time.Time) {
	t.Helper()
	cm, err := DecodeChatMessage(payload)
	if err != nil {
		t.Fatal(err)
	}
	if cm.GetClock() != v.Clock || cm.GetTimestamp() != v.Timestamp || cm.GetText() != v.Text || cm.GetChatId() != v.ChatID ||
		cm.GetDisplayName() != v.DisplayName || cm.GetEnsName() != v.ENSName || cm.GetResponseTo() != v.ResponseTo ||
		cm.GetCustomizationColor() != v.CustomizationColor || !v.ContentType.is(cm.GetContentType()) || !v.MessageType.is(cm.GetMessageType()) {
		t.Errorf("decoded to %v\nwant %+v", cm, v)
	}
	if !proto.Equal(cm.GetContactRequestPropagatedState(), &v.State.ContactRequestPropagatedState) {
		t.Errorf("contact state %v, want %v", cm.GetContactRequestPropagatedState(), &v.State.ContactRequestPropagatedState)
	}
	if err := ValidateChatMessage(cm, carriedAt); err != nil {
		t.Errorf("refused: %v", err)
	}
	if len(cm.ProtoReflect().GetUnknown()) > 0 || cm.GetContentType() != wire.ChatMessage_TEXT_PLAIN {
		return
	}
	built := NewText(TextParams{Text: v.Text, ChatID: v.ChatID, Clock: v.Clock, Timestamp: v.Timestamp, DisplayName: v.DisplayName})
	// What a first text to a stranger does not carry.
	built.ContactRequestPropagatedState = cm.GetContactRequestPropagatedState()
	built.EnsName, built.ResponseTo, built.CustomizationColor = v.ENSName, v.ResponseTo, v.CustomizationColor
	encoded, err := EncodeChatMessage(built)
	if err != nil || !bytes.Equal(encoded, payload) {
		t.Errorf("built anew it differs: %x, %v\nwant %x", encoded, err, payload)
	}
}

type vectorParticipants map[string]struct {
	IdentityPrivate hexBytes `json:"identity_private"`
}

func (ps vectorParticipants) private(t *testing.T, name string) key.Private {
	t.Helper()
	k, err := key.ParsePrivate(ps[name].IdentityPrivate)
	if err != nil {
		t.Fatalf("participant %q: %v", name, err)
	}
	return k
}

func TestVectorWire(t *testing.T) {
	var file struct {
		Participants vectorParticipants
		Messages     []struct {
			ID, From, To string
			WakuMessage  struct{ Timestamp int64 } `json:"waku_message"`
			Application  *vectorApplication
		}
	}
	readVectors(t, "wire.json", &file)
	seen := 0
	for _, m := range file.Messages {
		if m.Application == nil {
			continue
		}
		seen++
		t.Run(m.ID, func(t *testing.T) {
			signer := file.Participants.private(t, m.From)
			m.Application.check(t, signer, time.Unix(0, m.WakuMessage.Timestamp))
			if cm := m.Application.ChatMessage; cm != nil {
				checkChat(t, signer.Public(), file.Participants.private(t, m.To).Public(), cm.ChatID)
			}
		})
	}
	if seen == 0 {
		t.Fatal("no application messages in the file")
	}
}

// checkChat: the receiver files the message under its sender, the sender's other
// devices file it under its receiver.
func checkChat(t *testing.T, from, to key.Public, chatID string) {
	t.Helper()
	if peer, err := ChatOf(to, from, chatID); err != nil || peer != from {
		t.Errorf("the receiver files it under %s, %v", peer, err)
	}
	if peer, err := ChatOf(from, from, chatID); err != nil || peer != to {
		t.Errorf("the sender's other device files it under %s, %v", peer, err)
	}
}

func TestVectorMessenger(t *testing.T) {
	var file struct {
		Participants vectorParticipants
		Messages     []struct {
			From, During string
			Timestamp    int64
			Layers       *struct {
				MVDS *struct {
					Messages []struct{ Body hexBytes }
				}
				Application []*vectorApplication
			}
		}
	}
	readVectors(t, "messenger.json", &file)
	seen := 0
	for _, m := range file.Messages {
		if m.Layers == nil {
			continue
		}
		t.Run(m.During, func(t *testing.T) {
			signer := file.Participants.private(t, m.From)
			for _, app := range m.Layers.Application {
				seen++
				app.check(t, signer, time.Unix(0, m.Timestamp))
				if m.Layers.MVDS == nil {
					continue
				}
				carried := false
				for _, message := range m.Layers.MVDS.Messages {
					carried = carried || bytes.Equal(message.Body, app.Bytes)
				}
				if !carried {
					t.Error("in none of the MVDS messages")
				}
			}
		})
	}
	if seen == 0 {
		t.Fatal("no application messages in the file")
	}
}
