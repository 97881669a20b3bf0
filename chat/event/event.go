// Package event has one type an event of the library. Events are stored with
// what they report and stay until they are acknowledged, unless they say that they
// are not; each is delivered once a run of the process.
package event

import "encoding/json"

// Event is implemented by every event type.
type Event interface {
	// Type is the event's name on the JSON side, snake_case.
	Type() string
}

// Delivered is an event as it is handed to the program. Seq is 0 for events that are not
// stored (network_changed, peer_changed, log, internal_error, closed).
type Delivered struct {
	Seq  uint64          `json:"seq"`
	Type string          `json:"type"`
	At   int64           `json:"at"` // ms since 1970, when it was emitted
	Data json.RawMessage `json:"data"`
}

// MessageReceived is emitted when a message of somebody else (or of another own
// device) has been decrypted and stored; of one that waits in a request, when its
// sender is accepted, added or written to. It is emitted once a message id.
type MessageReceived struct {
	Message Message `json:"message"`
}

// MessageState is emitted when the state of an outgoing message changes; see Message.
type MessageState struct {
	MessageID string    `json:"message_id"`
	ChatID    string    `json:"chat_id"`
	ClientRef string    `json:"client_ref,omitempty"`
	State     string    `json:"state"`
	Evidence  *Evidence `json:"evidence,omitempty"`
	Failure   string    `json:"failure,omitempty"`
}

// UnsupportedReceived is emitted when somebody sent an application message of a
// type this version does not handle. It is authentic.
type UnsupportedReceived struct {
	From string `json:"from"` // public key, 0x04...
	// ApplicationType is the number in ApplicationMetadataMessage.Type, TypeName its name.
	ApplicationType int32  `json:"application_type"`
	TypeName        string `json:"type_name"`
	MessageID       string `json:"message_id"`
	Payload         []byte `json:"payload" nullable:"true"` // base64: the protobuf inside; null when it is above 16 KiB, or of a stranger
}

// ContactChanged is emitted when a contact is added or changes, also when
// somebody unknown writes for the first time.
type ContactChanged struct {
	Contact Contact `json:"contact"`
}

// ContactRemoved is emitted when a contact is removed.
type ContactRemoved struct {
	PublicKey string `json:"public_key"`
}

// ContactRequestReceived is emitted when somebody asks to be a contact and has not
// before, or has taken it back since. Answer with contacts.accept or
// contacts.decline.
type ContactRequestReceived struct {
	Contact Contact `json:"contact"`
	// Message is what they wrote; missing if the request became known in another way.
	Message *Message `json:"message,omitempty"`
}

// ChatRequestReceived is emitted where strangers are to ask first (engine.strangers is
// "request"), when one who has no message waiting writes something that is no contact
// request. Further messages are kept without an event: chats.list lists the chat with
// requests set. Accept or add them, or write to them, and a message_received event comes
// about each.
type ChatRequestReceived struct {
	Contact Contact `json:"contact"`
	Message Message `json:"message"`
}

// VerificationChanged is emitted when a question to verify somebody is asked,
// answered, declined or cancelled by either side.
type VerificationChanged struct {
	Verification Verification `json:"verification"`
}

// SessionChanged is emitted when a session starts and when it is established by
// the first answer. It expires by the rotation of the pre-key it began from.
type SessionChanged struct {
	Session Session `json:"session"`
}

// SessionRepaired is emitted when something of a session was lost on one side and a new
// session has taken its place: what could not be opened has come again. The user need
// not do anything.
type SessionRepaired struct {
	PublicKey    string `json:"public_key"`
	Installation string `json:"installation_id"`
	// Cause is "no_session", "no_pre_key" or "undecryptable".
	Cause string `json:"cause"`
}

// DeviceFound is emitted when an unknown installation of our own identity shows
// itself: ask the user whether it is theirs, then devices.enable it.
type DeviceFound struct {
	Device Device `json:"device"`
}

// DeviceChanged is emitted when an own installation was enabled or disabled, here or
// by another own device, or has told its name. When this device itself was taken out of the list by
// another one, it gets nothing more.
type DeviceChanged struct {
	Device Device `json:"device"`
}

// DeviceConflict is emitted when two devices of one identity, a contact's or our own,
// have taken each other off the list: one of them may be in the wrong hands. What was
// the case before the second one did so stays the case. Ask over another channel; only a
// new identity helps against somebody who has the key.
type DeviceConflict struct {
	PublicKey string `json:"public_key"` // 0x04...
	// Installation was taken off first. Nothing is sent to it.
	Installation string `json:"installation_id"`
	// Other is the one that it took off its list in turn. For our own identity it is
	// this device.
	Other string `json:"other_installation_id"`
}

