package waku

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"libstatus1to1/chat/port"
)

// moving is a configuration for a network that moves from shard 32 to shard 0.
func moving(peers ...string) Config { return Config{Shards: []uint16{32, 0}, Peers: peers} }

// A node on two shards hears both, whichever of them the others are on, and answers
// each of them where it is: on 32, unless only 0 has peers.
func TestShardsAreAllHeard(t *testing.T) {
	old, successor := start(t, Config{}), start(t, Config{Shards: []uint16{0}})
	s := start(t, moving(successor.address(t)))
	s.untilOnline(t)
	successor.untilOnline(t)
	if topic := s.PubsubTopic(); topic != "/waku/2/rs/16/0" {
		t.Errorf("with a peer on shard 0 only, published on %s", topic)
	}
	successor.publish(t, envelope([]byte("from 0")))
	if e := s.untilReceived(t, []byte("from 0")); e.PubsubTopic != "/waku/2/rs/16/0" {
		t.Errorf("from %s", e.PubsubTopic)
	}
	s.publish(t, envelope([]byte("to 0")))
	successor.untilReceived(t, []byte("to 0"))

	if err := s.Connect(old.address(t)); err != nil {
		t.Fatal(err)
	}
	s.until(t, "a peer on 32", func() bool { return s.PubsubTopic() == "/waku/2/rs/16/32" })
	old.untilOnline(t)
	old.publish(t, envelope([]byte("from 32")))
	s.untilReceived(t, []byte("from 32"))
	s.publish(t, envelope([]byte("to 32")))
	old.untilReceived(t, []byte("to 32"))
	for _, e := range successor.allReceived() {
		if string(e.Payload) == "to 32" {
			t.Error("what was said on 32 came on 0 too")
		}
	}
	s.until(t, "the count of both", func() bool {
		return slices.Equal(s.Status().Shards, []port.NetworkShard{
			{Shard: 32, PubsubTopic: "/waku/2/rs/16/32", Peers: 1}, {Shard: 0, PubsubTopic: "/waku/2/rs/16/0", Peers: 1}})
	})

	old.stop(t)
	s.until(t, "only shard 0", func() bool { return s.PubsubTopic() == "/waku/2/rs/16/0" })
	if state := s.Status().State; state != port.NetworkOnline {
		t.Errorf("with a peer on shard 0 the node is %s", state)
	}
	s.publish(t, envelope([]byte("to 0 again")))
	successor.untilReceived(t, []byte("to 0 again"))
}

// Whoever names a shard gets that one or an error, not another.
func TestShardThatIsNamed(t *testing.T) {
	successor := start(t, Config{Shards: []uint16{0}})
	s := start(t, moving(successor.address(t)))
	s.untilOnline(t)
	e := envelope([]byte("named"))
	for topic, want := range map[string]error{"/waku/2/rs/16/32": port.ErrNoPeers, "/waku/2/rs/16/0": nil} {
		e.PubsubTopic = topic
		if _, err := s.Publish(context.Background(), e); !errors.Is(err, want) {
			t.Errorf("%s: %v", topic, err)
		}
	}
	e.PubsubTopic = "/waku/2/rs/16/1"
	if _, err := s.Publish(context.Background(), e); port.CodeOf(err) != port.CodeBadParams {
		t.Errorf("a foreign shard: %v", err)
	}
	successor.untilReceived(t, []byte("named"))
}

// A peer of another cluster, or without our shards, is none, and the status says why.
func TestShardMismatchIsTold(t *testing.T) {
	for what, c := range map[string]struct {
		config Config
		says   string
	}{
		"cluster": {Config{Cluster: 99, Shards: []uint16{32, 0}}, "cluster 99"},
		"shard":   {Config{Shards: []uint16{64}}, "none of our shards"},
	} {
		foreign := start(t, c.config)
		s := start(t, moving(foreign.address(t)))
		// Both hang up; who is first decides what is known.
		s.until(t, "the reason ("+what+")", func() bool {
			p := s.Status().Peers[0]
			return strings.Contains(p.Error, c.says) || p.Error == errNotOurShard.Error()
		})
		if status := s.Status(); status.State != port.NetworkOffline || status.Peers[0].OnShard {
			t.Errorf("%s: %+v", what, status)
		}
	}
}

// A name that leads nowhere is told to be the trouble.
func TestShardPeerWithoutName(t *testing.T) {
	names := startNameserver(t)
	id, err := PeerID(newKey(t))
	if err != nil {
		t.Fatal(err)
	}
	s := start(t, Config{Nameserver: names.address, Peers: []string{"/dns4/node.example.org/tcp/443/wss/p2p/" + id}})
	s.until(t, "the reason", func() bool { return strings.Contains(s.Status().Peers[0].Error, "DNS") })
}

// What the status says of a static peer: why it is out of reach, and nothing once it is
// there.
func TestShardPeerThatComes(t *testing.T) {
	address := free(t)
	late := prepare(t, Config{Listen: []string{address}})
	id, err := PeerID(late.key)
	if err != nil {
		t.Fatal(err)
	}
	s := start(t, Config{Peers: []string{address + "/p2p/" + id}})
	s.until(t, "the reason", func() bool { return strings.Contains(s.Status().Peers[0].Error, "refused") })
	late.start(t)
	s.until(t, "the peer", func() bool { p := s.Status().Peers[0]; return p.OnShard && p.Connected && p.Error == "" })
	s.until(t, "its report", func() bool {
		return slices.ContainsFunc(s.changes, func(c port.NetworkChange) bool { return c.Peer == id && c.OnShard && c.Static })
	})
}
