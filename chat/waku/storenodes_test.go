package waku

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"libstatus1to1/chat/port"
	"libstatus1to1/internal/servicenode"
)

// A store node of the configuration is dialled when it is asked, and again when it was
// lost. It need not be on our shards, is not hung up on, and is no peer to publish to.
func TestStorePeerOnDemand(t *testing.T) {
	o := servicenode.Options{Shards: []uint16{64}, Key: newKey(t), Listen: []string{free(t)}}
	for range 2 {
		n := serviceNode(t, o)
		o.Archive = n.Archive()
		n.Archive().Add(stored(3, 10)...)
		s := storeClient(t, n)
		if !slices.Equal(s.StoreNodes(), []string{n.ID()}) || s.running.Load().connected(n.Host().ID()) {
			t.Fatalf("%v, %+v", s.StoreNodes(), s.Status())
		}
		for range 2 {
			if found, _ := queryAll(t, s, n.ID(), port.StoreQuery{PubsubTopic: shard, Limit: 10}); len(found) != 3 {
				t.Fatalf("%d messages", len(found))
			}
			s.until(t, "the question about its shards", func() bool { return n.Asked(servicenode.Metadata) > 0 })
			s.until(t, "the protocols of the node", func() bool {
				return slices.Contains(s.Status().Protocols, port.NetworkProtocol{Protocol: "store", Peers: 1})
			})
			status := s.Status()
			if p := status.Peers[0]; !p.Connected || !p.Static || !p.OnDemand || p.OnShard || p.Error != "" || status.State != port.NetworkOffline {
				t.Fatalf("%+v", status)
			}
			if err := n.Drop(s.Status().PeerID); err != nil {
				t.Fatal(err)
			}
			s.until(t, "the end of the connection", func() bool { return !s.running.Load().connected(n.Host().ID()) })
		}
		if err := s.Disconnect(n.ID()); err != nil || len(s.StoreNodes()) != 0 {
			t.Errorf("%v, %v", s.StoreNodes(), err)
		}
		n.Close()
	}
}

// A store node that turns out to be of another cluster is hung up on, and network.status
// says why.
func TestStorePeerOfAnotherCluster(t *testing.T) {
	n := serviceNode(t, servicenode.Options{Cluster: 1})
	s := storeClient(t, n)
	_, _ = s.QueryStore(context.Background(), n.ID(), port.StoreQuery{PubsubTopic: shard, Limit: 10}) // may be answered before
	s.until(t, "a reason", func() bool {
		p := s.Status().Peers[0]
		return !p.Connected && p.Error == "the peer is on cluster 1"
	})
}

// Peers that are connected and store are asked too, behind those of the configuration.
func TestStoreNodesOfTheShard(t *testing.T) {
	relaying, configured := serviceNode(t, servicenode.Options{}), serviceNode(t, servicenode.Options{Protocols: onlyStore})
	s := start(t, Config{Listen: []string{}, Peers: []string{relaying.Address()}, StorePeers: []string{configured.Address()}})
	s.untilOnline(t)
	if want := []string{configured.ID(), relaying.ID()}; !slices.Equal(s.StoreNodes(), want) {
		t.Errorf("%v, want %v", s.StoreNodes(), want)
	}
	if s.PubsubTopics()[0] != shard {
		t.Error(s.PubsubTopics())
	}
	// What is published is there by the hash that Publish gave.
	evidence := s.publish(t, envelope([]byte("kept")))
	s.until(t, "the message", func() bool { return relaying.Archive().Has(evidence.Hash) })
	page, err := s.QueryStore(context.Background(), relaying.ID(), port.StoreQuery{Hashes: [][32]byte{evidence.Hash}, WithEnvelopes: true, Limit: 1})
	if err != nil || len(page.Entries) != 1 || string(page.Entries[0].Envelope.Payload) != "kept" {
		t.Errorf("%+v, %v", page, err)
	}
	configured.SetFaults(servicenode.Faults{StoreStatus: 503})
	_, _ = s.QueryStore(context.Background(), configured.ID(), port.StoreQuery{PubsubTopic: shard, Limit: 1}) // fails
	if want := []string{relaying.ID(), configured.ID()}; !slices.Equal(s.StoreNodes(), want) {
		t.Errorf("after a failure %v, want %v", s.StoreNodes(), want)
	}
}

