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

// SendRequest is what messages.send takes.
type SendRequest struct {
	To   key.Public
	Text string
	// ClientRef, when set, makes a repeated call return the first message. At
	// most MaxClientRef bytes.
	ClientRef string
}

// SendResult is what became of one request of a batch: a message, or why there is
// none.
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

// Diagnostics are counters and depths, for people who look into trouble. None
// tells who talks to whom.
type Diagnostics struct {
	// Received counts envelopes on our topics; Dropped counts those without
	// effect by reason ("payload", "protocol", "signature", "duplicate", ...).
	Received uint64            `json:"received"`
	Dropped  map[string]uint64 `json:"dropped"`
	Sent     uint64            `json:"sent"`
	Resent   uint64            `json:"resent"`
	// Incoming is how many envelopes wait to be opened.
	Incoming int `json:"incoming"`
	// Outbox is how many messages wait for publishing or an acknowledgement.
	Outbox int `json:"outbox"`
	// EventsWaiting is how many stored events are not acknowledged, and EventsUnread
	// how many of all events were not handed out.
	EventsWaiting uint64 `json:"events_waiting"`
	EventsUnread  uint64 `json:"events_unread"`
	Goroutines    int    `json:"goroutines"`
}

// Settings are the engine's numbers a host may choose. Zero values mean the
// defaults.
type Settings struct {
	// ResendBase is the wait before an unacknowledged message is sent again the
	// first time; it doubles each time. Default DefaultResendBase.
	ResendBase time.Duration
	// AckDelay is how long acknowledgements wait for company. Default DefaultAckDelay.
	AckDelay time.Duration
	// ContactCodeEvery is how often the contact code is published again. Default
	// DefaultContactCodeEvery.
	ContactCodeEvery time.Duration
	// AdvertiseEvery is how often a device that sends to us, but not to this
	// installation, is told of it at most. Default DefaultAdvertiseEvery.
	AdvertiseEvery time.Duration
	// MaxInstallations is how many installations of one identity messages are
	// addressed to, ours included. Default session.MaxInstallations.
	MaxInstallations int
	// Strangers is what becomes of people who write to us unasked. Default
	// StrangersAllow.
	Strangers Strangers
	// MaxEvents is how many events may wait unacknowledged before the oldest
	// give way to an overflow event. Default DefaultMaxEvents.
	MaxEvents int
	// MaxEventBytes is how many bytes these may have, as they are stored. Default
	// DefaultMaxEventBytes.
	MaxEventBytes int
}
