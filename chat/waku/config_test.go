package waku

import (
	"errors"
	"strings"
	"testing"

	"libstatus1to1/chat/port"
)

func TestBadConfig(t *testing.T) {
	peerID, err := PeerID(newKey(t))
	if err != nil {
		t.Fatal(err)
	}
	good := "/ip4/127.0.0.1/tcp/60000/p2p/" + peerID
	many := strings.Split(strings.Repeat(good+" ", maxAddresses+1), " ")
	for _, c := range []struct {
		what, field string
		code        port.Code
		config      Config
	}{
		{"no multiaddress", "network.listen", port.CodeBadAddress, Config{Listen: []string{"127.0.0.1:0"}}},
		{"empty", "network.listen", port.CodeBadAddress, Config{Listen: []string{""}}},
		{"udp", "network.listen", port.CodeBadAddress, Config{Listen: []string{"/ip4/127.0.0.1/udp/0"}}},
		{"quic", "network.listen", port.CodeBadAddress, Config{Listen: []string{"/ip4/127.0.0.1/udp/0/quic-v1"}}},
		{"ws", "network.listen", port.CodeBadAddress, Config{Listen: []string{"/ip4/127.0.0.1/tcp/0/ws"}}},
		{"port too high", "network.listen", port.CodeBadAddress, Config{Listen: []string{"/ip4/127.0.0.1/tcp/65536"}}},
		{"listening with an id", "network.listen", port.CodeBadAddress, Config{Listen: []string{good}}},
		{"the second", "network.listen", port.CodeBadAddress, Config{Listen: []string{"/ip4/0.0.0.0/tcp/0", "x"}}},
		{"too many", "network.listen", port.CodeBadConfig, Config{Listen: many}},
		{"peer without id", "network.peers[0]", port.CodeBadAddress, Config{Peers: []string{"/ip4/127.0.0.1/tcp/60000"}}},
		{"store peer without id", "network.store_peers[1]", port.CodeBadAddress, Config{StorePeers: []string{good, "/ip4/127.0.0.1/tcp/60000"}}},
		{"too many store peers", "network.store_peers", port.CodeBadConfig, Config{StorePeers: many[:maxStorePeers+1]}},
		{"peer id alone", "network.peers[0]", port.CodeBadAddress, Config{Peers: []string{"/p2p/" + peerID}}},
		{"broken id", "network.peers[1]", port.CodeBadAddress, Config{Peers: []string{good, good + "x"}}},
		{"port 0", "network.peers[0]", port.CodeBadAddress, Config{Peers: []string{"/ip4/127.0.0.1/tcp/0/p2p/" + peerID}}},
		{"quic peer", "network.peers[0]", port.CodeBadAddress, Config{Peers: []string{"/ip4/127.0.0.1/udp/1/quic-v1/p2p/" + peerID}}},
		{"circuit", "network.peers[0]", port.CodeBadAddress, Config{Peers: []string{good + "/p2p-circuit/p2p/" + peerID}}},
		{"too many peers", "network.peers", port.CodeBadConfig, Config{Peers: many}},
		{"shard", "network.shards[0]", port.CodeBadConfig, Config{Shards: []uint16{1024}}},
		{"shard twice", "network.shards[2]", port.CodeBadConfig, Config{Shards: []uint16{0, 32, 32}}},
		{"too many shards", "network.shards", port.CodeBadConfig, Config{Shards: make([]uint16, maxShards+1)}},
		{"small size", "network.max_message_size", port.CodeBadConfig, Config{MaxMessageSize: 100}},
		{"negative size", "network.max_message_size", port.CodeBadConfig, Config{MaxMessageSize: -1}},
		{"large size", "network.max_message_size", port.CodeBadConfig, Config{MaxMessageSize: 1 << 30}},
		{"negative peers", "network.min_peers", port.CodeBadConfig, Config{MinPeers: -1}},
	} {
		_, err := New(c.config)
		var typed *port.Error
		if !errors.As(err, &typed) || typed.Code != c.code || typed.Field != c.field {
			t.Errorf("%s: %v, want %s about %s", c.what, err, c.code, c.field)
		}
	}
}

func TestGoodConfig(t *testing.T) {
	peerID, err := PeerID(newKey(t))
	if err != nil {
		t.Fatal(err)
	}
	n, err := New(Config{Peers: []string{
		"/ip4/10.0.0.1/tcp/1/p2p/" + peerID,
		"/ip6/::1/tcp/2/p2p/" + peerID,
		"/dns4/node.example.org/tcp/30303/p2p/" + peerID,
		"/dns4/node.example.org/tcp/443/wss/p2p/" + peerID,
		"/ip4/10.0.0.1/tcp/1/p2p/" + peerID,
	}})
	if err != nil {
		t.Fatal(err)
	}
	if p := n.static.list(); len(p) != 1 || len(p[0].addresses) != 4 {
		t.Errorf("static peers %+v", p)
	}
	if s := n.settings; s.cluster != 16 || len(s.shards) != 1 || s.shards[0] != 32 || s.maxMessageSize != 150*1024 || s.minPeers != 1 || len(s.listen) != 0 {
		t.Errorf("defaults %+v", s)
	}
	n, err = New(Config{Cluster: 2, Shards: []uint16{1023}, Listen: []string{"/ip6/::1/tcp/2", "/ip4/127.0.0.1/tcp/1"}})
	if err != nil || n.PubsubTopic() != "/waku/2/rs/2/1023" {
		t.Errorf("%v", err)
	}
}

func FuzzPeerAddress(f *testing.F) {
	peerID, err := PeerID(newKey(f))
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{"", "/", "/ip4/127.0.0.1/tcp/60000/p2p/" + peerID, "/dns4/a.b/tcp/443/wss/p2p/" + peerID, "/p2p/" + peerID, "/unix/x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		info, err := parsePeer("field", text)
		if (err == nil) != (info.ID != "" && len(info.Addrs) == 1) {
			t.Fatalf("%q gave %v and %v", text, info, err)
		}
		if _, err := New(Config{Listen: []string{text}}); err != nil && port.CodeOf(err) != port.CodeBadAddress {
			t.Fatal(err)
		}
	})
}
