// Package waku is the real network: a Waku node in this process, behind the engine's
// Transport port.
//
// It is on static shards (51/WAKU2-RELAY-SHARDING), in one of two modes, which are two
// implementations of the interface mode. In relay mode it speaks 11/WAKU2-RELAY, by
// go-waku: it listens on TCP if it is configured to, and accepts peers that dial it within
// the limits of limits.go. In light mode it is a client of service nodes. In both it stays
// connected to the static peers it is given, looks for other peers if the configuration
// names a way to find some (finder.go), and connects to the store nodes of the
// configuration when they are asked. It dials nobody else, and uses no time server and no
// QUIC.
//
// # Store nodes
//
// Store nodes (13/WAKU2-STORE) are asked for what was published before: those of the
// configuration, and connected peers that speak the protocol. Nobody signs an answer. What can be checked is
// checked before it is believed (storeanswer.go); what cannot, the caller has to expect:
// that something is left out, and hashes of messages that there never were.
//
// # Light mode
//
// A light node hears what it has subscribed to at service nodes (12/WAKU2-FILTER:
// filter.go has the messages, subscription.go one subscription, subscriber.go all), and
// publishes through service nodes (19/WAKU2-LIGHTPUSH: lightpush.go, publisher.go). It runs
// no gossipsub and listens on nothing. Nobody proves that a service node does what it says,
// so two are used for everything, and they are compared with each other (review.go) and
// tested (probe.go). The engine is told since when envelopes may have been missed (gaps.go),
// and asks store nodes for them.
//
// # One relay subscription a shard
//
// A relay always has one relay subscription to each whole shard: it needs that to
// relay for others and to publish. The content topics of the engine are a set that is
// looked up for each envelope. A separate go-waku subscription for each content topic
// would cost a channel of 1,024 slots (8 KiB), and go-waku's broadcaster walks all of
// them and builds a list of topics in each for every message of the shard. With 10,000
// topics that is 80 MB; BenchmarkFilter shows the cost of an envelope either way.
//
// # Finding peers
//
// A Preset describes a known network. Nodes that were found are candidates
// (candidates.go) until the finder has tried them. Whether they become peers depends on
// the cluster and shards they turn out to be on, not on what was said of them.
//
// # The seen cache of gossipsub
//
// A message's id is the SHA-256 of its bytes, remembered for two minutes. If the same
// WakuMessage is published again within that time, gossipsub drops it and reports
// success. To publish it again, change its timestamp.
//
// # Globals
//
// The log sink of go-log, which libp2p and go-waku write to, belongs to the process.
// This package sets one that discards everything: nothing is ever written to standard
// output or error.
//
// # Imports to avoid
//
// The relay is go-waku's (waku/v2/protocol/relay), on a host put together in host.go.
// Do not import github.com/libp2p/go-libp2p, its p2p/host/basic, go-waku's waku/v2/node
// or its waku/v2/protocol/filter (which imports its tests): each links transports that
// nothing here runs, QUIC and WebRTC with all they need. internal/archtest checks this.
package waku

import (
	"crypto/x509"
	"fmt"
	"net/netip"
	"slices"

	"github.com/ethereum/go-ethereum/p2p/dnsdisc"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/transport"
	ma "github.com/multiformats/go-multiaddr"
	"github.com/waku-org/go-waku/waku/v2/protocol"

	"libstatus1to1/chat/enum"
	"libstatus1to1/chat/port"
)

// What Config means when a field is left out. A node listens where it is told to only.
const (
	DefaultCluster        = 16         // the Status network
	DefaultShard          = 32         // carries everything 1:1; used where Config names no shards
	DefaultMaxMessageSize = 150 * 1024 // Waku's default; the Status fleet takes 1 MiB
	DefaultMinPeers       = 1          // never publish into the void
)

// Bounds of Config.MaxMessageSize in bytes: below the first no message of ours
// fits, above the second peers of any known network hang up.
const (
	minMaxMessageSize = 4 * 1024
	maxMaxMessageSize = 4 * 1024 * 1024
)

// maxAddresses bounds Config.Listen and the number of static peers, so that a
// mistake in a program does not open thousands of connections.
const maxAddresses = 256

// maxStorePeers bounds Config.StorePeers: several times as many as the fleet's store nodes
// have addresses.
const maxStorePeers = 64

// maxShards bounds Config.Shards: each is a mesh of its own, with all its traffic.
const maxShards = 8

