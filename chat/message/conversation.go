package message

import (
	"errors"

	"libstatus1to1/chat/protocol/key"
)

// ErrConversation is about an id that is not of a conversation with one person.
var ErrConversation = errors.New("message: not the conversation with a person")

// ConversationID names a conversation: one byte for its kind, then the bytes that name
// it among those of its kind. It is comparable, and "" is no conversation. What is said
// belongs to a conversation and comes from a person; only with one person do the two
// have the same key.
type ConversationID string

// kindPerson begins the id of a conversation with one person; the compressed key follows.
const kindPerson = 1

// ConversationWith is the conversation with one person.
func ConversationWith(k key.Public) ConversationID {
	return ConversationWithCompact(k.Compact())
}

// ConversationWithCompact is ConversationWith for a key in its compressed form.
func ConversationWithCompact(k key.Compact) ConversationID {
	var id [1 + key.CompressedSize]byte
	id[0] = kindPerson
	copy(id[1:], k[:])
	return ConversationID(id[:])
}

// ParseConversationID reads a stored id; ok is false when it is of no known kind.
func ParseConversationID(b []byte) (id ConversationID, ok bool) {
	id = ConversationID(b)
	_, err := id.Public()
	return id, err == nil
}

// Bytes is the id as it is stored.
func (id ConversationID) Bytes() []byte { return []byte(id) }

// Person is the compressed key of the other person; ok is false for other kinds. That it
// is the key of anybody is not looked at.
func (id ConversationID) Person() (k key.Compact, ok bool) {
	if len(id) != 1+key.CompressedSize || id[0] != kindPerson {
		return k, false
	}
	return key.Compact([]byte(id[1:])), true
}

// Public is the key of the other person: ErrConversation if there is none.
func (id ConversationID) Public() (key.Public, error) {
	k, ok := id.Person()
	if !ok {
		return key.Public{}, ErrConversation
	}
	p, err := key.ParsePublic(k[:])
	if err != nil {
		return key.Public{}, ErrConversation
	}
	return p, nil
}
