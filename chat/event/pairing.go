package event

// Events of pairings (43/WAKU2-DEVICE-PAIRING) and of the transfers after them.

// Pairing is one pairing with another device, and what came of it.
type Pairing struct {
	ID string `json:"pairing_id"`
	// State is "shown" (the invitation waits to be scanned), "scanned" (this device has
	// scanned one, and the other is to answer), "compare" (the user is to compare the
	// authcodes), "confirmed" (ours has, the other side is to answer), "paired", "failed",
	// or "ended" (it was paired and is no more).
	State string `json:"state"`
	// Asks: this device asks to be paired with the other one, which knows the user already.
	Asks bool `json:"asks"`
	// Shows: this device shows the invitation and the other one scans it.
	Shows bool `json:"shows"`
	// Invitation is the text of the QR code, while it is shown; ExpiresAt is when another
	// one takes its place.
	Invitation string `json:"invitation,omitempty"`
	ExpiresAt  int64  `json:"expires_at,omitempty"`
	// Authcode are the 8 digits that both devices must show, while they are compared.
	Authcode string `json:"authcode,omitempty"`
	// Peer is the other device, once paired.
	Peer *PairedDevice `json:"peer,omitempty"`
	// Session is what the two talk through, once paired.
	Session *NoiseSession `json:"session,omitempty"`
	// Cause is the error code of why it failed or ended, By who gave up: "local" or
	// "remote".
	Cause     string `json:"cause,omitempty"`
	By        string `json:"by,omitempty"`
	CreatedAt int64  `json:"created_at"`
	PairedAt  int64  `json:"paired_at,omitempty"`
	EndedAt   int64  `json:"ended_at,omitempty"`
}

// PairedDevice is the other device of a pairing, as its certificate says.
type PairedDevice struct {
	PublicKey    string `json:"public_key"` // 0x04...
	ChatKey      string `json:"chat_key"`   // zQ3sh...
	Installation string `json:"installation_id"`
	// Own: its identity is ours too. Otherwise it belongs to somebody else.
	Own bool `json:"own"`
}

// NoiseSession is a session of 37/WAKU2-NOISE-SESSIONS.
type NoiseSession struct {
	// ID is the public form of the session's id: SHA256(SHA256(session-id)).
	ID string `json:"id"`
	// State is "active", "stale" (only late messages are opened) or "terminated".
	State     string `json:"state"`
	CreatedAt int64  `json:"created_at"`
	// HeardAt is when the last message of the other device came.
	HeardAt int64 `json:"heard_at"`
	// ExpiresAt is when the other device's certificate runs out: the session ends then.
	ExpiresAt int64 `json:"expires_at"`
	// Due: its keys are old or much used, or it ends within two weeks; better pair again.
	Due bool `json:"due"`
}

// Transfer is a number of bytes on its way to or from a paired device.
type Transfer struct {
	ID        string `json:"transfer_id"`
	PairingID string `json:"pairing_id"`
	Outgoing  bool   `json:"outgoing"`
	// Name is what the sender calls it. Of an incoming one it is on one line and without
	// control characters, but untrusted: do not use it as a path.
	Name string `json:"name"`
	Size int64  `json:"size"` // bytes
	// SHA256 is that of all bytes; it was checked when an incoming transfer is done.
	SHA256 string `json:"sha256"`
	// Moved is how many bytes the receiver has.
	Moved int64 `json:"moved"`
	// State is "running", "done" or "failed".
	State string `json:"state"`
	// Cause is the error code of why it failed, By who gave up: "local" or "remote".
	Cause     string `json:"cause,omitempty"`
	By        string `json:"by,omitempty"`
	CreatedAt int64  `json:"created_at"`
	EndedAt   int64  `json:"ended_at,omitempty"`
}

// PairingInvitation is emitted when an invitation is to be shown: the first, and each
// that takes the place of an expired one. Show it as a QR code, or hand the text over.
type PairingInvitation struct {
	PairingID  string `json:"pairing_id"`
	Invitation string `json:"invitation"`
	ExpiresAt  int64  `json:"expires_at"`
	// Renewed: it takes the place of one that has expired.
	Renewed bool `json:"renewed"`
}

// PairingAuthcode is emitted when the other device was met: show the user the digits, and
// call pairing.confirm with what they say. Without an answer the pairing fails after two
// minutes, and the device that scanned has waited 30 seconds at most for the digits.
type PairingAuthcode struct {
	PairingID string `json:"pairing_id"`
	Authcode  string `json:"authcode"` // 8 digits
}

// PairingPaired is emitted when both users have confirmed and the other device's
// certificate is verified. Look at peer: its identity may be another one than ours.
type PairingPaired struct {
	Pairing Pairing `json:"pairing"`
}

// PairingFailed is emitted when a pairing ends before the devices are paired, or when the
// other device refuses ours in the very last step.
type PairingFailed struct {
	PairingID string `json:"pairing_id"`
	Cause     string `json:"cause"` // an error code, pairing_...
	By        string `json:"by"`    // who gave up: "local" or "remote"
}

// PairingScannerRefused is emitted when somebody scanned an invitation that is no longer
// good. The pairing goes on as it is.
type PairingScannerRefused struct {
	PairingID string `json:"pairing_id"`
	// Cause is "pairing_expired", "pairing_used" (a pairing came of it before) or
	// "pairing_scanned_twice" (while the first scanner's authcode is being compared), or
	// why the pairing had failed.
	Cause string `json:"cause"`
}

// PairingEnded is emitted when two devices that were paired no longer are.
type PairingEnded struct {
	PairingID string `json:"pairing_id"`
	By        string `json:"by"` // "local" or "remote"
	// Cause is the error code: "pairing_ended" if one side has discarded it or the other
	// was silent for too long, "pairing_outdated" if the other device's certificate has run
	// out.
	Cause string `json:"cause"`
}

// TransferOffered is emitted when a paired device begins to send something. It is taken
// unless transfers.cancel says otherwise.
type TransferOffered struct {
	Transfer Transfer `json:"transfer"`
}

// TransferProgress is emitted when a transfer has come further, at most 20 times a
// transfer.
type TransferProgress struct {
	TransferID string `json:"transfer_id"`
	PairingID  string `json:"pairing_id"`
	Outgoing   bool   `json:"outgoing"`
	Moved      int64  `json:"moved"` // bytes
	Size       int64  `json:"size"`
}

// TransferDone is emitted when all bytes have arrived and their hash is right. An incoming
// transfer is read with transfers.read and let go of with transfers.discard.
type TransferDone struct {
	Transfer Transfer `json:"transfer"`
}

// TransferFailed is emitted when a transfer ends without all bytes having arrived.
type TransferFailed struct {
	Transfer Transfer `json:"transfer"`
}

func (PairingInvitation) Type() string     { return "pairing_invitation" }
func (PairingAuthcode) Type() string       { return "pairing_authcode" }
func (PairingPaired) Type() string         { return "pairing_paired" }
func (PairingFailed) Type() string         { return "pairing_failed" }
func (PairingScannerRefused) Type() string { return "pairing_scanner_refused" }
func (PairingEnded) Type() string          { return "pairing_ended" }
func (TransferOffered) Type() string       { return "transfer_offered" }
func (TransferProgress) Type() string      { return "transfer_progress" }
func (TransferDone) Type() string          { return "transfer_done" }
func (TransferFailed) Type() string        { return "transfer_failed" }
