package waku

import (
	"bytes"
	"encoding/binary"
	"io"
	"slices"
	"testing"

	"github.com/ethereum/go-ethereum/p2p/enode"
	"github.com/ethereum/go-ethereum/p2p/enr"
	"github.com/libp2p/go-msgio/pbio"
	ma "github.com/multiformats/go-multiaddr"
	"github.com/waku-org/go-waku/waku/v2/protocol/peer_exchange/pb"
)

func texts(addresses []ma.Multiaddr) (all []string) {
	for _, a := range addresses {
		all = append(all, a.String())
	}
	return all
}

func TestBootstrapRecordAddresses(t *testing.T) {
	id, err := PeerID(newKey(t))
	if err != nil {
		t.Fatal(err)
	}
	ip6 := enr.IPv6{0x20, 0x01, 0x0d, 0xb8, 15: 1}
	for what, c := range map[string]struct {
		entries []enr.Entry
		want    []string
	}{
		"IPv4":         {[]enr.Entry{enr.IPv4{1, 2, 3, 4}, enr.TCP(5)}, []string{"/ip4/1.2.3.4/tcp/5"}},
		"both":         {[]enr.Entry{enr.IPv4{1, 2, 3, 4}, enr.TCP(5), ip6, enr.TCP6(6)}, []string{"/ip4/1.2.3.4/tcp/5", "/ip6/2001:db8::1/tcp/6"}},
		"one port":     {[]enr.Entry{enr.IPv4{1, 2, 3, 4}, enr.TCP(5), ip6}, []string{"/ip4/1.2.3.4/tcp/5", "/ip6/2001:db8::1/tcp/5"}},
		"no port":      {[]enr.Entry{enr.IPv4{1, 2, 3, 4}, enr.UDP(5)}, nil},
		"anywhere":     {[]enr.Entry{enr.IPv4{0, 0, 0, 0}, enr.TCP(5)}, nil},
		"secure":       {[]enr.Entry{addressList("/dns4/a.example/tcp/443/wss", "/ip4/1.2.3.4/tcp/5/ws")}, []string{"/dns4/a.example/tcp/443/wss", "/ip4/1.2.3.4/tcp/5/ws"}},
		"others":       {[]enr.Entry{addressList("/ip4/1.2.3.4/udp/5/quic-v1", "/dns4/a.example/tcp/443/wss"), relays}, []string{"/dns4/a.example/tcp/443/wss"}},
		"circuit":      {[]enr.Entry{addressList("/ip4/1.2.3.4/tcp/5/p2p/" + id)}, nil},
		"cut":          {[]enr.Entry{enr.WithEntry(recordAddresses, []byte{0, 9, 4})}, nil},
		"no addresses": {[]enr.Entry{enr.WithEntry(recordAddresses, []byte{0, 2, 0xff, 0xff, 0, 0, 1})}, nil},
		"half":         {[]enr.Entry{enr.WithEntry(recordAddresses, []byte{7})}, nil},
		"no list":      {[]enr.Entry{enr.WithEntry(recordAddresses, [][]byte{{1}, {2}}), enr.IPv4{1, 2, 3, 4}, enr.TCP(5)}, []string{"/ip4/1.2.3.4/tcp/5"}},
	} {
		key := newKey(t)
		r, err := readRecord(signedRecord(t, key, c.entries...))
		if got := texts(r.info.Addrs); !slices.Equal(got, c.want) || (err != nil) != (c.want == nil) {
			t.Errorf("%s: %q, %v", what, got, err)
		}
		if id, _ := PeerID(key); err == nil && r.info.ID.String() != id {
			t.Errorf("%s: id %s, want %s", what, r.info.ID, id)
		}
	}
}

func TestBootstrapRecordShards(t *testing.T) {
	bits := func(cluster uint16, shards ...int) enr.Entry {
		raw := append(binary.BigEndian.AppendUint16(nil, cluster), make([]byte, shardBytes)...)
		for _, s := range shards {
			raw[2+s/8] |= 1 << (s % 8)
		}
		return enr.WithEntry(recordShardBits, raw)
	}
	ours := settings{cluster: 16, shards: []uint16{32, 0}}
	for what, c := range map[string]struct {
		entries         []enr.Entry
		lenient, strict bool
	}{
		"fleet":           {[]enr.Entry{relays, shardList(16, 1, 32, 64, 128, 256)}, true, true},
		"successor":       {[]enr.Entry{relays, shardList(16, 0)}, true, true},
		"bits":            {[]enr.Entry{relays, bits(16, 0, 1023)}, true, true},
		"another shard":   {[]enr.Entry{relays, shardList(16, 64)}, false, false},
		"another bit":     {[]enr.Entry{relays, bits(16, 33)}, false, false},
		"another cluster": {[]enr.Entry{relays, shardList(1, 32)}, false, false},
		"no shards":       {[]enr.Entry{relays}, true, false},
		"no roles":        {[]enr.Entry{shardList(16, 32)}, true, false},
		"no relay":        {[]enr.Entry{enr.WithEntry(recordRoles, []byte{0x0e}), shardList(16, 32)}, false, false},
		"cut":             {[]enr.Entry{relays, enr.WithEntry(recordShardList, []byte{0, 16, 2, 0, 32})}, true, false},
		"short":           {[]enr.Entry{relays, enr.WithEntry(recordShardBits, []byte{0, 16, 0xff})}, true, false},
	} {
		r, err := readRecord(signedRecord(t, newKey(t), append(c.entries, enr.IPv4{1, 2, 3, 4}, enr.TCP(5))...))
		if err != nil || ours.suits(r, true) != c.lenient || ours.suits(r, false) != c.strict {
			t.Errorf("%s: %+v, %v", what, r, err)
		}
	}
}

