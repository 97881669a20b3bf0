package waku

import (
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/waku-org/go-waku/waku/v2/protocol/filter/pb"
	wakupb "github.com/waku-org/go-waku/waku/v2/protocol/pb"
	"google.golang.org/protobuf/proto"
)

// This file finds silent subscriptions: the service node answers pings and pushes nothing. A
// message that one node pushes is expected from the others too, within timing.late, and so is
// a message that we have published. A subscription of which neither has shown anything for
// timing.doubt is tested with a probe (probe.go), which all nodes are expected to push: some
// 2 KB, four times in a quiet hour.

// maxRecent bounds the messages that are remembered, 200 bytes each: more than come within
// the time in which two nodes push the same.
const maxRecent = 4096

// mayMiss is the number of messages in a row that a node need not push though another one
// did: one may not have reached it; with two the subscription is at fault.
const mayMiss = 1

// maxSilences limits how often a subscription that a probe has shown silent is made anew before
// another node is taken.
const maxSilences = 1

// maxForeign is the number of messages that a node may push on topics that we have not
// subscribed to: some, since we may just have left a topic.
const maxForeign = 64

// arrival is a message that was pushed to us or that we have published.
type arrival struct {
	hash         wakupb.MessageHash
	at           time.Time
	shard, topic string
	from         []peer.ID // who pushed it, each once
	by           peer.ID   // who took it to publish, if it is ours
	probe        bool
}

// recent are the latest messages.
type recent struct {
	all       map[wakupb.MessageHash]*arrival
	order     []*arrival // oldest first
	unchecked []*arrival // those of order that are not checked
}

func newRecent() recent { return recent{all: map[wakupb.MessageHash]*arrival{}} }

// add remembers a message.
func (h *recent) add(a *arrival) {
	if len(h.order) >= maxRecent {
		delete(h.all, h.order[0].hash)
		h.order = h.order[1:]
	}
	if len(h.unchecked) >= maxRecent {
		h.unchecked = h.unchecked[1:]
	}
	h.all[a.hash] = a
	h.order = append(h.order, a)
	h.unchecked = append(h.unchecked, a)
}

// due returns the time at which the next message is checked; zero if there is none.
func (h *recent) due(late time.Duration) time.Time {
	if len(h.unchecked) == 0 {
		return time.Time{}
	}
	return h.unchecked[0].at.Add(late)
}

// pushed takes a push of a service node. An error ends the stream.
func (f *subscriber) pushed(s *subscription, push *pb.MessagePush) error {
	now, shard, message := time.Now(), push.GetPubsubTopic(), push.WakuMessage
	if size := proto.Size(message); !s.allowed.has(now, size) {
		f.r.missed(now)
		s.cancel(errFloods)
		return errFloods
	} else {
		s.allowed.spend(now, size)
	}
	isProbe := message.ContentTopic == f.probe.topic
	if !f.r.isOurs(shard) || !isProbe && !f.r.owner.topics.has(message.ContentTopic) {
		return f.strange(s)
	}
	if !f.note(s, now, shard, message) && !isProbe {
		f.r.accept(shard, message)
	}
	f.review(now)
	return nil
}

// strange counts what a node pushed that we have not subscribed to.
func (f *subscriber) strange(s *subscription) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if s.foreign++; s.foreign > maxForeign {
		s.cancel(errUnasked)
		return errUnasked
	}
	return nil
}

// note remembers who pushed a message, and reports whether it is known already.
func (f *subscriber) note(s *subscription, now time.Time, shard string, message *wakupb.WakuMessage) (known bool) {
	hash := message.Hash(shard)
	f.mu.Lock()
	defer f.mu.Unlock()
	s.proven = now
	if a := f.recent.all[hash]; a != nil {
		if !slices.Contains(a.from, s.id) {
			a.from = append(a.from, s.id)
		}
		return true
	}
	f.recent.add(&arrival{hash: hash, at: now, shard: shard, topic: message.ContentTopic, from: []peer.ID{s.id}})
	if len(f.recent.unchecked) == 1 {
		signal(f.wake) // it is to be checked later
	}
	return false
}

