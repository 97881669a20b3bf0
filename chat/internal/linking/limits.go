package linking

import (
	"time"

	"libstatus1to1/chat/protocol/noise/pairing"
)

// Bounds of pairings and transfers. The other side of a pairing may be anybody who has
// seen its QR code; the other side of a transfer is a device that was paired.
const (
	// MaxPairings bounds the pairings under way: a user pairs one device at a time, and
	// every envelope on the pairing topic is tried on each of them.
	MaxPairings = 4
	// MaxPaired bounds the paired devices: each is a topic to listen to.
	MaxPaired = 32
	// maxPast bounds the listed pairings that failed or ended; the oldest are removed first.
	maxPast = 32
	// maxShown ends the renewal of an invitation: a device that its user left alone stops
	// inviting others.
	maxShown = 10 * time.Minute
	// maxPastedInvitation bounds the text that is searched for an invitation, in bytes. An
	// invitation has 300 to 1400; the rest is space that was copied with it.
	maxPastedInvitation = 16 << 10
	// keepPast is the time for which failed and ended pairings and finished transfers are
	// listed.
	keepPast = 7 * 24 * time.Hour
	// keepDiscarded is the time for which a discarded pairing is stored, so that a device
	// that has missed its end can still be told: as long as a stale session opens messages.
	keepDiscarded = 3 * 24 * time.Hour
	// keepFinished is the time for which a pairing that succeeded or failed answers repeated
	// messages: until the other side's own deadline and its refusals are over.
	keepFinished = pairing.Timeout + pairing.RefusalTime

	// MaxTransferBytes bounds one transfer: it passes through the JSON text of one call,
	// where base64 adds a third.
	MaxTransferBytes = 16 << 20
	// MaxOutgoing and MaxIncoming bound the running transfers with one device. Of the
	// outgoing ones only the oldest moves.
	MaxOutgoing = 8
	MaxIncoming = 4
	// MaxReceivedBytes bounds the bytes of incoming transfers in the store, also of those
	// that still run. Past it offers are refused until the user discards something.
	MaxReceivedBytes = 64 << 20
	// MaxReceivedOfDevice is the share of it that one device may take.
	MaxReceivedOfDevice = MaxReceivedBytes / 2
	// maxEarlyBytes bounds the chunks of all transfers that are in memory because they
	// came before their turn. What finds no room is sent again by its sender.
	maxEarlyBytes = 8 << 20
	// maxEarlyOfDevice is the share of one device: the window of one transfer, as a device
	// sends one at a time.
	maxEarlyOfDevice = pairing.MaxInFlight
	// maxTransfers bounds the listed transfers with one device. The oldest that are over
	// and hold no bytes are removed first.
	maxTransfers = 128
	// keepReceived is the time for which received bytes wait to be read.
	keepReceived = 30 * 24 * time.Hour
	// stalledAfter is the time without progress after which a running transfer fails.
	stalledAfter = 7 * 24 * time.Hour
	// MaxParcel bounds a parcel, which is in memory as a whole on both sides.
	MaxParcel = 1 << 20
	// maxParcels bounds the parcels with one device in one direction that are under way, or
	// have arrived and are not dropped yet.
	maxParcels = 4
	// keepParcels is the number of dropped parcels of a direction that are remembered. Each is
	// at least an offer and a chunk, so a frame of an older one is outside of the window of
	// the session, which does not open it any more.
	keepParcels = 32
	// MaxRead bounds the bytes of one answer of Read.
	MaxRead = 512 << 10
)

// Waits before something is sent again. They double each time in a row.
const (
	// pairingResend is short because a user watches while devices are paired.
	pairingResend    = time.Second
	pairingResendMax = 8 * time.Second
	// abortRepeats bounds the repetitions of an abort: nobody acknowledges it, and a device
	// that misses all of them runs into its own deadline.
	abortRepeats = 8
	// senderWait and receiverWait are the first waits for a message of a running transfer,
	// before its sender or its receiver sends something again; maxWait is the last one.
	senderWait   = 3 * time.Second
	receiverWait = 10 * time.Second
	maxWait      = time.Hour
	// gapChunks is the number of early chunks that make the receiver report the gap before
	// them. With fewer the missing one is probably only late; gapWait is the time it gets.
	gapChunks = 4
	gapWait   = time.Second
	// repeatPause is the least time between two answers to repeated messages.
	repeatPause = time.Second
	// unknownPause is the least time between two answers to payloads that do not open.
	// They may be anybody's, or of a device whose store was put back to an older copy and
	// that learns so by our answer.
	unknownPause = time.Minute
	// progressSteps bounds the transfer_progress events of one transfer.
	progressSteps = 20
	// maxAheadAnswers bounds the sealed messages that the peer has not acknowledged, for
	// answers. It is above pairing.MaxAhead, because answers must go out while chunks
	// wait, and below the peer's window of 50.
	maxAheadAnswers = 46
	// maxQueued and maxQueuedBytes bound the stored payloads that wait for the network. A
	// chunk has 120 KiB. What is left out is sent again by the rules above.
	maxQueued      = 256
	maxQueuedBytes = 8 << 20
)

// doubled is base, doubled times times, up to limit.
func doubled(base time.Duration, times int, limit time.Duration) time.Duration {
	return min(base<<min(times, 20), limit)
}
