package waku

import (
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"libstatus1to1/chat/port"
)

// This file knows which peers are on which of our shards. A node listens on all its
// shards and publishes on one, the first in the order of the configuration that has
// enough peers: while a network moves from one shard to another, both halves are heard,
// and what we say goes where somebody is. Spec: 51/WAKU2-RELAY-SHARDING, "Static
// Sharding".

// members are the peers that are on one of our shards. The zero value is ready.
type members struct {
	mu  sync.Mutex
	all map[peer.ID]struct{}
}

func (m *members) has(id peer.ID) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, there := m.all[id]
	return there
}

func (m *members) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.all)
}

// become replaces the members and tells who came and who went.
func (m *members) become(now map[peer.ID]struct{}) (came, went []peer.ID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for id := range now {
		if _, there := m.all[id]; !there {
			came = append(came, id)
		}
	}
	for id := range m.all {
		if _, there := now[id]; !there {
			went = append(went, id)
		}
	}
	m.all = now
	return came, went
}

// isOurs reports whether topic is the name of one of our shards.
func (r *run) isOurs(topic string) bool { return slices.Contains(r.topics, topic) }

// publishTopic is the shard to publish on, and how many peers are there: the first
// with enough of them. ok is false when there is none; then it is the preferred shard.
func (r *run) publishTopic() (topic string, peers int, ok bool) {
	for _, topic := range r.topics {
		if peers := len(r.mode.takersOn(topic)); peers >= r.owner.settings.minPeers {
			return topic, peers, true
		}
	}
	return r.topics[0], len(r.mode.takersOn(r.topics[0])), false
}

// refresh looks who is on our shards and whether that is enough. What is
// news it reports: a peer that has come to our shards or has left them, and the state.
// A connection alone does not make us online: the peer must be on a shard of ours.
// Only watch calls it.
func (r *run) refresh() {
	now := map[peer.ID]struct{}{}
	for _, topic := range r.topics {
		for _, id := range r.mode.peersOn(topic) {
			now[id] = struct{}{}
		}
	}
	came, went := r.members.become(now)
	online := r.mode.online()
	turned := r.online.Swap(online) != online
	r.news.spread()
	for _, id := range came {
		r.keepers.joined(id)
		if p := r.owner.static.get(id); p != nil {
			p.joined()
		}
		r.change(r.aboutPeer(id, true))
	}
	for _, id := range went {
		if r.connected(id) { // else its leaving is reported
			r.change(r.aboutPeer(id, true))
		}
	}
	if turned {
		r.turned(online)
		r.change(port.NetworkChange{})
	}
}

// turned reports what a relay may have missed: everything while nobody was on our shards. A
// light node knows better (subscriber.go). Only watch calls it.
func (r *run) turned(online bool) {
	switch {
	case !online:
		r.offline = time.Now()
		if r.owner.settings.mode == ModeLight {
			r.keepers.retryAll()
		}
	case r.owner.settings.mode == ModeRelay:
		r.missed(r.offline)
	}
}

// aboutPeer is a change that tells how a peer is doing.
func (r *run) aboutPeer(id peer.ID, connected bool) port.NetworkChange {
	return port.NetworkChange{Peer: id.String(), Connected: connected, Static: r.owner.static.has(id),
		OnShard: connected && r.members.has(id)}
}

// shardStatus counts the peers of each shard.
func (r *run) shardStatus() []port.NetworkShard {
	all := make([]port.NetworkShard, len(r.topics))
	for i, topic := range r.topics {
		all[i] = port.NetworkShard{Shard: int(r.owner.settings.shards[i]), PubsubTopic: topic, Peers: len(r.mode.peersOn(topic))}
	}
	return all
}
