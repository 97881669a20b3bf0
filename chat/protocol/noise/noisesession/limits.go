package noisesession

import "time"

const (
	// MaxAge is the age at which a session is due for a new handshake: a stolen transport
	// key opens a week of messages at most.
	MaxAge = 7 * 24 * time.Hour

	// MaxMessages is the number of messages, in both directions together, after which a
	// session is due.
	MaxMessages = 10_000

	// SilenceLimit is the time without a message of the peer after which its session goes
	// stale: as long as store nodes and other clients keep missed messages.
	SilenceLimit = 30 * 24 * time.Hour

	// ExpiryNotice is the time before its end at which a session is due: time for people to
	// meet with both devices.
	ExpiryNotice = 14 * 24 * time.Hour

	// unstoredLife is the life of a session that was stored by a version that did not store
	// the end of the certificate: the life of those our devices issue. It counts from when the
	// session was made, so it ends such a session late by the certificate's age then, at
	// most 150 days.
	unstoredLife = 180 * 24 * time.Hour

	// StaleGrace is the time for which a stale session opens late messages, before its keys
	// are erased.
	StaleGrace = 3 * 24 * time.Hour

	// MaxPerDevice bounds the sessions with one device: the present one, its predecessors
	// while they are stale, and those of simultaneous handshakes.
	MaxPerDevice = 4

	// MaxSessions bounds the sessions of a Set, since each is a topic to listen to.
	MaxSessions = 4096

	// MaxText is the longest plaintext a session seals: its kind byte comes on top.
	MaxText = noiseMaxPlaintext - 1
)
