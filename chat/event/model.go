package event

// The objects of events and results. Keys, hashes and ids are lower-case hex with 0x;
// times are ms since 1970; values from a fixed set are strings.

// Message is one message of a conversation.
type Message struct {
	ID     string `json:"message_id"` // 0x + 32 bytes: keccak256(sender key || application message)
	ChatID string `json:"chat_id"`    // the other person's uncompressed key, 0x04...
	// From is the public key of the author.
	From     string `json:"from"`
	Outgoing bool   `json:"outgoing"`
	// Kind is "text", "contact_request" (a text that asks to be a contact) or
	// "unsupported" (a type this version does not know).
	Kind string `json:"kind"`
	Text string `json:"text"`
	// Clock is the Lamport clock of the message (62/STATUS-PAYLOADS), in ms; it orders
	// the messages of the conversation. A clock too far ahead of our time is replaced
	// by the clock of the newest message at arrival.
	Clock uint64 `json:"clock"`
	// ClockSkew is how far the sender's clock is ahead of our time, in ms. It is set if
	// that is more than two minutes and the conversation is not as far ahead: one of
	// the two clocks is wrong.
	ClockSkew int64 `json:"clock_skew,omitempty"`
	// SentAt is the time of sending, by the sender's clock.
	SentAt int64 `json:"sent_at"`
	// ReceivedAt is the time of arrival, by our clock; 0 for messages sent from this device.
	ReceivedAt int64 `json:"received_at"`
	// State is "queued", "sent" (handed to the network), "stored" (a store node has it;
	// only where there are store nodes, and left out if it is delivered sooner), "delivered"
	// or "failed" for an outgoing message and "received" for an incoming one. It moves
	// through these in order, with two exceptions: a failed message that is sent again, by
	// messages.retry or because its recipient is back, is "queued"; and a failed message
	// that is acknowledged after all is "delivered".
	State string `json:"state"`
	// Evidence shows what the state of an outgoing message is based on.
	Evidence *Evidence `json:"evidence,omitempty"`
	// Failure is the reason a message failed: "undeliverable" (no acknowledgement in 20
	// days 12 hours, with the default resend_base_ms: the recipient is away or does not
	// accept it), "cancelled" (by messages.cancel) or "too_large" (the network does not
	// carry it, or not for all devices of the recipient). Undeliverable messages are sent
	// again when their recipient is back: the last 100 of each person, up to 70 days after
	// they failed and up to 3 times.
	Failure string `json:"failure,omitempty"`
	// Waiting is "waiting_for_peer" while a queued message cannot go because a Noise handshake
	// with its recipient is pending (key_exchange of the contact). It is left out otherwise.
	Waiting   string `json:"waiting,omitempty"`
	ClientRef string `json:"client_ref,omitempty"`
	// SenderName is the display name sent with the message. It is not verified.
	SenderName string `json:"sender_name,omitempty"`
	// ApplicationType is the number of the message's type in
	// ApplicationMetadataMessage, if kind is "unsupported".
	ApplicationType int32 `json:"application_type,omitempty"`
	Read            bool  `json:"read"`
	// Request is true while the message waits in a chat request (engine.strangers is
	// "request"). It is reported by a message_received event when its sender is
	// accepted, added or written to.
	Request bool `json:"request,omitempty"`
	// BeforeDevice is true if, by the sender's signed clock, the message was written
	// before this device was set up, and it is encrypted for any device of ours.
	// Another device may have received it long ago, and somebody may have recorded it
	// and published it again.
	BeforeDevice bool `json:"before_device,omitempty"`
	// Devices are the devices that have an outgoing message. messages.get also lists
	// those it is still being sent to.
	Devices []MessageDevice `json:"devices,omitempty"`
}

// MessageDevice is a device, and whether it has received a message.
type MessageDevice struct {
	Installation string `json:"installation_id"`
	// Own is true for the other devices of our own identity.
	Own bool `json:"own"`
	// AcknowledgedAt is the time the device acknowledged the message, in ms; 0 if it
	// has not yet.
	AcknowledgedAt int64 `json:"acknowledged_at"`
}

// Device is an installation of our own identity (54/WAKU2-X3DH-SESSIONS).
type Device struct {
	Installation string `json:"installation_id"`
	// Name is the name given to the device here, or else the name it announced. Other
	// people do not see it.
	Name string `json:"name"`
	// This is true for the device the client runs on.
	This bool `json:"this_device"`
	// Enabled is true if the device is part of our bundle and receives copies of what
	// we send.
	Enabled bool `json:"enabled"`
	// Active is true if the device is enabled and among the most recently seen ones, as
	// many as engine.max_installations allows.
	Active bool `json:"active"`
	// LastSeenAt is the time something was last received from the device, in ms.
	LastSeenAt int64 `json:"last_seen_at"`
}

