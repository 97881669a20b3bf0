package message

import (
	"bytes"
	"testing"
	"time"

	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
	"libstatus1to1/internal/vectors"
)

// checkApplication unwraps the message, compares all that is recorded, wraps it again, and
// looks into a ChatMessage.
func checkApplication(t *testing.T, v *vectors.Application, signer key.Private, carriedAt time.Time) {
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
		checkChatMessage(t, v.ChatMessage, app.Payload, carriedAt)
	}
}

func checkChatMessage(t *testing.T, v *vectors.ChatMessage, payload []byte, carriedAt time.Time) {
	t.Helper()
	cm, err := DecodeChatMessage(payload)
	if err != nil {
		t.Fatal(err)
	}
	v.Check(t, cm)
	if err := ValidateClock(cm.GetClock(), carriedAt); err != nil { // the deployed rule
		t.Errorf("a clock too far ahead: %v", err)
	}
	if err := ValidateChatMessage(cm); err != nil {
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

func TestVectorWire(t *testing.T) {
	file := vectors.ReadWire(t)
	seen := 0
	for _, m := range file.Messages {
		if m.Application == nil {
			continue
		}
		seen++
		t.Run(m.ID, func(t *testing.T) {
			signer := file.Participants.Private(t, m.From)
			checkApplication(t, m.Application, signer, time.Unix(0, m.Waku.Timestamp))
			if cm := m.Application.ChatMessage; cm != nil {
				checkChat(t, signer.Public(), file.Participants.Private(t, m.To).Public(), cm.ChatID)
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
	file := vectors.ReadMessenger(t)
	seen := 0
	for _, m := range file.Messages {
		if m.Layers == nil {
			continue
		}
		t.Run(m.During, func(t *testing.T) {
			signer := file.Participants.Private(t, m.From)
			for _, app := range m.Layers.Application {
				seen++
				checkApplication(t, app, signer, time.Unix(0, m.Timestamp))
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
