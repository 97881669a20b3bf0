package devicesync

import "time"

const (
	// partBytes is the size at which a part is complete, and maxBatches the number of batches at
	// which it is. Both sides have a whole part in memory, and its encoding; it is large enough
	// that the round trip of a part costs little.
	partBytes  = 512 << 10
	maxBatches = 16
	// maxAhead bounds the parts that the other device has not merged: one is merged while the
	// next one is on its way.
	maxAhead = 2
	// maxMessage bounds what is read of a parcel before it is taken apart.
	maxMessage = 1 << 20
	// maxCertificate and maxBundle bound what the other device says of itself; a bundle names
	// the installations of an identity.
	maxCertificate = 1 << 10
	maxBundle      = 64 << 10
	// maxCount bounds the numbers that the other device names: those that JSON has exactly.
	maxCount = 1 << 53
	// stalledAfter is the time without progress after which a sync fails that is not paused:
	// as long as a transfer waits for a device that is away.
	stalledAfter = 7 * 24 * time.Hour
	// keepPast is the time for which a sync that is over is listed.
	keepPast = 7 * 24 * time.Hour
	// progressSteps bounds the sync_progress events of one sync.
	progressSteps = 20
)
