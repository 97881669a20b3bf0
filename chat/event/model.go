package event

// The things events and answers talk about. Keys, hashes and ids are lower-case
// 0x hex; times are ms since 1970; closed sets are strings.

// Message is one message of a chat.
type Message struct {
	ID     string `json:"message_id"` // 0x + 32 bytes: keccak256(sender key || application message)
	ChatID string `json:"chat_id"`    // the other person's uncompressed key, 0x04...
	// From is the public key of who wrote it.
	From     string `json:"from"`
	Outgoing bool   `json:"outgoing"`
	// Kind is "text", "contact_request" (a text that asks to be contacts), or
	// "unsupported" for a type this version does not know.
	Kind string `json:"kind"`
	Text string `json:"text"`
	// Clock orders the chat: the Lamport clock of the message (62/STATUS-PAYLOADS),
	// ms-based, unless that is too far ahead of our time. Then it is that of the newest
	// message, as it came.
	Clock uint64 `json:"clock"`
	// ClockSkew is how far the sender's clock is ahead of our time, ms, if that is more
	// than two minutes ahead of our time and of the chat: one of the two times is wrong.
	ClockSkew int64 `json:"clock_skew,omitempty"`
	// SentAt is what the sender says; ReceivedAt is by our clock (0 for our own).
	SentAt     int64 `json:"sent_at"`
	ReceivedAt int64 `json:"received_at"`
	// State of an outgoing message: "queued", "sent", "delivered" or "failed"; of
	// an incoming one: "received". It only climbs, but for two cases: a failed message
	// that is tried again, by messages.retry or because its recipient is back, is
	// "queued", and one that is acknowledged after it has failed is "delivered".
	State string `json:"state"`
	// Evidence is why an outgoing message has its state.
	Evidence *Evidence `json:"evidence,omitempty"`
	// Failure is why a message has failed: "undeliverable" (no acknowledgement came in
	// 20 days 12 hours, with the default resend_base_ms: the recipient is away, or does
	// not take it), "cancelled" (by messages.cancel) or "too_large" (the network does not
	// carry it). Those that are undeliverable are tried again when their recipient is back:
	// the last 100 a person, up to 70 days after they failed, up to 3 times.
	Failure   string `json:"failure,omitempty"`
	ClientRef string `json:"client_ref,omitempty"`
	// SenderName is the display name the message carried; it proves nothing.
	SenderName string `json:"sender_name,omitempty"`
	// ApplicationType is the number of an unsupported type (see ApplicationMetadataMessage).
	ApplicationType int32 `json:"application_type,omitempty"`
	Read            bool  `json:"read"`
	// Request is set while it waits in the request of a stranger (engine.strangers is
	// "request"). There is a message_received event about it when they are accepted,
	// added or written to.
	Request bool `json:"request,omitempty"`
	// BeforeDevice: it was written before this device was set up, by the sender's signed
	// clock, and encrypted for any device of ours. It may be one that another device had
	// long ago, which somebody recorded and publishes again.
	BeforeDevice bool `json:"before_device,omitempty"`
	// Devices are those that have an outgoing message; messages.get also lists those
	// it is still being sent to.
	Devices []MessageDevice `json:"devices,omitempty"`
}

// MessageDevice is a device and whether it has a message.
type MessageDevice struct {
	Installation string `json:"installation_id"`
	// Own is set for the other devices of our own identity.
	Own bool `json:"own"`
	// AcknowledgedAt is when it said that it has the message, ms; 0: not yet.
	AcknowledgedAt int64 `json:"acknowledged_at"`
}

// Device is an installation of our own identity (54/WAKU2-X3DH-SESSIONS).
type Device struct {
	Installation string `json:"installation_id"`
	// Name is what it is called on this device, or what it says it is called; others do
	// not see it.
	Name string `json:"name"`
	// This is set for the device we are.
	This bool `json:"this_device"`
	// Enabled: it is in our bundle, and gets what we send.
	Enabled bool `json:"enabled"`
	// Active: it is enabled and among those with the latest sign of life, up to the
	// limit of installations.
	Active bool `json:"active"`
	// LastSeenAt is its last sign of life, ms.
	LastSeenAt int64 `json:"last_seen_at"`
}

