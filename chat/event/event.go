// Package event has one type per kind of event. Events are stored together with the
// change they report and stay stored until they are acknowledged, unless their type
// says otherwise. Each event is delivered once per run of the process.
package event

import (
	"encoding/hex"
	"encoding/json"

	"libstatus1to1/chat/enum"
)

// Event is implemented by every event type.
type Event interface {
	// Type returns the event's name in JSON, in snake_case.
	Type() string
}

// Hex returns an id as programs see it: 0x and hexadecimal digits.
func Hex(b []byte) string { return "0x" + hex.EncodeToString(b) }

// Delivered is an event as it is handed to the program. Seq is 0 for events that are not
// stored (network_changed, peer_changed, envelope_outgoing, content_topics_changed,
// catch_up_changed, store_node_changed, message_progress, presence_changed, log, internal_error, closed).
type Delivered struct {
	Seq  uint64          `json:"seq"`
	Type string          `json:"type"`
	At   int64           `json:"at"` // ms since 1970, when it was emitted
	Data json.RawMessage `json:"data"`
}

// MessageReceived is emitted when a message from another person, or from another device
// of our own, has been decrypted and stored. A message that waits in a chat request is
// reported when its sender is accepted, added or written to. There is one event per
// message id. It has the message as it is when the event is read: edited or deleted, if it was
// meanwhile. One that is gone by then, cleared or expired, is not reported.
type MessageReceived struct {
	Message Message `json:"message"`
}

// MessageState is emitted when the state of an outgoing message changes. The fields
// have the meaning they have in Message.
type MessageState struct {
	MessageID string              `json:"message_id"`
	ChatID    string              `json:"chat_id"`
	ClientRef string              `json:"client_ref,omitempty"`
	State     enum.DeliveryState  `json:"state"`
	Evidence  *Evidence           `json:"evidence,omitempty"`
	Failure   enum.MessageFailure `json:"failure,omitempty"`
	Waiting   enum.MessageWaiting `json:"waiting,omitempty"`
}

// MessageChanged is emitted when a stored message has changed in something other than its
// state. It has the whole message as it is when the event is read: while one event waits,
// further changes with the same cause that are made by the same side emit no other.
type MessageChanged struct {
	Message Message `json:"message"`
	// Cause is what happened to it: "edited", "deleted", "reaction", "pinned", "attachment",
	// "content" (this version of the library can read it now) or "expired" (it is gone).
	Cause enum.MessageChange `json:"cause"`
}

// ChatChanged is emitted when something about a chat has changed other than its messages and
// what is counted of them. Its last_message and draft are those of when the event is read.
type ChatChanged struct {
	Chat Chat `json:"chat"`
	// Cause is what happened to it: "read", "unread", "muted", "archived", "draft", "cleared"
	// (and once more when the last of many messages is erased), "deleted", "timer" or
	// "expired" (many messages of it at once).
	Cause enum.ChatChange `json:"cause"`
}

// MessageProgress is emitted while a message that is too large for one envelope is being
// sent or received, some 20 times a message. It is not stored: seq is 0, and of several
// waiting events about one message only the latest is delivered. It is not emitted for
// messages of strangers. A message that is sent again begins anew.
type MessageProgress struct {
	ChatID   string `json:"chat_id"`
	Outgoing bool   `json:"outgoing"`
	// MessageID is the id of an outgoing message. That of an incoming one is not known until
	// all of it has arrived.
	MessageID string `json:"message_id,omitempty"`
	// TransferID names an incoming message while it is being received: 0x and 64 hex digits.
	// It is not its message id.
	TransferID string `json:"transfer_id,omitempty"`
	// Done is the number of envelopes that were published, or have arrived.
	Done int `json:"done"`
	// Total is the number of envelopes to publish, or that are needed; 0 if that is not known
	// yet.
	Total int `json:"total"`
}

// BackupProgress is emitted while store.export or store.import runs, some 20 times. It is
// not stored: seq is 0, and of several waiting events only the latest is delivered.
type BackupProgress struct {
	// Action is "export" or "import".
	Action enum.BackupAction `json:"action"`
	// Done is the number of people, verifications, chats and messages that are done.
	Done uint64 `json:"done"`
	// Total is about how many there are.
	Total uint64 `json:"total"`
}

// UnsupportedReceived is emitted when a person sent an application message of a type
// this version does not handle. Its signature has been verified.
type UnsupportedReceived struct {
	From string `json:"from"` // public key, 0x04...
	// ApplicationType is the number of the type in ApplicationMetadataMessage.
	ApplicationType int32 `json:"application_type"`
	// TypeName is the name of that type.
	TypeName  string `json:"type_name"`
	MessageID string `json:"message_id"`
	// Payload is the protobuf message inside, in base64; null if it is larger than 16 KiB or was sent by a stranger.
	Payload []byte `json:"payload" nullable:"true"`
}