// A record that a node of a fleet published: go-waku's tests have it too.
func TestBootstrapRecordOfTheFleet(t *testing.T) {
	node := enode.MustParse("enr:-QESuEC1p_s3xJzAC_XlOuuNrhVUETmfhbm1wxRGis0f7DlqGSw2FM-p2Ugl_r25UHQJ3f1rIRrpzxJXSMaJe4yk1XFSAYJpZIJ2NIJpcISygI2rim11bHRpYWRkcnO4XAArNiZub2RlLTAxLmRvLWFtczMud2FrdS50ZXN0LnN0YXR1c2ltLm5ldAZ2XwAtNiZub2RlLTAxLmRvLWFtczMud2FrdS50ZXN0LnN0YXR1c2ltLm5ldAYfQN4DgnJzkwABCAAAAAEAAgADAAQABQAGAAeJc2VjcDI1NmsxoQJATXRSRSUyTw_QLB6H_U3oziVQgNRgrXpK7wp2AMyNxYN0Y3CCdl-DdWRwgiMohXdha3UyDw")
	r, err := readRecord(node)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"/ip4/178.128.141.171/tcp/30303", "/dns4/node-01.do-ams3.waku.test.statusim.net/tcp/30303",
		"/dns4/node-01.do-ams3.waku.test.statusim.net/tcp/8000/wss"}
	if got := texts(r.info.Addrs); !slices.Equal(got, want) || r.info.ID.String() != "16Uiu2HAkykgaECHswi3YKJ5dMLbq2kPVCo89fcyTd38UcQD6ej5W" {
		t.Errorf("%s at %q", r.info.ID, got)
	}
	if r.cluster != 1 || !slices.Equal(r.shards, []uint32{0, 1, 2, 3, 4, 5, 6, 7}) || r.roles != 0x0f {
		t.Errorf("%+v", r)
	}
}

// FuzzNodeRecord reads records with anything in their entries, and what is no record.
func FuzzNodeRecord(f *testing.F) {
	key := newKey(f)
	f.Add([]byte{0, 2, 6, 1}, []byte{0, 16, 1, 0, 32}, make([]byte, 130), []byte{15}, []byte{0xc0})
	f.Add([]byte{0, 2, 0xff, 0xff, 0}, []byte{0, 16, 9}, []byte{}, []byte{}, encoded(f, signedRecord(f, key, relays, enr.IPv4{1, 2, 3, 4}, enr.TCP(5))))
	f.Fuzz(func(t *testing.T, addresses, list, bits, roles, raw []byte) {
		if node, err := decodeRecord(raw); err == nil {
			_, _ = readRecord(node)
		}
		if len(addresses)+len(list)+len(bits)+len(roles) > 150 {
			return // too large for a record
		}
		r, err := readRecord(signedRecord(t, key, enr.WithEntry(recordAddresses, addresses), enr.WithEntry(recordShardList, list),
			enr.WithEntry(recordShardBits, bits), enr.WithEntry(recordRoles, roles)))
		if (err == nil) != (len(r.info.Addrs) > 0) {
			t.Fatalf("%+v, %v", r, err)
		}
		for _, address := range r.info.Addrs {
			if !canDial(address) {
				t.Fatalf("%s", address)
			}
		}
	})
}

func FuzzExchange(f *testing.F) {
	var b bytes.Buffer
	node := signedRecord(f, newKey(f), relays, enr.IPv4{1, 2, 3, 4}, enr.TCP(5))
	message := &pb.PeerExchangeRPC{Response: &pb.PeerExchangeResponse{PeerInfos: []*pb.PeerInfo{{Enr: encoded(f, node)}, {Enr: []byte{0xc0}}}}}
	if err := pbio.NewDelimitedWriter(&b).WriteMsg(message); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add(announce)
	f.Add([]byte{0})
	f.Fuzz(func(t *testing.T, raw []byte) {
		nodes, err := readExchange(io.LimitReader(bytes.NewReader(raw), int64(len(raw))))
		if len(nodes) > exchangeNodes || err != nil && nodes != nil {
			t.Fatalf("%d nodes, %v", len(nodes), err)
		}
	})
}
