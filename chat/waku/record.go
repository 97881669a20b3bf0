package waku

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	gethcrypto "github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/p2p/enode"
	"github.com/ethereum/go-ethereum/p2p/enr"
	"github.com/ethereum/go-ethereum/rlp"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

// This file reads node records (EIP-778), in which nodes that are found by any method
// are described. go-waku's reader of the addresses in them will not do: an entry that is
// no address keeps it busy for ever, and a cut one makes it panic.

// Keys of a node record. Spec: 31/WAKU2-ENR, "Wire Format"; 51/WAKU2-RELAY-SHARDING,
// "Static Sharding" ("Discovery").
const (
	recordAddresses = "multiaddrs" // what ip and tcp cannot say, such as WebSockets
	recordRoles     = "waku2"      // one byte of flags
	recordShardList = "rs"
	recordShardBits = "rsv"
)

// Flags of what a node serves. Spec: 31/WAKU2-ENR, "waku2 ENR key".
const (
	roleRelay     = 1 << 0
	roleFilter    = 1 << 2
	roleLightpush = 1 << 3
)

// maxRecord bounds a node record in bytes. Spec: EIP-778, "RLP Encoding".
const maxRecord = 300

// shardBytes is the length of a bit for each of a cluster's 1024 shards.
const shardBytes = 128

// nodeRecord holds the parts of a node record that we use.
type nodeRecord struct {
	info     peer.AddrInfo // without /p2p/; only addresses that we can dial
	roles    byte
	hasRoles bool
	cluster  uint16
	shards   []uint32
	sharded  bool // cluster and shards are there
}

// errNoAddress is for a record that names no address of a kind that we dial.
var errNoAddress = errors.New("the node record has no address that can be dialled")

// decodeRecord reads an encoded record and checks its signature.
func decodeRecord(raw []byte) (*enode.Node, error) {
	if len(raw) > maxRecord {
		return nil, fmt.Errorf("a node record of %d bytes", len(raw))
	}
	var record enr.Record
	if err := rlp.DecodeBytes(raw, &record); err != nil {
		return nil, err
	}
	return enode.New(enode.ValidSchemes, &record)
}

// readRecord takes from a record what we need. Parts that do not parse are left out, as
// if they were not there: the node may be newer than we are.
func readRecord(node *enode.Node) (nodeRecord, error) {
	public := node.Pubkey()
	if public == nil {
		return nodeRecord{}, errors.New("the node record has no key")
	}
	key, err := crypto.UnmarshalSecp256k1PublicKey(gethcrypto.CompressPubkey(public))
	if err != nil {
		return nodeRecord{}, err
	}
	id, err := peer.IDFromPublicKey(key)
	if err != nil {
		return nodeRecord{}, err
	}
	r := nodeRecord{info: peer.AddrInfo{ID: id, Addrs: append(plainAddresses(node), moreAddresses(node, id)...)}}
	if len(r.info.Addrs) == 0 {
		return nodeRecord{}, errNoAddress
	}
	var roles []byte
	if node.Load(enr.WithEntry(recordRoles, &roles)) == nil && len(roles) == 1 {
		r.roles, r.hasRoles = roles[0], true
	}
	r.cluster, r.shards, r.sharded = recordShards(node)
	return r, nil
}

// plainAddresses are those of the predefined keys. Spec: EIP-778, "Record Structure":
// without tcp6 the tcp port is that of both.
func plainAddresses(node *enode.Node) (addresses []ma.Multiaddr) {
	var tcp enr.TCP
	var tcp6 enr.TCP6
	_ = node.Load(&tcp)
	if node.Load(&tcp6) != nil {
		tcp6 = enr.TCP6(tcp)
	}
	add := func(kind string, ip netip.Addr, port uint16) {
		if port == 0 || !ip.IsValid() || ip.IsUnspecified() || ip.IsMulticast() {
			return
		}
		if address, err := ma.NewMultiaddr(fmt.Sprintf("/%s/%s/tcp/%d", kind, ip, port)); err == nil {
			addresses = append(addresses, address)
		}
	}
	var ip4 enr.IPv4Addr
	if node.Load(&ip4) == nil {
		add("ip4", netip.Addr(ip4), uint16(tcp))
	}
	var ip6 enr.IPv6Addr
	if node.Load(&ip6) == nil {
		add("ip6", netip.Addr(ip6), uint16(tcp6))
	}
	return addresses
}