// ContactChanged is emitted when a contact is added or changes, and when an unknown
// person writes to us for the first time.
type ContactChanged struct {
	Contact Contact `json:"contact"`
}

// ProfileChanged is emitted when another device of ours has changed the own profile:
// profile.get has the rest of it.
type ProfileChanged struct {
	DisplayName string `json:"display_name"`
	Bio         string `json:"bio"`
	Color       int    `json:"color"`
	HasPicture  bool   `json:"has_picture"`
}

// ContactRemoved is emitted when a contact is removed from the address book.
type ContactRemoved struct {
	PublicKey string `json:"public_key"`
}

// ContactRequestReceived is emitted when a person asks to be a contact, unless an
// earlier request of theirs still stands. Answer it with contacts.accept or
// contacts.decline. The message is as it is when the event is read, if it is still there.
type ContactRequestReceived struct {
	Contact Contact `json:"contact"`
	// Message is the message of the request. It is left out if we learned of the
	// request in another way.
	Message *Message `json:"message,omitempty"`
}

// ChatRequestReceived is emitted, if engine.strangers is "request", when a stranger
// without waiting messages writes something other than a contact request. Their further
// messages are kept without an event; chats.list returns the chat if requests is set.
// Once the stranger is accepted, added or written to, each waiting message is reported
// by a message_received event. The message is as it is when the event is read; if it is gone by
// then, nothing is reported.
type ChatRequestReceived struct {
	Contact Contact `json:"contact"`
	Message Message `json:"message"`
}

// PresenceChanged is emitted when a contact, or another device of ours, says how they want to
// be seen, also if it is the same as before. It is not stored: seq is 0, and of several
// waiting events about one person only the latest is delivered.
type PresenceChanged struct {
	PublicKey string   `json:"public_key"` // 0x04...; our own for another device of ours
	Presence  Presence `json:"presence"`
}

// VerificationChanged is emitted when either side asks, answers, declines or cancels a
// question that verifies a person, and when we confirm or reject an answer.
type VerificationChanged struct {
	Verification Verification `json:"verification"`
}

// SessionChanged is emitted when a session starts and when the first reply establishes
// it. There is no event when a session expires because a newer pre-key has replaced the
// one it started from.
type SessionChanged struct {
	Session Session `json:"session"`
}

// KeyExchangeChanged is emitted when what protects the messages to a person changes.
type KeyExchangeChanged struct {
	PublicKey string `json:"public_key"` // 0x04...
	// KeyExchange is "x3dh" or "noise".
	KeyExchange enum.KeyExchange `json:"key_exchange"`
	// Cause is "chosen" (by contacts.set_key_exchange), "card" (the contact card says so, or
	// it was chosen with it) or "handshake" (they have finished a Noise handshake with us,
	// and nothing else was chosen). The last never changes it to "x3dh".
	Cause enum.KeyExchangeChange `json:"cause"`
}

// SessionRepaired is emitted when one side had lost a session and a new one has
// replaced it: messages that could not be decrypted have arrived again. The user need
// not do anything.
type SessionRepaired struct {
	PublicKey    string `json:"public_key"`
	Installation string `json:"installation_id"`
	// Cause is "no_session", "no_pre_key" or "undecryptable".
	Cause enum.SessionFault `json:"cause"`
}

// DeviceFound is emitted when an unknown installation of our own identity appears. Ask
// the user whether it is theirs, then call devices.enable.
type DeviceFound struct {
	Device Device `json:"device"`
}

// DeviceChanged is emitted when a device of our own identity is enabled or disabled,
// here or on another device, or announces its name. If another device has disabled this
// one, this device receives nothing more.
type DeviceChanged struct {
	Device Device `json:"device"`
}

// DeviceConflict is emitted when two devices of one identity, a contact's or our own,
// have disabled each other: one of them may be in the wrong hands. The second of the
// two changes is not applied. Ask the person over another channel. Against somebody who
// has the key, only a new identity helps.
type DeviceConflict struct {
	PublicKey string `json:"public_key"` // 0x04...
	// Installation is the device that was disabled first. Nothing is sent to it.
	Installation string `json:"installation_id"`
	// Other is the device that this one disabled in turn. For our own identity it is
	// the device we run on.
	Other string `json:"other_installation_id"`
}

// NetworkChanged is emitted when the network goes online or offline. It is not stored:
// seq is 0, and of several that wait only the latest is delivered.
type NetworkChanged struct {
	State enum.NetworkState `json:"state"` // "online", "offline" or "stopped"
	Peers int               `json:"peers"`
}

