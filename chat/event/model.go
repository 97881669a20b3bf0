package event

import "libstatus1to1/chat/enum"

// The objects of events and results. Keys, hashes and ids are lower-case hex with 0x;
// times are ms since 1970; values from a fixed set are strings.

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
	Kind enum.EvidenceKind `json:"kind"`
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
	Trust enum.Trust `json:"trust"`
	// Request is the state of the contact requests: "none", "sent", "received",
	// "declined" (by us) or "mutual".
	Request enum.RequestState `json:"request"`
	// RequestID is the id of the message that carried their latest contact request.
	RequestID string `json:"request_id,omitempty"`
	// VerifiedBy is the way the key was verified: "safety_number", "question", "card" or
	// "own_device" (in the Status app, on another device of ours).
	VerifiedBy enum.VerifiedBy `json:"verified_by,omitempty"`
	VerifiedAt int64           `json:"verified_at,omitempty"`
	// Untrustworthy is true if the user has said in the Status app, on another device of ours,
	// that this person is not to be trusted.
	Untrustworthy bool  `json:"untrustworthy,omitempty"`
	BlockedAt     int64 `json:"blocked_at,omitempty"`
	// Bio is the text they wrote about themselves.
	Bio string `json:"bio,omitempty"`
	// HasPicture is true if contacts.picture has a picture of this person.
	HasPicture bool `json:"has_picture"`
	// Presence is how they said last that they want to be seen; left out if they say nothing
	// of it.
	Presence *Presence `json:"presence,omitempty"`
	// KeyExchange is what protects the messages to this person: "x3dh" (53/WAKU2-X3DH) or
	// "noise" (35/WAKU2-NOISE). What they send is read by either.
	KeyExchange enum.KeyExchange `json:"key_exchange"`
	// WhileWaiting says, if key_exchange is "noise", what becomes of messages to a device with
	// which the handshake is pending: they "wait" or go by "x3dh".
	WhileWaiting enum.WhileWaiting `json:"while_waiting,omitempty"`
}

// Presence tells how somebody wants to be seen.
type Presence struct {
	// Status is "automatic" (there while their app runs, which says so every five minutes),
	// "always_online", "do_not_disturb" or "inactive".
	Status enum.PresenceStatus `json:"status"`
	// Text is a text of their own, or empty.
	Text string `json:"text,omitempty"`
	// At is when they said so, by their clock, in ms.
	At int64 `json:"at"`
	// OnlineUntil is how long they count as online, in ms, unless they say so again; left
	// out if they do not want to be seen so.
	OnlineUntil int64 `json:"online_until,omitempty"`
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
	State      enum.VerificationState `json:"state"`
	AskedAt    int64                  `json:"asked_at"`
	AnsweredAt int64                  `json:"answered_at,omitempty"`
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
	// Mentions is the number of unread messages that name the user of this device.
	Mentions uint64 `json:"mentions"`
	// MarkedUnread is true after chats.mark_unread, until something in the chat is read.
	MarkedUnread bool `json:"marked_unread"`
	// Muted is true if the program is to be quiet about new messages of the chat: until
	// MutedUntil, in ms, or if that is 0 until it is no longer muted.
	Muted      bool  `json:"muted"`
	MutedUntil int64 `json:"muted_until,omitempty"`
	Archived   bool  `json:"archived"`
	// Clearing is the number of messages that were cleared and are still being erased. They are
	// not shown, found or counted any more.
	Clearing uint64 `json:"clearing,omitempty"`
	// Draft is a text that is not sent yet.
	Draft string `json:"draft,omitempty"`
	// ExpiresIn is the timer of the chat: seconds after which its new messages are erased; left
	// out if they stay.
	ExpiresIn int64 `json:"expires_in,omitempty"`
	// Request is true if the other person is a stranger: somebody we have not added,
	// accepted, asked to be a contact or written to.
	Request     bool     `json:"request"`
	LastMessage *Message `json:"last_message,omitempty"`
	// KeyExchange is what protects the messages to the other person: "x3dh" or "noise".
	KeyExchange enum.KeyExchange `json:"key_exchange"`
}

// Session is one session with one installation of a person.
type Session struct {
	PublicKey    string `json:"public_key"`
	Installation string `json:"installation_id"`
	// KeyExchange is what the session came from: "x3dh" or "noise".
	KeyExchange enum.KeyExchange `json:"key_exchange"`
	// ID is the signed pre-key the session started from, or for "noise" the hash that names
	// its content topic.
	ID string `json:"session_id"`
	// State is "initiated" (our messages still carry the X3DH header; for "noise": a handshake
	// is under way, or the other side was not heard in the session yet), "established",
	// "handed_over" (to another device of ours: this one only reads in it) or "expired".
	State     enum.SessionState `json:"state"`
	Sending   bool              `json:"sending"`  // true if new messages use this session
	Sent      uint32            `json:"sent"`     // number of messages in the current sending chain
	Received  uint32            `json:"received"` // number of messages in the current receiving chain
	Skipped   int               `json:"skipped"`  // number of keys kept for late messages
	CreatedAt int64             `json:"created_at"`
	UsedAt    int64             `json:"used_at"`
}