// Evidence is the basis of a message's state.
type Evidence struct {
	// Kind is "relay" (passed on to mesh peers), "lightpush" (handed to a peer that relays
	// it), "external" (published by the program, as it says), "memory" (passed on in a
	// memory network), "store" (store nodes have it) or "device" (acknowledged by a device
	// of the recipient).
	Kind string `json:"kind"`
	// Peers is the number of mesh peers for "relay", of peers it was relayed to for
	// "lightpush", and of store nodes for "store".
	Peers int `json:"peers,omitempty"`
	// Nodes lists the peer ids of those store nodes, for "store". They may be wrong: their
	// answers are not signed.
	Nodes        []string `json:"nodes,omitempty"`
	Installation string   `json:"installation,omitempty"` // for "device": the device's installation id
	At           int64    `json:"at"`
}

// Contact is a person we know.
type Contact struct {
	PublicKey string `json:"public_key"` // 0x04...
	ChatKey   string `json:"chat_key"`   // zQ3sh...
	// Name is the name we gave this person.
	Name string `json:"name"`
	// DisplayName is the name they gave themselves. It is not verified.
	DisplayName string `json:"display_name"`
	// Added is true if the person is in the address book, and false for somebody who
	// only wrote to us or we to them.
	Added   bool  `json:"added"`
	AddedAt int64 `json:"added_at,omitempty"`
	// Trust is "unknown", "requested" (one side has asked to be a contact), "mutual"
	// (both sides have asked or accepted), "verified" (we made sure that the key is
	// theirs) or "blocked".
	Trust string `json:"trust"`
	// Request is the state of the contact requests: "none", "sent", "received",
	// "declined" (by us) or "mutual".
	Request string `json:"request"`
	// RequestID is the id of the message that carried their latest contact request.
	RequestID string `json:"request_id,omitempty"`
	// VerifiedBy is the way the key was verified: "safety_number", "question" or "card".
	VerifiedBy string `json:"verified_by,omitempty"`
	VerifiedAt int64  `json:"verified_at,omitempty"`
	BlockedAt  int64  `json:"blocked_at,omitempty"`
	// Bio is the text they wrote about themselves.
	Bio string `json:"bio,omitempty"`
	// HasPicture is true if contacts.picture has a picture of this person.
	HasPicture bool `json:"has_picture"`
	// KeyExchange is what protects the messages to this person: "x3dh" (53/WAKU2-X3DH) or
	// "noise" (35/WAKU2-NOISE). What they send is read by either.
	KeyExchange string `json:"key_exchange"`
	// WhileWaiting says, if key_exchange is "noise", what becomes of messages to a device with
	// which the handshake is pending: they "wait" or go by "x3dh".
	WhileWaiting string `json:"while_waiting,omitempty"`
}

// Verification is a question one person asked the other to make sure that the key is
// theirs, with its answer and state.
type Verification struct {
	ID        string `json:"verification_id"` // the message id of the question
	PublicKey string `json:"public_key"`      // the other person's key
	// Outgoing is true if we asked the question.
	Outgoing bool   `json:"outgoing"`
	Question string `json:"question"`
	Answer   string `json:"answer,omitempty"`
	// State is "asked", "answered", "declined" or "cancelled"; for our questions also
	// "confirmed" (the answer was right and the person is verified) or "rejected".
	State      string `json:"state"`
	AskedAt    int64  `json:"asked_at"`
	AnsweredAt int64  `json:"answered_at,omitempty"`
}

// Segment is a piece of the coloured ring around a person's picture in the Status app.
type Segment struct {
	Length int `json:"length"` // 1 to 5
	Color  int `json:"color"`  // index into the app's palette, 0 to 31
}

// Chat is a conversation with one person.
type Chat struct {
	ChatID   string `json:"chat_id"`  // the other person's uncompressed key, 0x04...
	ChatKey  string `json:"chat_key"` // the same key, zQ3sh...
	Name     string `json:"name"`
	Messages uint64 `json:"messages"` // number of stored messages
	Unread   uint64 `json:"unread"`   // number of unread incoming messages
	// Request is true if the other person is a stranger: somebody we have not added,
	// accepted, asked to be a contact or written to.
	Request     bool     `json:"request"`
	LastMessage *Message `json:"last_message,omitempty"`
	// KeyExchange is what protects the messages to the other person: "x3dh" or "noise".
	KeyExchange string `json:"key_exchange"`
}

// Session is one session with one installation of a person.
type Session struct {
	PublicKey    string `json:"public_key"`
	Installation string `json:"installation_id"`
	// KeyExchange is what the session came from: "x3dh" or "noise".
	KeyExchange string `json:"key_exchange"`
	// ID is the signed pre-key the session started from, or for "noise" the hash that names
	// its content topic.
	ID string `json:"session_id"`
	// State is "initiated" (our messages still carry the X3DH header; for "noise": a handshake
	// is under way, or the other side was not heard in the session yet), "established",
	// "handed_over" (to another device of ours: this one only reads in it) or "expired".
	State     string `json:"state"`
	Sending   bool   `json:"sending"`  // true if new messages use this session
	Sent      uint32 `json:"sent"`     // number of messages in the current sending chain
	Received  uint32 `json:"received"` // number of messages in the current receiving chain
	Skipped   int    `json:"skipped"`  // number of keys kept for late messages
	CreatedAt int64  `json:"created_at"`
	UsedAt    int64  `json:"used_at"`
}
