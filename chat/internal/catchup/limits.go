package catchup

import (
	"time"

	"libstatus1to1/chat/internal/ratelimit"
	"libstatus1to1/chat/port"
)

// Limits of the times that are asked for.
const (
	// clockSkew is the time by which clocks of senders may be ahead of ours: as much as status-go
	// takes. A cursor stays behind the time of its query by as much.
	clockSkew = 2 * time.Minute
	// overlap is the time before each cursor that is asked for again: a store node that was
	// down gets what it has missed from others within an hour, and a clock of ours may have been wrong. With
	// the hashes that are known it costs next to nothing.
	overlap = time.Hour
	// keptByStores is the age up to which anything is asked for: the store nodes of the Status
	// fleet keep nothing longer. It is less than the marks of what was seen are kept (chat/seen.go).
	keptByStores = 30 * 24 * time.Hour
	// codesBack is the age up to which contact codes are asked for: each is published every six
	// hours, and only the last one counts.
	codesBack = 24 * time.Hour
	// negotiatedBack is the age from which on a new negotiated topic is fetched. Nothing is published
	// there before this device has written to the person, so it is only for wrong clocks.
	negotiatedBack = 24 * time.Hour
	// begunAlike: topics that begin within this time share a cursor and a query.
	begunAlike = 10 * time.Minute
)

// Limits of when a round begins.
const (
	// secondNode is the wait for a second store node before a round begins with one. If it
	// comes later, it confirms what the first has answered.
	secondNode = 300 * time.Millisecond
	// lookForNodes is the interval at which store nodes are looked for while there are none,
	// besides each time when a peer comes.
	lookForNodes = 10 * time.Second
	// begunWait is the wait for more new topics, since contacts are added in numbers.
	begunWait = 2 * time.Second
	// backgroundEvery is the interval of the looks in the background. Each asks at most
	// backgroundQueries queries before it stops until the next one: 80 an hour, of some 1 KB
	// each where nothing is new, are less than half of what a phone may spend (200 KB, 60
	// wake-ups).
	backgroundEvery   = 30 * time.Minute
	backgroundQueries = 40
	// confirmEvery is the least time between two rounds that ask a second node for what one
	// alone has answered.
	confirmEvery = 10 * time.Minute
	// progressEvery is the least time between two reports of progress.
	progressEvery = time.Second
)

// urgent bounds the rounds after gaps: a connection that comes and goes makes one a minute.
var urgent = ratelimit.Rate{AtOnce: 6, Every: time.Minute}

// followUps are the waits between looks that come soon after a round that closes a gap.
// What is published while new connections are not settled is missed by them and by that
// round: gossipsub takes a second until it forwards to us, and who sees us again repeats
// at once what waits.
var followUps = []time.Duration{4 * time.Second, 10 * time.Second}

// Limits of the queries of a round.
const (
	// nodesAtOnce is the number of store nodes that are asked for the same: what one lacks
	// the other may have, and a third would cost as much again.
	nodesAtOnce = 2
	// batchesAtOnce is the number of batches under way, so that the engine and the network
	// do not wait for each other.
	batchesAtOnce = 2
	// queryTimeout bounds the wait for a page: a store node of the fleet answers within a
	// second. slowerBy bounds it once another node has given its page.
	queryTimeout = 15 * time.Second
	slowerBy     = 3 * time.Second
	// maxLate is the time that the answers of a node may take too long, together in a batch,
	// before the other node goes on alone. What that one lacks is asked for later: see
	// confirmEvery.
	maxLate = 20 * time.Second
	// slowBytes is the number of bytes that a slow line carries in slowerBy.
	slowBytes = 256 << 10
	// deliverAtOnce is the number of envelopes of one transaction, as in the engine's loop.
	deliverAtOnce = 64
	// firstChunk is the number of envelopes that are asked for before their size is known;
	// the next are as many as have chunkBytes.
	firstChunk = 20
	chunkBytes = 2 << 20
	// chunksAhead is the number of chunks that wait for the engine.
	chunksAhead = 1
)

// Bounds of what store nodes can make us do.
const (
	// knownHashes is the number of hashes that are remembered of what is here, 32 bytes each
	// and as much again around them: more than come in overlap.
	knownHashes = 1 << 14
	// maxIdle is the number of hashes in a row with nothing new, counting a page as at least
	// idlePage: with so many a node has listed something twice.
	maxIdle  = knownHashes + 10*port.MaxQueryLimit
	idlePage = 20
	// maxPages bounds the pages of one node for one batch: a million messages.
	maxPages = 10000
	// maxUngiven is the number of envelopes that a node may list and not give before it is
	// asked no more for a batch.
	maxUngiven = 100
	// maxLone bounds the hashes that only one of two nodes has listed so far.
	maxLone = 4096
	// maxNodes bounds the store nodes that are remembered.
	maxNodes = 32
	// maxFault bounds the text of a fault, which may be a store node's own.
	maxFault = 200
	// putOff and maxPutOff bound the time for which a faulty node is not asked, which doubles
	// each time in a row.
	putOff       = 2 * time.Second
	maxPutOff    = 10 * time.Minute
	maxDoublings = 10
)

// Limits of what is written.
const (
	// checkpoint is the number of topics with nothing new whose cursors are stored together.
	checkpoint = 500
	// atOnce is the number of records changed in one transaction.
	atOnce = 500
	// writeEvery is how far the cursor of all may be behind in the store if nothing has come.
	writeEvery = time.Hour
)
