package enum

// Of a client, its store, its log and its pictures.

// StoreKind is the place where a client keeps its data.
type StoreKind string

// The values of StoreKind.
const (
	StoreFile   StoreKind = "file"   // an encrypted file; the default
	StoreMemory StoreKind = "memory" // nothing is on disk; for tests
)

// Strangers selects the treatment of people who write to us unasked.
type Strangers string

// The values of Strangers.
const (
	StrangersAllow   Strangers = "allow"   // their messages are delivered; the default
	StrangersRequest Strangers = "request" // only their contact requests are shown, and anything else waits in a chat request
	StrangersDeny    Strangers = "deny"    // their messages are ignored without being decrypted
)

// LogLevel is the level of a diagnostic line.
type LogLevel string

// The values of LogLevel.
const (
	LogDebug LogLevel = "debug"
	LogInfo  LogLevel = "info" // the default
	LogWarn  LogLevel = "warn"
	LogError LogLevel = "error"
)

// CloseReason is the reason a client was closed.
type CloseReason string

// The values of CloseReason.
const (
	ClosedByProgram  CloseReason = "close"    // the program closed it
	ClosedByDefect   CloseReason = "internal" // a defect of the library
	ClosedByDeletion CloseReason = "deleted"  // the identity was deleted
)

// BackupAction tells whether a backup is being written or read.
type BackupAction string

// The values of BackupAction.
const (
	BackupExport BackupAction = "export"
	BackupImport BackupAction = "import"
)

// ErrorCategory is the group of an error code.
type ErrorCategory string

// The values of ErrorCategory.
const (
	CategoryRequest  ErrorCategory = "request"
	CategoryIdentity ErrorCategory = "identity"
	CategoryContact  ErrorCategory = "contact"
	CategoryMessage  ErrorCategory = "message"
	CategoryPairing  ErrorCategory = "pairing"
	CategoryStore    ErrorCategory = "store"
	CategoryNetwork  ErrorCategory = "network"
	CategoryInternal ErrorCategory = "internal"
)

// PictureFormat is the form of a drawn picture.
type PictureFormat string

// The values of PictureFormat.
const (
	FormatPNG      PictureFormat = "png" // the default
	FormatSVG      PictureFormat = "svg"
	FormatTerminal PictureFormat = "terminal" // lines of block characters
)

// IdenticonFormat is the form of a drawn identicon.
type IdenticonFormat string

// The values of IdenticonFormat.
const (
	IdenticonPNG IdenticonFormat = "png" // the default
	IdenticonSVG IdenticonFormat = "svg"
)

// IdenticonStyle is a picture by which people tell keys apart.
type IdenticonStyle string

// The values of IdenticonStyle.
const (
	StyleRing      IdenticonStyle = "ring"      // the ring of colours around a disc, as the Status app shows people; the default
	StyleIdenticon IdenticonStyle = "identicon" // the pattern of squares of its earlier versions
)

// QRLevel selects the share of a QR code that may be dirty or covered.
type QRLevel string

// The values of QRLevel.
const (
	QRL QRLevel = "L" // 7 %; the default, and right for screens
	QRM QRLevel = "M" // 15 %
	QRQ QRLevel = "Q" // 25 %
	QRH QRLevel = "H" // 30 %
)

// ErrorCode is the code of an error. The codes and what they mean are in the table of
// package port.
type ErrorCode string
