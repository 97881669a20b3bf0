package waku

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/waku-org/go-waku/waku/v2/protocol/pb"

	"libstatus1to1/chat/port"
)

// This file publishes through service nodes (19/WAKU2-LIGHTPUSH): through the best one, and
// through another if that one refuses or is slow. A message counts as sent once a node has
// said that it relayed it.

// pushPeers is the number of service nodes that are wanted for publishing, and the most that
// are asked to publish one message: the second makes up for one that fails.
const pushPeers = 2

// publisher publishes for a run.
type publisher struct {
	r *run

	mu        sync.Mutex
	penalties penalties
}

func newPublisher(r *run) *publisher {
	return &publisher{r: r, penalties: newPenalties(r.owner.settings.timing)}
}

// order returns the service nodes of a shard, those first that may be used now and have not
// failed; otherwise in no order, so that none sees all that we publish.
func (p *publisher) order(topic string) []peer.ID {
	ids := p.r.serving(topic, lightpush3, lightpush2)
	rand.Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	slices.SortStableFunc(ids, func(a, b peer.ID) int {
		switch x, y := p.penalties.has(a, now), p.penalties.has(b, now); {
		case x && !y:
			return 1
		case y && !x:
			return -1
		}
		return cmp.Compare(p.penalties.failures(a), p.penalties.failures(b))
	})
	return ids[:min(len(ids), pushPeers)]
}

// outcome is the result of one push.
type outcome struct {
	id    peer.ID
	peers int
	err   error
}

// publish publishes through one service node, or through a second one when the first refuses
// or has not answered within timing.hedge. It returns the node that relayed the message, and
// to how many peers.
// Spec: 19/WAKU2-LIGHTPUSH.
func (p *publisher) publish(ctx context.Context, topic string, message *pb.WakuMessage) (by peer.ID, peers int, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(p.r.ctx, cancel)()
	left := p.order(topic)
	results := make(chan outcome, len(left))
	var failures []error
	pending := map[peer.ID]bool{}
	for {
		hedge := time.NewTimer(p.r.owner.settings.timing.hedge)
		if len(left) > 0 {
			id := left[0]
			left = left[1:]
			if !p.r.spawnUnlessEnded("waku lightpush", func() {
				peers, err := p.r.push(ctx, id, topic, message)
				results <- outcome{id, peers, err}
			}) {
				return "", 0, port.ErrNoPeers
			}
			pending[id] = true
		}
		if len(pending) == 0 {
			return "", 0, refusal(failures)
		}
		if len(left) == 0 {
			hedge.Stop()
		}
		select {
		case <-ctx.Done():
			hedge.Stop()
			for id := range pending {
				p.note(outcome{id: id, err: ctx.Err()})
			}
			return "", 0, ctx.Err()
		case <-hedge.C:
		case o := <-results:
			hedge.Stop()
			delete(pending, o.id)
			if p.note(o); o.err == nil {
				return o.id, o.peers, nil
			}
			failures = append(failures, o.err)
		}
	}
}

// note remembers whether a service node has published. The connection to one that does not answer may be
// dead: it is closed, and made again.
func (p *publisher) note(o outcome) {
	if errors.Is(o.err, context.Canceled) {
		return
	}
	var refused *refusedError
	isRefusal := errors.As(o.err, &refused)
	p.mu.Lock()
	switch {
	case o.err == nil:
		p.penalties.good(o.id)
	case isRefusal && refused.status == pushTooLarge: // it is the message
	default:
		p.r.log("info", "a service node has not published", "peer", o.id.String(), "error", o.err)
		p.penalties.add(o.id, time.Now())
	}
	p.mu.Unlock()
	if isTimeout(o.err) {
		_ = p.r.host().Network().ClosePeer(o.id)
	}
}

// good returns the number of service nodes that can be published through, as far as is known.
func (p *publisher) good() int {
	good := map[peer.ID]bool{}
	now := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, topic := range p.r.topics {
		for _, id := range p.r.serving(topic, lightpush3, lightpush2) {
			if !p.penalties.has(id, now) {
				good[id] = true
			}
		}
	}
	return len(good)
}

// doubt notes that a node may not have published what it said it had.
func (p *publisher) doubt(id peer.ID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.penalties.add(id, time.Now())
}

// refusal returns the error for a message that no node has published: port.ErrTooLarge if
// that is why, and otherwise one that says that nobody can publish it now.
func refusal(failures []error) error {
	tooLarge, nobody := 0, 0
	for _, err := range failures {
		var refused *refusedError
		if errors.As(err, &refused) {
			switch refused.status {
			case pushTooLarge:
				tooLarge++
			case pushNoPeers, pushNotAvailable:
				nobody++
			}
		}
	}
	switch {
	case len(failures) == nobody: // also when there was no node at all
		return port.ErrNoPeers
	case tooLarge > 0 && tooLarge+nobody == len(failures):
		return port.ErrTooLarge
	default:
		return port.Errorf(port.CodeNetworkDown, "", "no service node has published the envelope").Because(errors.Join(failures...))
	}
}
