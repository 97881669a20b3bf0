package event

import "libstatus1to1/chat/enum"

// Events of syncs: one device of an identity tells another one all it knows.

// Sync is a sync with a paired device.
type Sync struct {
	ID        string `json:"sync_id"`
	PairingID string `json:"pairing_id"`
	// Offers is true if this device offers and sends what it knows, and false if it receives.
	Offers bool `json:"offers"`
	// State is "offered" (the user of the receiving device has to accept), "running", "done" or
	// "failed".
	State enum.SyncState `json:"state"`
	// PausedHere is true while it is paused on this device, PausedThere while it is paused on
	// the other one. It goes on when it is paused on neither.
	PausedHere  bool `json:"paused_here"`
	PausedThere bool `json:"paused_there"`
	// Moved is the number of people, conversations and messages that the receiving device has
	// merged.
	Moved int64 `json:"moved"`
	// Total is the number of all of them as counted at the beginning. It may grow.
	Total int64 `json:"total"`
	// Cause is the error code if the sync failed.
	Cause enum.ErrorCode `json:"cause,omitempty"`
	// By tells which device gave up: "local" or "remote".
	By        enum.Side `json:"by,omitempty"`
	CreatedAt int64     `json:"created_at"`
	EndedAt   int64     `json:"ended_at,omitempty"`
}

// SyncOffered is emitted when a paired device offers what it knows. Ask the user whether
// to take it, and call devices.sync_accept. If this device has no identity yet it gets the
// one of the other device, so show whose that is: peer in pairing.get.
type SyncOffered struct {
	Sync Sync `json:"sync"`
}

// SyncChanged is emitted when a sync is accepted, paused or resumed, on either device.
type SyncChanged struct {
	Sync Sync `json:"sync"`
}

// SyncProgress is emitted when more has been merged, at most 20 times a sync.
type SyncProgress struct {
	SyncID    string `json:"sync_id"`
	PairingID string `json:"pairing_id"`
	Offers    bool   `json:"offers"`
	Moved     int64  `json:"moved"`
	Total     int64  `json:"total"`
}

// SyncDone is emitted on both devices when the receiving one has merged everything.
type SyncDone struct {
	Sync Sync `json:"sync"`
}

// SyncFailed is emitted when a sync ends before that. What was merged stays.
type SyncFailed struct {
	Sync Sync `json:"sync"`
}

// IdentityReceived is emitted when a device without an identity has received one from a
// paired device, and works with it from now on: see identity.get.
type IdentityReceived struct {
	SyncID    string `json:"sync_id"`
	PairingID string `json:"pairing_id"`
}

func (SyncOffered) Type() string      { return "sync_offered" }
func (SyncChanged) Type() string      { return "sync_changed" }
func (SyncProgress) Type() string     { return "sync_progress" }
func (SyncDone) Type() string         { return "sync_done" }
func (SyncFailed) Type() string       { return "sync_failed" }
func (IdentityReceived) Type() string { return "identity_received" }
