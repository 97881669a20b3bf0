package history

import (
	"encoding/hex"

	lru "github.com/hashicorp/golang-lru/v2"

	"libstatus1to1/chat/event"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
)

// Kinds of messages, as event.Message names them.
const (
	KindText           = "text"
	KindContactRequest = "contact_request"
	KindUnsupported    = "unsupported"
)

// EventOf is a stored message as programs see it.
func EventOf(r *wire.MessageRecord) event.Message {
	return event.Message{
		ID: Hex(r.GetId()), ChatID: chatHex(r.GetChat()), From: KeyHex(r.GetFrom()), Outgoing: r.GetOutgoing(),
		Kind: r.GetKind(), Text: r.GetText(), Clock: r.GetClock(), SentAt: r.GetSentAt(), ReceivedAt: r.GetReceivedAt(),
		State: r.GetState(), Failure: r.GetFailure(), ClientRef: r.GetClientRef(), SenderName: r.GetSenderName(),
		ApplicationType: r.GetApplicationType(), Read: r.GetRead(), ClockSkew: r.GetClockSkew(), Request: r.GetRequest(),
		BeforeDevice: r.GetBeforeDevice(), Evidence: evidenceOf(r), Devices: devicesOf(r),
	}
}

// StateEvent tells of the state a stored message is in.
func StateEvent(r *wire.MessageRecord) event.MessageState {
	return event.MessageState{
		MessageID: Hex(r.GetId()), ChatID: chatHex(r.GetChat()), ClientRef: r.GetClientRef(),
		State: r.GetState(), Evidence: evidenceOf(r), Failure: r.GetFailure(),
	}
}

func evidenceOf(r *wire.MessageRecord) *event.Evidence {
	if r.GetEvidenceKind() == "" {
		return nil
	}
	return &event.Evidence{
		Kind: r.GetEvidenceKind(), Peers: int(r.GetEvidencePeers()),
		Installation: r.GetEvidenceInstallation(), At: r.GetEvidenceAt(),
	}
}

func devicesOf(r *wire.MessageRecord) []event.MessageDevice {
	var list []event.MessageDevice
	for _, d := range r.GetDevices() {
		list = append(list, event.MessageDevice{Installation: d.GetInstallationId(), Own: d.GetOwn(), AcknowledgedAt: d.GetAt()})
	}
	return list
}

// Hex is an id as programs see it.
func Hex(b []byte) string { return "0x" + hex.EncodeToString(b) }

// KeyHex is a stored compressed key as programs see it: the whole key. "" for what is no
// key. Finding the other coordinate costs a square root, and a page names the same two
// people again and again, so the last ones are kept.
func KeyHex(compressed []byte) string {
	if len(compressed) != key.CompressedSize {
		return ""
	}
	name := key.Compact(compressed)
	if s, ok := hexForms.Get(name); ok {
		return s
	}
	p, err := key.ParsePublic(compressed)
	if err != nil {
		return ""
	}
	hexForms.Add(name, p.Hex())
	return p.Hex()
}

// chatHex is the id of a stored conversation as programs see it: the key of its person.
func chatHex(conversation []byte) string {
	k, ok := message.ConversationID(conversation).Person()
	if !ok {
		return ""
	}
	return KeyHex(k[:])
}

// hexForms holds public keys and nothing that depends on a client.
var hexForms, _ = lru.New[key.Compact, string](hexFormsKept)

// hexFormsKept is for the people of some pages of chats; each has some 200 bytes.
const hexFormsKept = 512