// The nodes that do not fail come first, then those of the configuration, then the fast;
// who has come to us is the last.
func TestStoreNodesOrder(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	s := newStoreRecords([]peer.AddrInfo{{ID: "b"}, {ID: "a"}, {ID: "b"}})
	s.now = func() time.Time { return now }
	order := func() string {
		ids := []peer.ID{"0", "d", "c", "b", "a"} // the first has come to us
		s.sort(ids, func(id peer.ID) bool { return id != "0" })
		text := ""
		for _, id := range ids {
			text += string(id)
		}
		return text
	}
	expect := func(want string) {
		t.Helper()
		if got := order(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	expect("bacd0")
	s.note("c", 9*time.Second, nil)
	s.note("d", time.Second, nil)
	expect("badc0")
	s.note("b", time.Second, errors.New("no answer"))
	expect("adcb0")
	for range 9 {
		s.note("a", time.Second, errors.New("no answer"))
	}
	expect("dcba0")
	now = now.Add(firstPenalty)
	expect("bdca0")
	now = now.Add(lastPenalty)
	expect("badc0")
	if s.all.Len() > storeNodesRemembered {
		t.Error(s.all.Len())
	}
}

// A store node that does not answer leaves room for questions to others.
func TestOfflineStoreSlots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStoreRecords(nil)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		var slow sync.WaitGroup
		for range 3 * storeQueries {
			slow.Go(func() {
				if leave, err := s.enter(ctx, "slow"); err == nil {
					<-ctx.Done()
					leave()
				}
			})
		}
		synctest.Wait()
		soon, stop := context.WithTimeout(ctx, time.Second)
		defer stop()
		leave, err := s.enter(soon, "fast")
		if err != nil {
			t.Fatal(err)
		}
		leave()
		slow.Wait()
		if len(s.own) != 0 || len(s.slots) != 0 {
			t.Errorf("%d nodes are remembered, %d slots are taken", len(s.own), len(s.slots))
		}
	})
}

// A store node of the configuration that is found, too, and relays is a peer like others.
func TestStorePeerIsFound(t *testing.T) {
	n := serviceNode(t, servicenode.Options{})
	record, err := n.Record()
	if err != nil {
		t.Fatal(err)
	}
	names := startNameserver(t)
	url, texts := tree(t, newKey(t), record)
	names.serve(texts)
	c := finding(url, names.address)
	c.StorePeers = []string{n.Address()}
	s := start(t, c)
	s.until(t, "one peer on the shard", func() bool {
		p := s.Status().Peers
		return len(p) == 1 && p[0].OnShard && p[0].OnDemand
	})
}

// In light mode a store node is left when nothing more is wanted of it, unless it serves
// something else; it is there again when it is asked.
func TestLightLeavesStorePeers(t *testing.T) {
	n, serving := serviceNode(t, servicenode.Options{Protocols: onlyStore}), serviceNode(t, servicenode.Options{})
	n.Archive().Add(stored(250, 10)...)
	s := prepare(t, Config{Listen: []string{}, Mode: ModeLight, StorePeers: []string{n.Address(), serving.Address()}})
	s.stores.rest = 50 * time.Millisecond
	s.start(t)
	for range 3 {
		for _, id := range []string{serving.ID(), n.ID()} {
			queryAll(t, s, id, port.StoreQuery{PubsubTopic: shard, Limit: 10})
		}
		s.until(t, "the end of the connection", func() bool { return !s.running.Load().connected(n.Host().ID()) })
	}
	if !s.running.Load().connected(serving.Host().ID()) {
		t.Error("left a node that serves filter and lightpush")
	}
}

// Who comes to us and says that he stores is asked after those of our own choice, even
// while they fail.
func TestStoreStrangersAreLast(t *testing.T) {
	chosen := serviceNode(t, servicenode.Options{Faults: servicenode.Faults{StoreStatus: 503}})
	s := start(t, Config{Peers: []string{chosen.Address()}})
	stranger := serviceNode(t, servicenode.Options{Peers: []string{s.address(t)}})
	s.until(t, "both", func() bool { return len(s.StoreNodes()) == 2 })
	_, _ = s.QueryStore(context.Background(), chosen.ID(), port.StoreQuery{PubsubTopic: shard, Limit: 1}) // fails
	if want := []string{chosen.ID(), stranger.ID()}; !slices.Equal(s.StoreNodes(), want) {
		t.Errorf("%v, want %v", s.StoreNodes(), want)
	}
}
