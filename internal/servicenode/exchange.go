package servicenode

import (
	"encoding/binary"
	"errors"
	"net"
	"slices"
	"strconv"

	gethcrypto "github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/p2p/enode"
	"github.com/ethereum/go-ethereum/p2p/enr"
	"github.com/ethereum/go-ethereum/rlp"
	"github.com/libp2p/go-libp2p/core/network"
	ma "github.com/multiformats/go-multiaddr"
	"github.com/waku-org/go-waku/waku/v2/protocol/peer_exchange/pb"
)

// serveExchange names other nodes. Spec: 34/WAKU2-PEER-EXCHANGE.
func (n *Node) serveExchange(stream network.Stream) error {
	request := new(pb.PeerExchangeRPC)
	if err := read(stream, request); err != nil {
		return err
	}
	if n.currentFaults().ExchangeHangs {
		return n.hang()
	}
	n.mu.Lock()
	records := slices.Clone(n.records)
	n.mu.Unlock()
	answer := &pb.PeerExchangeRPC{Response: &pb.PeerExchangeResponse{}}
	for _, raw := range records[:min(uint64(len(records)), request.GetQuery().GetNumPeers())] {
		answer.Response.PeerInfos = append(answer.Response.PeerInfos, &pb.PeerInfo{Enr: raw})
	}
	return write(stream, answer)
}

// Introduce makes the node name other nodes in peer exchange.
func (n *Node) Introduce(others ...*Node) error {
	for _, other := range others {
		record, err := other.Record()
		if err != nil {
			return err
		}
		raw, err := rlp.EncodeToBytes(record.Record())
		if err != nil {
			return err
		}
		n.mu.Lock()
		n.records = append(n.records, raw)
		n.mu.Unlock()
	}
	return nil
}

// Flags of a node record. Spec: 31/WAKU2-ENR, "waku2 ENR key".
const (
	roleRelay     = 1 << 0
	roleStore     = 1 << 1
	roleFilter    = 1 << 2
	roleLightpush = 1 << 3
)

// Record returns the node's record, signed: its first TCP address, its shards, and which
// protocols it serves. Spec: EIP-778; 31/WAKU2-ENR; 51/WAKU2-RELAY-SHARDING, "Discovery".
func (n *Node) Record() (*enode.Node, error) {
	private, err := gethcrypto.ToECDSA(n.options.Key.Bytes())
	if err != nil {
		return nil, err
	}
	where, err := ma.NewMultiaddr(n.Address())
	if err != nil {
		return nil, err
	}
	ip, err := where.ValueForProtocol(ma.P_IP4)
	if err != nil {
		return nil, errors.New("servicenode: only nodes that listen on IPv4 have records")
	}
	text, err := where.ValueForProtocol(ma.P_TCP)
	if err != nil {
		return nil, err
	}
	tcp, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return nil, err
	}
	var roles byte
	for p, flag := range map[Protocol]byte{Relay: roleRelay, Store: roleStore, Filter: roleFilter, Lightpush: roleLightpush} {
		if n.options.serves(p) {
			roles |= flag
		}
	}
	shards := append(binary.BigEndian.AppendUint16(nil, n.options.Cluster), byte(len(n.options.Shards)))
	for _, shard := range n.options.Shards {
		shards = binary.BigEndian.AppendUint16(shards, shard)
	}
	var record enr.Record
	record.Set(enr.IPv4(net.ParseIP(ip)))
	record.Set(enr.TCP(tcp))
	record.Set(enr.WithEntry("waku2", []byte{roles}))
	record.Set(enr.WithEntry("rs", shards))
	if err := enode.SignV4(&record, private); err != nil {
		return nil, err
	}
	return enode.New(enode.ValidSchemes, &record)
}