// NetworkChanged is emitted when the network becomes online or offline. It is not
// stored: seq is 0, and of several that wait only the latest is delivered.
type NetworkChanged struct {
	State string `json:"state"` // "online", "offline", "stopped"
	Peers int    `json:"peers"`
}

// PeerChanged is emitted when a network peer connects, comes to a shard of ours or
// leaves it, disconnects, or a static peer cannot be reached: the first attempt that
// fails after it was there, or since it is known. It is not stored: seq is 0, and of
// several of one peer that wait only the latest is delivered; of peers that are not
// static, those of the latest 64.
type PeerChanged struct {
	PeerID    string `json:"peer_id"`
	Connected bool   `json:"connected"`
	// Static is set for peers from the configuration or network.connect.
	Static bool `json:"static"`
	// OnShard is set while the peer is on a shard of ours. Only then it gets what we
	// publish, and counts as a peer.
	OnShard bool `json:"on_shard"`
	// Error is why a static peer could not be reached.
	Error string `json:"error,omitempty"`
}

// Overflow stands in place of all events that were dropped because too many were
// waiting, oldest first: one event, which comes before those that are left and names
// each number that is missing. Its seq is to_seq. What they reported is still in
// messages.list, contacts.list and the others. Only what is dropped after it was
// handed out makes another one, with higher numbers.
type Overflow struct {
	FromSeq uint64 `json:"from_seq"`
	ToSeq   uint64 `json:"to_seq"`
}

// EventsWithheld is emitted when events about a stranger are not kept, because too many
// of theirs wait already: strangers have a small share of the queue, so that they push
// out nothing of others. Until some are acknowledged, look into messages.list and
// contacts.list for them.
type EventsWithheld struct {
	PublicKey string `json:"public_key"`
}

// InternalError is emitted when a goroutine of the library panicked. The client
// is closed after it. It is not stored.
type InternalError struct {
	ReportID string `json:"report_id"`
	Where    string `json:"where"`
}

// Log is a diagnostic line, when the configuration asks for log events. It is
// not stored.
type Log struct {
	Level   string         `json:"level"`
	Message string         `json:"message"`
	Fields  map[string]any `json:"fields,omitempty"`
}

// Closed is the last event of a client. It is not stored.
type Closed struct {
	Reason string `json:"reason"` // "close", "internal" or "deleted"
}

func (MessageReceived) Type() string        { return "message_received" }
func (MessageState) Type() string           { return "message_state" }
func (UnsupportedReceived) Type() string    { return "unsupported_received" }
func (ContactChanged) Type() string         { return "contact_changed" }
func (ContactRemoved) Type() string         { return "contact_removed" }
func (ContactRequestReceived) Type() string { return "contact_request_received" }
func (ChatRequestReceived) Type() string    { return "chat_request_received" }
func (VerificationChanged) Type() string    { return "verification_changed" }
func (SessionChanged) Type() string         { return "session_changed" }
func (SessionRepaired) Type() string        { return "session_repaired" }
func (DeviceFound) Type() string            { return "device_found" }
func (DeviceChanged) Type() string          { return "device_changed" }
func (DeviceConflict) Type() string         { return "device_conflict" }
func (NetworkChanged) Type() string         { return "network_changed" }
func (PeerChanged) Type() string            { return "peer_changed" }
func (Overflow) Type() string               { return "overflow" }
func (EventsWithheld) Type() string         { return "events_withheld" }
func (InternalError) Type() string          { return "internal_error" }
func (Log) Type() string                    { return "log" }
func (Closed) Type() string                 { return "closed" }

// All has a zero value of every event type, for generators of schemas and docs.
var All = []Event{
	MessageReceived{}, MessageState{}, UnsupportedReceived{}, ContactChanged{}, ContactRemoved{},
	ContactRequestReceived{}, ChatRequestReceived{}, VerificationChanged{}, SessionChanged{},
	SessionRepaired{}, DeviceFound{}, DeviceChanged{}, DeviceConflict{},
	PairingInvitation{}, PairingAuthcode{}, PairingPaired{}, PairingFailed{}, PairingScannerRefused{}, PairingEnded{},
	TransferOffered{}, TransferProgress{}, TransferDone{}, TransferFailed{},
	NetworkChanged{}, PeerChanged{}, Overflow{}, EventsWithheld{}, InternalError{}, Log{}, Closed{},
}
