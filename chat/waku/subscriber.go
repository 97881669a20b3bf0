package waku

import (
	"context"
	"errors"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/time/rate"

	"libstatus1to1/chat/port"
)

// This file keeps subscriptions at service nodes (12/WAKU2-FILTER): on each shard, each
// content topic at two nodes where there are two. review.go finds those that are silent.

// filterPeers is the number of service nodes that each content topic is subscribed at: one
// may fail, or fall silent, and the other one shows it.
const filterPeers = 2

// maxSubscriptionPeers bounds the service nodes that are subscribed at, however many content
// topics there are: it is room for some 2,000 on two shards, at two nodes each.
const maxSubscriptionPeers = 8

// Reasons for giving up a service node: it keeps a subscription and does not push, it pushes
// what nobody subscribed to, or it pushes more than pushesByPeer allows.
var (
	errSilent  = errors.New("the service node does not push")
	errUnasked = errors.New("the service node pushes what we have not subscribed to")
	errFloods  = errors.New("the service node pushes more than it may")
)

// subscriber keeps the subscriptions of a run.
type subscriber struct {
	r      *run
	timing timing
	wake   chan struct{} // one value: look again
	probe  prober

	mu        sync.Mutex
	all       []*subscription
	penalties penalties
	recent    recent
	// uncovered holds for each bucket since when no node has pushed its topics; the zero time
	// if one does.
	uncovered map[int]time.Time
	nextPing  time.Time
}

func newSubscriber(r *run) *subscriber {
	return &subscriber{r: r, timing: r.owner.settings.timing, wake: make(chan struct{}, 1), probe: newProber(),
		uncovered: map[int]time.Time{}, recent: newRecent(), penalties: newPenalties(r.owner.settings.timing)}
}

// work keeps enough subscriptions until the run ends.
func (f *subscriber) work() {
	f.mu.Lock()
	f.nextPing = time.Now().Add(f.timing.pingEvery)
	f.mu.Unlock()
	clock := newSleepWatch()
	for {
		news := f.r.news.next()
		if since, slept := clock.slept(); slept {
			f.awake(since)
		}
		f.manage()
		select {
		case <-f.r.ctx.Done():
			return
		case <-f.wake:
		case <-news:
		case <-time.After(f.pause()):
			f.r.owner.meter.active()
			f.pingIfDue()
		}
		f.review(time.Now())
	}
}

// pause returns the time until something is due: pings, a node that may be tried again, or
// messages to check.
func (f *subscriber) pause() time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	due := f.nextPing
	if len(f.all) < f.wantedPeers() {
		if at := f.penalties.next(f.candidates()); !at.IsZero() && at.Before(due) {
			due = at
		}
	}
	if at := f.recent.due(f.timing.late); !at.IsZero() && at.Before(due) {
		due = at
	}
	return max(0, time.Until(due))
}

// pingIfDue pings all service nodes when it is time.
func (f *subscriber) pingIfDue() {
	now := time.Now()
	f.mu.Lock()
	due := !now.Before(f.nextPing)
	if due {
		f.nextPing = now.Add(f.timing.pingEvery)
	}
	f.mu.Unlock()
	if due {
		f.pingAll(now)
	}
}

// awake follows a sleep of the machine: nothing came meanwhile, connections may be dead,
// and nobody knows it, and the engine has to look at its clocks.
func (f *subscriber) awake(since time.Time) {
	f.r.log("info", "the machine has slept, or its clock was set", "since", since)
	f.r.missed(since)
	f.r.change(port.NetworkChange{})
	f.mu.Lock()
	f.nextPing = time.Now()
	f.mu.Unlock()
}

// pingAll pings all service nodes, and tests the subscriptions that are in doubt.
func (f *subscriber) pingAll(now time.Time) {
	f.mu.Lock()
	doubt := f.probe.due
	for _, s := range f.all {
		signal(s.ping)
		doubt = doubt || s.working && now.Sub(s.proven) >= f.timing.doubt
	}
	f.mu.Unlock()
	if doubt {
		f.r.spawn("waku probe", f.sendProbe)
	}
}

