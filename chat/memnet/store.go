package memnet

import (
	"cmp"
	"encoding/binary"
	"hash/fnv"
	"slices"
	"time"

	"libstatus1to1/chat/port"
)

// StoreFault is something that a store node always does wrong.
type StoreFault string

// The faults of store nodes.
const (
	StoreFails     StoreFault = "fails"         // it answers each query with an error
	StoreSlow      StoreFault = "slow"          // it answers when nobody waits any more; a manual network says so at once
	StoreEmpty     StoreFault = "empty"         // it has nothing
	StoreMakesUp   StoreFault = "makes up"      // it lists hashes of nothing beside the real ones
	StoreWithholds StoreFault = "withholds"     // it lists all, and gives every second envelope
	StoreSwaps     StoreFault = "swaps"         // it gives envelopes that do not have the hash
	StoreForeign   StoreFault = "foreign topic" // it lists what was published on other topics too
	StoreEndless   StoreFault = "endless"       // its last page is followed by the first again, but for the oldest envelope
	StoreEndlessly StoreFault = "endlessly new" // its last page is followed by made-up hashes for ever
)

// StoreOptions describe a store node. The zero value keeps everything for 30 days.
type StoreOptions struct {
	Fault StoreFault
	// Loss is the share of envelopes that it does not keep, 0..1.
	Loss float64
	// LoseEvery is n when it does not keep the n-th, 2n-th, ... of different envelopes.
	LoseEvery int
	// Retention is the age by their timestamps at which envelopes are deleted; 0 is 30 days.
	Retention time.Duration
	// Now is the clock by which envelopes age; nil is the system's.
	Now func() time.Time
}

// defaultRetention is the time for which the store nodes of the Status fleet keep envelopes.
const defaultRetention = 30 * 24 * time.Hour

// What a store node keeps at most; beyond it the oldest envelopes go.
const (
	maxKept      = 1 << 18
	maxKeptBytes = 256 << 20
)

// Store is a store node of a Network: a peer of every node, that keeps what is published.
type Store struct {
	node *Node // its place in the network
	// The network's lock guards the rest.
	options StoreOptions
	kept    []*keptEnvelope // oldest first
	byHash  map[[32]byte]*keptEnvelope
	bytes   int
	offered int               // different envelopes, while LoseEvery is set
	lost    map[[32]byte]bool // of those
}

// keptEnvelope is an envelope in a store node; order breaks ties between timestamps.
type keptEnvelope struct {
	envelope port.Envelope
	hash     [32]byte
	order    uint64
}

func (k *keptEnvelope) compare(o *keptEnvelope) int {
	return cmp.Or(cmp.Compare(k.envelope.Timestamp, o.envelope.Timestamp), cmp.Compare(k.order, o.order))
}

// AddStore adds a store node, which keeps what is published from now on. It has a number
// as if it had joined.
func (n *Network) AddStore(o StoreOptions) *Store {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.addStore(o)
}

// addStore is AddStore; n.mu is held.
func (n *Network) addStore(o StoreOptions) *Store {
	n.joined++
	s := &Store{options: o, byHash: map[[32]byte]*keptEnvelope{}}
	s.node = &Node{
		network: n, number: n.joined, topics: map[string]bool{}, online: true, store: s,
		run: &run{stop: make(chan struct{}), woken: make(chan struct{}, 1)},
	}
	n.rewire(func() { n.running = append(n.running, s.node) })
	return s
}

// ID returns the peer id of the store node.
func (s *Store) ID() string { return s.node.peerID() }

// Node returns its place in the network, for Partition, Heal and SetOnline.
func (s *Store) Node() *Node { return s.node }

// Set changes what the node does from now on. What it did not keep does not come back.
func (s *Store) Set(o StoreOptions) {
	s.node.network.mu.Lock()
	defer s.node.network.mu.Unlock()
	s.options = o
}

// Len returns the number of envelopes it keeps.
func (s *Store) Len() int {
	s.node.network.mu.Lock()
	defer s.node.network.mu.Unlock()
	return len(s.kept)
}

// Add keeps envelopes as if they had been published and nobody else had been there.
func (s *Store) Add(all ...port.Envelope) {
	s.node.network.mu.Lock()
	defer s.node.network.mu.Unlock()
	for _, e := range all {
		if e.PubsubTopic == "" {
			e.PubsubTopic = PubsubTopic
		}
		s.keep(e)
	}
}

// keep keeps an envelope, unless it is ephemeral, known, or one that the node loses. The
// payload must not change any more. The network's lock is held.
func (s *Store) keep(e port.Envelope) {
	hash := e.Hash()
	if e.Ephemeral || s.byHash[hash] != nil || s.loses(hash) || s.losesInTurn(hash) {
		return
	}
	s.node.network.order++
	k := &keptEnvelope{envelope: e, hash: hash, order: s.node.network.order}
	at, _ := slices.BinarySearchFunc(s.kept, k, (*keptEnvelope).compare)
	s.kept = slices.Insert(s.kept, at, k)
	s.byHash[hash] = k
	s.bytes += len(e.Payload)
	s.expire()
}

// loses decides by the seed and the hash, so that nothing is drawn and the other decisions
// of the network stay as they are.
func (s *Store) loses(hash [32]byte) bool {
	if s.options.Loss <= 0 {
		return false
	}
	h := fnv.New64a()
	h.Write(binary.BigEndian.AppendUint64(nil, s.node.network.options.Seed))
	h.Write(binary.BigEndian.AppendUint64(nil, s.node.number))
	h.Write(hash[:])
	return float64(h.Sum64()>>11)/(1<<53) < s.options.Loss
}

// losesInTurn decides by the order of envelopes, so that a test knows that some are lost.
// The network's lock is held.
func (s *Store) losesInTurn(hash [32]byte) bool {
	if s.options.LoseEvery <= 0 || s.lost[hash] {
		return s.options.LoseEvery > 0
	}
	if s.offered++; s.offered%s.options.LoseEvery != 0 {
		return false
	}
	if s.lost == nil {
		s.lost = map[[32]byte]bool{}
	}
	s.lost[hash] = true
	return true
}

// expire deletes what is too old, or too much. The network's lock is held.
func (s *Store) expire() {
	now := time.Now
	if s.options.Now != nil {
		now = s.options.Now
	}
	retention := cmp.Or(s.options.Retention, defaultRetention)
	oldest := now().Add(-retention).UnixNano()
	n := 0
	for n < len(s.kept) && (s.kept[n].envelope.Timestamp < oldest || len(s.kept)-n > maxKept || s.bytes > maxKeptBytes) {
		s.bytes -= len(s.kept[n].envelope.Payload)
		delete(s.byHash, s.kept[n].hash)
		s.kept[n] = nil
		n++
	}
	s.kept = s.kept[n:]
}
