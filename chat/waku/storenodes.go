package waku

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/libp2p/go-libp2p/core/network"
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

// storeRest is the time after which a phone leaves a store node of which it wants nothing
// more: nodes ping those who are connected. Pages follow each other within seconds, and
// the next look is minutes later.
const storeRest = time.Minute

// storeRecord counts the answers and failures of a store node.
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
	patience   time.Duration   // of a caller, before giving up counts as a failure
	rest       time.Duration   // until a connection that is not used is closed
	slots      chan struct{}   // one value for each query for envelopes that is under way

	mu  sync.Mutex
	own map[peer.ID]*ownSlots // of nodes that are asked now
	all *lru.Cache[peer.ID, storeRecord]
	use map[peer.ID]*storeUse // of the configured ones
	now func() time.Time
}

// ownSlots are those of one node.
type ownSlots struct {
	slots chan struct{} // one value for each query for envelopes that is under way
	users int           // that hold one or wait for one
}

func newStoreRecords(configured []peer.AddrInfo) *storeRecords {
	all, _ := lru.New[peer.ID, storeRecord](storeNodesRemembered) // fails for a size below 1 only
	s := &storeRecords{configured: map[peer.ID]int{}, wait: storeWait, blockWait: storeBlockWait, patience: storePatience, rest: storeRest,
		own: map[peer.ID]*ownSlots{}, use: map[peer.ID]*storeUse{}, slots: make(chan struct{}, storeQueries), all: all, now: time.Now}
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

// enter waits until a node may be asked for envelopes, and returns what is to be called after that.
func (s *storeRecords) enter(ctx context.Context, id peer.ID) (leave func(), err error) {
	s.mu.Lock()
	own := s.own[id]
	if own == nil {
		own = &ownSlots{slots: make(chan struct{}, storeQueriesEach)}
		s.own[id] = own
	}
	own.users++
	s.mu.Unlock()
	done := func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if own.users--; own.users == 0 {
			delete(s.own, id)
		}
	}
	select {
	case own.slots <- struct{}{}:
	case <-ctx.Done():
		done()
		return nil, ctx.Err()
	}
	select {
	case s.slots <- struct{}{}:
		return func() { <-s.slots; <-own.slots; done() }, nil
	case <-ctx.Done():
		<-own.slots
		done()
		return nil, ctx.Err()
	}
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

// sort puts the nodes of our own choice first: anybody can come in numbers and say that he
// stores. Of those, the ones that have not failed lately come first, then the ones of the
// configuration, then the ones that answered faster.
func (s *storeRecords) sort(ids []peer.ID, chosen func(peer.ID) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	no := func(yes bool) int {
		if yes {
			return 0
		}
		return 1
	}
	keys := make(map[peer.ID][]int, len(ids))
	for _, id := range ids {
		record, _ := s.all.Peek(id)
		failing := 0
		if now.Before(record.until) {
			failing = record.failures
		}
		place, configured := s.configured[id]
		keys[id] = []int{no(chosen(id)), failing, no(configured), int(record.took), place}
	}
	slices.SortFunc(ids, func(a, b peer.ID) int { return cmp.Or(slices.Compare(keys[a], keys[b]), cmp.Compare(a, b)) })
}

// chose reports whether a peer is there because we wanted it: of the configuration, or
// dialled by us.
func (r *run) chose(id peer.ID) bool {
	return r.owner.static.has(id) || slices.ContainsFunc(r.host().Network().ConnsToPeer(id), func(c network.Conn) bool {
		return c.Stat().Direction == network.DirOutbound
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
		if !slices.Contains(ids, id) && r.connected(id) && r.speaks(id, storeProtocol) {
			ids = append(ids, id)
		}
	}
	n.stores.sort(ids, r.chose)
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = id.String()
	}
	return texts
}

// PubsubTopics returns the topics of all our shards, the preferred one first.
func (n *Node) PubsubTopics() []string { return n.settings.pubsubTopics() }

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

// storeUse is the use of a connection to a store node of the configuration.
type storeUse struct {
	queries int         // under way
	rest    *time.Timer // closes it; nil if it is not to be closed
}

// using notes a query to a store node, and returns the function to call at its end. In
// light mode the connection to one of the configuration is closed some time after the last
// query, unless it serves something else as well.
func (r *run) using(id peer.ID) (done func()) {
	s := r.owner.stores
	if _, configured := s.configured[id]; !configured || r.owner.settings.mode != ModeLight {
		return func() {}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	use := s.use[id]
	if use == nil {
		use = &storeUse{}
		s.use[id] = use
	}
	use.queries++
	if use.rest != nil {
		use.rest.Stop()
	}
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if use.queries--; use.queries == 0 {
			use.rest = time.AfterFunc(s.rest, func() { r.spawnUnlessEnded("waku store rest", func() { r.leaveStore(id, use) }) })
		}
	}
}

// leaveStore closes the connection to a store node that is used for nothing. A query that
// begins meanwhile waits for the end, and connects again.
func (r *run) leaveStore(id peer.ID, use *storeUse) {
	r.owner.stores.mu.Lock()
	defer r.owner.stores.mu.Unlock()
	if use.queries == 0 && !r.owner.static.keeps(id) && !r.speaks(id, filterSubscribe, lightpush3, lightpush2) {
		r.drop(id)
	}
}
