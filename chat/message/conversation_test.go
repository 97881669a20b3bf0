package message_test

import (
	"crypto/rand"
	"errors"
	"testing"

	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/key"
)

func TestConversationID(t *testing.T) {
	k, err := key.Generate(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	id := message.ConversationWith(k.Public())
	if id != message.ConversationWithCompact(k.Public().Compact()) || len(id) != 1+key.CompressedSize {
		t.Errorf("the id is %x", id)
	}
	if got, ok := id.Person(); !ok || got != k.Public().Compact() {
		t.Errorf("it is with %x, %v", got, ok)
	}
	if got, err := id.Public(); err != nil || got != k.Public() {
		t.Errorf("it is with %v, %v", got, err)
	}
	if got, ok := message.ParseConversationID(id.Bytes()); !ok || got != id {
		t.Errorf("it reads back as %x, %v", got, ok)
	}
	for name, b := range map[string][]byte{
		"nothing": nil, "a key without a kind": k.Public().Compressed(), "another kind": append([]byte{9}, id[1:]...),
		"too short": id.Bytes()[:33], "no point": append([]byte{1, 5}, id[2:]...),
	} {
		if _, ok := message.ParseConversationID(b); ok {
			t.Errorf("%s is taken for an id", name)
		}
		if _, err := message.ConversationID(b).Public(); !errors.Is(err, message.ErrConversation) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
