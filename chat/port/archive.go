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
	// PubsubTopics returns the topics on which envelopes may be, the preferred one first.
	PubsubTopics() []string
	// QueryStore asks one store node for one page. What it returns answers the query: no
	// more than Limit entries, on its topics and in its time, or with its hashes, each
	// envelope with the hash that it has. The page may be shorter than Limit and yet have a
	// Next, also that of a query by hash. A *StoreError tells why there is no page.
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

// StoreError tells why a store node gave no page.
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

// Meter is implemented by a Transport that counts what it costs a phone.
type Meter interface {
	// Traffic returns counters over all starts of the transport.
	Traffic() Traffic
}

// Traffic counts bytes on the wire, and how often something arrived or was due while the
// transport was idle before: what wakes a processor and a radio.
type Traffic struct {
	BytesIn  uint64 `json:"bytes_in"`
	BytesOut uint64 `json:"bytes_out"`
	Wakeups  uint64 `json:"wakeups"`
}

// Examiner is implemented by a Transport that can say what is wrong with it.
type Examiner interface {
	// Examine runs the checks of the transport itself, in the order in which a person would
	// look at them. It may take until ctx ends.
	Examine(ctx context.Context) []Check
}

// CheckResult is the result of a check.
type CheckResult string

// The results of a check.
const (
	CheckPassed  CheckResult = "passed"
	CheckWarning CheckResult = "warning" // it works, but not as well as it could
	CheckFailed  CheckResult = "failed"
	CheckSkipped CheckResult = "skipped" // it cannot be made, or does not apply here
)

// Check is one check of the network's health.
type Check struct {
	// Name is the name of the check, such as "shard" or "round_trip".
	Name string `json:"name"`
	// Result is "passed", "warning" (it works, but not as well as it could), "failed" or
	// "skipped" (it cannot be made, or does not apply here).
	Result CheckResult `json:"result"`
	// Cause is what was found, for people.
	Cause string `json:"cause"`
	// Remedy is what can be done about it, for people; left out where there is nothing to do.
	Remedy string `json:"remedy,omitempty"`
	// Details are numbers and names for programs. Which there are depends on the check; what
	// ends in _ms is in ms.
	Details map[string]any `json:"details,omitempty"`
}
