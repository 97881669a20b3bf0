package catchup

import (
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"libstatus1to1/chat/event"
	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/port"
)

// nodes are the store nodes that were asked lately, with their faults.
type nodes struct {
	o Options

	mu   sync.Mutex
	of   map[string]*node
	turn int // counts rounds
}

// node is a store node. until is the end of the time for which it is not asked, after
// failures faults in a row, the last of a kind.
type node struct {
	event.StoreNode
	kind     port.StoreFault
	until    time.Time
	failures int
	asked    time.Time
}

func newNodes(o Options) nodes { return nodes{o: o, of: map[string]*node{}} }

// usable returns those of the listed store nodes that may be asked now.
func (n *nodes) usable(listed []string, now time.Time) (ids []string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, id := range listed {
		if known := n.of[id]; known == nil || !now.Before(known.until) {
			ids = append(ids, id)
		}
	}
	return ids
}

// usableAt returns the time from which as many as number of the listed nodes may be asked.
func (n *nodes) usableAt(listed []string, number int) time.Time {
	if len(listed) < number {
		return time.Time{}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	all := make([]time.Time, len(listed))
	for i, id := range listed {
		if known := n.of[id]; known != nil {
			all[i] = known.until
		}
	}
	slices.SortFunc(all, time.Time.Compare)
	return all[number-1]
}

// nextTurn counts a round.
func (n *nodes) nextTurn() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.turn++
	return n.turn
}

// choose returns the nodes to ask in a round: the best one, and one of the others, which
// take turns so that two that hide the same are found out.
func (n *nodes) choose(listed []string, now time.Time, turn int) []string {
	ids := n.usable(listed, now)
	if len(ids) <= nodesAtOnce {
		return ids
	}
	return []string{ids[0], ids[1+turn%(len(ids)-1)]}
}

// get returns what is known of a node; n.mu is held.
func (n *nodes) get(id string) *node {
	known := n.of[id]
	if known == nil {
		n.makeRoom()
		known = &node{StoreNode: event.StoreNode{PeerID: id}}
		n.of[id] = known
	}
	known.asked = n.o.Now()
	return known
}

// makeRoom forgets the node that was asked longest ago, if there are too many; n.mu is held.
func (n *nodes) makeRoom() {
	if len(n.of) < maxNodes {
		return
	}
	oldest := ""
	for id, known := range n.of {
		if oldest == "" || known.asked.Before(n.of[oldest].asked) || known.asked.Equal(n.of[oldest].asked) && id < oldest {
			oldest = id
		}
	}
	delete(n.of, oldest)
}

// failed notes a fault: the node is not asked for a while, and the fault is reported if it is
// a new one.
func (n *nodes) failed(id string, kind port.StoreFault, fault string) {
	fault = tidyFault(fault)
	n.mu.Lock()
	known := n.get(id)
	known.kind = kind
	known.until = n.o.Now().Add(min(putOff<<min(known.failures, maxDoublings), maxPutOff))
	known.failures++
	changed := known.Fault != fault
	known.Fault, known.RetryAt = fault, known.until.UnixMilli()
	report := known.StoreNode
	n.mu.Unlock()
	if changed {
		n.o.Log.Log("warn", "a store node is faulty", "peer", id, "fault", fault)
		n.report(report)
	}
}

// answered notes that a node has answered completely, and what it lacked. After wrong answers
// its fault is cleared only when it gives something, not when it has nothing to give.
func (n *nodes) answered(id string, fetched, lacks uint64) {
	n.mu.Lock()
	known := n.get(id)
	changed := known.Fault != "" && (known.kind != port.StoreWrong || fetched > 0)
	if known.until = (time.Time{}); changed {
		known.Fault, known.RetryAt, known.failures = "", 0, 0
	}
	known.Fetched += fetched
	known.Lacks += lacks
	report := known.StoreNode
	n.mu.Unlock()
	if lacks > 0 {
		n.o.Log.Log("info", "a store node lacks what another one has", "peer", id, "envelopes", lacks)
	}
	if changed {
		n.o.Log.Log("info", "a store node answers again", "peer", id)
		n.report(report)
	}
}

// forgive has nodes asked again that could not be reached: it may have been our connection.
func (n *nodes) forgive() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, known := range n.of {
		if known.kind == port.StoreUnreachable || known.kind == port.StoreSlow {
			known.until, known.failures = time.Time{}, 0
		}
	}
}

// report emits the state of a node. Anybody can be a store node, so the unread events are
// bounded like those of strangers.
func (n *nodes) report(s event.StoreNode) {
	n.o.Emit(ledger.SubjectStranger+"store "+s.PeerID, event.StoreNodeChanged{Node: s})
}

// list returns the nodes that are known, by id.
func (n *nodes) list() []event.StoreNode {
	n.mu.Lock()
	defer n.mu.Unlock()
	all := make([]event.StoreNode, 0, len(n.of))
	for _, known := range n.of {
		all = append(all, known.StoreNode)
	}
	slices.SortFunc(all, func(a, b event.StoreNode) int { return strings.Compare(a.PeerID, b.PeerID) })
	return all
}

// shift follows a clock that was set back.
func (n *nodes) shift(by time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, known := range n.of {
		if !known.until.IsZero() {
			known.until = known.until.Add(by)
			known.RetryAt = known.until.UnixMilli()
		}
	}
}

// tidyFault makes one short line of a text that may be the node's own.
func tidyFault(fault string) string {
	fault = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(fault, ""))
	if runes := []rune(fault); len(runes) > maxFault {
		fault = string(runes[:maxFault])
	}
	return fault
}