// moreAddresses are those under the multiaddrs key: each has its length before it, two
// bytes, big-endian. Spec: 31/WAKU2-ENR, "multiaddrs ENR key".
func moreAddresses(node *enode.Node, id peer.ID) (addresses []ma.Multiaddr) {
	var rest []byte
	if node.Load(enr.WithEntry(recordAddresses, &rest)) != nil {
		return nil
	}
	for len(rest) >= 2 {
		length := int(binary.BigEndian.Uint16(rest))
		rest = rest[2:]
		if length > len(rest) {
			return addresses
		}
		if address := dialAddress(rest[:length], id); address != nil {
			addresses = append(addresses, address)
		}
		rest = rest[length:]
	}
	return addresses
}

// dialAddress is an encoded address, if it is of a kind that we dial; nil otherwise. It
// may end in the peer's id, which some implementations add.
func dialAddress(raw []byte, id peer.ID) ma.Multiaddr {
	address, err := ma.NewMultiaddrBytes(raw)
	if err != nil {
		return nil
	}
	address, named := peer.SplitAddr(address)
	if address == nil || named != "" && named != id || !canDial(address) {
		return nil
	}
	return address
}

// recordShards are the cluster and shards of a record: the cluster in two bytes, then
// either the number of shards and each in two bytes, or a bit for each shard of the
// cluster. Spec: 51/WAKU2-RELAY-SHARDING, "Static Sharding" ("Discovery").
func recordShards(node *enode.Node) (cluster uint16, shards []uint32, ok bool) {
	var raw []byte
	if node.Load(enr.WithEntry(recordShardList, &raw)) == nil {
		if len(raw) < 3 || len(raw) != 3+2*int(raw[2]) {
			return 0, nil, false
		}
		for rest := raw[3:]; len(rest) > 0; rest = rest[2:] {
			shards = append(shards, uint32(binary.BigEndian.Uint16(rest)))
		}
		return binary.BigEndian.Uint16(raw), shards, true
	}
	if node.Load(enr.WithEntry(recordShardBits, &raw)) != nil || len(raw) != 2+shardBytes {
		return 0, nil, false
	}
	for i, bits := range raw[2:] {
		for bit := range 8 {
			if bits&(1<<bit) != 0 {
				shards = append(shards, uint32(8*i+bit))
			}
		}
	}
	return binary.BigEndian.Uint16(raw), shards, true
}

// suits reports whether a node may be one of ours. One that does not say on which shards
// it is may be, if lenient: it is asked once it is connected (66/WAKU2-METADATA).
func (s settings) suits(r nodeRecord, lenient bool) bool {
	if r.hasRoles && r.roles&s.wantedRoles() == 0 || !r.hasRoles && !lenient {
		return false
	}
	if !r.sharded {
		return lenient
	}
	return r.cluster == s.cluster && s.hasAny(r.shards)
}

// wantedRoles returns the roles of which a node of ours has one at least.
func (s settings) wantedRoles() byte {
	if s.mode == ModeLight {
		return roleFilter | roleLightpush
	}
	return roleRelay
}

// canDial reports whether an address is of a kind that we dial: TCP, or a WebSocket over
// it, at an IP address or a name, at a port.
func canDial(address ma.Multiaddr) bool {
	codes := codesOf(address)
	hosts := []int{ma.P_IP4, ma.P_IP6, ma.P_DNS, ma.P_DNS4, ma.P_DNS6}
	if len(codes) < 2 || !slices.Contains(hosts, codes[0]) || codes[1] != ma.P_TCP {
		return false
	}
	for _, code := range codes[2:] {
		if !slices.Contains([]int{ma.P_WS, ma.P_WSS, ma.P_TLS}, code) {
			return false
		}
	}
	port := portOf(address)
	return port != "" && port != "0"
}
