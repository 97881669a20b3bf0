package event

import "libstatus1to1/chat/enum"

// Events of pairings (43/WAKU2-DEVICE-PAIRING) and of the transfers after them.

// Pairing is one pairing with another device.
type Pairing struct {
	ID string `json:"pairing_id"`
	// State is "shown" (the invitation waits to be scanned), "scanned" (this device has
	// scanned an invitation and waits for the other one), "compare" (the user has to
	// compare the authcodes), "confirmed" (the user has confirmed here, and the other
	// device is still to answer), "paired", "failed" or "ended" (the devices were
	// paired and no longer are).
	State enum.PairingState `json:"state"`
	// Asks is true if this device asks to be paired with the other one, which the user
	// already has set up.
	Asks bool `json:"asks"`
	// Shows is true if this device shows the invitation and the other one scans it.
	Shows bool `json:"shows"`
	// Invitation is the text for the QR code, while one is shown.
	Invitation string `json:"invitation,omitempty"`
	// ExpiresAt is the time a new invitation replaces this one.
	ExpiresAt int64 `json:"expires_at,omitempty"`
	// Authcode is the 8 digits that both devices must show, while the user compares
	// them.
	Authcode string `json:"authcode,omitempty"`
	// Peer is the other device, once paired.
	Peer *PairedDevice `json:"peer,omitempty"`
	// Session is the session between the two devices, once paired.
	Session *NoiseSession `json:"session,omitempty"`
	// Cause is the error code if the pairing failed or ended.
	Cause enum.ErrorCode `json:"cause,omitempty"`
	// By tells which device gave up: "local" or "remote".
	By        enum.Side `json:"by,omitempty"`
	CreatedAt int64     `json:"created_at"`
	PairedAt  int64     `json:"paired_at,omitempty"`
	EndedAt   int64     `json:"ended_at,omitempty"`
}

// PairedDevice describes the other device of a pairing, according to its certificate.
type PairedDevice struct {
	PublicKey    string `json:"public_key"` // 0x04...
	ChatKey      string `json:"chat_key"`   // zQ3sh...
	Installation string `json:"installation_id"`
	// Own is true if the device belongs to our own identity, and false if it belongs to
	// another person.
	Own bool `json:"own"`
	// Provisional is true if the device has no identity yet. Its keys were made for the
	// pairing and are nobody's: only the authcode tells whose device it is. It gets our
	// identity by devices.sync.
	Provisional bool `json:"provisional"`
}

// NoiseSession is a session of 37/WAKU2-NOISE-SESSIONS.
type NoiseSession struct {
	// ID is the public form of the session id: SHA256(SHA256(session-id)).
	ID string `json:"id"`
	// State is "active", "stale" (over; only late messages are still decrypted) or
	// "terminated".
	State     enum.NoiseSessionState `json:"state"`
	CreatedAt int64                  `json:"created_at"`
	// HeardAt is the time the latest message from the other device arrived.
	HeardAt int64 `json:"heard_at"`
	// ExpiresAt is the time the other device's certificate expires, which ends the
	// session.
	ExpiresAt int64 `json:"expires_at"`
	// Due is true if the session should be renewed by pairing again: its keys are old
	// or much used, or it ends within two weeks.
	Due bool `json:"due"`
}

// Transfer is data being sent to or received from a paired device.
type Transfer struct {
	ID        string `json:"transfer_id"`
	PairingID string `json:"pairing_id"`
	Outgoing  bool   `json:"outgoing"`
	// Name is the name the sender gave the data. For an incoming transfer it is a
	// single line without control characters, but untrusted: do not use it as a path.
	Name string `json:"name"`
	Size int64  `json:"size"` // bytes
	// SHA256 is the hash of all bytes. It has been verified if an incoming transfer is
	// done.
	SHA256 string `json:"sha256"`
	// Moved is the number of bytes the receiver has.
	Moved int64 `json:"moved"`
	// State is "running", "done" or "failed".
	State enum.TransferState `json:"state"`
	// Cause is the error code if the transfer failed.
	Cause enum.ErrorCode `json:"cause,omitempty"`
	// By tells which device gave up: "local" or "remote".
	By        enum.Side `json:"by,omitempty"`
	CreatedAt int64     `json:"created_at"`
	EndedAt   int64     `json:"ended_at,omitempty"`
}

// PairingInvitation is emitted when there is an invitation to show: the first one, and
// each one that replaces an expired one. Show it as a QR code or pass the text on.
type PairingInvitation struct {
	PairingID  string `json:"pairing_id"`
	Invitation string `json:"invitation"`
	ExpiresAt  int64  `json:"expires_at"`
	// Renewed is true if this invitation replaces an expired one.
	Renewed bool `json:"renewed"`
}

// PairingAuthcode is emitted when the two devices have found each other. Show the
// digits to the user and call pairing.confirm with their answer. Without an answer, the
// pairing fails after two minutes. The device that scanned waits at most 30 seconds for
// the digits.
type PairingAuthcode struct {
	PairingID string `json:"pairing_id"`
	Authcode  string `json:"authcode"` // 8 digits
}

// PairingPaired is emitted when the users of both devices have confirmed and the other
// device's certificate is verified. Check peer: its identity may be another person's.
type PairingPaired struct {
	Pairing Pairing `json:"pairing"`
}

// PairingFailed is emitted when a pairing ends before the devices are paired, or when
// the other device refuses ours in the very last step.
type PairingFailed struct {
	PairingID string         `json:"pairing_id"`
	Cause     enum.ErrorCode `json:"cause"` // an error code that starts with pairing_
	By        enum.Side      `json:"by"`    // the device that gave up: "local" or "remote"
}

// PairingScannerRefused is emitted when a device scanned an invitation that is no
// longer valid. The pairing itself continues unchanged.
type PairingScannerRefused struct {
	PairingID string `json:"pairing_id"`
	// Cause is "pairing_expired", "pairing_used" (the invitation has already led to a
	// pairing), "pairing_scanned_twice" (another device scanned it before, and its
	// authcode is being compared), or the code with which the pairing had failed.
	Cause enum.ErrorCode `json:"cause"`
}

// PairingEnded is emitted when two devices that were paired no longer are.
type PairingEnded struct {
	PairingID string    `json:"pairing_id"`
	By        enum.Side `json:"by"` // the device that ended it: "local" or "remote"
	// Cause is "pairing_ended" if one device discarded the pairing or the other was
	// silent for too long, and "pairing_outdated" if the other device's certificate has
	// expired.
	Cause enum.ErrorCode `json:"cause"`
}

// TransferOffered is emitted when a paired device starts to send data. It is accepted
// automatically; transfers.cancel stops it.
type TransferOffered struct {
	Transfer Transfer `json:"transfer"`
}

// TransferProgress is emitted when more bytes of a transfer have arrived, at most 20
// times per transfer.
type TransferProgress struct {
	TransferID string `json:"transfer_id"`
	PairingID  string `json:"pairing_id"`
	Outgoing   bool   `json:"outgoing"`
	Moved      int64  `json:"moved"` // bytes
	Size       int64  `json:"size"`
}

// TransferDone is emitted when all bytes have arrived and their hash is verified. Read
// an incoming transfer with transfers.read, then remove it with transfers.discard.
type TransferDone struct {
	Transfer Transfer `json:"transfer"`
}

// TransferFailed is emitted when a transfer ends before all bytes have arrived.
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