// published expects a message of our own to be pushed by those who push its topic, and not
// to be delivered to us.
func (f *subscriber) published(message *wakupb.WakuMessage, shard string) *arrival {
	a := &arrival{hash: message.Hash(shard), at: time.Now(), shard: shard, topic: message.ContentTopic,
		probe: message.ContentTopic == f.probe.topic}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.recent.all[a.hash] == nil {
		f.recent.add(a)
	}
	return a
}

// took notes which service node has taken a message of ours, "" for none: then nobody is
// to push it.
func (f *subscriber) took(a *arrival, by peer.ID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	a.by, a.at = by, time.Now()
	if by == "" {
		f.recent.unchecked = slices.DeleteFunc(f.recent.unchecked, func(other *arrival) bool { return other == a })
		delete(f.recent.all, a.hash)
	}
	signal(f.wake)
}

// review checks the messages that all nodes should have pushed by now.
func (f *subscriber) review(now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	h := &f.recent
	for len(h.unchecked) > 0 && now.Sub(h.unchecked[0].at) >= f.timing.late {
		a := h.unchecked[0]
		h.unchecked = h.unchecked[1:]
		f.check(a, now)
	}
}

// check counts a message against the nodes that should have pushed it. f.mu is held.
func (f *subscriber) check(a *arrival, now time.Time) {
	var expected []*subscription
	for _, s := range f.all {
		// What was under way while it subscribed may have passed it.
		if since, has := s.topics[a.topic]; has && s.working && slices.Contains(s.shards, a.shard) && a.at.After(since.Add(f.timing.late)) || slices.Contains(a.from, s.id) {
			expected = append(expected, s)
		}
	}
	if len(expected) > 0 && len(a.from) == 0 {
		if f.unseen(a); !a.probe || f.probe.unseen < 2 {
			return // who took it may not have published it
		}
	}
	for _, s := range expected {
		switch {
		case slices.Contains(a.from, s.id):
			s.missed = 0
			if a.probe {
				s.silences = 0
			}
		case a.probe:
			f.silent(s, now, true)
		default:
			if s.missed++; s.missed > mayMiss {
				f.silent(s, now, false)
			}
		}
	}
	if a.probe && len(a.from) > 0 {
		f.probe.unseen = 0
	}
}

// unseen handles a message of ours that nobody pushed: the node that took it may not have
// published it, or all subscriptions are silent. Another probe, by another node, decides.
// f.mu is held.
func (f *subscriber) unseen(a *arrival) {
	f.probe.due = true
	if a.probe {
		f.probe.unseen++
	}
	if a.by != "" && f.probe.doubted != nil {
		f.probe.doubted(a.by)
	}
}

// silent handles a subscription that was found not to be pushed for: it is made anew. A
// node for which two probes have shown it is given up if there is another one. What a node
// did not push that another one did shows less: that one may have made it up. So it has no
// consequence but this, and that one only from time to time. f.mu is held.
func (f *subscriber) silent(s *subscription, now time.Time, byProbe bool) {
	if !byProbe && now.Sub(s.renewed) < f.timing.pingEvery {
		return
	}
	f.r.log("info", "a service node does not push", "peer", s.id.String(), "since", s.proven)
	f.r.missed(s.proven)
	s.proven, s.renewed, s.missed = now, now, 0
	if byProbe {
		s.silences++
	}
	if s.silences > maxSilences && f.spare(now) {
		s.cancel(errSilent)
		return
	}
	clear(s.topics) // nothing is expected of it until it has subscribed
	signal(s.renew)
}

// spare reports whether there is a service node that is not used. f.mu is held.
func (f *subscriber) spare(now time.Time) bool {
	return slices.ContainsFunc(f.candidates(), func(id peer.ID) bool { return f.of(id) == nil && !f.penalties.has(id, now) })
}
