package noise

import "errors"

// The errors of this package. None reveals anything about keys or plaintext.
var (
	// ErrPayload: not a version-2 payload: truncated, trailing bytes, a wrong length.
	ErrPayload = errors.New("noise: not a version 2 payload")
	// ErrProtocol: the protocol id is unknown or not the expected one.
	ErrProtocol = errors.New("noise: not the expected protocol id")
	// ErrNametag: the nametag is not one that is waited for: another's message, one
	// opened before, too old or too far ahead.
	ErrNametag = errors.New("noise: not a nametag that is waited for")
	// ErrKeys: the keys in the message are not those of the pattern, or no key.
	ErrKeys = errors.New("noise: not the keys the pattern has in this message")
	// ErrKey: not an X25519 key, or one of low order.
	ErrKey = errors.New("noise: not a usable X25519 key")
	// ErrAuth: the message does not authenticate: forged, damaged or of another session.
	ErrAuth = errors.New("noise: the message does not authenticate")
	// ErrPadding: the padding is not PKCS#7 with blocks of 248 bytes.
	ErrPadding = errors.New("noise: the padding is wrong")
	// ErrTooLong: the plaintext or the prologue is over its limit.
	ErrTooLong = errors.New("noise: too long")
	// ErrPattern: no pattern has this name.
	ErrPattern = errors.New("noise: unknown handshake pattern")
	// ErrConfig: a key the pattern needs is missing, or one it does not use is given.
	ErrConfig = errors.New("noise: the keys given do not fit the pattern")
	// ErrTurn: it is the other side's turn, or the handshake is over.
	ErrTurn = errors.New("noise: it is not this side's turn")
	// ErrUnfinished: the handshake has messages left.
	ErrUnfinished = errors.New("noise: the handshake is not finished")
	// ErrNotSecret: the handshake has agreed on no secret yet.
	ErrNotSecret = errors.New("noise: the handshake has no secret yet")
	// ErrExhausted: the transport has used all its nonces.
	ErrExhausted = errors.New("noise: no nonces left")
	// ErrStored: a stored value is damaged, of another version, or the zero value.
	ErrStored = errors.New("noise: not a stored handshake or transport")
	// ErrCertificate: a certificate is malformed or its signature is wrong.
	ErrCertificate = errors.New("noise: not a valid static key certificate")
	// ErrCertificateTime: the certificate is not valid yet or any more.
	ErrCertificateTime = errors.New("noise: the static key certificate is not valid now")
	// ErrTopic: an application name, version or shard that cannot stand in a topic.
	ErrTopic = errors.New("noise: not usable as part of a content topic")
)
