package waku

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/waku-org/go-waku/waku/v2/protocol/pb"

	"libstatus1to1/chat/port"
)

// topicSet is the set of content topics the engine wants. The zero value is ready.
type topicSet struct {
	mu  sync.RWMutex
	all map[string]struct{}
}

func (s *topicSet) add(topics []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all = map[string]struct{}{}
	}
	for _, topic := range topics {
		s.all[topic] = struct{}{}
	}
}

func (s *topicSet) remove(topics []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, topic := range topics {
		delete(s.all, topic)
	}
}

func (s *topicSet) count() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return len(s.all)
}

// list returns all topics, in no order.
func (s *topicSet) list() []string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.Collect(maps.Keys(s.all))
}

func (s *topicSet) has(topic string) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	_, wanted := s.all[topic]
	return wanted
}

// accept queues a message for the engine if it is wanted. It waits for nobody.
func (r *run) accept(pubsubTopic string, message *pb.WakuMessage) {
	if r.ctx.Err() != nil || !r.owner.topics.has(message.ContentTopic) {
		return
	}
	r.owner.counters.received.Add(1)
	ok, first := r.inbox.put(port.Envelope{
		PubsubTopic:  pubsubTopic,
		ContentTopic: message.ContentTopic,
		Payload:      message.Payload,
		Version:      message.GetVersion(),
		Timestamp:    message.GetTimestamp(),
		Ephemeral:    message.GetEphemeral(),
	}, len(message.Payload))
	if ok {
		return
	}
	r.owner.counters.dropped.Add(1)
	r.missed(time.Now())
	if first {
		r.log("warn", "envelopes come faster than they are taken; dropping some")
	}
}

// heard tells the engine that something has come, wanted or not.
func (r *run) heard(pubsubTopic string, message *pb.WakuMessage) {
	if r.hooks.Heard != nil {
		r.hooks.Heard(port.Envelope{PubsubTopic: pubsubTopic, ContentTopic: message.ContentTopic, Timestamp: message.GetTimestamp()})
	}
}

// deliver hands the queued envelopes to the engine.
func (r *run) deliver() {
	for {
		e, ok := r.inbox.take(r.ctx)
		if !ok {
			return
		}
		// A topic may have been given up while the envelope waited.
		if r.hooks.Received != nil && r.owner.topics.has(e.ContentTopic) {
			r.guard("waku deliver", func() { r.hooks.Received(e) })
		}
	}
}
