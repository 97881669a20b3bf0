package waku

import (
	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
)

// ready signals each time gossipsub can begin to send to a peer. A peer is on our
// shard when it has told so and we can send to it, in either order; go-waku reports
// only the first. gossipsub calls a tracer in its main loop: it must not wait.
type ready chan struct{}

var _ pubsub.RawTracer = ready(nil)

// AddPeer is called when the stream to a peer is open.
func (r ready) AddPeer(peer.ID, protocol.ID) { signal(r) }

// What else gossipsub traces is of no interest here.

func (ready) RemovePeer(peer.ID)                    {}
func (ready) Join(string)                           {}
func (ready) Leave(string)                          {}
func (ready) Graft(peer.ID, string)                 {}
func (ready) Prune(peer.ID, string)                 {}
func (ready) ValidateMessage(*pubsub.Message)       {}
func (ready) DeliverMessage(*pubsub.Message)        {}
func (ready) RejectMessage(*pubsub.Message, string) {}
func (ready) DuplicateMessage(*pubsub.Message)      {}
func (ready) ThrottlePeer(peer.ID)                  {}
func (ready) RecvRPC(*pubsub.RPC)                   {}
func (ready) SendRPC(*pubsub.RPC, peer.ID)          {}
func (ready) DropRPC(*pubsub.RPC, peer.ID)          {}
func (ready) UndeliverableMessage(*pubsub.Message)  {}
