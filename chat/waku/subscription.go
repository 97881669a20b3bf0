package waku

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/waku-org/go-waku/waku/v2/protocol/filter/pb"

	"libstatus1to1/chat/port"
)

// This file keeps the subscription at one service node (12/WAKU2-FILTER) up to date.

// subscription is the subscription at one service node.
type subscription struct {
	id     peer.ID
	bucket int
	shards []string // names of those of our shards that it is on
	cancel context.CancelCauseFunc
	// One value each: ping, see which topics are wanted, subscribe anew.
	ping, changed, renew chan struct{}
	allowed              allowance

	// Guarded by subscriber.mu.
	topics   map[string]time.Time // content topics it has accepted on all shards, and when
	working  bool                 // it has accepted all that were wanted at first
	proven   time.Time            // when it was last known to push what it should
	behind   time.Time            // since when it has not followed a change of topics; zero if it has
	renewed  time.Time            // when it was last made anew
	missed   int                  // messages in a row that it should have pushed and did not
	silences int                  // how often it was found silent in a row
	foreign  int                  // messages it pushed that nobody subscribed to
}

// keep subscribes at a service node and stays with it until it fails.
func (f *subscriber) keep(ctx context.Context, s *subscription) {
	err := f.update(ctx, s)
	if err == nil {
		f.established(s)
	}
	for err == nil {
		select {
		case <-ctx.Done():
			err = context.Cause(ctx)
		case <-s.ping:
			if err = f.ask(ctx, s, pb.FilterSubscribeRequest_SUBSCRIBER_PING, "", nil); statusOf(err) == statusNotFound {
				f.forgotten(s)
				err = f.update(ctx, s)
			}
		case <-s.renew:
			err = f.again(ctx, s)
		case <-s.changed:
			select {
			case <-ctx.Done():
			case <-time.After(f.timing.settle): // for more of them
			}
			if err = f.update(ctx, s); err == nil {
				f.followed(s)
			}
		}
	}
	f.ended(ctx, s, err)
}

// followed notes that a subscription has followed a change of topics, and reports what may
// have been missed on new ones if that took long.
func (f *subscriber) followed(s *subscription) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !s.behind.IsZero() && time.Since(s.behind) > f.timing.late {
		f.r.missed(s.behind)
	}
	s.behind = time.Time{}
}

func (f *subscriber) ask(ctx context.Context, s *subscription, kind pb.FilterSubscribeRequest_FilterSubscribeType, shard string, topics []string) error {
	return f.r.askFilter(ctx, s.id, kind, shard, topics)
}

// again cancels a silent subscription, subscribes anew, and has it tested.
func (f *subscriber) again(ctx context.Context, s *subscription) error {
	err := f.ask(ctx, s, pb.FilterSubscribeRequest_UNSUBSCRIBE_ALL, "", nil)
	if err != nil && statusOf(err) != statusNotFound {
		return err
	}
	f.mu.Lock()
	clear(s.topics)
	f.mu.Unlock()
	if err := f.update(ctx, s); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.probe.due = true
	if soon := time.Now().Add(2 * f.timing.late); soon.Before(f.nextPing) {
		f.nextPing = soon
		signal(f.wake)
	}
	return nil
}

// update subscribes to the wanted topics and unsubscribes from the others. A node that
// refuses may count what we subscribed to earlier: then all is unsubscribed first.
func (f *subscriber) update(ctx context.Context, s *subscription) error {
	err := f.follow(ctx, s)
	if status := statusOf(err); status == 0 || status == statusTooManyRequests {
		return err
	}
	if err := f.ask(ctx, s, pb.FilterSubscribeRequest_UNSUBSCRIBE_ALL, "", nil); err != nil && statusOf(err) != statusNotFound {
		return err
	}
	f.mu.Lock()
	clear(s.topics)
	f.mu.Unlock()
	return f.follow(ctx, s)
}

// follow makes the requests, each with up to topicsByRequest topics.
// Spec: 12/WAKU2-FILTER, "Filter-Subscribe".
func (f *subscriber) follow(ctx context.Context, s *subscription) error {
	add, drop := f.difference(s)
	for batch := range slices.Chunk(drop, topicsByRequest) {
		for _, shard := range s.shards {
			err := f.ask(ctx, s, pb.FilterSubscribeRequest_UNSUBSCRIBE, shard, batch)
			if err != nil && statusOf(err) != statusNotFound {
				return err
			}
		}
		f.mu.Lock()
		for _, topic := range batch {
			delete(s.topics, topic)
		}
		f.mu.Unlock()
	}
	for batch := range slices.Chunk(add, topicsByRequest) {
		for _, shard := range s.shards {
			if err := f.ask(ctx, s, pb.FilterSubscribeRequest_SUBSCRIBE, shard, batch); err != nil {
				return err
			}
		}
		now := time.Now()
		f.mu.Lock()
		for _, topic := range batch {
			s.topics[topic] = now
		}
		f.mu.Unlock()
	}
	return nil
}

// difference returns the content topics to subscribe to and to unsubscribe from.
func (f *subscriber) difference(s *subscription) (add, drop []string) {
	wanted := f.wanted(s.bucket)
	f.mu.Lock()
	defer f.mu.Unlock()
	for topic := range wanted {
		if _, has := s.topics[topic]; !has {
			add = append(add, topic)
		}
	}
	for topic := range s.topics {
		if !wanted[topic] {
			drop = append(drop, topic)
		}
	}
	return add, drop
}

// status describes the subscriptions, in the order of the ids of the peers.
func (f *subscriber) status() []port.NetworkSubscription {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := []port.NetworkSubscription{}
	for _, s := range f.all {
		described := port.NetworkSubscription{PeerID: s.id.String(), Working: s.working,
			Topics: max(0, len(s.topics)-1)} // without that of probes
		if s.working {
			described.WorkedAt = s.proven.UnixMilli()
		}
		all = append(all, described)
	}
	slices.SortFunc(all, func(a, b port.NetworkSubscription) int { return strings.Compare(a.PeerID, b.PeerID) })
	return all
}