// topicsChanged makes all subscriptions follow the wanted topics.
func (f *subscriber) topicsChanged() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, s := range f.all {
		if s.behind.IsZero() {
			s.behind = time.Now()
		}
		signal(s.changed)
	}
	signal(f.wake) // there may be more buckets
}

// buckets returns the number of buckets that the content topics are divided into, so that a
// service node takes all topics of a bucket, on all shards.
func (f *subscriber) buckets() int {
	room := criteriaByClient/len(f.r.topics) - 1 // one for probes
	return max(1, (f.r.owner.topics.count()+room-1)/room)
}

// wantedPeers returns the number of service nodes to subscribe at.
func (f *subscriber) wantedPeers() int { return min(filterPeers*f.buckets(), maxSubscriptionPeers) }

// wanted returns the content topics of a bucket, and that of probes.
func (f *subscriber) wanted(bucket int) map[string]bool {
	buckets := f.buckets()
	topics := map[string]bool{f.probe.topic: true}
	for _, topic := range f.r.owner.topics.list() {
		if bucketOf(topic, buckets) == bucket {
			topics[topic] = true
		}
	}
	return topics
}

// bucketOf returns the bucket of a content topic.
func bucketOf(topic string, buckets int) int {
	if buckets == 1 {
		return 0
	}
	sum := fnv.New32a()
	_, _ = sum.Write([]byte(topic))
	return int(sum.Sum32() % uint32(buckets))
}

