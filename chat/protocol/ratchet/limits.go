package ratchet

// Bounds on what a peer, or somebody forging messages, can make us do and keep.
const (
	// MaxSkip is the largest number of messages of one receiving chain that may be
	// missing before the message being decrypted. The deployed clients refuse more, so
	// a sender must not get further ahead than this. One message can skip in two
	// chains, the previous and the new one.
	MaxSkip = 1000

	// MaxSkippedKeys is the number of message keys of missing messages that one session
	// keeps; the oldest are dropped first. The deployed clients keep as many.
	MaxSkippedKeys = 2000

	// MaxKeep is the age at which a kept key goes: once this many message keys have been
	// derived after it. It is the deployed clients' figure, and lets a key for a message
	// that never comes lapse in a session that goes on.
	MaxKeep = 3000
)
