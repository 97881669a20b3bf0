// Package message builds and checks the content of messages: application payloads of
// 62/STATUS-PAYLOADS, their signed wrapper, text messages, the rules for accepting
// them, and the clock that orders a chat.
package message

import (
	"errors"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
)

// What unwrapping can fail with.
var (
	// ErrMalformed: not an ApplicationMetadataMessage.
	ErrMalformed = errors.New("message: not an application message")
	// ErrUnsigned: without a signature nobody said it.
	ErrUnsigned = errors.New("message: application message is not signed")
	// ErrSignature: no key can be recovered from the signature.
	ErrSignature = errors.New("message: signature recovers to no key")
)

// Application is an unwrapped application message.
type Application struct {
	// Type is the type of Payload. Types this version does not know are kept.
	Type wire.ApplicationMetadataMessage_Type
	// Payload is the encoded message of that type.
	Payload []byte
	// Signer is the key that signed Payload. In a 1:1 chat it must also be the signer
	// of the WakuMessage and the identity of the session: the caller compares them.
	Signer key.Public
}

// Wrap signs an encoded message of the given type: the bytes of an
// ApplicationMetadataMessage. Errors: key.ErrPrivate for the zero key.
// Spec: 62/STATUS-PAYLOADS, "Payload wrapper".
func Wrap(signer key.Private, typ wire.ApplicationMetadataMessage_Type, payload []byte) ([]byte, error) {
	signature, err := signer.Sign(key.Keccak256(payload))
	if err != nil {
		return nil, err
	}
	return deterministic.Marshal(&wire.ApplicationMetadataMessage{
		Signature: signature,
		Payload:   payload,
		Type:      typ,
	})
}

// Unwrap reads an ApplicationMetadataMessage and recovers its signer.
// Errors: ErrMalformed, ErrUnsigned, ErrSignature.
// Spec: 62/STATUS-PAYLOADS, "Payload wrapper".
func Unwrap(b []byte) (Application, error) {
	var m wire.ApplicationMetadataMessage
	if err := proto.Unmarshal(b, &m); err != nil {
		return Application{}, ErrMalformed
	}
	if len(m.GetSignature()) == 0 {
		return Application{}, ErrUnsigned
	}
	signer, err := key.Recover(key.Keccak256(m.GetPayload()), m.GetSignature())
	if err != nil {
		return Application{}, ErrSignature
	}
	return Application{Type: m.GetType(), Payload: m.GetPayload(), Signer: signer}, nil
}

// UnwrapUnsigned reads an ApplicationMetadataMessage without a signature; the result
// has no Signer. Only the envelope around it tells who sent it. Error: ErrMalformed,
// also for a message with a signature.
// Spec: deployed clients send SYNC_PAIR_INSTALLATION to themselves in this form.
func UnwrapUnsigned(b []byte) (Application, error) {
	var m wire.ApplicationMetadataMessage
	if err := proto.Unmarshal(b, &m); err != nil || len(m.GetSignature()) != 0 {
		return Application{}, ErrMalformed
	}
	return Application{Type: m.GetType(), Payload: m.GetPayload()}, nil
}

// ID is a message's id: keccak256 of the sender's uncompressed key (65 bytes)
// and the ApplicationMetadataMessage's bytes as sent.
// Spec: 62/STATUS-PAYLOADS, "Message"; the deployed formula.
func ID(sender key.Public, applicationBytes []byte) [32]byte {
	return [32]byte(key.Keccak256(sender.Uncompressed(), applicationBytes))
}

// deterministic marshals the same message to the same bytes every time.
var deterministic = proto.MarshalOptions{Deterministic: true}
