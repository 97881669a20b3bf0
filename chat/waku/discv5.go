package waku

import (
	"context"
	"net"
	"time"

	gethcrypto "github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/log"
	"github.com/ethereum/go-ethereum/p2p/discover"
	"github.com/ethereum/go-ethereum/p2p/enode"
	"github.com/ethereum/go-ethereum/p2p/enr"
)

// Spec: 33/WAKU2-DISCV5. Nodes ask each other over UDP for the nodes that they know. The
// protocol is go-ethereum's, with Waku's name in its packets; go-waku's package around it
// links STUN and DTLS libraries, to learn the address of a node that wants to be found.
//
// We do not: the socket is open only while nodes are looked for, under a key that is made
// for it, and what was learned ends with it. So nobody follows a device by this, an idle
// node sends nothing, and the table and database of go-ethereum never grow old.

// discv5Protocol stands in every packet. Spec: 33/WAKU2-DISCV5, "WAKU2-Specific
// protocol-id".
var discv5Protocol = [6]byte{'d', '5', 'w', 'a', 'k', 'u'}

// Bounds of one search: how long it lasts, how many nodes it looks at, and how many of
// them it takes.
const (
	discv5Wait  = 20 * time.Second
	discv5Looks = 256
	discv5Nodes = 2 * wantedPeers
)

// searchDiscv5 looks for nodes that suit, beginning with those of boot that name a UDP
// port. It returns what it has found when the time is over or it is enough.
func (s settings) searchDiscv5(ctx context.Context, boot []*enode.Node) (nodes []*enode.Node, err error) {
	ctx, cancel := context.WithTimeout(ctx, discv5Wait)
	defer cancel()
	private, err := gethcrypto.GenerateKey()
	if err != nil {
		return nil, err
	}
	database, err := enode.OpenDB("") // in memory
	if err != nil {
		return nil, err
	}
	defer database.Close()
	local := enode.NewLocalNode(database, private)
	// The role is asked for (31/WAKU2-ENR, "Key Usage"). Without an address in it our
	// record is of no use to anybody, and is not passed on.
	local.Set(enr.WithEntry(recordRoles, []byte{s.ownRoles()}))
	socket, err := net.ListenUDP("udp", nil)
	if err != nil {
		return nil, err
	}
	protocol := discv5Protocol
	listener, err := discover.ListenV5(socket, local, discover.Config{PrivateKey: private, Bootnodes: boot,
		V5ProtocolID: &protocol, Log: log.NewLogger(log.DiscardHandler())})
	if err != nil {
		_ = socket.Close()
		return nil, err
	}
	defer listener.Close()
	return s.pick(ctx, listener.RandomNodes()), nil
}

// ownRoles returns the roles that we have.
func (s settings) ownRoles() byte {
	if s.mode == ModeLight {
		return 0
	}
	return roleRelay
}

// pick takes the nodes that suit from an iterator, which it closes, each once.
func (s settings) pick(ctx context.Context, iterator enode.Iterator) (nodes []*enode.Node) {
	defer iterator.Close()
	stop := context.AfterFunc(ctx, iterator.Close)
	defer stop()
	seen := map[enode.ID]bool{}
	for looks := 0; looks < discv5Looks && len(nodes) < discv5Nodes && ctx.Err() == nil && iterator.Next(); looks++ {
		node := iterator.Node()
		if seen[node.ID()] {
			continue
		}
		seen[node.ID()] = true
		// Spec: 31/WAKU2-ENR, "Key Usage": who names no role is left out.
		if r, err := readRecord(node); err == nil && s.suits(r, false) {
			nodes = append(nodes, node)
		}
	}
	return nodes
}

// answersDiscv5 reports whether a node may be asked.
func answersDiscv5(node *enode.Node) bool {
	_, ok := node.UDPEndpoint()
	return ok
}
