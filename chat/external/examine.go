package external

import (
	"context"
	"fmt"
	"time"

	"libstatus1to1/chat/port"
)

// slowAfter is the age of a request from which on the program is said to be slow: it takes
// most programs far less to publish something, and the request is given up at confirmWithin.
const slowAfter = 10 * time.Second

// Examine checks that the program publishes what it is asked for.
func (n *Node) Examine(context.Context) []port.Check {
	n.mu.Lock()
	defer n.mu.Unlock()
	var oldest time.Duration
	for _, asked := range n.underWay {
		oldest = max(oldest, time.Since(asked.began))
	}
	check := port.Check{Name: "program", Result: port.CheckPassed, Cause: "the program confirms what it has published",
		Details: map[string]any{"under_way": len(n.underWay), "oldest_ms": oldest.Milliseconds(), "content_topics": len(n.topics)}}
	switch {
	case n.state() == port.NetworkOffline:
		check.Result, check.Cause = port.CheckFailed, "the program has said that it cannot publish"
		check.Remedy = "call network.online when it can again"
	case oldest >= slowAfter:
		check.Result = port.CheckWarning
		check.Cause = fmt.Sprintf("%d envelopes were not confirmed yet, the first of them for %s", len(n.underWay), oldest.Round(time.Second))
		check.Remedy = "publish the envelope of each envelope_outgoing event, then call network.published with its envelope_id"
	}
	return []port.Check{check}
}
