package waku

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/libp2p/go-libp2p/core/peer"
	metadatapb "github.com/waku-org/go-waku/waku/v2/protocol/metadata/pb"
)

// This file knows which peers can be asked for stored messages, and how well they have
// answered so far. Those of the configuration are dialled when they are asked: a
// connection that is kept for the case costs a phone its battery.

// storeNodesRemembered bounds the store nodes whose record is kept.
const storeNodesRemembered = 128

// A store node that has failed is asked after the others for the first time, and for twice
// that each time that it fails again, up to the last.
const (
	firstPenalty = 10 * time.Second
	lastPenalty  = 10 * time.Minute
)

// storeRecord is how a store node has answered.
type storeRecord struct {
	failures int           // in a row
	until    time.Time     // it counts as failing until then
	took     time.Duration // an answer, on average
}

// storeRecords are the records of a Node.
type storeRecords struct {
	configured map[peer.ID]int // the place in the configuration
	wait       time.Duration   // for the beginning of an answer
	blockWait  time.Duration   // for each block of the rest
	slots      chan struct{}   // one value for each query for envelopes that is under way

	mu  sync.Mutex
	all *lru.Cache[peer.ID, storeRecord]
	now func() time.Time
}

func newStoreRecords(configured []peer.AddrInfo) *storeRecords {
	all, _ := lru.New[peer.ID, storeRecord](storeNodesRemembered) // fails for a size below 1 only
	s := &storeRecords{configured: map[peer.ID]int{}, wait: storeWait, blockWait: storeBlockWait,
		slots: make(chan struct{}, storeQueries), all: all, now: time.Now}
	for i, info := range configured {
		if _, known := s.configured[info.ID]; !known {
			s.configured[info.ID] = i
		}
	}
	return s
}

// only reports whether a peer is a store node of the configuration, and of our cluster as
// far as it says. It need not be on a shard of ours, nor speak anything but store.
func (s *storeRecords) only(id peer.ID, ours settings, answer *metadatapb.WakuMetadataResponse) bool {
	_, configured := s.configured[id]
	return configured && (answer == nil || answer.ClusterId == nil || answer.GetClusterId() == uint32(ours.cluster))
}

// note adds the outcome of a query to a node's record.
func (s *storeRecords) note(id peer.ID, took time.Duration, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	record, _ := s.all.Get(id)
	if err != nil {
		record.failures++
		record.until = s.now().Add(min(firstPenalty<<min(record.failures-1, 16), lastPenalty))
	} else {
		if record.took > 0 {
			took = (3*record.took + took) / 4
		}
		record = storeRecord{took: took}
	}
	s.all.Add(id, record)
}

// sort puts the nodes that have not failed lately first; of those the ones of the
// configuration, then the ones that answered faster.
func (s *storeRecords) sort(ids []peer.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	failing := func(id peer.ID) int {
		if record, known := s.all.Peek(id); known && now.Before(record.until) {
			return record.failures
		}
		return 0
	}
	slices.SortFunc(ids, func(a, b peer.ID) int {
		placeA, ofA := s.configured[a]
		placeB, ofB := s.configured[b]
		recordA, _ := s.all.Peek(a)
		recordB, _ := s.all.Peek(b)
		switch {
		case failing(a) != failing(b):
			return cmp.Compare(failing(a), failing(b))
		case ofA != ofB && ofA:
			return -1
		case ofA != ofB:
			return 1
		}
		return cmp.Or(cmp.Compare(recordA.took, recordB.took), cmp.Compare(placeA, placeB), cmp.Compare(a, b))
	})
}

// StoreNodes returns the store nodes of the configuration, which are dialled when they are
// asked, and the connected peers that speak the protocol.
func (n *Node) StoreNodes() []string {
	r := n.running.Load()
	if r == nil {
		return nil
	}
	var ids []peer.ID
	for id := range n.stores.configured {
		if n.static.has(id) && id != r.host().ID() { // Disconnect takes one away
			ids = append(ids, id)
		}
	}
	for _, id := range r.host().Network().Peers() {
		if !slices.Contains(ids, id) && r.connected(id) && r.speaksStore(id) {
			ids = append(ids, id)
		}
	}
	n.stores.sort(ids)
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = id.String()
	}
	return texts
}

// PubsubTopics returns the topics of all our shards, the preferred one first.
func (n *Node) PubsubTopics() []string { return n.settings.pubsubTopics() }

// speaksStore reports whether a connected peer has said that it speaks the protocol.
func (r *run) speaksStore(id peer.ID) bool {
	spoken, err := r.host().Peerstore().SupportsProtocols(id, storeProtocol)
	return err == nil && len(spoken) > 0
}

// errNotConnected is for a store node that is neither connected nor of the configuration.
var errNotConnected = errors.New("the peer is not connected")

// reach connects to a store node of the configuration, unless it is connected already.
func (r *run) reach(ctx context.Context, id peer.ID) error {
	if r.connected(id) {
		return nil
	}
	p := r.owner.static.get(id)
	if p == nil {
		return errNotConnected
	}
	if err := r.dial(ctx, p.info()); err != nil {
		p.failed(err)
		return errors.New(dialText(err))
	}
	p.joined()
	return nil
}