// Config configures New. Zero fields mean the defaults above, so cluster 0
// cannot be chosen.
type Config struct {
	// Listen are addresses /ip4/<address>/tcp/<port> or /ip6/...; port 0 is any. With
	// none the node listens on nothing, and has a new peer id at each start.
	Listen []string
	// Peers are static peers, /ip4|ip6|dns4|dns6|dns/.../tcp/<port>/p2p/<peer id>,
	// dialled at Start and again whenever they are lost.
	Peers []string
	// StorePeers are store nodes, named like Peers. They are dialled when they are asked
	// for something, and need not be on our shards.
	StorePeers []string
	// Cluster and each of Shards name a pubsub topic /waku/2/rs/<cluster>/<shard>. The
	// node listens on all, and publishes on the first that has enough peers.
	Cluster uint16
	Shards  []uint16
	// Trees are addresses enrtree://<key>@<domain> of trees of node records in the DNS
	// (EIP-1459), of which peers are found.
	Trees []string
	// Exchange asks connected peers for others (34/WAKU2-PEER-EXCHANGE).
	Exchange bool
	// Discv5 asks anybody over UDP (33/WAKU2-DISCV5), beginning with those that were found
	// otherwise.
	Discv5 bool
	// Nameserver is the IP address and port of the DNS server to ask; "" for those of the
	// system, which Go does not know on Android.
	Nameserver string
	// MaxMessageSize is the largest WakuMessage, encoded, that is published, bytes.
	MaxMessageSize int
	// MinPeers is the number of peers on one of the shards needed to count as online and
	// to publish there.
	MinPeers int
	// Mode is ModeRelay (also ""), ModeLight or ModeAuto. In light mode Listen is not used:
	// the node dials only.
	Mode enum.NetworkMode
}

// settings is a Config that was checked.
type settings struct {
	listen         []ma.Multiaddr
	peers          []peer.AddrInfo
	storePeers     []peer.AddrInfo
	cluster        uint16
	shards         []uint16 // the preferred one first
	maxMessageSize int
	minPeers       int
	trees          []string
	exchange       bool
	discv5         bool
	nameserver     string
	mode           enum.NetworkMode // ModeRelay or ModeLight
	timing         timing
	roots          *x509.CertPool // who certifies WebSockets; nil for the system's
	// link makes the transport that tests use instead of TCP; nil for TCP.
	link func(transport.Upgrader) transport.Transport
}

// check fills in the defaults and refuses what cannot work, naming the field.
func (c Config) check() (settings, error) {
	s := settings{cluster: c.Cluster, shards: slices.Clone(c.Shards), maxMessageSize: c.MaxMessageSize, minPeers: c.MinPeers,
		trees: slices.Clone(c.Trees), exchange: c.Exchange, discv5: c.Discv5, nameserver: c.Nameserver, timing: usualTiming}
	orDefault(&s.cluster, DefaultCluster)
	if len(s.shards) == 0 {
		s.shards = []uint16{DefaultShard}
	}
	orDefault(&s.maxMessageSize, DefaultMaxMessageSize)
	orDefault(&s.minPeers, DefaultMinPeers)
	if err := checkShards(s.shards); err != nil {
		return s, err
	}
	var err error
	if s.mode, err = resolveMode(c.Mode); err != nil {
		return s, err
	}
	switch {
	case s.maxMessageSize < minMaxMessageSize || s.maxMessageSize > maxMaxMessageSize:
		return s, port.Errorf(port.CodeBadConfig, "network.max_message_size",
			"the size is between %d and %d bytes", minMaxMessageSize, maxMaxMessageSize)
	case s.minPeers < 1 || s.minPeers > maxAddresses:
		return s, port.Errorf(port.CodeBadConfig, "network.min_peers", "the number is between 1 and %d", maxAddresses)
	case len(c.Listen) > maxAddresses:
		return s, port.Errorf(port.CodeBadConfig, fieldListen, "at most %d addresses", maxAddresses)
	case len(c.Peers) > maxAddresses:
		return s, port.Errorf(port.CodeBadConfig, "network.peers", "at most %d peers", maxAddresses)
	case len(c.StorePeers) > maxStorePeers:
		return s, port.Errorf(port.CodeBadConfig, "network.store_peers", "at most %d peers", maxStorePeers)
	}
	if err := s.checkListen(c.Listen); err != nil {
		return s, err
	}
	if s.mode == ModeLight {
		s.listen = nil
	}
	if err := s.checkFinding(); err != nil {
		return s, err
	}
	if err := parsePeers("network.peers", c.Peers, &s.peers); err != nil {
		return s, err
	}
	return s, parsePeers("network.store_peers", c.StorePeers, &s.storePeers)
}

