package noisesession

import "errors"

// The errors of this package.
var (
	// ErrHandshake: the handshake is not finished.
	ErrHandshake = errors.New("noisesession: the handshake is not finished")
	// ErrCertificate: the certificate is missing, not valid, or not for the static key
	// of the handshake.
	ErrCertificate = errors.New("noisesession: the certificate is not for this static key")
	// ErrIdentity: the certificate is another identity's than the one expected.
	ErrIdentity = errors.New("noisesession: the static key belongs to another identity")
	// ErrNotActive: the session is stale or terminated and seals nothing.
	ErrNotActive = errors.New("noisesession: the session is not active")
	// ErrTerminated: the session's keys are erased; it opens nothing.
	ErrTerminated = errors.New("noisesession: the session is terminated")
	// ErrHandedOver: another device has the session; this one may only open.
	ErrHandedOver = errors.New("noisesession: the session is with another device")
	// ErrRollback: a record is older than the session it is for.
	ErrRollback = errors.New("noisesession: an older record than the session's own")
	// ErrHandover: not a hand-over, or one of another session.
	ErrHandover = errors.New("noisesession: not a hand-over of this session")
	// ErrUnknown: the set has no such session.
	ErrUnknown = errors.New("noisesession: no such session")
	// ErrKnown: the set has this session already; Update and TakeBack change it.
	ErrKnown = errors.New("noisesession: the session is known already")
	// ErrFull: the set holds MaxSessions sessions.
	ErrFull = errors.New("noisesession: too many sessions")
	// ErrStored: a stored session is damaged or of another version.
	ErrStored = errors.New("noisesession: not a stored session")
)
