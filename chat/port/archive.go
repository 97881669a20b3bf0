package port

import (
	"context"
	"fmt"
)

// Archive is implemented by a Transport that can ask store nodes what was published
// (13/WAKU2-STORE). Nobody signs their answers: a store node may be slow, leave something
// out, make something up, and disagree with another.
type Archive interface {
	// StoreNodes returns the ids of the store nodes that can be asked now, the best first.
	StoreNodes() []string
	// PubsubTopics returns the pubsub topics to ask for, the preferred one first.
	PubsubTopics() []string
	// QueryStore asks one store node for one page. The page is checked against the query: it
	// has at most Limit entries, all on the query's topics and in its time, or with its
	// hashes, and each envelope has the hash of its entry. The page may be shorter than Limit
	// and yet have a Next, also that of a query by hash. A *StoreError says why a store node
	// gave no page; other errors are an *Error with CodeBadParams for a query that no store
	// node takes, CodeNotFound for an id that is none, ErrNoPeers while the transport is not
	// running, and that of ctx.
	QueryStore(ctx context.Context, node string, q StoreQuery) (StorePage, error)
}

// StoreQuery selects envelopes, by topics and time or by hash, oldest first.
type StoreQuery struct {
	PubsubTopic   string
	ContentTopics []string // at most MaxQueryTopics
	// From and To are in ns since 1970; From is inclusive, To exclusive.
	From, To int64
	// Hashes select envelopes instead of the fields above; at most MaxQueryHashes.
	Hashes [][32]byte
	// WithEnvelopes asks for the envelopes, and not for their hashes only.
	WithEnvelopes bool
	// After is the Next of the page before; nil begins with the oldest.
	After *[32]byte
	// Limit is the number of entries of the page, at most MaxQueryLimit.
	Limit int
}

// StorePage is one page of an answer.
type StorePage struct {
	Entries []StoreEntry
	Next    *[32]byte // nil on the last page
}

// StoreEntry is an envelope that a store node has.
type StoreEntry struct {
	Hash     [32]byte  // 14/WAKU2-MESSAGE, "Deterministic message hashing"
	Envelope *Envelope // nil unless asked for
}

// StoreFault is a kind of StoreError.
type StoreFault string

// The faults of a store node.
const (
	StoreUnreachable StoreFault = "unreachable" // there is no connection, or it broke
	StoreSlow        StoreFault = "slow"        // the answer did not come in time
	StoreRefused     StoreFault = "refused"     // it says that it cannot answer
	StoreWrong       StoreFault = "wrong"       // what it sent is no answer to the query
)

// StoreError says why a store node gave no page.
type StoreError struct {
	Node   string
	Fault  StoreFault
	Status int   // the status code of StoreRefused (13/WAKU2-STORE), such as 429 when asked too often
	Cause  error // for people
}

func (e *StoreError) Error() string {
	return fmt.Sprintf("store node %s: %s: %v", e.Node, e.Fault, e.Cause)
}

func (e *StoreError) Unwrap() error { return e.Cause }

// Limits of one query: what store nodes of the Status fleet take.
const (
	MaxQueryTopics = 10
	MaxQueryHashes = 100
	MaxQueryLimit  = 100
)
