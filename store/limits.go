package store

// The limits of this package, each with its reason.
const (
	// maxRecord bounds key plus value of a record, in bytes. The engine's largest
	// are message bodies of at most one envelope (about 1 MiB); a damaged length
	// must not make us read gigabytes.
	maxRecord = 16 << 20

	// maxClosures bounds how many Update closures share one commit: enough for
	// one fsync to serve every goroutine there is, few enough that the first
	// caller does not wait long for the last.
	maxClosures = 256

	// enoughClosures is the number of closures at which a commit stops waiting for
	// more. Its own cost, some 100 us, is then small per closure, and the others can
	// work while it is made.
	enoughClosures = 32

	// maxBatchBytes ends the collecting of closures once a commit holds this
	// many bytes: bbolt keeps a transaction's dirty pages in memory.
	maxBatchBytes = 8 << 20

	// pageSize of new files and the only one accepted: fixed, so that a file
	// moves between machines whose memory pages differ.
	pageSize = 4096

	// scanAtOnce is up to which size a file is walked whole before it is used: some
	// 15 ms. Of a larger one the leaves are walked after that (branches.go).
	scanAtOnce = 64 << 20

	// initialMap is the address space (not memory) mapped at open. While the
	// file fits, growing it needs no new map, which would wait for every View.
	initialMap = 64 << 20

	// growBytes is by how much the file grows ahead of its use. Each growth
	// costs one more fsync: with 1 MiB every 200 messages or so.
	growBytes = 1 << 20

	// maxTreeDepth bounds the page tree. Even at two entries a page, 48 levels
	// are more than a disk holds; bbolt recurses once a level.
	maxTreeDepth = 48

	// labelGap is the room left between neighbours of a history: a message that
	// comes late finds a free label about 20 times in one spot before its
	// neighbours are relabelled, and 2^43 messages fit on either side of the first.
	labelGap = 1 << 20

	// minRelabelGap is the room a relabelled window must at least offer; below
	// it the window doubles. Ten late messages fit in the worst spot of it.
	minRelabelGap = 1 << 10

	// relabelWindow is the number of entries on each side that the first attempt moves.
	relabelWindow = 32

	// nearEntries is the number of entries tried one by one from the end before the
	// binary search: most late messages are only a little late.
	nearEntries = 4

	// maxEmptyPages bounds how many pages emptied in one transaction are skipped
	// in a row: a transaction that deletes that many records does not fit memory.
	maxEmptyPages = 1 << 24

	// checkEvery is after how many records Check looks whether it should stop.
	checkEvery = 256
)
