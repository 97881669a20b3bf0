package waku

import (
	"sync"

	"github.com/waku-org/go-waku/waku/v2/protocol"
	"github.com/waku-org/go-waku/waku/v2/protocol/relay"

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

func (s *topicSet) has(topic string) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	_, wanted := s.all[topic]
	return wanted
}

// receive takes the envelopes of a shard from go-waku's broadcaster, which waits for us, and so
// waits for nobody itself: what the engine does not want or cannot take is gone. It
// goes on until go-waku has stopped: its relay cannot while the broadcaster is stuck.
func (r *run) receive(subscription *relay.Subscription) {
	for {
		select {
		case <-r.gone:
			return
		case e, ok := <-subscription.Ch:
			if !ok {
				return
			}
			r.guard("waku receive", func() { r.accept(e) })
		}
	}
}

// accept queues an envelope for the engine if it is wanted and not our own.
func (r *run) accept(e *protocol.Envelope) {
	message := e.Message()
	if r.ctx.Err() != nil || !r.owner.topics.has(message.ContentTopic) || r.echoes.take(e.Hash()) {
		return
	}
	r.owner.counters.received.Add(1)
	ok, first := r.inbox.put(port.Envelope{
		PubsubTopic:  e.PubsubTopic(),
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
	if first {
		r.log("warn", "envelopes come faster than they are taken; dropping some")
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
