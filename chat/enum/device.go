package enum

// Of paired devices and what goes between them.

// PairingState is the state of a pairing.
type PairingState string

// The values of PairingState.
const (
	PairingShown     PairingState = "shown"     // the invitation waits to be scanned
	PairingScanned   PairingState = "scanned"   // this device has scanned an invitation and waits for the other one
	PairingCompare   PairingState = "compare"   // the user has to compare the authcodes
	PairingConfirmed PairingState = "confirmed" // the user has confirmed here, and the other device is still to answer
	PairingPaired    PairingState = "paired"
	PairingFailed    PairingState = "failed"
	PairingEnded     PairingState = "ended" // the devices were paired and no longer are
)

// NoiseSessionState is the state of the session with a paired device.
type NoiseSessionState string

// The values of NoiseSessionState.
const (
	NoiseSessionActive     NoiseSessionState = "active"
	NoiseSessionStale      NoiseSessionState = "stale" // over; only late messages are still decrypted
	NoiseSessionTerminated NoiseSessionState = "terminated"
)

// TransferState is the state of a transfer.
type TransferState string

// The values of TransferState.
const (
	TransferRunning TransferState = "running"
	TransferDone    TransferState = "done"
	TransferFailed  TransferState = "failed"
)

// SyncState is the state of a sync with a paired device.
type SyncState string

// The values of SyncState.
const (
	SyncOffered SyncState = "offered" // the user of the receiving device has to accept
	SyncRunning SyncState = "running"
	SyncDone    SyncState = "done"
	SyncFailed  SyncState = "failed"
)

// Side is one of two paired devices.
type Side string

// The values of Side.
const (
	SideLocal  Side = "local"  // this device
	SideRemote Side = "remote" // the other one
)
