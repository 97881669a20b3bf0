package pairing

import (
	"errors"
	"fmt"
)

// The errors of pairings.
var (
	// ErrQR: the text is no QR code of a pairing.
	ErrQR = errors.New("pairing: not the QR code of a pairing")
	// ErrAltered: the text was an invitation, but is cut or changed. It is an ErrQR too.
	ErrAltered = fmt.Errorf("%w: cut or altered", ErrQR)
	// ErrAuthcode: the QR code is of a device that shows 43's authcode, and Config.Nonces
	// demands the other.
	ErrAuthcode = errors.New("pairing: the authcode of the other device can be searched for")
	// ErrScope: the QR code is of another application or version.
	ErrScope = errors.New("pairing: the QR code is of another application")
	// ErrConfig: a key is missing, or the certificate is too long.
	ErrConfig = errors.New("pairing: the static key or the certificate is unusable")
	// ErrPhase: the pairing is not at this point, or is over.
	ErrPhase = errors.New("pairing: not at this point of the pairing")
	// ErrIgnored: the payload has nothing to do with this pairing, or is forged or
	// damaged. Nothing changed.
	ErrIgnored = errors.New("pairing: not a message of this pairing")
	// ErrSecondScanner: somebody else scanned the QR code too. The pairing goes on.
	ErrSecondScanner = errors.New("pairing: the QR code was scanned twice")
	// ErrStored: a stored value is damaged or of another version.
	ErrStored = errors.New("pairing: not a stored pairing or transfer")

	// ErrRejected: a user said that the authcodes differ.
	ErrRejected = errors.New("pairing: the authcodes were not confirmed")
	// ErrCancelled: a user cancelled.
	ErrCancelled = errors.New("pairing: cancelled")
	// ErrExpired: the QR code was too old.
	ErrExpired = errors.New("pairing: the QR code has expired")
	// ErrUsed: the QR code had been scanned before.
	ErrUsed = errors.New("pairing: the QR code was used already")
	// ErrCommitment: a static key or a nonce is not the one that was committed to.
	ErrCommitment = errors.New("pairing: the static key or the nonce is not the committed one")
	// ErrCertificate: the peer's certificate is invalid or for another static key.
	ErrCertificate = errors.New("pairing: the certificate of the static key is not valid")
	// ErrTimeout: the other side took too long.
	ErrTimeout = errors.New("pairing: timed out")
)

// Reason is the reason of a failure, as an abort carries it.
type Reason byte

// The reasons.
const (
	ReasonRejected Reason = iota + 1
	ReasonCancelled
	ReasonExpired
	ReasonUsed
	ReasonCommitment
	ReasonCertificate
	ReasonTimeout
)

// reasons are the errors of the reasons.
var reasons = map[Reason]error{
	ReasonRejected: ErrRejected, ReasonCancelled: ErrCancelled, ReasonExpired: ErrExpired, ReasonUsed: ErrUsed,
	ReasonCommitment: ErrCommitment, ReasonCertificate: ErrCertificate, ReasonTimeout: ErrTimeout,
}

// Failure is the error of a pairing that failed. errors.Is finds the reason's error in it.
type Failure struct {
	Reason Reason
	Remote bool // the other side gave up
}

// Error is the reason's text, and who gave up.
func (f Failure) Error() string {
	if f.Remote {
		return reasons[f.Reason].Error() + " (by the other device)"
	}
	return reasons[f.Reason].Error()
}

// Unwrap is the reason's error.
func (f Failure) Unwrap() error { return reasons[f.Reason] }
