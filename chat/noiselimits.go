package chat

import (
	"time"

	"libstatus1to1/chat/protocol/noise/pairing"
)

// Bounds of pairings and transfers, whose other side may be anybody who has seen a QR
// code, and after that the device that was paired.
const (
	// MaxPairings is how many pairings may be under way at once: a user pairs one device
	// at a time, and each costs a look at every envelope on the topic.
	MaxPairings = 4
	// MaxPaired is how many paired devices are kept, as each is a topic to listen to.
	MaxPaired = 32
	// maxPast is how many pairings that failed or ended are listed; the oldest go first.
	maxPast = 32
	// maxShown is how long an invitation is renewed: somebody who shows one and goes away
	// leaves no door open.
	maxShown = 10 * time.Minute
	// maxPastedInvitation bounds what is looked at for an invitation, in bytes: it has 300
	// to 1400, and whoever copied it may have brought space along.
	maxPastedInvitation = 16 << 10
	// keepPast is how long pairings that failed or ended and finished transfers are listed.
	keepPast = 7 * 24 * time.Hour
	// keepFarewell is how long a discarded pairing is kept to tell the other side that it
	// ended, in case it did not hear: as long as a stale session can open.
	keepFarewell = 3 * 24 * time.Hour

	// MaxTransferBytes is the most one transfer may have here: it goes through the JSON of
	// one call, where base64 makes a third more of it.
	MaxTransferBytes = 16 << 20
	// MaxOutgoing and MaxIncoming are how many transfers with one device may be unfinished.
	// Outgoing ones take their turns.
	MaxOutgoing = 8
	MaxIncoming = 4
	// MaxReceivedBytes is how much of what was received, or is being, waits to be
	// discarded: past it nothing more is taken.
	MaxReceivedBytes = 64 << 20
	// MaxReceivedOfDevice is the part of it that one device may take.
	MaxReceivedOfDevice = MaxReceivedBytes / 2
	// maxEarlyBytes bounds the chunks in memory that came before their turn, of all
	// transfers. The sender repeats those there is no room for.
	maxEarlyBytes = 8 << 20
	// maxEarlyOfDevice is the part of it that one device may take: the window of a transfer,
	// as those of one device take their turns.
	maxEarlyOfDevice = pairing.MaxInFlight
	// maxTransfers is how many transfers with one device are listed; the oldest that are
	// over and hold nothing go first.
	maxTransfers = 128
	// keepReceived is how long received bytes wait to be read.
	keepReceived = 30 * 24 * time.Hour
	// stalledAfter is after how long without a step a transfer is given up.
	stalledAfter = 7 * 24 * time.Hour
	// MaxRead is the most bytes of one answer of ReadTransfer.
	MaxRead = 512 << 10
)

// Waits before something is sent again, which double each time. A user looks on while
// devices are paired, so the first are short.
const (
	pairingResend    = time.Second
	pairingResendMax = 8 * time.Second
	// farewells is how often the news that a pairing failed is repeated: nobody acknowledges
	// it, and who misses all of it waits two minutes.
	farewells = 8
	// senderPatience and receiverPatience are how long a running transfer may be silent
	// before its sender, or its receiver, does something about it.
	senderPatience   = 3 * time.Second
	receiverPatience = 10 * time.Second
	patienceMax      = time.Hour
	// toldOfGap is how many chunks that came early make us say what is missing: fewer are
	// out of order, and what is missing is on its way. gapPatience is how long we wait.
	toldOfGap   = 4
	gapPatience = time.Second
	// repeatPause is how often at most we answer what we have heard before.
	repeatPause = time.Second
	// unknownPause is how often at most we answer what does not open. It may be of a device
	// whose store was put back, which learns of it by our answer, or anybody's noise.
	unknownPause = time.Minute
	// progressSteps is how many transfer_progress events a transfer makes at most.
	progressSteps = 20
	// answersAhead is pairing.MaxAhead for answers: they must go out also when everything
	// else waits for the other side, and stay inside its window of 50.
	answersAhead = 46
	// maxPosts bounds what waits to be published while the network is away. All of it
	// comes again by itself.
	maxPosts = 256
	// maxPostBytes bounds it in bytes, of which a chunk of a transfer has 120 KiB.
	maxPostBytes = 8 << 20
)

// doubled is base, doubled times times, up to limit.
func doubled(base time.Duration, times int, limit time.Duration) time.Duration {
	return min(base<<min(times, 20), limit)
}
