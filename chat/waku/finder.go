package waku

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ethereum/go-ethereum/p2p/enode"
	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	manet "github.com/multiformats/go-multiaddr/net"
	"golang.org/x/time/rate"
)

// This file looks for peers where the configuration names ways to find some. While there
// are fewer than wantedPeers, or in light mode too few service nodes, it tries the candidates
// that are known, those first that worked before, and when these do not suffice it asks: the
// trees in the DNS, connected peers, and at last anybody (discv5). With enough peers it does nothing at all.
//
// 34/WAKU2-PEER-EXCHANGE wants to be used only where discv5 cannot be, since whoever is
// asked may name nodes of its own. We ask peers of our own choice first all the same, two
// at a time: that is one stream each, where discv5 shows our address to dozens of nodes,
// and most networks of phones let no UDP through.

// wantedPeers is the number of peers of our own choice that we want on our shards:
// gossipsub's D (29/WAKU2-CONFIG). Those that dialled us do not count: they may all be one and the same,
// who would then be all we hear of the network.
const wantedPeers = 6

// What finding may cost. Each dial of a candidate is a connection somewhere at somebody's
// word: so many are open at once, and so often one begins.
const (
	triesAtOnce    = 4
	tryEvery       = 2 * time.Second
	triesInARow    = 12
	tryWait        = 15 * time.Second // to connect, and again to come to our shards
	leaveWait      = 10 * time.Second // for a peer that left our shards to come back
	askedEvery     = 2 * time.Minute  // one peer, by peer exchange
	askedAtOnce    = 2                // peers, so that none alone says whom we meet
	askedKnown     = 64
	treeAgain      = 30 * time.Minute // after the trees were read
	treeRetry      = 10 * time.Second // after they could not be read
	searchAgain    = 2 * time.Minute  // by discv5
	maxBoot        = 32               // nodes to begin a search with
	finderLongest  = time.Hour        // between two looks while nothing happens
	finderLight    = 2 * time.Minute  // of a light node that has one service node, but no second one
	finderShortest = 200 * time.Millisecond
)

// finder is the finding of a run. Only its own goroutine, and the one that gathers for
// it, use what is not a lock's or atomic.
type finder struct {
	r       *run
	wake    chan struct{} // one value: look again
	pending atomic.Int32  // tries that are not decided
	rate    *rate.Limiter
	saved   time.Time

	gathering sync.Mutex // held while sources are asked; guards the rest
	treeAt    time.Time
	searchAt  time.Time
	asked     *lru.Cache[peer.ID, time.Time]
	boot      []*enode.Node
}

func newFinder(r *run) *finder {
	asked, _ := lru.New[peer.ID, time.Time](askedKnown) // fails for a size below 1 only
	return &finder{r: r, wake: make(chan struct{}, 1), asked: asked, rate: rate.NewLimiter(rate.Every(tryEvery), triesInARow)}
}

// finds reports whether the configuration names a way to find peers.
func (s settings) finds() bool { return len(s.trees) > 0 || s.exchange || s.discv5 }

// work looks for peers until the run ends.
func (f *finder) work() {
	f.recall()
	for {
		if f.missing() > 0 {
			f.try(f.missing())
			if f.missing() > 0 && f.gathering.TryLock() {
				f.r.spawn("waku gather", f.gather)
			}
		}
		f.save(false)
		select {
		case <-f.r.ctx.Done():
			f.save(true)
			return
		case <-f.wake:
		case <-f.r.news.next():
		case <-time.After(f.pause()):
		}
	}
}

// missing returns the number of peers that are wanted beside those that are there or
// being tried.
func (f *finder) missing() int {
	return f.r.mode.missing() - int(f.pending.Load())
}

// chosenPeers counts the peers on our shards that we dialled.
func (r *run) chosenPeers() (n int) {
	for _, connection := range r.host().Network().Conns() {
		if connection.Stat().Direction == network.DirOutbound && r.members.has(connection.RemotePeer()) {
			n++
		}
	}
	return n
}

// pause returns the time in which nothing is to be done unless something happens.
func (f *finder) pause() time.Duration {
	wait := treeRetry
	switch {
	case f.missing() <= 0 && f.r.hooks.Peers != nil && f.r.owner.candidates.changed():
		return saveEvery
	case f.missing() <= 0:
		return finderLongest
	case f.r.owner.settings.mode == ModeLight && f.r.online.Load():
		return finderLight
	}
	if due := f.r.owner.candidates.due(); !due.IsZero() {
		wait = min(wait, time.Until(due))
	}
	return max(wait, finderShortest)
}

// try begins with up to n candidates.
func (f *finder) try(n int) {
	n = min(n, triesAtOnce-int(f.pending.Load()), int(f.rate.Tokens()))
	if n <= 0 {
		return
	}
	skip := func(id peer.ID) bool {
		return id == f.r.host().ID() || f.r.owner.static.keeps(id) || f.r.connected(id) && f.r.members.has(id)
	}
	for _, c := range f.r.owner.candidates.next(n, skip) {
		f.rate.Allow()
		f.pending.Add(1)
		f.r.spawn("waku candidate", func() { f.attempt(c) })
	}
}

