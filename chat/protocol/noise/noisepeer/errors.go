package noisepeer

import "errors"

// The errors of this package. After each of them the Peer is as it was.
var (
	// ErrFrame: not a frame of a handshake: truncated, trailing bytes, a field out of its
	// bounds, or one that is not for this installation.
	ErrFrame = errors.New("noisepeer: not a frame of a handshake with this installation")
	// ErrHandshake: the frame belongs to no handshake that is under way: a copy of an old
	// one, or one that was given up.
	ErrHandshake = errors.New("noisepeer: no such handshake is under way")
	// ErrAuth: the frame does not authenticate.
	ErrAuth = errors.New("noisepeer: the frame does not authenticate")
	// ErrCertificate: a certificate is missing, not valid now, or of another identity,
	// installation or static key than it should be.
	ErrCertificate = errors.New("noisepeer: the certificate is not that of this device")
	// ErrClock: a handshake was begun too long ago, or in the future.
	ErrClock = errors.New("noisepeer: the time of the handshake is not plausible")
	// ErrTooMany: a bound on devices or handshakes is reached.
	ErrTooMany = errors.New("noisepeer: too many devices or handshakes")
	// ErrNoSession: there is no session with the device, or on the topic.
	ErrNoSession = errors.New("noisepeer: no such session")
	// ErrOpen: a payload does not open in the session of its topic.
	ErrOpen = errors.New("noisepeer: the payload does not open")
	// ErrSecret: a shared secret without an id or a key, or with an id that is too long.
	ErrSecret = errors.New("noisepeer: not a shared secret")
	// ErrSelf: our own key, certificate or installation id do not fit together.
	ErrSelf = errors.New("noisepeer: our own keys do not fit together")
	// ErrHandover: a hand-over that does not come from a device of our own, or of another
	// session.
	ErrHandover = errors.New("noisepeer: not a hand-over of ours")
	// ErrTooLong: the plaintext is longer than MaxPlaintext.
	ErrTooLong = errors.New("noisepeer: the message is too long")
	// ErrRecord: a stored peer does not read back.
	ErrRecord = errors.New("noisepeer: stored record is damaged")
)
