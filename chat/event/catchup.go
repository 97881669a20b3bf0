package event

import "libstatus1to1/chat/enum"

// Events about fetching what was missed from store nodes (13/WAKU2-STORE).

// CatchUp is the state of fetching what was published while we were away.
type CatchUp struct {
	// State is "waiting" (for the first store node, or after an interruption), "running",
	// "done", or "failed" (it is tried again).
	State enum.CatchUpState `json:"state"`
	// Cause is the reason it failed: "store_nodes" (none of them has answered completely;
	// nodes says what was wrong with each) or "store" (messages could not be stored in, or
	// topics not read from, the store of the client). Left out in other states.
	Cause enum.CatchUpFailure `json:"cause,omitempty"`
	// TopicsDone is the number of content topics that are fetched, and TopicsTotal that of
	// all content topics of this round.
	TopicsDone  int `json:"topics_done"`
	TopicsTotal int `json:"topics_total"`
	// Fetched counts the envelopes fetched this time, messages and others.
	Fetched uint64 `json:"fetched"`
	// From is the beginning of the time that is asked for, in ms since 1970.
	From int64 `json:"from,omitempty"`
	// To is the time up to which nothing is missing once it is done, in ms since 1970. That is
	// two minutes ago, since clocks differ: what is newer is asked for too, and again next time.
	To int64 `json:"to,omitempty"`
	// Nodes are the store nodes that were asked lately, at most 32.
	Nodes []StoreNode `json:"nodes"`
}

// StoreNode is a store node, and how it has answered.
type StoreNode struct {
	PeerID string `json:"peer_id"`
	// Fault is what was wrong with its last answer; it is not asked before retry_at then.
	// Left out for a node that answers.
	Fault string `json:"fault,omitempty"`
	// RetryAt is the time after which it is asked again, in ms since 1970.
	RetryAt int64 `json:"retry_at,omitempty"`
	// Fetched counts the envelopes that it gave since the client was opened.
	Fetched uint64 `json:"fetched"`
	// Lacks counts the envelopes since then that another node gave and it did not have.
	Lacks uint64 `json:"lacks"`
}

// CatchUpChanged is emitted when fetching what was missed begins, goes on (at most once a
// second), is done or fails. Rounds in the background are reported only if they find
// something. It is not stored: seq is 0, and of several that wait only the latest is
// delivered. diagnostics.get returns the same at any time.
type CatchUpChanged struct {
	CatchUp CatchUp `json:"catch_up"`
}

// StoreNodeChanged is emitted when a store node turns out to be faulty, when its fault
// changes, and when it answers again. It is not stored: seq is 0, and of several that
// wait only the latest of each node is delivered.
type StoreNodeChanged struct {
	Node StoreNode `json:"node"`
}

// Type returns the name of the event.
func (CatchUpChanged) Type() string { return "catch_up_changed" }

// Type returns the name of the event.
func (StoreNodeChanged) Type() string { return "store_node_changed" }
