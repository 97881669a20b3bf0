package chat

import "libstatus1to1/chat/port"

// The ports and errors, by the names a program that uses the engine writes. They are
// declared and documented in package port, which is all that an adapter imports.
type (
	Store          = port.Store
	StoreInfo      = port.StoreInfo
	Tx             = port.Tx
	Table          = port.Table
	Queue          = port.Queue
	Position       = port.Position
	Envelope       = port.Envelope
	Evidence       = port.Evidence
	NetworkState   = port.NetworkState
	NetworkStatus  = port.NetworkStatus
	NetworkPeer    = port.NetworkPeer
	NetworkShard   = port.NetworkShard
	NetworkChange  = port.NetworkChange
	Traffic        = port.Traffic
	Check          = port.Check
	TransportHooks = port.TransportHooks
	Transport      = port.Transport
	EnvelopeID     = port.EnvelopeID
	PublishResult  = port.PublishResult
	Clock          = port.Clock
	Logger         = port.Logger
	Randomness     = port.Randomness
	Error          = port.Error
	Code           = port.Code
	CodeInfo       = port.CodeInfo
)

// Errors of a Transport.
var (
	ErrNoPeers  = port.ErrNoPeers
	ErrTooLarge = port.ErrTooLarge
)

// CodeTable lists every code.
var CodeTable = port.CodeTable

// Errorf makes an Error about field ("" for none).
func Errorf(code Code, field, format string, args ...any) *Error {
	return port.Errorf(code, field, format, args...)
}

// CodeOf returns the code of err, or CodeInternal for an error that is not an *Error.
func CodeOf(err error) Code { return port.CodeOf(err) }

// The states of the network, worst first.
const (
	NetworkStopped = port.NetworkStopped
	NetworkOffline = port.NetworkOffline
	NetworkOnline  = port.NetworkOnline
)

// CheckPassed is the result of a check that found nothing wrong.
const CheckPassed = port.CheckPassed

// The results of publishing for an external network.
const (
	PublishDone        = port.PublishDone
	PublishUnavailable = port.PublishUnavailable
	PublishTooLarge    = port.PublishTooLarge
)

// The modes of NetworkStatus.Mode.
const (
	ModeRelay = port.ModeRelay
	ModeLight = port.ModeLight
)

// The codes of errors. CodeTable describes each.
const (
	CodeBadParams         = port.CodeBadParams
	CodeBadConfig         = port.CodeBadConfig
	CodeUnknownField      = port.CodeUnknownField
	CodeUnknownMethod     = port.CodeUnknownMethod
	CodeBadJSON           = port.CodeBadJSON
	CodeBadClient         = port.CodeBadClient
	CodeClosed            = port.CodeClosed
	CodeForked            = port.CodeForked
	CodeInternal          = port.CodeInternal
	CodeTimeout           = port.CodeTimeout
	CodeNoIdentity        = port.CodeNoIdentity
	CodeIdentityExists    = port.CodeIdentityExists
	CodeBadPhrase         = port.CodeBadPhrase
	CodeBadKey            = port.CodeBadKey
	CodeBadCursor         = port.CodeBadCursor
	CodeNotFound          = port.CodeNotFound
	CodeSelf              = port.CodeSelf
	CodeEmpty             = port.CodeEmpty
	CodeTooLong           = port.CodeTooLong
	CodeTooLarge          = port.CodeTooLarge
	CodeTooMany           = port.CodeTooMany
	CodeClientRefReused   = port.CodeClientRefReused
	CodeBlocked           = port.CodeBlocked
	CodeWrongState        = port.CodeWrongState
	CodeNotVerified       = port.CodeNotVerified
	CodeBadPicture        = port.CodeBadPicture
	CodeBadAttachment     = port.CodeBadAttachment
	CodeBadCard           = port.CodeBadCard
	CodeStoreLocked       = port.CodeStoreLocked
	CodeStoreCorrupt      = port.CodeStoreCorrupt
	CodeStoreIO           = port.CodeStoreIO
	CodeStoreSuspended    = port.CodeStoreSuspended
	CodeStoreNewer        = port.CodeStoreNewer
	CodeWrongPassphrase   = port.CodeWrongPassphrase
	CodePortInUse         = port.CodePortInUse
	CodeBadAddress        = port.CodeBadAddress
	CodeNoPeers           = port.CodeNoPeers
	CodeUndeliverable     = port.CodeUndeliverable
	CodeCancelled         = port.CodeCancelled
	CodeNetworkDown       = port.CodeNetworkDown
	CodeOnOtherDevice     = port.CodeOnOtherDevice
	CodeBadArchive        = port.CodeBadArchive
	CodeFileIO            = port.CodeFileIO
	CodeBadInvitation     = port.CodeBadInvitation
	CodePairingState      = port.CodePairingState
	CodePairingRejected   = port.CodePairingRejected
	CodePairingCancelled  = port.CodePairingCancelled
	CodePairingExpired    = port.CodePairingExpired
	CodePairingUsed       = port.CodePairingUsed
	CodePairingScanned    = port.CodePairingScanned
	CodePairingCommitment = port.CodePairingCommitment
	CodePairingUncertain  = port.CodePairingUncertain
	CodePairingTimeout    = port.CodePairingTimeout
	CodePairingEnded      = port.CodePairingEnded
	CodePairingOutdated   = port.CodePairingOutdated
	CodeTransferTooLarge  = port.CodeTransferTooLarge
	CodeTransferCancelled = port.CodeTransferCancelled
	CodeTransferDamaged   = port.CodeTransferDamaged
	CodeTransferStalled   = port.CodeTransferStalled
	CodeForeignDevice     = port.CodeForeignDevice
	CodeSyncState         = port.CodeSyncState
	CodeSyncCancelled     = port.CodeSyncCancelled
	CodeSyncStalled       = port.CodeSyncStalled
	CodeSyncDamaged       = port.CodeSyncDamaged
)
