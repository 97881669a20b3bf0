package waku

import (
	"slices"
	"sync"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
)

// This file tells which connected peers are service nodes, of which protocols and on which
// shards. A peer names its protocols by identify and its shards by 66/WAKU2-METADATA; it is a
// service node once it has said both.

// places holds the shards that connected peers have named. The zero value is ready.
type places struct {
	mu  sync.Mutex
	all map[peer.ID][]uint32
}

func (p *places) set(id peer.ID, shards []uint32) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.all == nil {
		p.all = map[peer.ID][]uint32{}
	}
	p.all[id] = shards
}

func (p *places) forget(id peer.ID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.all, id)
}

// on reports whether a peer is on a shard. One that has named no shards may be on any.
func (p *places) on(id peer.ID, shard uint32) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	shards, known := p.all[id]
	return known && (len(shards) == 0 || slices.Contains(shards, shard))
}

// speaks reports whether a connected peer has said that it speaks one of these protocols.
func (r *run) speaks(id peer.ID, protocols ...protocol.ID) bool {
	spoken, err := r.host().Peerstore().SupportsProtocols(id, protocols...)
	return err == nil && len(spoken) > 0
}

// serving returns the connected peers on a shard that speak one of these protocols, in the
// order of their ids.
func (r *run) serving(topic string, protocols ...protocol.ID) (ids []peer.ID) {
	at := slices.Index(r.topics, topic)
	if at < 0 {
		return nil
	}
	for _, id := range r.host().Network().Peers() {
		if r.connected(id) && r.places.on(id, uint32(r.owner.settings.shards[at])) && r.speaks(id, protocols...) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// shardsOf returns the names of our shards that a peer is on.
func (r *run) shardsOf(id peer.ID) (topics []string) {
	for i, topic := range r.topics {
		if r.places.on(id, uint32(r.owner.settings.shards[i])) {
			topics = append(topics, topic)
		}
	}
	return topics
}
