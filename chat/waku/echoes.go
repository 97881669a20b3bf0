package waku

import (
	"sync"
	"time"

	"github.com/waku-org/go-waku/waku/v2/protocol/pb"
)

// maxEchoes bounds how many own messages we wait to see again. They come back
// through the local broadcaster, whose buffers hold fewer.
const maxEchoes = 4096

// echoTime is the time we wait for the echo of a publish. One that gossipsub dropped
// never comes; after this time, the same bytes from somebody else are received again.
const echoTime = 10 * time.Second

// echoes are hashes of our own publishes, so that they are not delivered to us. The
// zero value is ready.
type echoes struct {
	mu       sync.Mutex
	expected map[pb.MessageHash]time.Time // when it was published
	order    []pb.MessageHash             // oldest first; may name some already taken
}

// expect notes a message that is about to be published.
func (e *echoes) expect(hash pb.MessageHash) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.expected == nil {
		e.expected = map[pb.MessageHash]time.Time{}
	}
	if len(e.order) >= maxEchoes {
		delete(e.expected, e.order[0])
		e.order = e.order[1:]
	}
	e.expected[hash] = time.Now()
	e.order = append(e.order, hash)
}

// take reports whether hash belongs to a publish of ours that has not come back yet,
// and forgets it.
func (e *echoes) take(hash pb.MessageHash) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	at, own := e.expected[hash]
	delete(e.expected, hash)
	return own && time.Since(at) < echoTime
}
