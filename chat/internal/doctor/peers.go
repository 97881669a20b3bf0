package doctor

import (
	"fmt"

	"libstatus1to1/chat/enum"
	"libstatus1to1/chat/port"
)

// The numbers of peers that are wanted for a protocol. With fewer it works, and depends on
// them alone.
const (
	wantedRelay = 6 // gossipsub's D (29/WAKU2-CONFIG)
	wantedLight = 2 // each of filter and lightpush
	wantedStore = 2
)

// peers checks that there are peers for each protocol that is used.
func (d *Doctor) peers(status port.NetworkStatus) []port.Check {
	if status.Kind == "external" {
		return []port.Check{{Name: "peers", Result: port.CheckSkipped, Cause: "the program carries the envelopes"}}
	}
	if status.Mode == port.ModeLight {
		return []port.Check{
			servicePeers(status, "filter", "nothing that others publish arrives"),
			servicePeers(status, "lightpush", "nothing can be published"),
			d.storePeers(status),
		}
	}
	return []port.Check{relayPeers(status), d.storePeers(status)}
}

// servicePeers checks the service nodes of light mode for one protocol; without are the
// consequences of there being none.
func servicePeers(status port.NetworkStatus, protocol enum.NetworkProtocolName, without string) port.Check {
	peers := 0
	for _, p := range status.Protocols {
		if p.Protocol == protocol {
			peers = p.Peers
		}
	}
	check := port.Check{Name: string(protocol) + "_peers", Result: port.CheckPassed, Details: map[string]any{
		"peers": peers, "wanted": wantedLight, "errors": problemsOf(status)}}
	switch {
	case peers == 0:
		check.Result = port.CheckFailed
		check.Cause = fmt.Sprintf("no connected peer serves %s, which light mode needs: %s", protocol, without)
		check.Remedy = "name service nodes in network.peers, use a preset, or run a relay (network.mode)"
		if problems := problemsOf(status); len(problems) > 0 {
			check.Cause += "; " + anyOf(problems)
			check.Remedy = "check that the peers of the configuration run, that their addresses are right, and that network.cluster and network.shards are theirs; or " + check.Remedy
		}
	case peers < wantedLight:
		check.Result = port.CheckWarning
		check.Cause = fmt.Sprintf("only one peer serves %s: what it leaves out is not noticed", protocol)
		check.Remedy = "name another one in network.peers"
	default:
		check.Cause = fmt.Sprintf("%d peers serve %s", peers, protocol)
	}
	return check
}

// problemsOf returns what is wrong with peers of the configuration, by their ids.
func problemsOf(status port.NetworkStatus) map[string]string {
	problems := map[string]string{}
	for _, p := range status.Peers {
		if p.Error != "" {
			problems[p.PeerID] = p.Error
		}
	}
	return problems
}

// relayPeers checks the peers that pass on what is published.
func relayPeers(status port.NetworkStatus) port.Check {
	connected, onShard, problems := 0, 0, problemsOf(status)
	for _, p := range status.Peers {
		if p.Connected {
			connected++
			if p.OnShard {
				onShard++
			}
		}
	}
	check := port.Check{Name: "relay_peers", Result: port.CheckPassed, Details: map[string]any{
		"connected": connected, "on_our_shards": onShard, "wanted": wantedRelay, "errors": problems}}
	switch {
	case onShard == 0 && len(problems) > 0:
		check.Result = port.CheckFailed
		check.Cause = fmt.Sprintf("no peer is on our shards, and %d peers of the configuration cannot be used: %s", len(problems), anyOf(problems))
		check.Remedy = "check their addresses, and that network.cluster and network.shards are theirs"
	case onShard == 0 && connected > 0:
		check.Result = port.CheckFailed
		check.Cause = fmt.Sprintf("%d peers are connected, and none is on our shards", connected)
		check.Remedy = "check that network.cluster and network.shards are those of the network"
	case onShard == 0:
		check.Result = port.CheckFailed
		check.Cause = "there are no peers: nothing can be published, and nothing arrives"
		check.Remedy = "check that the machine is online, and name peers or ways to find them: network.preset, network.peers, network.dns_discovery"
	case onShard == 1:
		check.Result = port.CheckWarning
		check.Cause = "there is only one peer: what it does not pass on is lost"
		check.Remedy = "connect to more peers"
	default:
		check.Cause = fmt.Sprintf("%d peers are on our shards", onShard)
	}
	return check
}

// storePeers checks the nodes that keep what was published while we were away.
func (d *Doctor) storePeers(status port.NetworkStatus) port.Check {
	check := port.Check{Name: "store_peers", Result: port.CheckPassed}
	archive, ok := d.Net.(port.Archive)
	nodes := 0
	if ok {
		nodes = len(archive.StoreNodes())
	}
	check.Details = map[string]any{"store_nodes": nodes, "wanted": wantedStore}
	switch {
	case nodes == 0 && status.Kind == "memory":
		check.Result, check.Cause = port.CheckSkipped, "this memory network has no store nodes"
	case nodes == 0:
		check.Result = port.CheckWarning
		check.Cause = "there is no store node: what is published while we are away arrives only if its sender repeats it"
		check.Remedy = "name store nodes in network.store_peers, or use a preset that has some"
	case nodes < wantedStore:
		check.Result = port.CheckWarning
		check.Cause = "there is only one store node: what it leaves out is not noticed"
		check.Remedy = "name another one in network.store_peers"
	default:
		check.Cause = fmt.Sprintf("%d store nodes can be asked", nodes)
	}
	return check
}

// anyOf returns one of the problems, for a sentence.
func anyOf(problems map[string]string) string {
	first := ""
	for id, problem := range problems {
		if text := id + ": " + problem; first == "" || text < first {
			first = text
		}
	}
	return first
}