// attempt tries a candidate, and stays with it as long as it is on our shards.
func (f *finder) attempt(c *candidate) {
	defer signal(f.wake)
	all := f.r.owner.candidates
	err := f.reach(c)
	f.pending.Add(-1)
	if err != nil {
		f.r.log("debug", "a node that was found is no peer", "peer", c.id.String(), "error", err)
		all.failed(c)
		f.leave(c.id)
		return
	}
	all.succeeded(c)
	signal(f.wake)
	there := func() bool { return f.r.members.has(c.id) }
	for f.r.ctx.Err() == nil && f.r.connected(c.id) {
		f.r.waitFor(f.r.ctx, func() bool { return !there() || !f.r.connected(c.id) })
		grace, cancel := context.WithTimeout(f.r.ctx, leaveWait)
		back := f.r.waitFor(grace, func() bool { return there() || !f.r.connected(c.id) })
		cancel()
		if !back {
			break
		}
	}
	all.lost(c)
	f.leave(c.id)
}

// leave closes the connections to a peer that is not on our shards, unless it is there for
// something else: a store node.
func (f *finder) leave(id peer.ID) {
	if !f.r.owner.static.has(id) {
		f.r.drop(id)
	}
}

// reach connects to a candidate and waits until it is on our shards.
func (f *finder) reach(c *candidate) error {
	ctx, cancel := context.WithTimeout(f.r.ctx, tryWait)
	defer cancel()
	if err := f.r.dial(ctx, f.r.owner.candidates.where(c)); err != nil {
		return err
	}
	ctx, cancel = context.WithTimeout(f.r.ctx, tryWait)
	defer cancel()
	f.r.waitFor(ctx, func() bool { return f.r.members.has(c.id) || !f.r.connected(c.id) })
	if !f.r.members.has(c.id) {
		return errNotOurShard
	}
	return nil
}

// gather asks those whose turn it is for nodes, in the order of trust, until there are
// enough candidates. It is called with gathering locked.
func (f *finder) gather() {
	defer f.gathering.Unlock()
	now := time.Now()
	for _, ask := range []func(time.Time) bool{f.askTrees, f.askPeers, f.search} {
		if f.r.ctx.Err() != nil {
			return
		}
		if ask(now) {
			signal(f.wake)
			return
		}
	}
}

// askTrees reads the trees, and reports whether somebody new was found.
func (f *finder) askTrees(now time.Time) (found bool) {
	if now.Before(f.treeAt) {
		return false
	}
	f.treeAt = now.Add(treeAgain)
	for _, url := range f.r.owner.settings.trees {
		nodes, err := f.r.owner.settings.readTree(f.r.ctx, url)
		if err != nil {
			f.r.log("info", "a tree of nodes could not be read", "tree", url, "error", err)
			f.treeAt = now.Add(treeRetry)
		}
		// Whoever signs the tree is the configuration's choice, as a static peer is.
		found = f.add(nodes, sourceTree, true) || found
	}
	return found
}

// askPeers asks connected peers by peer exchange, those of our own choice.
func (f *finder) askPeers(now time.Time) (found bool) {
	if !f.r.owner.settings.exchange {
		return false
	}
	left := askedAtOnce
	for _, connection := range f.r.host().Network().Conns() {
		id := connection.RemotePeer()
		last, known := f.asked.Peek(id)
		if left == 0 || connection.Stat().Direction != network.DirOutbound || known && now.Sub(last) < askedEvery || !f.r.speaks(id, exchangeProtocol) {
			continue
		}
		left--
		f.asked.Add(id, now)
		nodes, err := f.r.askExchange(f.r.ctx, id)
		if err != nil {
			f.r.log("debug", "a peer named no nodes", "peer", id.String(), "error", err)
			continue
		}
		// One on a private network may name its neighbours there, others may not.
		found = f.add(nodes, sourceExchange, !manet.IsPublicAddr(connection.RemoteMultiaddr())) || found
	}
	return found
}

// search looks for nodes by discv5.
func (f *finder) search(now time.Time) (found bool) {
	if !f.r.owner.settings.discv5 || len(f.boot) == 0 || now.Before(f.searchAt) {
		return false
	}
	f.searchAt = now.Add(searchAgain)
	nodes, err := f.r.owner.settings.searchDiscv5(f.r.ctx, f.boot)
	if err != nil {
		f.r.log("info", "the search for nodes failed", "error", err)
	}
	for _, node := range nodes {
		// discv5 takes no private address of a node from one that is elsewhere; what else
		// the record names must be there too.
		private := node.IPAddr().IsPrivate() || node.IPAddr().IsLoopback()
		found = f.add([]*enode.Node{node}, sourceDiscv5, private) || found
	}
	return found
}

// add makes candidates of nodes, and reports whether one is new.
func (f *finder) add(nodes []*enode.Node, from source, private bool) (found bool) {
	for _, node := range nodes {
		record, err := readRecord(node)
		if err != nil || !f.r.owner.settings.suits(record, from == sourceTree) {
			continue
		}
		found = f.r.owner.candidates.add(record.info, from, private) || found
		if answersDiscv5(node) {
			f.boot = slices.DeleteFunc(f.boot, func(old *enode.Node) bool { return old.ID() == node.ID() })
			f.boot = append([]*enode.Node{node}, f.boot...)
			f.boot = f.boot[:min(len(f.boot), maxBoot)]
		}
	}
	return found
}
