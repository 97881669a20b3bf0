package ratchet

// Bounds on what a peer, or somebody forging messages, can make us do and keep.
const (
	// MaxSkip is how many messages of one receiving chain may be missing before the one
	// being opened. The deployed clients refuse more, so a sender must not get further
	// ahead than this. One message can skip in two chains, the previous and the new one.
	MaxSkip = 1000

	// MaxSkippedKeys is how many message keys of missing messages one session keeps; the
	// oldest go first. The deployed clients keep as many.
	MaxSkippedKeys = 2000

	// MaxKeep is the age at which a kept key goes: once this many message keys have been
	// derived after it. It is the deployed clients' figure, and lets a key for a message
	// that never comes lapse in a session that goes on.
	MaxKeep = 3000
)
