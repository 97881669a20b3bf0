package waku

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"

	"github.com/ethereum/go-ethereum/p2p/dnsdisc"

	"libstatus1to1/chat/port"
)

var _ port.Examiner = (*Node)(nil)

// Examine checks whether peers can be found, and whether those found are on our shards.
func (n *Node) Examine(ctx context.Context) []port.Check {
	r := n.running.Load()
	if r == nil {
		return []port.Check{{Name: "discovery", Result: port.CheckSkipped, Cause: "the node is not running"}}
	}
	return []port.Check{r.examineDiscovery(ctx), r.examineShards()}
}

// treeResult is the result of reading a tree.
type treeResult struct {
	domain, text  string
	nodes, suited int
	err           error
}

// examineDiscovery checks the ways to find peers: it reads the trees, and counts those who
// can be asked for others.
func (r *run) examineDiscovery(ctx context.Context) port.Check {
	s := r.owner.settings
	trees := r.readTrees(ctx)
	known, worked := r.owner.candidates.count()
	exchange := 0
	for _, id := range r.host().Network().Peers() {
		if r.speaks(id, exchangeProtocol) {
			exchange++
		}
	}
	texts := map[string]string{}
	for _, t := range trees {
		texts[t.domain] = t.text
	}
	check := port.Check{Name: "discovery", Result: port.CheckPassed, Details: map[string]any{
		"trees": texts, "candidates": known, "worked_before": worked, "peer_exchange": s.exchange,
		"peers_to_ask": exchange, "discv5": s.discv5, "static_peers": len(r.owner.static.list())}}
	if !s.finds() {
		return r.withoutDiscovery(check)
	}
	bad := slices.IndexFunc(trees, func(t treeResult) bool { return t.err != nil || t.suited == 0 })
	switch {
	case bad >= 0:
		t := trees[bad]
		check.Result = port.CheckWarning
		if known == 0 && r.members.count() == 0 {
			check.Result = port.CheckFailed
		}
		check.Cause = fmt.Sprintf("the tree of nodes at %s gives none: %s", t.domain, t.text)
		check.Remedy = t.remedy()
	case len(trees) == 0 && known == 0 && exchange == 0 && r.members.count() == 0:
		check.Result = port.CheckFailed
		check.Cause = "there is nobody to ask for peers: they are found through a tree in the DNS, or through a first peer"
		check.Remedy = "name a peer in network.peers, or a tree in network.dns_discovery"
	case len(trees) > 0:
		check.Cause = fmt.Sprintf("the tree at %s is signed by the key in its address, and names nodes of our cluster; %d nodes are known", trees[0].domain, known)
	default:
		check.Cause = fmt.Sprintf("%d nodes are known, and %d peers can be asked for more", known, exchange)
	}
	return check
}

// withoutDiscovery finishes the check of a node that looks for nobody.
func (r *run) withoutDiscovery(check port.Check) port.Check {
	static, listening := len(r.owner.static.list()), len(r.owner.settings.listen) > 0
	check.Result = port.CheckSkipped
	check.Cause = fmt.Sprintf("the configuration names no way to find peers; it has %d peers of its own", static)
	if static == 0 && !listening {
		check.Result = port.CheckFailed
		check.Cause = "the configuration names neither peers nor a way to find some, and the node listens on nothing"
		check.Remedy = "choose a network.preset, or name network.peers"
	}
	return check
}

// readTrees reads all trees at once. One that is not read by the deadline has that as its
// error; the system's resolver may go on for some seconds.
func (r *run) readTrees(ctx context.Context) []treeResult {
	trees := r.owner.settings.trees
	done := make([]chan treeResult, len(trees))
	for i, url := range trees {
		done[i] = make(chan treeResult, 1)
		r.spawnUnlessEnded("waku examine", func() { done[i] <- readTree(ctx, r.owner.settings, url) })
	}
	results := make([]treeResult, len(trees))
	for i, url := range trees {
		select {
		case results[i] = <-done[i]:
		case <-ctx.Done():
			results[i] = treeResult{text: "it could not be read in time", err: ctx.Err()}
		}
		results[i].domain, _, _ = dnsdisc.ParseURL(url) // it was checked
	}
	return results
}

