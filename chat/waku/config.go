// Package waku is the real network: a go-waku relay node in this process, behind the
// engine's Transport port.
//
// It speaks 11/WAKU2-RELAY on one static shard (51/WAKU2-RELAY-SHARDING). It uses no
// discovery, no time server, no store and no QUIC. The node listens on TCP if it is
// configured to, stays connected to the static peers it is given and dials nobody else,
// and accepts peers that dial it within the limits of limits.go.
//
// # One subscription
//
// The node always has one relay subscription, to the whole shard: it needs that to
// relay for others and to publish. The content topics of the engine are a set that is
// looked up for each envelope. A separate go-waku subscription for each content topic
// would cost a channel of 1,024 slots (8 KiB), and go-waku's broadcaster walks all of
// them and builds a list of topics in each for every message of the shard. With 10,000
// topics that is 80 MB; BenchmarkFilter shows the cost of an envelope either way.
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
	"fmt"
	"slices"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	"github.com/waku-org/go-waku/waku/v2/protocol"

	"libstatus1to1/chat/port"
)

// What Config means when a field is left out. A node listens where it is told to only.
const (
	DefaultCluster        = 16         // the Status network
	DefaultShard          = 32         // carries everything 1:1
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

// Config configures New. Zero fields mean the defaults above, so cluster 0 and shard 0
// cannot be chosen.
type Config struct {
	// Listen are addresses /ip4/<address>/tcp/<port> or /ip6/...; port 0 is any. With
	// none the node listens on nothing, and has a new peer id at each start.
	Listen []string
	// Peers are static peers, /ip4|ip6|dns4|dns6|dns/.../tcp/<port>/p2p/<peer id>,
	// dialled at Start and again whenever they are lost.
	Peers []string
	// Cluster and Shard name the pubsub topic /waku/2/rs/<cluster>/<shard>.
	Cluster, Shard uint16
	// MaxMessageSize is the largest WakuMessage, encoded, that is published, bytes.
	MaxMessageSize int
	// MinPeers is the number of peers on the shard needed to count as online and to
	// publish.
	MinPeers int
}

// settings is a Config that was checked.
type settings struct {
	listen         []ma.Multiaddr
	peers          []peer.AddrInfo
	cluster, shard uint16
	maxMessageSize int
	minPeers       int
}

// check fills in the defaults and refuses what cannot work, naming the field.
func (c Config) check() (settings, error) {
	s := settings{cluster: c.Cluster, shard: c.Shard, maxMessageSize: c.MaxMessageSize, minPeers: c.MinPeers}
	orDefault(&s.cluster, DefaultCluster)
	orDefault(&s.shard, DefaultShard)
	orDefault(&s.maxMessageSize, DefaultMaxMessageSize)
	orDefault(&s.minPeers, DefaultMinPeers)
	switch {
	case s.shard > protocol.MaxShardIndex:
		return s, port.Errorf(port.CodeBadConfig, "network.shard", "a shard is at most %d", protocol.MaxShardIndex)
	case s.maxMessageSize < minMaxMessageSize || s.maxMessageSize > maxMaxMessageSize:
		return s, port.Errorf(port.CodeBadConfig, "network.max_message_size",
			"the size is between %d and %d bytes", minMaxMessageSize, maxMaxMessageSize)
	case s.minPeers < 1 || s.minPeers > maxAddresses:
		return s, port.Errorf(port.CodeBadConfig, "network.min_peers", "the number is between 1 and %d", maxAddresses)
	case len(c.Listen) > maxAddresses:
		return s, port.Errorf(port.CodeBadConfig, fieldListen, "at most %d addresses", maxAddresses)
	case len(c.Peers) > maxAddresses:
		return s, port.Errorf(port.CodeBadConfig, "network.peers", "at most %d peers", maxAddresses)
	}
	if err := s.checkListen(c.Listen); err != nil {
		return s, err
	}
	for i, text := range c.Peers {
		info, err := parsePeer(fmt.Sprintf("network.peers[%d]", i), text)
		if err != nil {
			return s, err
		}
		s.peers = append(s.peers, info)
	}
	return s, nil
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

// parsePeer reads the address of a static peer. An error names field.
func parsePeer(field, text string) (peer.AddrInfo, error) {
	bad := func() error {
		return port.Errorf(port.CodeBadAddress, field, "must be /ip4/<address>/tcp/<port>/p2p/<peer id>")
	}
	address, err := ma.NewMultiaddr(text)
	if err != nil {
		return peer.AddrInfo{}, bad()
	}
	codes := codesOf(address)
	hosts := []int{ma.P_IP4, ma.P_IP6, ma.P_DNS, ma.P_DNS4, ma.P_DNS6}
	if len(codes) < 3 || !slices.Contains(hosts, codes[0]) || codes[1] != ma.P_TCP || codes[len(codes)-1] != ma.P_P2P {
		return peer.AddrInfo{}, bad()
	}
	for _, code := range codes[2 : len(codes)-1] { // a WebSocket is dialled if asked for
		if !slices.Contains([]int{ma.P_WS, ma.P_WSS, ma.P_TLS}, code) {
			return peer.AddrInfo{}, bad()
		}
	}
	if port, err := address.ValueForProtocol(ma.P_TCP); err != nil || port == "0" {
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

// pubsubTopic is the shard's name. Spec: 51/WAKU2-RELAY-SHARDING, "Static Sharding".
func (s settings) pubsubTopic() string {
	return fmt.Sprintf("/waku/2/rs/%d/%d", s.cluster, s.shard)
}
