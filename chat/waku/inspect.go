package waku

import (
	"errors"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	pubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/time/rate"
)

// inspector looks at each gossipsub RPC before gossipsub does, and takes out what would
// let a peer fill our memory or use us against others. gossipsub calls it from its main
// loop, one RPC at a time.
type inspector struct {
	chosen    *staticPeers // whom the user has chosen: no strangers
	strangers allowance
	peers     *lru.Cache[peer.ID, allowance]
	now       func() time.Time
}

func newInspector(chosen *staticPeers) *inspector {
	peers, _ := lru.New[peer.ID, allowance](spendersRemembered) // fails for a size below 1 only
	return &inspector{chosen: chosen, peers: peers, now: time.Now, strangers: allowance{
		messages: rate.NewLimiter(messagesByStrangers, messagesAtOnceStrangers),
		bytes:    rate.NewLimiter(bytesByStrangers, bytesAtOnceStrangers)}}
}

// inspect shortens rpc; an error drops it.
func (i *inspector) inspect(from peer.ID, rpc *pubsub.RPC) error {
	rpc.Control = harmless(rpc.Control)
	if len(rpc.Publish) == 0 {
		return nil
	}
	rpc.Publish = i.affordable(from, rpc.Publish)
	if len(rpc.Publish) == 0 && len(rpc.Subscriptions) == 0 && rpc.Control == nil {
		return errTooFast
	}
	return nil
}

// errTooFast is for an RPC of which nothing is left.
var errTooFast = errors.New("the peer relays more than a shard carries")

// harmless returns a control message without the parts that no honest peer needs to
// send us: other peers to connect to (peer exchange in PRUNE), since we dial only our
// static peers, and IDONTWANT, which is for nodes of gossipsub 1.2 and which gossipsub
// remembers for ever. It returns nil if nothing is left, because gossipsub remembers
// every peer that sends a control message.
func harmless(control *pb.ControlMessage) *pb.ControlMessage {
	if control == nil {
		return nil
	}
	for _, prune := range control.Prune {
		prune.Peers = nil
	}
	control.Idontwant = nil
	if len(control.Ihave)+len(control.Iwant)+len(control.Graft)+len(control.Prune) == 0 {
		return nil
	}
	return control
}

// affordable returns the number of messages, from the front, that the peer may still
// relay.
func (i *inspector) affordable(from peer.ID, messages []*pb.Message) []*pb.Message {
	now, own := i.now(), i.of(from)
	stranger := !i.chosen.has(from)
	for n, message := range messages {
		size := message.Size()
		if !own.has(now, size) || stranger && !i.strangers.has(now, size) {
			return messages[:n]
		}
		own.spend(now, size)
		if stranger {
			i.strangers.spend(now, size)
		}
	}
	return messages
}

// of is the allowance of a peer.
func (i *inspector) of(id peer.ID) allowance {
	own, known := i.peers.Get(id)
	if !known {
		own = allowance{messages: rate.NewLimiter(messagesByPeer, messagesAtOnceByPeer),
			bytes: rate.NewLimiter(messageBytesByPeer, messageBytesAtOnce)}
		i.peers.Add(id, own)
	}
	return own
}

// allowance is the amount that one peer, or all strangers together, may relay.
type allowance struct{ messages, bytes *rate.Limiter }

func (a allowance) has(now time.Time, size int) bool {
	return a.messages.TokensAt(now) >= 1 && a.bytes.TokensAt(now) >= float64(size)
}

func (a allowance) spend(now time.Time, size int) {
	a.messages.AllowN(now, 1)
	a.bytes.AllowN(now, size)
}