// candidates returns the service nodes that we are connected to, in no order.
func (f *subscriber) candidates() (ids []peer.ID) {
	for _, topic := range f.r.topics {
		for _, id := range f.r.serving(topic, filterSubscribe) {
			if !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
	}
	rand.Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
	return ids
}

// manage gives up subscriptions at nodes that have left, and begins others.
func (f *subscriber) manage() {
	f.mu.Lock()
	defer f.mu.Unlock()
	buckets := f.buckets()
	for bucket := 1; bucket < buckets; bucket++ {
		if _, known := f.uncovered[bucket]; !known {
			f.uncovered[bucket] = time.Now() // its topics were elsewhere until now
		}
	}
	for _, s := range f.all {
		if !f.r.connected(s.id) || s.bucket >= buckets {
			s.cancel(nil)
		}
	}
	now := time.Now()
	free := slices.DeleteFunc(f.candidates(), func(id peer.ID) bool { return f.of(id) != nil || f.penalties.has(id, now) })
	for len(free) > 0 && len(f.all) < f.wantedPeers() {
		id, bucket, ok := f.choose(free, buckets)
		if !ok {
			return
		}
		free = slices.DeleteFunc(free, func(other peer.ID) bool { return other == id })
		f.begin(id, bucket)
	}
}

// choose picks the node that adds most to what is covered, and the bucket where it does.
func (f *subscriber) choose(free []peer.ID, buckets int) (best peer.ID, at int, ok bool) {
	most := 0
	for bucket := range buckets {
		for _, id := range free {
			gain := 0
			for _, shard := range f.r.shardsOf(id) {
				gain += max(0, filterPeers-f.coverage(bucket, shard))
			}
			if gain > most {
				best, at, most = id, bucket, gain
			}
		}
	}
	return best, at, most > 0
}

// good returns the number of service nodes that can be subscribed at, as far as is known.
func (f *subscriber) good() (n int) {
	now := time.Now()
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, id := range f.candidates() {
		if s := f.of(id); !f.penalties.has(id, now) && (s == nil || s.silences <= maxSilences) {
			n++
		}
	}
	return n
}

// coverage returns the number of nodes at which a bucket is subscribed on a shard.
func (f *subscriber) coverage(bucket int, shard string) (n int) {
	for _, s := range f.all {
		if s.bucket == bucket && slices.Contains(s.shards, shard) {
			n++
		}
	}
	return n
}

// of returns the subscription at a node, or nil. f.mu is held.
func (f *subscriber) of(id peer.ID) *subscription {
	at := slices.IndexFunc(f.all, func(s *subscription) bool { return s.id == id })
	if at < 0 {
		return nil
	}
	return f.all[at]
}

// begin starts a subscription. f.mu is held.
func (f *subscriber) begin(id peer.ID, bucket int) {
	ctx, cancel := context.WithCancelCause(f.r.ctx)
	s := &subscription{id: id, bucket: bucket, shards: f.r.shardsOf(id), cancel: cancel, topics: map[string]time.Time{},
		ping: make(chan struct{}, 1), changed: make(chan struct{}, 1), renew: make(chan struct{}, 1),
		allowed: allowance{messages: rate.NewLimiter(pushesByPeer, pushesAtOnceByPeer),
			bytes: rate.NewLimiter(pushBytesByPeer, pushBytesAtOnce)}}
	f.all = append(f.all, s)
	f.r.spawn("waku subscription", func() {
		defer cancel(nil)
		f.keep(ctx, s)
	})
}

// established notes that a node has accepted a subscription.
func (f *subscriber) established(s *subscription) {
	f.mu.Lock()
	s.working, s.proven = true, time.Now()
	f.probe.due = true
	f.cover(s.bucket)
	f.mu.Unlock()
	f.r.log("debug", "subscribed", "peer", s.id.String())
	signal(f.r.look)
}

// cover notes that a bucket is pushed again, and reports what may have been missed before.
// f.mu is held.
func (f *subscriber) cover(bucket int) {
	since, known := f.uncovered[bucket]
	if since.IsZero() && known {
		return
	}
	f.r.missed(since)
	f.uncovered[bucket] = time.Time{}
}

// forgotten notes that a node has forgotten a subscription.
func (f *subscriber) forgotten(s *subscription) {
	f.r.log("info", "a service node has forgotten our subscription", "peer", s.id.String())
	f.mu.Lock()
	defer f.mu.Unlock()
	clear(s.topics)
	f.r.missed(s.proven)
	s.proven = time.Now()
}

// ended notes that a subscription is over.
func (f *subscriber) ended(ctx context.Context, s *subscription, err error) {
	f.mu.Lock()
	f.all = slices.DeleteFunc(f.all, func(other *subscription) bool { return other == s })
	if s.working {
		f.lost(s)
	}
	if ctx.Err() != nil {
		err = context.Cause(ctx) // it may have cut a request short
	}
	left := errors.Is(err, context.Canceled)
	if !left {
		f.penalties.add(s.id, time.Now())
	}
	f.mu.Unlock()
	signal(f.r.look)
	signal(f.wake)
	if left || f.r.ctx.Err() != nil {
		return
	}
	f.r.log("info", "a subscription has ended", "peer", s.id.String(), "error", err)
	if isTimeout(err) { // the connection may be dead
		_ = f.r.host().Network().ClosePeer(s.id)
	}
}

// lost notes from when on a bucket may miss something, now that a subscription is gone. f.mu
// is held.
func (f *subscriber) lost(s *subscription) {
	others := 0
	for _, o := range f.all {
		if o.bucket != s.bucket || !o.working {
			continue
		}
		others++
		if o.missed == 0 && !o.proven.Add(f.timing.late).Before(s.proven) {
			return // the other one was seen to work since
		}
	}
	if others > 0 {
		f.r.missed(s.proven)
		return
	}
	f.uncovered[s.bucket] = s.proven
}

// works reports whether a service node has accepted a subscription.
func (f *subscriber) works() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.ContainsFunc(f.all, func(s *subscription) bool { return s.working })
}

// serve reads what a service node pushes; streams of others are reset.
// Spec: 12/WAKU2-FILTER, "Filter-Push".
func (f *subscriber) serve(stream network.Stream) {
	id := stream.Conn().RemotePeer()
	f.mu.Lock()
	s := f.of(id)
	f.mu.Unlock()
	if s == nil || !f.r.spawnUnlessEnded("waku push", func() { f.read(stream, s) }) {
		_ = stream.Reset()
	}
}

func (f *subscriber) read(stream network.Stream, s *subscription) {
	from := newPushReader(stream)
	for {
		push, err := from.next()
		if err == nil {
			err = f.pushed(s, push)
		}
		if err != nil {
			finish(stream, ignoreEnd(err))
			return
		}
	}
}

// ignoreEnd returns nil for the end of a stream.
func ignoreEnd(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
