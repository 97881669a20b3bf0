package doctor

import (
	"fmt"
	"sync"
	"time"

	"libstatus1to1/chat/port"
)

// quietAfter is the time without any envelope after which the check warns. The shard of the Status network is never silent for that long.
const quietAfter = 10 * time.Minute

// doubtfulAfter is the time since a service node was last known to push after which its
// subscription is doubtful. A transport in light mode tests and renews one sooner.
const doubtfulAfter = 30 * time.Minute

// maxHeard bounds the pubsub topics that are remembered: more than a node has shards.
const maxHeard = 16

// heard holds the time of the last envelope, by pubsub topic. The zero value is ready.
type heard struct {
	mu  sync.Mutex
	all map[string]time.Time
}

func (h *heard) note(now time.Time, pubsubTopic string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.all == nil {
		h.all = map[string]time.Time{}
	}
	if _, known := h.all[pubsubTopic]; known || len(h.all) < maxHeard {
		h.all[pubsubTopic] = now
	}
}

// last returns the time of the last envelope on any topic, and the ages by topic in ms.
func (h *heard) last(now time.Time) (last time.Time, ages map[string]int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	ages = map[string]int64{}
	for topic, at := range h.all {
		ages[topic] = age(now, at)
		if at.After(last) {
			last = at
		}
	}
	return last, ages
}

// subscription checks that what we listen to is alive.
func (d *Doctor) subscription(status port.NetworkStatus) port.Check {
	now := d.Now()
	last, ages := d.heard.last(now)
	check := port.Check{Name: "subscription", Result: port.CheckPassed, Details: map[string]any{"age_ms": ages}}
	if status.Kind == "external" {
		return port.Check{Name: check.Name, Result: port.CheckSkipped, Cause: "the program delivers what arrives", Details: check.Details}
	}
	since := "since the client was opened"
	silent := now.Sub(d.opened)
	if !last.IsZero() {
		silent = now.Sub(last)
		since = fmt.Sprintf("for %s", silent.Round(time.Second))
	}
	switch {
	case status.Mode == port.ModeLight:
		return serviceSubscriptions(now, status, check)
	case status.State != port.NetworkOnline:
		check.Result, check.Cause = port.CheckSkipped, "there are no peers that anything could come from"
	case silent >= quietAfter:
		check.Result = port.CheckWarning
		check.Cause = fmt.Sprintf("nothing has arrived %s, though there are peers", since)
		check.Remedy = "on a network with few users that is normal; on a busy one, such as the Status app's, connect to other peers, and check network.cluster and network.shards"
	case last.IsZero():
		check.Cause = "nothing has arrived yet, and the client was opened only a short time ago"
	default:
		check.Cause = fmt.Sprintf("the last envelope arrived %s ago", silent.Round(time.Second))
	}
	return check
}

// serviceSubscriptions checks the subscriptions at service nodes (12/WAKU2-FILTER).
func serviceSubscriptions(now time.Time, status port.NetworkStatus, check port.Check) port.Check {
	working, doubtful, by := 0, "", map[string]any{}
	for _, s := range status.Subscriptions {
		if !s.Working {
			by[s.PeerID] = "not accepted yet"
			continue
		}
		silent := now.Sub(time.UnixMilli(s.WorkedAt))
		by[s.PeerID] = silent.Milliseconds()
		if working++; silent >= doubtfulAfter {
			doubtful = fmt.Sprintf("%s was last known to push %s ago", s.PeerID, silent.Round(time.Second))
		}
	}
	check.Details["worked_ms_ago"] = by
	switch {
	case working == 0:
		check.Result = port.CheckFailed
		check.Cause = "no service node has accepted our subscription: nothing that others publish arrives"
		check.Remedy = "see the check filter_peers"
	case doubtful != "":
		check.Result = port.CheckWarning
		check.Cause = "a subscription may have gone silent: " + doubtful
		check.Remedy = "none is needed if it is tried again soon; otherwise use other service nodes"
	default:
		check.Cause = fmt.Sprintf("%d service nodes push to us", working)
	}
	return check
}
