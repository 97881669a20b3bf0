package search

// bounds are the limits that tests make smaller.
type bounds struct {
	// documents is smallDocuments; read and texts are maxRead and maxTexts.
	documents, read, texts int
}

var usual = bounds{documents: smallDocuments, read: maxRead, texts: maxTexts}

// The limits of this package, each with its reason.
const (
	// blockSize is the size in the store of each block: with its key it fills a page, and all
	// look alike.
	blockSize = 4000
	// documentSize is the size of a document: a clock and an id.
	documentSize = 8 + 32
	// documentsInBlock is how many documents are in a block.
	documentsInBlock = blockSize / documentSize
	// rootUnit is what the sizes of the other records are multiples of, so that they tell
	// little.
	rootUnit = 1024

	// fanout is how many segments of a size become one of the next.
	fanout = 8
	// smallDocuments and smallBlocks are the most that a segment of the smallest size holds:
	// making one takes some milliseconds, and until it is made a search reads as many texts.
	smallDocuments = 256
	smallBlocks    = 16
	// maxDocuments and maxBlocks (of terms) are what a segment of the largest size holds.
	// Merging into one takes a transaction of some 25 ms; with larger ones it would be a
	// second.
	maxDocuments = smallDocuments * fanout * fanout
	maxBlocks    = smallBlocks * fanout * fanout
	// maxWeight bounds the terms, in bytes, of what is made into a segment at once: messages
	// of the longest texts there may be do not make one larger than maxBlocks.
	maxWeight = maxBlocks * blockSize / 4
	// erasedShare is the part of a segment's documents that may be removed ones, one in so
	// many: past it the segment is rebuilt without them.
	erasedShare = 4

	// placesInEntry is how many places an entry of the queue has at most, so that some entries
	// are always as many as a small segment takes.
	placesInEntry = 64
	// maxHeld bounds the memory of messages in the queue, bytes: four times what a small segment
	// of long texts takes.
	maxHeld = 1 << 20
	// wipedAtOnce bounds the records of another version that are deleted in one transaction:
	// some 50 ms.
	wipedAtOnce = 2000
	// chatsAtOnce bounds the conversations whose newest message is looked for in one turn,
	// and pagedAtOnce the places of one that are read at a time.
	chatsAtOnce = 500
	pagedAtOnce = 64

	// maxRead and maxTexts bound the blocks and the texts that are read for a page, to some 30
	// ms each: then it ends early, and the next one goes on there.
	maxRead  = 1500
	maxTexts = 1000
)
