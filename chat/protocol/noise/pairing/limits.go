package pairing

import "time"

const (
	// QRLifetime is the time for which a QR code is displayed: the 30 s that 43 suggests.
	QRLifetime = 30 * time.Second

	// Timeout is the time after message 1 at which the pairing fails: enough for a person to
	// compare eight digits on two devices.
	Timeout = 2 * time.Minute

	// AnswerTime is the time a scanner waits for the nonce of the displayer. No user is
	// involved, and after the lifetime of its QR code the displayer does not answer.
	AnswerTime = QRLifetime

	// RefusalTime is the time for which the key of an expired or used QR code is kept, to
	// tell a late scanner the reason of its refusal. Then it is erased.
	RefusalTime = time.Minute

	// maxExposures bounds the remembered QR codes: the present one and those of the last
	// RefusalTime.
	maxExposures = int(RefusalTime/QRLifetime) + 2

	// MaxRefusals bounds the aborts of one pairing to scanners it refuses, so that a copied
	// QR code does not make us publish without end.
	MaxRefusals = 8

	// randomSize is the length of r and s: 32 bytes, as deployed.
	randomSize = 32

	// nonceSize is the length of the nonces behind the authcode.
	nonceSize = 32

	// MaxTransfer bounds the bytes of one transfer: 1 GiB, far above what devices of a
	// messenger hand over, and a bound for a forged total.
	MaxTransfer = 1 << 30

	// ChunkSize is the number of bytes in a chunk: sealed, it fits a Waku message of 150 KiB
	// with room for its other fields.
	ChunkSize = 120 << 10

	// MaxInFlight bounds the bytes that are sent and not acknowledged: a window of chunks
	// well below the transport's window of 50 messages.
	MaxInFlight = 16 * ChunkSize

	// MaxAhead bounds the sealed messages that the other side has not acknowledged: below
	// the transport's window of 50, with room for answers.
	MaxAhead = 40

	// MaxName bounds the name of a transfer in bytes: one length byte.
	MaxName = 255
)
