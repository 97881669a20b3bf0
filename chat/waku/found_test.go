package waku

import (
	"crypto/ecdsa"
	"encoding/binary"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"

	gethcrypto "github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/p2p/dnsdisc"
	"github.com/ethereum/go-ethereum/p2p/enode"
	"github.com/ethereum/go-ethereum/p2p/enr"
	"github.com/ethereum/go-ethereum/rlp"
	ma "github.com/multiformats/go-multiaddr"
	"golang.org/x/net/dns/dnsmessage"

	"libstatus1to1/chat/protocol/key"
)

// This file has what the tests of finding peers need: node records, a DNS server, trees.

// ecdsaKey is a key in the form of go-ethereum.
func ecdsaKey(t testing.TB, k key.Private) *ecdsa.PrivateKey {
	t.Helper()
	private, err := gethcrypto.ToECDSA(k.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return private
}

// signedRecord is a node record with these entries, signed by k.
func signedRecord(t testing.TB, k key.Private, entries ...enr.Entry) *enode.Node {
	t.Helper()
	var record enr.Record
	for _, e := range entries {
		record.Set(e)
	}
	record.SetSeq(1)
	if err := enode.SignV4(&record, ecdsaKey(t, k)); err != nil {
		t.Fatal(err)
	}
	node, err := enode.New(enode.ValidSchemes, &record)
	if err != nil {
		t.Fatal(err)
	}
	return node
}

// shardList is the rs entry. Spec: 51/WAKU2-RELAY-SHARDING, "Static Sharding".
func shardList(cluster uint16, shards ...uint16) enr.Entry {
	raw := append(binary.BigEndian.AppendUint16(nil, cluster), byte(len(shards)))
	for _, shard := range shards {
		raw = binary.BigEndian.AppendUint16(raw, shard)
	}
	return enr.WithEntry(recordShardList, raw)
}

// addressList is the multiaddrs entry. Spec: 31/WAKU2-ENR, "multiaddrs ENR key".
func addressList(addresses ...string) enr.Entry {
	var raw []byte
	for _, text := range addresses {
		b := ma.StringCast(text).Bytes()
		raw = append(binary.BigEndian.AppendUint16(raw, uint16(len(b))), b...)
	}
	return enr.WithEntry(recordAddresses, raw)
}

// relays is the waku2 entry of a relay.
var relays = enr.WithEntry(recordRoles, []byte{roleRelay})

// record describes the station as a node of the fleet does.
func (s *station) record(t testing.TB, more ...enr.Entry) *enode.Node {
	t.Helper()
	where := netip.MustParseAddrPort(hostPort(t, s.address(t)))
	entries := []enr.Entry{relays, shardList(s.settings.cluster, s.settings.shards...)}
	if where.Addr().Is4() {
		entries = append(entries, enr.IPv4Addr(where.Addr()), enr.TCP(where.Port()))
	} else {
		entries = append(entries, enr.IPv6Addr(where.Addr()), enr.TCP6(where.Port()))
	}
	return signedRecord(t, s.key, append(entries, more...)...)
}

// hostPort returns the host and port of an address as package net writes them.
func hostPort(t testing.TB, text string) string {
	t.Helper()
	address := ma.StringCast(text)
	return net.JoinHostPort(ipOf(address).String(), portOf(address))
}

// nameserver is a DNS server on loopback.
type nameserver struct {
	address string
	asked   atomic.Int32

	mu    sync.Mutex
	texts map[string]string
	hosts map[string]netip.Addr
}

func startNameserver(t testing.TB) *nameserver {
	t.Helper()
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { socket.Close() })
	n := &nameserver{address: socket.LocalAddr().String(), texts: map[string]string{}, hosts: map[string]netip.Addr{}}
	go func() {
		for buffer := make([]byte, 4096); ; {
			length, from, err := socket.ReadFrom(buffer)
			if err != nil {
				return
			}
			if answer := n.answer(buffer[:length]); answer != nil {
				_, _ = socket.WriteTo(answer, from)
			}
		}
	}()
	return n
}

// serve makes the server answer for a tree, beside what it has.
func (n *nameserver) serve(texts map[string]string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for name, text := range texts {
		n.texts[name+"."] = text
	}
}

// host makes the server answer for a name.
func (n *nameserver) host(name, ip string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.hosts[name+"."] = netip.MustParseAddr(ip)
}

func (n *nameserver) answer(question []byte) []byte {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.asked.Add(1)
	var m dnsmessage.Message
	if m.Unpack(question) != nil || len(m.Questions) != 1 {
		return nil
	}
	m.Response, m.Authoritative, m.Additionals = true, true, nil
	name := m.Questions[0].Name
	header := dnsmessage.ResourceHeader{Name: name, Class: dnsmessage.ClassINET, TTL: 1}
	text, isText := n.texts[name.String()]
	ip, isHost := n.hosts[name.String()]
	switch {
	case isText && m.Questions[0].Type == dnsmessage.TypeTXT:
		var parts []string
		for ; len(text) > 255; text = text[255:] {
			parts = append(parts, text[:255])
		}
		m.Answers = []dnsmessage.Resource{{Header: header, Body: &dnsmessage.TXTResource{TXT: append(parts, text)}}}
	case isHost && m.Questions[0].Type == dnsmessage.TypeA:
		m.Answers = []dnsmessage.Resource{{Header: header, Body: &dnsmessage.AResource{A: ip.As4()}}}
	case !isText && !isHost:
		m.RCode = dnsmessage.RCodeNameError
	}
	answer, err := m.Pack()
	if err != nil {
		return nil
	}
	return answer
}

const treeDomain = "nodes.example.org"

// tree makes a signed tree of nodes; its texts are for a nameserver.
func tree(t testing.TB, k key.Private, nodes ...*enode.Node) (url string, texts map[string]string) {
	t.Helper()
	made, err := dnsdisc.MakeTree(1, nodes, nil)
	if err != nil {
		t.Fatal(err)
	}
	url, err = made.Sign(ecdsaKey(t, k), treeDomain)
	if err != nil {
		t.Fatal(err)
	}
	return url, made.ToTXT(treeDomain)
}

// memory is a port.PeerMemory.
type memory struct {
	mu    sync.Mutex
	b     []byte
	saves int
}

func (m *memory) Load() ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.b, nil
}

func (m *memory) Save(b []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.b = b
	m.saves++
	return nil
}

func netipOf(t testing.TB, address string) netip.AddrPort {
	t.Helper()
	return netip.MustParseAddrPort(hostPort(t, address))
}

// encoded is a record as it travels.
func encoded(t testing.TB, node *enode.Node) []byte {
	t.Helper()
	raw, err := rlp.EncodeToBytes(node.Record())
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
