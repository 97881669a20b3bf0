package external

import (
	"context"
	"maps"
	"runtime/debug"
	"slices"
	"time"

	"libstatus1to1/chat/port"
)

// run holds what belongs to one Start.
type run struct {
	hooks port.TransportHooks
	stop  chan struct{}
	done  chan struct{}
	woken chan struct{} // one value: look again
}

// wake tells the goroutine of the run to look again.
func (r *run) wake() {
	select {
	case r.woken <- struct{}{}:
	default:
	}
}

// Start begins to take envelopes. It needs hooks with a Carrier.
func (n *Node) Start(ctx context.Context, hooks port.TransportHooks) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if hooks.Carrier == nil {
		return port.Errorf(port.CodeInternal, "", "an external network needs somebody who carries")
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.run != nil {
		return port.Errorf(port.CodeInternal, "", "the external network is started already")
	}
	n.run = &run{hooks: hooks, stop: make(chan struct{}), done: make(chan struct{}), woken: make(chan struct{}, 1)}
	go n.work(n.run)
	return nil
}

// Stop ends the run and waits until no hook is being called. What was under way is
// forgotten.
func (n *Node) Stop() error {
	n.mu.Lock()
	r := n.run
	n.run = nil
	clear(n.underWay)
	n.bytes = 0
	n.confirmed.Purge()
	n.mu.Unlock()
	if r != nil {
		close(r.stop)
		<-r.done
	}
	return nil
}

// work reports whether the program is online, and asks again for what it has not confirmed
// in time, until the run ends.
func (n *Node) work(r *run) {
	defer close(r.done)
	defer func() {
		if value := recover(); value != nil && r.hooks.Panicked != nil {
			r.hooks.Panicked("external network", value, debug.Stack())
		}
	}()
	for reported := port.NetworkStopped; ; {
		state, overdue, wait := n.look()
		if state != reported && r.hooks.Changed != nil {
			r.hooks.Changed(port.NetworkChange{State: state})
		}
		reported = state
		for _, id := range overdue {
			r.hooks.Carrier.Withdraw(id)
		}
		if len(overdue) > 0 {
			if r.hooks.Log != nil {
				r.hooks.Log.Log("info", "the program has not confirmed envelopes that it was to publish", "count", len(overdue))
			}
			r.hooks.Carrier.Confirmed()
		}
		select {
		case <-r.stop:
			return
		case <-r.woken:
		case <-time.After(wait):
		}
	}
}

// look returns the state, the requests that are given up because they are overdue or the
// program is offline, and the time until another is overdue.
func (n *Node) look() (state port.NetworkState, overdue []port.EnvelopeID, wait time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	wait = confirmWithin
	for id, asked := range n.underWay {
		left := confirmWithin - time.Since(asked.began)
		if left <= 0 || !n.online {
			overdue = append(overdue, id)
		} else {
			wait = min(wait, left)
		}
	}
	for _, id := range overdue {
		n.forget(id)
	}
	return n.state(), overdue, wait
}

// state returns the state of the network; n.mu is held.
func (n *Node) state() port.NetworkState {
	switch {
	case n.run == nil:
		return port.NetworkStopped
	case !n.online:
		return port.NetworkOffline
	}
	return port.NetworkOnline
}

// Subscribe adds content topics. It works at any time, also before Start.
func (n *Node) Subscribe(contentTopics ...string) error {
	n.change(func() {
		for _, topic := range contentTopics {
			n.topics[topic] = struct{}{}
		}
	})
	return nil
}

// Unsubscribe takes content topics away.
func (n *Node) Unsubscribe(contentTopics ...string) error {
	n.change(func() {
		for _, topic := range contentTopics {
			delete(n.topics, topic)
		}
	})
	return nil
}

// change changes the set of topics, and says so if it is another one then.
func (n *Node) change(f func()) {
	n.mu.Lock()
	before := len(n.topics) // topics are either added or taken away
	f()
	count, r := len(n.topics), n.run
	n.mu.Unlock()
	if r != nil && count != before {
		r.hooks.Carrier.TopicsChanged(count)
	}
}

// Wants reports whether a content topic is subscribed to.
func (n *Node) Wants(contentTopic string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	_, wanted := n.topics[contentTopic]
	return wanted
}

// ContentTopics lists the topics that are subscribed to.
func (n *Node) ContentTopics() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Sorted(maps.Keys(n.topics))
}

// Connect fails: there is nobody to connect to.
func (n *Node) Connect(string) error { return errNoPeers() }

// Disconnect fails as Connect does.
func (n *Node) Disconnect(string) error { return errNoPeers() }

func errNoPeers() error {
	return port.Errorf(port.CodeWrongState, "network.kind", "an external network has no peers: the program carries the envelopes").
		With("kind", "external")
}

// peerName is the peer that the status of an external network names.
const peerName = "program"

// Status returns the state of the network. Its only peer is the program, so that who waits
// for a peer waits for that.
func (n *Node) Status() port.NetworkStatus {
	n.mu.Lock()
	defer n.mu.Unlock()
	state := n.state()
	there := state == port.NetworkOnline
	return port.NetworkStatus{
		Kind: "external", State: state, PubsubTopic: PubsubTopic, ListenAddresses: []string{},
		Peers: []port.NetworkPeer{{PeerID: peerName, Connected: there, Static: true, OnShard: there}},
	}
}