// PeerChanged is emitted when a peer connects or disconnects, when it comes to one of our
// shards or leaves them, and when a static peer cannot be reached; of repeated failures
// only the first is reported. It is not stored: seq is 0. Of several waiting events of
// one peer only the latest is delivered, and of peers that are not static only the latest
// 64 events wait.
type PeerChanged struct {
	PeerID    string `json:"peer_id"`
	Connected bool   `json:"connected"`
	// Static is true for peers from the configuration or network.connect.
	Static bool `json:"static"`
	// OnShard is true while the peer is on one of our shards. Only then does it get what we
	// publish, and count as a peer.
	OnShard bool `json:"on_shard"`
	// Error is the reason a static peer could not be reached.
	Error string `json:"error,omitempty"`
}

// Overflow replaces the oldest events when too many are waiting. It is one event,
// delivered before the remaining ones, and covers every seq from from_seq to to_seq;
// its own seq is to_seq. What the dropped events reported can still be read with
// messages.list, contacts.list and the other methods. Events dropped after it has been
// delivered are covered by another overflow event with higher numbers.
type Overflow struct {
	FromSeq uint64 `json:"from_seq"`
	ToSeq   uint64 `json:"to_seq"`
}

// EventsWithheld is emitted when events about a stranger are dropped because too many
// of theirs are waiting already: strangers have a small share of the queue, so that
// they cannot displace the events of others. It is also emitted when message_changed events
// about what one contact does are, of which a tenth of the queue may wait. Until some are acknowledged, use
// messages.list and contacts.list to see what this person sent.
type EventsWithheld struct {
	PublicKey string `json:"public_key"`
}

// InternalError is emitted when a goroutine of the library has panicked. The client is
// closed afterwards. It is not stored.
type InternalError struct {
	ReportID string `json:"report_id"`
	Where    string `json:"where"`
}

// Log is a diagnostic line, emitted if log.events is set in the configuration. It is
// not stored.
type Log struct {
	Level   enum.LogLevel  `json:"level"`
	Message string         `json:"message"`
	Fields  map[string]any `json:"fields,omitempty"`
}

// Closed is the last event of a client. It is not stored.
type Closed struct {
	Reason enum.CloseReason `json:"reason"` // "close", "internal" or "deleted"
}

func (MessageReceived) Type() string        { return "message_received" }
func (MessageState) Type() string           { return "message_state" }
func (MessageChanged) Type() string         { return "message_changed" }
func (ChatChanged) Type() string            { return "chat_changed" }
func (MessageProgress) Type() string        { return "message_progress" }
func (BackupProgress) Type() string         { return "backup_progress" }
func (UnsupportedReceived) Type() string    { return "unsupported_received" }
func (ContactChanged) Type() string         { return "contact_changed" }
func (ProfileChanged) Type() string         { return "profile_changed" }
func (ContactRemoved) Type() string         { return "contact_removed" }
func (ContactRequestReceived) Type() string { return "contact_request_received" }
func (ChatRequestReceived) Type() string    { return "chat_request_received" }
func (PresenceChanged) Type() string        { return "presence_changed" }
func (VerificationChanged) Type() string    { return "verification_changed" }
func (SessionChanged) Type() string         { return "session_changed" }
func (KeyExchangeChanged) Type() string     { return "key_exchange_changed" }
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

// All holds a zero value of every event type, for generators of schemas and
// documentation.
var All = []Event{
	MessageReceived{}, MessageState{}, MessageChanged{}, ChatChanged{}, MessageProgress{}, BackupProgress{}, UnsupportedReceived{}, ContactChanged{}, PresenceChanged{}, ContactRemoved{}, ProfileChanged{},
	ContactRequestReceived{}, ChatRequestReceived{}, VerificationChanged{}, SessionChanged{}, KeyExchangeChanged{},
	SessionRepaired{}, DeviceFound{}, DeviceChanged{}, DeviceConflict{},
	PairingInvitation{}, PairingAuthcode{}, PairingPaired{}, PairingFailed{}, PairingScannerRefused{}, PairingEnded{},
	SyncOffered{}, SyncChanged{}, SyncProgress{}, SyncDone{}, SyncFailed{}, IdentityReceived{},
	TransferOffered{}, TransferProgress{}, TransferDone{}, TransferFailed{},
	NetworkChanged{}, PeerChanged{}, EnvelopeOutgoing{}, ContentTopicsChanged{}, CatchUpChanged{}, StoreNodeChanged{},
	Overflow{}, EventsWithheld{}, InternalError{}, Log{}, Closed{},
}
