package chat

import (
	"time"

	"libstatus1to1/chat/event"
	"libstatus1to1/chat/internal/page"
	"libstatus1to1/chat/protocol/key"
)

// IdentityInfo describes the identity of this client.
type IdentityInfo struct {
	PublicKey      string `json:"public_key"` // 0x04...
	ChatKey        string `json:"chat_key"`   // zQ3sh...
	DisplayName    string `json:"display_name"`
	InstallationID string `json:"installation_id"` // the id of this device (54/WAKU2-X3DH-SESSIONS)
	CreatedAt      int64  `json:"created_at"`
}

// SendRequest is one message to send: a text, or a sticker.
type SendRequest struct {
	To   key.Public
	Text string
	// Kind is "text", the default, or "status". A text of emoji only becomes one of kind
	// "emoji" by itself.
	Kind string
	// ReplyTo is the id of the message of the same chat that it answers.
	ReplyTo *[32]byte
	Sticker *event.Sticker
	// Mentions are parts of Text, such as names, that are replaced by the key of the person
	// they name; Key is a whole key in hex, or "" for everyone.
	Mentions []event.Mention
	// Previews are descriptions of links in the text.
	Previews []event.Preview
	// ExpiresIn is the number of seconds after which the message is erased on both sides; 0 is
	// never. nil: the timer of the chat says it.
	ExpiresIn *uint32
	// Attachments are one recording, or up to MaxAttachments pictures: each is a message of its
	// own, with the same text. Send returns the first of them, which has the ClientRef.
	Attachments []AttachmentRequest
	// ClientRef, when set, makes a repeated call return the first message. At
	// most MaxClientRef bytes.
	ClientRef string
}

// SendResult is the result of one request of a batch: a message, or an error.
type SendResult struct {
	Message event.Message
	Err     error
}

// PageRequest asks for part of a list. Cursor is "" for the first page, else the
// Next of the page before. Limit is 1..MaxPage; 0 means DefaultPage.
type PageRequest = page.Request

// Page is part of a list; Next is "" on the last one.
type Page[T any] = page.Page[T]

// DeliveredEvent is an event as NextEvent hands it out.
type DeliveredEvent = event.Delivered

// StoreCheck is the result of store.check.
type StoreCheck struct {
	Records  int      `json:"records"`
	Problems []string `json:"problems"` // empty if no damage was found
}

// Diagnostics are counters and lengths of queues, for people who look into trouble. None
// shows who talks to whom.
type Diagnostics struct {
	// Received counts envelopes on our topics; Dropped counts those without
	// effect by reason ("payload", "protocol", "signature", "duplicate", ...).
	Received uint64            `json:"received"`
	Dropped  map[string]uint64 `json:"dropped"`
	Sent     uint64            `json:"sent"`
	Resent   uint64            `json:"resent"`
	// Incoming counts the envelopes that wait to be opened.
	Incoming int `json:"incoming"`
	// Outbox counts the messages that wait for publishing or an acknowledgement.
	Outbox int `json:"outbox"`
	// EventsWaiting counts the stored events that are not acknowledged, and EventsUnread
	// the events of any kind that were not handed out.
	EventsWaiting uint64 `json:"events_waiting"`
	EventsUnread  uint64 `json:"events_unread"`
	Goroutines    int    `json:"goroutines"`
	// Open is the time since the client was opened, and LoopWakeups how often the engine's
	// loop has looked for work in it.
	Open        time.Duration `json:"open"`
	LoopWakeups uint64        `json:"loop_wakeups"`
	// Traffic counts bytes and wake-ups of the network; nil for one that does not count them.
	Traffic *Traffic `json:"traffic"`
	// CatchUp is nil for a network that has no store nodes.
	CatchUp *event.CatchUp `json:"catch_up,omitempty"`
}

// Settings are the engine's numbers a host may choose. Zero values mean the
// defaults.
type Settings struct {
	// ResendBase is the wait before an unacknowledged message is sent again the
	// first time; it doubles each time. Default DefaultResendBase. Somebody who is there and
	// acknowledges fast is waited for less, but not below 5 s.
	ResendBase time.Duration
	// AckDelay is the time acknowledgements wait for others to go with. Default
	// DefaultAckDelay.
	AckDelay time.Duration
	// ContactCodeEvery is the interval at which the contact code is published again.
	// Default DefaultContactCodeEvery.
	ContactCodeEvery time.Duration
	// AdvertiseEvery is the least time between two advertisements of this installation to a
	// device that sends to us, but not to it. Default DefaultAdvertiseEvery.
	AdvertiseEvery time.Duration
	// MaxInstallations limits the installations of one identity that messages are addressed
	// to, ours included. Default session.MaxInstallations.
	MaxInstallations int
	// Strangers is the policy for people who write to us unasked. Default StrangersAllow.
	Strangers Strangers
	// KeepEdits keeps the texts before the edits of a message, 20 and 32 KiB at most.
	KeepEdits bool
	// MaxEvents limits the events that may wait unacknowledged before the oldest give way
	// to an overflow event. Default DefaultMaxEvents.
	MaxEvents int
	// MaxEventBytes limits their size in bytes, as they are stored. Default
	// DefaultMaxEventBytes.
	MaxEventBytes int
}
