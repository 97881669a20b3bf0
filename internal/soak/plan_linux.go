package soak

import (
	"cmp"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"libstatus1to1/chat"
	"libstatus1to1/internal/faultproxy"
)

// The kinds of fault.
const (
	killClient = "kill client" // SIGKILL at a moment
	trapClient = "trap client" // SIGKILL at a point of the engine
	stopClient = "stop client" // SIGSTOP, and SIGCONT later
	killNode   = "kill node"   // SIGKILL; the node forgets what it has stored
	stopNode   = "stop node"   // SIGSTOP, and SIGCONT later
	cutLink    = "cut"         // the connections of a link are reset
	halfLink   = "half open"   // one end of a link's connections is gone, and the other is not told
	stallLink  = "stall"       // nothing passes, and arrives later
	loseLink   = "partition"   // what is written one way, or both ways, is lost
	slowLink   = "slow"        // latency and a low rate
	refuseLink = "refuse"      // cut, and not accepted again for a while
	offline    = "offline"     // all links of a client are cut and refuse
	apart      = "nodes apart" // the link between the nodes is cut and refuses
	longAway   = "away"        // a client is killed and stays away
	misserve   = "services"    // store, filter or lightpush of a node do what they should not
	allNodes   = "kill all"    // all nodes at the same time
)

// fault is one fault of a plan.
type fault struct {
	At      time.Duration // since the start of the run
	Kind    string
	Target  int           // of the clients, nodes or links; which of them that is follows from Kind
	For     time.Duration // until it ends, or until what was killed starts again
	Point   string        // of a trap
	Nth     int
	Way     faultproxy.Faults // of a link
	Service string            // what a node's services do
}

// name returns the name under which a fault is counted.
func (f fault) name() string {
	what, _, _ := strings.Cut(f.Service, ":")
	return strings.TrimSpace(f.Kind + " " + what)
}

// kills returns how many kills a fault is.
func (f fault) kills() int {
	switch f.Kind {
	case killClient, trapClient, killNode, longAway:
		return 1
	case allNodes:
		return nodes
	}
	return 0
}

// weighted is a list of kinds of which one is drawn by its weight.
type weighted []struct {
	kind   string
	weight int
}

var deadly = weighted{{killClient, 30}, {trapClient, 30}, {killNode, 30}, {longAway, 5}, {allNodes, 5}}

var harmless = weighted{{stopClient, 4}, {stopNode, 3}, {cutLink, 4}, {halfLink, 2}, {stallLink, 3}, {loseLink, 3},
	{slowLink, 4}, {refuseLink, 2}, {offline, 2}, {apart, 2}, {misserve, 10}}

func (w weighted) draw(random *rand.Rand) string {
	sum := 0
	for _, k := range w {
		sum += k.weight
	}
	at := random.IntN(sum)
	for _, k := range w {
		if at -= k.weight; at < 0 {
			return k.kind
		}
	}
	return w[0].kind
}

// How much of a run has faults, and how many other faults there are for each kill. The
// rest of the run belongs to what is still on its way.
const (
	faultyShare   = 0.85
	otherFaults   = 0.6
	restartsIn    = 1500 * time.Millisecond // at most, after most kills
	shortestFault = 300 * time.Millisecond
	longestFault  = 4 * time.Second
	longestAway   = 0.05 // of the run
)

// plan draws the faults of a run, by time. The same seed gives the same plan.
func plan(o Options, random *rand.Rand) []fault {
	end := time.Duration(faultyShare * float64(o.Duration))
	var all []fault
	for killed := 0; killed < o.Kills; {
		f := drawn(deadly.draw(random), o, random)
		killed += f.kills()
		all = append(all, f)
	}
	for range int(otherFaults * float64(o.Kills)) {
		all = append(all, drawn(harmless.draw(random), o, random))
	}
	for i := range all {
		all[i].At = time.Duration(random.Int64N(int64(end)))
	}
	slices.SortStableFunc(all, func(a, b fault) int { return cmp.Compare(a.At, b.At) })
	return all
}

// drawn is a fault of a kind, without its time.
func drawn(kind string, o Options, random *rand.Rand) fault {
	between := func(low, high time.Duration) time.Duration {
		return low + time.Duration(random.Int64N(int64(high-low)))
	}
	f := fault{Kind: kind, For: between(shortestFault, longestFault)}
	switch kind {
	case killClient, killNode, allNodes:
		f.Target, f.For = random.IntN(2), between(0, restartsIn)
	case trapClient:
		f.Target, f.For = random.IntN(2), between(0, restartsIn)
		f.Point, f.Nth = chat.ProbePoints[random.IntN(len(chat.ProbePoints))], 1+random.IntN(12)
	case longAway, offline:
		f.Target = random.IntN(2)
		f.For = between(longestFault, max(2*longestFault, time.Duration(longestAway*float64(o.Duration))))
	case misserve:
		f.Target, f.Service = random.IntN(nodes), serviceFault(random)
		f.For = between(longestFault, 3*longestFault)
	case stopClient, stopNode:
		f.Target = random.IntN(2)
	default:
		f.Target = random.IntN(links)
		f.Way = linkFaults(kind, random)
	}
	return f
}

// lieShare is how many of the faults of services are lies of the store, of which there are
// more kinds than of all others together.
const lieShare = 0.35

func serviceFault(random *rand.Rand) string {
	lying := random.Float64() < lieShare
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(serviceFaults)), func(name string) bool {
		return name == "" || strings.HasPrefix(name, lies) != lying
	})
	return names[random.IntN(len(names))]
}

// linkFaults returns the faults of a link for a fault of the plan.
func linkFaults(kind string, random *rand.Rand) faultproxy.Faults {
	switch kind {
	case stallLink:
		return faultproxy.Both(faultproxy.Link{Stall: true})
	case loseLink:
		lost := faultproxy.Link{Discard: true}
		return []faultproxy.Faults{{Toward: lost}, {Back: lost}, faultproxy.Both(lost)}[random.IntN(3)]
	case slowLink:
		return faultproxy.Both(faultproxy.Link{
			Latency:        time.Duration(20+random.IntN(280)) * time.Millisecond,
			BytesPerSecond: 20_000 + random.IntN(100_000),
		})
	case refuseLink, apart:
		return faultproxy.Faults{Refuse: true}
	}
	return faultproxy.Faults{}
}
