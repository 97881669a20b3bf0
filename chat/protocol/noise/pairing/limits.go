package pairing

import "time"

const (
	// QRLifetime is how long a QR code is shown: the 30 s that 43 suggests.
	QRLifetime = 30 * time.Second

	// Timeout is how long after message 1 the pairing must be over: time for a person
	// to compare eight digits on two devices.
	Timeout = 2 * time.Minute

	// AnswerTime is how long a scanner waits for the nonce of the shower, which answers by
	// itself: a QR code that nobody answers in its lifetime is not answered any more.
	AnswerTime = QRLifetime

	// RefusalTime is how long the key of an expired or used QR code is kept to tell a
	// late scanner why it is refused. Then it is erased.
	RefusalTime = time.Minute

	// maxExposures is how many QR codes are remembered: those of RefusalTime and the
	// present one.
	maxExposures = int(RefusalTime/QRLifetime) + 2

	// MaxRefusals is how many aborts one pairing sends to scanners it refuses, so that
	// a copied QR code does not make us publish without end.
	MaxRefusals = 8

	// randomSize is the length of r and s: 32 bytes, as deployed.
	randomSize = 32

	// nonceSize is the length of the nonces behind the authcode.
	nonceSize = 32

	// MaxTransfer is the most bytes one transfer moves: 1 GiB, far above what devices
	// of a messenger hand over, and a bound for a forged total.
	MaxTransfer = 1 << 30

	// ChunkSize is how many bytes a chunk carries: sealed, it fits a Waku message of
	// 150 KiB with room for its other fields.
	ChunkSize = 120 << 10

	// MaxInFlight is how far the sender runs ahead, a window of chunks well below the
	// transport's window of 50 messages.
	MaxInFlight = 16 * ChunkSize

	// MaxAhead is how many messages a side seals beyond what the other says to have:
	// below the transport's window of 50, with room for answers.
	MaxAhead = 40

	// MaxName bounds the name of a transfer in bytes: one length byte.
	MaxName = 255
)