// checkShards refuses too many, a number that is no shard, and the same twice.
func checkShards(shards []uint16) error {
	if len(shards) > maxShards {
		return port.Errorf(port.CodeBadConfig, "network.shards", "at most %d shards", maxShards)
	}
	for i, shard := range shards {
		field := fmt.Sprintf("network.shards[%d]", i)
		if shard > protocol.MaxShardIndex {
			return port.Errorf(port.CodeBadConfig, field, "a shard is at most %d", protocol.MaxShardIndex)
		}
		if slices.Contains(shards[:i], shard) {
			return port.Errorf(port.CodeBadConfig, field, "shard %d is there twice", shard)
		}
	}
	return nil
}

func orDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// fieldListen is the name of Config.Listen for the caller of the library.
const fieldListen = "network.listen"

func (s *settings) checkListen(listen []string) error {
	for _, text := range listen {
		address, err := ma.NewMultiaddr(text)
		codes := codesOf(address)
		if err != nil || len(codes) != 2 || codes[1] != ma.P_TCP || (codes[0] != ma.P_IP4 && codes[0] != ma.P_IP6) {
			return port.Errorf(port.CodeBadAddress, fieldListen,
				"%q is not /ip4/<address>/tcp/<port> or /ip6/<address>/tcp/<port>", text)
		}
		s.listen = append(s.listen, address)
	}
	return nil
}

// checkFinding refuses trees and a nameserver that are none.
func (s settings) checkFinding() error {
	if len(s.trees) > maxTrees {
		return port.Errorf(port.CodeBadConfig, "network.dns_discovery", "at most %d trees", maxTrees)
	}
	for i, url := range s.trees {
		if domain, _, err := dnsdisc.ParseURL(url); err != nil || domain == "" {
			return port.Errorf(port.CodeBadAddress, fmt.Sprintf("network.dns_discovery[%d]", i), "must be enrtree://<key>@<domain>")
		}
	}
	if server, err := netip.ParseAddrPort(s.nameserver); s.nameserver != "" && (err != nil || server.Port() == 0) {
		return port.Errorf(port.CodeBadAddress, "network.nameserver", "must be an IP address and a port, such as 9.9.9.9:53")
	}
	return nil
}

// parsePeers reads addresses of peers. An error names the one of the field.
func parsePeers(field string, texts []string, into *[]peer.AddrInfo) error {
	for i, text := range texts {
		info, err := parsePeer(fmt.Sprintf("%s[%d]", field, i), text)
		if err != nil {
			return err
		}
		*into = append(*into, info)
	}
	return nil
}

// parsePeer reads the address of a static peer. An error names field.
func parsePeer(field, text string) (peer.AddrInfo, error) {
	bad := func() error {
		return port.Errorf(port.CodeBadAddress, field, "must be /ip4/<address>/tcp/<port>/p2p/<peer id>")
	}
	address, err := ma.NewMultiaddr(text)
	if err != nil {
		return peer.AddrInfo{}, bad()
	}
	where, id := peer.SplitAddr(address)
	if id == "" || where == nil || !canDial(where) {
		return peer.AddrInfo{}, bad()
	}
	info, err := peer.AddrInfoFromP2pAddr(address)
	if err != nil {
		return peer.AddrInfo{}, bad()
	}
	return *info, nil
}

// codesOf lists the protocols of an address; nil has none.
func codesOf(address ma.Multiaddr) []int {
	if address == nil {
		return nil
	}
	var codes []int
	for _, p := range address.Protocols() {
		codes = append(codes, p.Code)
	}
	return codes
}

// pubsubTopic is a shard's name. Spec: 51/WAKU2-RELAY-SHARDING, "Static Sharding".
func (s settings) pubsubTopic(shard uint16) string {
	return fmt.Sprintf("/waku/2/rs/%d/%d", s.cluster, shard)
}

// pubsubTopics are the names of all our shards, the preferred one first.
func (s settings) pubsubTopics() []string {
	topics := make([]string, len(s.shards))
	for i, shard := range s.shards {
		topics[i] = s.pubsubTopic(shard)
	}
	return topics
}
