package waku

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"

	"libstatus1to1/chat/port"
)

// Static peers are dialled again after 1 to 2 seconds, then after twice that each time,
// up to 5 to 10 seconds. Messages that wait for a peer should go out within seconds of
// its return, and a dial costs little. Half of each wait is random, so that the clients
// of a restarted node do not all come back at once.
const (
	firstBackoff = 2 * time.Second
	lastBackoff  = 10 * time.Second
)

// dialTimeout bounds one attempt, which may try several addresses.
const dialTimeout = 20 * time.Second

// steadyAfter is the time a connection must last before the waits between dials start
// from the beginning again. Otherwise a peer that accepts a connection and closes it at
// once would be dialled every second.
const steadyAfter = 10 * time.Second

// errNotOurShard is reported for a peer that hangs up without having joined.
var errNotOurShard = errors.New("the peer hung up before joining the shard: does it serve this cluster and shard?")

// backoff is the wait before the next attempt after failures (>= 1) in a row.
func backoff(failures int) time.Duration {
	whole := lastBackoff
	if shift := failures - 1; shift < 6 { // 2 s << 5 is past the last
		whole = min(firstBackoff<<shift, lastBackoff)
	}
	return whole/2 + rand.N(whole/2)
}

// lastBackoffLight is the longest wait of a light node that does not need the peer, since it
// is online by others: each dial wakes a phone up.
const lastBackoffLight = 15 * time.Minute

// pause is the wait before a static peer is dialled again after failures in a row.
func (r *run) pause(failures int) time.Duration {
	if r.owner.settings.mode == ModeRelay || !r.online.Load() {
		return backoff(failures)
	}
	whole := min(firstBackoff<<min(failures, 16), lastBackoffLight)
	return whole/2 + rand.N(whole/2)
}

// keeper keeps one static peer connected.
type keeper struct {
	cancel context.CancelFunc
	retry  chan struct{} // one value: dial now
	lost   chan struct{} // one value: the connection is gone
	joined bool          // the peer has been on our shard since the last dial
}

// keepers are the keepers of a run. The zero value is ready.
type keepers struct {
	mu  sync.Mutex
	all map[peer.ID]*keeper
}

// start adds a keeper for id. If there is one already, it makes that one dial now.
func (k *keepers) start(ctx context.Context, id peer.ID) (kept *keeper, own context.Context, fresh bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if kept := k.all[id]; kept != nil {
		signal(kept.retry)
		return kept, nil, false
	}
	own, cancel := context.WithCancel(ctx)
	kept = &keeper{cancel: cancel, retry: make(chan struct{}, 1), lost: make(chan struct{}, 1)}
	if k.all == nil {
		k.all = map[peer.ID]*keeper{}
	}
	k.all[id] = kept
	return kept, own, true
}

// retryAll makes all that wait dial now.
func (k *keepers) retryAll() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, kept := range k.all {
		signal(kept.retry)
	}
}

// stop ends the keeper of id, if there is one.
func (k *keepers) stop(id peer.ID) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if kept := k.all[id]; kept != nil {
		kept.cancel()
		delete(k.all, id)
	}
}

func (k *keepers) joined(id peer.ID) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if kept := k.all[id]; kept != nil {
		kept.joined = true
	}
}

func (k *keepers) lost(id peer.ID) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if kept := k.all[id]; kept != nil {
		signal(kept.lost)
	}
}

// takeJoined reports whether the peer has joined since the last call.
func (k *keepers) takeJoined(kept *keeper) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	joined := kept.joined
	kept.joined = false
	return joined
}

// signal puts a value into a channel that holds one, unless there is one already.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// keep starts to keep p connected, unless it is dialled on demand. A static peer that is
// ourselves is skipped: the nodes of a group may share one list.
func (r *run) keep(p *staticPeer) {
	r.ending.RLock()
	defer r.ending.RUnlock()
	if r.ended || p.id == r.host().ID() || !p.isKept() {
		return
	}
	kept, ctx, fresh := r.keepers.start(r.ctx, p.id)
	if !fresh {
		return
	}
	if !r.owner.static.has(p.id) { // Disconnect came in between
		r.keepers.stop(p.id)
		return
	}
	r.spawn("waku static peer", func() { r.keepConnected(ctx, p, kept) })
}

// keepConnected dials p, waits until the connection is lost, and begins again.
func (r *run) keepConnected(ctx context.Context, p *staticPeer, kept *keeper) {
	for failures, told := 0, false; ; {
		began := time.Now()
		err := r.dial(ctx, p.info())
		if slices.ContainsFunc(r.topics, func(topic string) bool { return slices.Contains(r.mode.peersOn(topic), p.id) }) {
			r.keepers.joined(p.id) // it had dialled us
		}
		if err == nil && r.waitLost(ctx, p.id, kept) {
			if r.keepers.takeJoined(kept) {
				told = false // it was there: that it is gone is news again
				if time.Since(began) >= steadyAfter {
					failures = 0
				}
			} else {
				err = errNotOurShard
			}
		}
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			p.failed(err)
		}
		if err != nil && !told {
			told = true
			r.log("info", "a static peer is out of reach", "peer", p.id.String(), "error", err)
			r.change(port.NetworkChange{Peer: p.id.String(), Connected: r.connected(p.id), Static: true, Error: dialText(err)})
		}
		failures++
		select {
		case <-ctx.Done():
			return
		case <-kept.retry:
		case <-time.After(r.pause(failures)):
		}
	}
}

// dial connects to a peer where it was said to be, unless it has connected to us
// meanwhile, and keeps the connection from being trimmed.
func (r *run) dial(ctx context.Context, info peer.AddrInfo) error {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	if dialler, ok := r.host().Network().(interface{ Backoff() *swarm.DialBackoff }); ok {
		dialler.Backoff().Clear(info.ID) // libp2p has its own waits; ours are enough
	}
	// Where the peer says it is, is not where we were told to find it.
	r.host().Peerstore().ClearAddrs(info.ID)
	r.host().ConnManager().Protect(info.ID, chosenTag)
	return r.host().Connect(ctx, info)
}

// waitLost waits until p is no longer connected; it reports false when ctx ended.
func (r *run) waitLost(ctx context.Context, id peer.ID, kept *keeper) bool {
	for r.connected(id) {
		select {
		case <-ctx.Done():
			return false
		case <-kept.lost:
		}
	}
	return true
}

// dialText is err for people, without libp2p's list of every address tried.
func dialText(err error) string {
	var dial *swarm.DialError
	switch {
	case errors.Is(err, errNotOurShard):
		return err.Error()
	case errors.As(err, &dial) && len(dial.DialErrors) > 0:
		return dial.DialErrors[0].Cause.Error()
	case errors.Is(err, swarm.ErrNoGoodAddresses):
		return "no address is known for the peer's name: can the DNS be reached?"
	case errors.Is(err, context.DeadlineExceeded):
		return "no answer within " + dialTimeout.String()
	default:
		return err.Error()
	}
}
