package waku

import (
	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"libstatus1to1/chat/port"
)

// watch turns the events of libp2p about peers into changes and into work for the keepers
// of static peers. It waits for nobody, so that the bus never waits for it.
func (r *run) watch() {
	defer r.peerEvents.Close()
	for {
		select {
		case <-r.ctx.Done():
			return
		case <-r.look:
			r.refresh()
		case e, ok := <-r.peerEvents.Out():
			if !ok {
				return
			}
			if changed, isPeer := e.(event.EvtPeerConnectednessChanged); isPeer {
				r.peerChanged(changed)
			} else {
				r.refresh() // it has said which protocols it has
			}
		}
	}
}

func (r *run) peerChanged(e event.EvtPeerConnectednessChanged) {
	connected := e.Connectedness == network.Connected
	if !connected {
		r.places.forget(e.Peer)
	}
	r.refresh()
	r.change(r.aboutPeer(e.Peer, connected))
	if connected {
		r.spawn("waku metadata", func() { r.askMetadata(e.Peer) })
	} else {
		r.keepers.lost(e.Peer)
	}
	r.news.spread()
}

func (r *run) currentState() port.NetworkState {
	if r.online.Load() {
		return port.NetworkOnline
	}
	return port.NetworkOffline
}

// change queues a change for the engine.
func (r *run) change(c port.NetworkChange) {
	if ok, first := r.changes.put(c, 0); !ok && first {
		r.log("warn", "changes of the network are not taken; dropping some")
	}
}

// report hands the changes to the engine, each with the state of that moment: if some
// were dropped, those before them tell how it is after them.
func (r *run) report() {
	for {
		c, ok := r.changes.take(r.ctx)
		if !ok {
			return
		}
		c.State = r.currentState()
		if r.hooks.Changed != nil {
			r.guard("waku changes", func() { r.hooks.Changed(c) })
		}
	}
}

// drop closes the connections to a peer and forgets its addresses, so that nothing
// in go-waku dials it again.
func (r *run) drop(id peer.ID) {
	r.keepers.stop(id)
	r.host().ConnManager().Unprotect(id, chosenTag)
	if err := r.host().Network().ClosePeer(id); err != nil {
		r.log("debug", "closing a connection", "peer", id.String(), "error", err)
	}
	r.host().Peerstore().RemovePeer(id)
}
