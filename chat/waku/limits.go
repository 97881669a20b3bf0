package waku

import (
	"time"

	"github.com/libp2p/go-libp2p/core/protocol"
	rcmgr "github.com/libp2p/go-libp2p/p2p/host/resource-manager"
	"github.com/libp2p/go-libp2p/p2p/protocol/identify"
	"github.com/libp2p/go-libp2p/p2p/protocol/ping"
	"golang.org/x/time/rate"

	"libstatus1to1/chat/enum"
)

// This file limits what a peer may cost us. Anybody who reaches our port is a peer, and
// a new identity costs nothing, so every limit for one peer comes with a limit for all
// strangers together. Static peers are the user's choice and are not counted as
// strangers.

// Connections are cut back to the first number when there are more than the second;
// those of static peers and of gossipsub's mesh are kept. libp2p's own numbers. More
// than the second are not accepted.
const (
	fewConnections  = 160
	manyConnections = 192
)

// These numbers limit accepted connections, from one source (an IPv4 address, or the
// /56 of an IPv6 address: what one customer has) and in all. Each connection leaves
// data behind: gossipsub keeps scores for ten minutes, and a few words for ever. The
// first numbers are the connections that may come at once, as when we were away and all
// peers come back. Nodes dial again after some seconds, so the rates turn nobody away
// for long. Connections from this machine count only in the total. No source may hold
// more than connectionsBySource.
const (
	arrivalsAtOnce         = 128
	arrivalsAtOnceBySource = 16
	arrivalEvery           = time.Second
	arrivalEveryBySource   = 4 * time.Second
	connectionsBySource    = 8
	sourcesRemembered      = 1024
)

// Streams a peer may hold open with us. A relay needs five: relay, metadata, ping,
// identify and its push; others ask for protocols that we do not have.
const streamsByPeer = 32

// networkMemory bounds what libp2p reserves for connections and streams together; 192
// peers with the streams of a relay reserve some 300 MiB of it and use hardly any.
const networkMemory = 512 << 20

// Messages a peer may relay to us, in number and bytes: by second, and at once. A peer
// passes on each message of the shard once, and the busiest shard of the Status network
// has some dozens a second. Each costs an entry of gossipsub's cache for two minutes
// (about 120 bytes) and itself for six seconds. What is above it is dropped unread.
const (
	messagesByPeer          rate.Limit = 1000
	messagesAtOnceByPeer               = 10_000
	messageBytesByPeer      rate.Limit = 8 << 20
	messageBytesAtOnce                 = 32 << 20
	messagesByStrangers     rate.Limit = 2000
	messagesAtOnceStrangers            = 20_000
	bytesByStrangers        rate.Limit = 8 << 20
	bytesAtOnceStrangers               = 64 << 20
	spendersRemembered                 = 1024 // more than there can be connections
)

// Messages a service node may push to us: per second, and at once. Our content topics carry
// little; many come at once when somebody was away, or sends a large message in segments.
const (
	pushesByPeer       rate.Limit = 200
	pushesAtOnceByPeer            = 10_000
	pushBytesByPeer    rate.Limit = 4 << 20
	pushBytesAtOnce               = 32 << 20
)

// pushStreams is the number of streams on which a service node may push at once: some open
// one for each message, without waiting for the one before. Each reserves 256 KiB of window.
const pushStreams = 512

// maxSubscriptions is the number of subscriptions one gossipsub RPC may carry: twice
// the shards of a cluster (51/WAKU2-RELAY-SHARDING). Only the one to our shard is kept.
const maxSubscriptions = 2048

// resourceLimits are libp2p's defaults, except that the limits on what strangers use do
// not grow with the machine's memory.
func resourceLimits(mode enum.NetworkMode) rcmgr.ConcreteLimitConfig {
	limits := rcmgr.DefaultLimits
	limits.SystemBaseLimit.ConnsInbound = manyConnections
	limits.SystemBaseLimit.Conns = manyConnections + maxAddresses
	limits.SystemBaseLimit.ConnsOutbound = manyConnections + maxAddresses
	limits.SystemBaseLimit.Memory = networkMemory
	limits.SystemLimitIncrease.ConnsInbound = 0
	limits.SystemLimitIncrease.Conns = 0
	limits.SystemLimitIncrease.ConnsOutbound = 0
	limits.SystemLimitIncrease.Memory = 0
	limits.PeerBaseLimit.StreamsInbound = streamsByPeer
	if mode == ModeLight { // all our peers are our choice
		limits.PeerBaseLimit.StreamsInbound = streamsByPeer + pushStreams
		limits.PeerBaseLimit.Streams = 2 * (streamsByPeer + pushStreams)
		limits.PeerBaseLimit.Memory = pushStreams * 512 << 10
		limits.AddProtocolPeerLimit(filterPush, rcmgr.BaseLimit{
			StreamsInbound: pushStreams, StreamsOutbound: pushStreams, Streams: pushStreams, Memory: pushStreams * 512 << 10}, rcmgr.BaseLimitIncrease{})
		limits.AddProtocolLimit(filterPush, rcmgr.BaseLimit{
			StreamsInbound: 2 * pushStreams, StreamsOutbound: 2 * pushStreams, Streams: 2 * pushStreams, Memory: networkMemory}, rcmgr.BaseLimitIncrease{})
	}
	limits.PeerLimitIncrease.StreamsInbound = 0
	byPeer := func(id protocol.ID, streams int) {
		limits.AddProtocolPeerLimit(id, rcmgr.BaseLimit{
			StreamsInbound: streams, StreamsOutbound: streams, Streams: 2 * streams, Memory: 16 << 20}, rcmgr.BaseLimitIncrease{})
	}
	byPeer(metadataProtocol, 16)
	byPeer(ping.ID, 4)
	byPeer(identify.ID, 4)
	byPeer(identify.IDPush, 4)
	return limits.AutoScale()
}