// Evidence says why a message has its state.
type Evidence struct {
	// Kind is "relay" (handed to mesh peers), "memory" or "device" (acknowledged by the recipient's device).
	Kind         string `json:"kind"`
	Peers        int    `json:"peers,omitempty"`        // for "relay": how many mesh peers
	Installation string `json:"installation,omitempty"` // for "device": which one
	At           int64  `json:"at"`
}

// Contact is a person we know.
type Contact struct {
	PublicKey string `json:"public_key"` // 0x04...
	ChatKey   string `json:"chat_key"`   // zQ3sh...
	// Name is ours for them; DisplayName is what they call themselves.
	Name        string `json:"name"`
	DisplayName string `json:"display_name"`
	// Added is whether they are in the address book; false for somebody who only
	// wrote to us, or we to them.
	Added   bool  `json:"added"`
	AddedAt int64 `json:"added_at,omitempty"`
	// Trust is "unknown", "requested" (one side has asked to be contacts), "mutual"
	// (both have), "verified" (we made sure that the key is theirs) or "blocked".
	Trust string `json:"trust"`
	// Request is the state of the contact requests: "none", "sent", "received",
	// "declined" (by us) or "mutual".
	Request string `json:"request"`
	// RequestID is the message in which they last asked.
	RequestID string `json:"request_id,omitempty"`
	// VerifiedBy is how the key was verified: "safety_number" or "question".
	VerifiedBy string `json:"verified_by,omitempty"`
	VerifiedAt int64  `json:"verified_at,omitempty"`
	BlockedAt  int64  `json:"blocked_at,omitempty"`
	// Bio is what they say about themselves.
	Bio string `json:"bio,omitempty"`
	// HasPicture: contacts.picture has a picture of theirs.
	HasPicture bool `json:"has_picture"`
}

// Verification is a question one side asked the other to make sure that the key is
// theirs, and what became of it.
type Verification struct {
	ID        string `json:"verification_id"` // message id of the question
	PublicKey string `json:"public_key"`      // the other person
	// Outgoing: we have asked.
	Outgoing bool   `json:"outgoing"`
	Question string `json:"question"`
	Answer   string `json:"answer,omitempty"`
	// State is "asked", "answered", "declined", "cancelled", and of our questions
	// "confirmed" (the answer was right: they are verified) or "rejected".
	State      string `json:"state"`
	AskedAt    int64  `json:"asked_at"`
	AnsweredAt int64  `json:"answered_at,omitempty"`
}

// Segment is a piece of the coloured ring round somebody's picture in the Status app.
type Segment struct {
	Length int `json:"length"` // 1 to 5
	Color  int `json:"color"`  // index into the app's palette, 0 to 31
}

// Chat is a conversation with one person.
type Chat struct {
	ChatID   string `json:"chat_id"`
	ChatKey  string `json:"chat_key"`
	Name     string `json:"name"`
	Messages uint64 `json:"messages"`
	Unread   uint64 `json:"unread"`
	// Request: it is of a stranger, whom we have not added, accepted, asked or written to.
	Request     bool     `json:"request"`
	LastMessage *Message `json:"last_message,omitempty"`
}

// Session is one ratchet session with one installation of a person.
type Session struct {
	PublicKey    string `json:"public_key"`
	Installation string `json:"installation_id"`
	// ID is the signed pre-key the session began from.
	ID string `json:"session_id"`
	// State is "initiated" (X3DH header still sent), "established" or "expired".
	State     string `json:"state"`
	Sending   bool   `json:"sending"` // new messages use it
	Sent      uint32 `json:"sent"`    // messages in the current sending chain
	Received  uint32 `json:"received"`
	Skipped   int    `json:"skipped"` // keys kept for late messages
	CreatedAt int64  `json:"created_at"`
	UsedAt    int64  `json:"used_at"`
}