// readTree reads a tree, and counts the nodes in it that we could use.
func readTree(ctx context.Context, s settings, url string) (t treeResult) {
	nodes, err := s.readTree(ctx, url)
	t.nodes, t.err = len(nodes), err
	for _, node := range nodes {
		if record, err := readRecord(node); err == nil && s.suits(record, true) {
			t.suited++
		}
	}
	t.text = fmt.Sprintf("%d nodes, %d of our cluster and shards", t.nodes, t.suited)
	if err != nil {
		t.text = err.Error()
	}
	return t
}

// remedy returns what can be done about a tree without nodes for us.
func (t *treeResult) remedy() string {
	var dns *net.DNSError
	switch {
	case t.err == nil:
		return "check network.cluster and network.shards: the nodes of this tree are of another network"
	case errors.As(t.err, &dns), errors.Is(t.err, context.DeadlineExceeded), errors.Is(t.err, context.Canceled):
		return "check that the DNS can be reached, or name another server in network.nameserver"
	case strings.Contains(t.err.Error(), "signature"), strings.Contains(t.err.Error(), "hash"): // dnsdisc has no errors to compare with
		return "check the key in network.dns_discovery; if it is right, somebody answers for the domain who should not: use another network.nameserver"
	}
	return "check the address in network.dns_discovery"
}

// examineShards checks that there are peers where we publish. A node on the wrong shard or
// cluster is alone, and no error says so.
func (r *run) examineShards() port.Check {
	peers, away := map[string]int{}, r.owner.elsewhere.counts()
	all := r.shardStatus()
	for _, s := range all {
		peers[fmt.Sprint(s.Shard)] = s.Peers
	}
	publishes, _, some := r.publishTopic()
	check := port.Check{Name: "shard", Result: port.CheckPassed, Details: map[string]any{
		"cluster": int(r.owner.settings.cluster), "peers_by_shard": peers, "publishes_on": publishes, "elsewhere": away}}
	ours := fmt.Sprintf("cluster %d, shards %v", r.owner.settings.cluster, r.owner.settings.shards)
	wrong := "set network.cluster and network.shards to those of the network: a node on another cluster or shard is alone, and no error says why"
	switch {
	case !some && len(away) > 0:
		check.Result, check.Remedy = port.CheckFailed, wrong
		check.Cause = fmt.Sprintf("we are on %s, and the nodes that answered are elsewhere: %s", ours, placesText(away))
	case !some && len(r.host().Network().Peers()) > 0:
		check.Result, check.Remedy = port.CheckFailed, wrong
		check.Cause = fmt.Sprintf("%d peers are connected, and too few of them are on %s", len(r.host().Network().Peers()), ours)
	case !some:
		check.Result = port.CheckSkipped
		check.Cause = "there are no peers, so that it cannot be said where they are"
	case publishes != r.topics[0]:
		check.Result = port.CheckWarning
		check.Cause = fmt.Sprintf("the preferred shard %d has no peers, so that we publish on %s", all[0].Shard, publishes)
		check.Remedy = "none is needed if the network is moving from one shard to another; otherwise change the order of network.shards"
	default:
		check.Cause = fmt.Sprintf("we publish on %s, where there are %d peers", publishes, len(r.mode.peersOn(publishes)))
	}
	return check
}

// placesText lists places with the numbers of peers there, for people.
func placesText(counts map[string]int) string {
	var texts []string
	for _, place := range slices.Sorted(maps.Keys(counts)) {
		texts = append(texts, fmt.Sprintf("%d on %s", counts[place], place))
	}
	return strings.Join(texts, "; ")
}
