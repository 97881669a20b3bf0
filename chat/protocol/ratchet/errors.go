package ratchet

import "errors"

// What a session can fail with. None says anything about keys or plaintext.
var (
	// ErrHeader: the message or the session names no ratchet key.
	ErrHeader = errors.New("ratchet: the ratchet key is missing")
	// ErrPayload: the payload is shorter than an IV and an HMAC, so it holds no message.
	ErrPayload = errors.New("ratchet: the payload is too short")
	// ErrSkip: the message is more than MaxSkip ahead of the last one received.
	ErrSkip = errors.New("ratchet: too many messages are missing before this one")
	// ErrKeyGone: the message key was used, has lapsed, or never existed.
	ErrKeyGone = errors.New("ratchet: the key of this message is gone: opened before, too old, or forged")
	// ErrAuth: the HMAC is wrong: forged, damaged, or of another session.
	ErrAuth = errors.New("ratchet: the message does not authenticate")
	// ErrExhausted: the chain has used up its 2^32 message numbers.
	ErrExhausted = errors.New("ratchet: the chain has no message numbers left")
	// ErrIV: the IV is the zero IV, neither RandomIV nor DerivedIV.
	ErrIV = errors.New("ratchet: no IV was chosen")
	// ErrState: a stored state is damaged, of another version, or the zero State.
	ErrState = errors.New("ratchet: not a session state")
	// ErrSkippedMissing: the state was loaded without its skipped keys, which receiving
	// needs (State.WithSkipped).
	ErrSkippedMissing = errors.New("ratchet: the state's skipped keys are not loaded")
)
