package servicenode

import (
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/libp2p/go-libp2p"
	pubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/p2p/host/peerstore/pstoremem"
	"github.com/libp2p/go-libp2p/p2p/muxer/yamux"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	"github.com/libp2p/go-libp2p/p2p/security/noise"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	"github.com/libp2p/go-libp2p/p2p/transport/websocket"
	ma "github.com/multiformats/go-multiaddr"
	wakupb "github.com/waku-org/go-waku/waku/v2/protocol/pb"
	"google.golang.org/protobuf/proto"
)

// newHost makes a libp2p host that does not listen yet and has no limits: TCP and
// WebSockets, Noise, yamux.
func newHost(o Options) (host.Host, error) {
	identity, err := crypto.UnmarshalSecp256k1PrivateKey(o.Key.Bytes())
	if err != nil {
		return nil, err
	}
	peers, err := pstoremem.NewPeerstore()
	if err != nil {
		return nil, err
	}
	return libp2p.New(libp2p.Identity(identity), libp2p.NoListenAddrs, libp2p.Peerstore(peers),
		libp2p.Transport(tcp.NewTCPTransport, tcp.DisableReuseport()), libp2p.Transport(websocket.New),
		libp2p.Security(noise.ID, noise.New), libp2p.Muxer(yamux.ID, yamux.DefaultTransport),
		libp2p.ResourceManager(&network.NullResourceManager{}), libp2p.DisableRelay(), libp2p.DisableMetrics(),
		libp2p.SwarmOpts(swarm.WithDialTimeout(5*time.Second)))
}

// listen begins to listen, when everything is in place for the first peer that connects.
func (n *Node) listen() error {
	var addresses []ma.Multiaddr
	for _, text := range n.options.Listen {
		address, err := ma.NewMultiaddr(text)
		if err != nil {
			return err
		}
		addresses = append(addresses, address)
	}
	if err := n.host.Network().Listen(addresses...); err != nil {
		return err
	}
	if have := len(n.host.Network().ListenAddresses()); have < len(addresses) {
		return fmt.Errorf("only %d of the addresses %q can be listened on", have, n.options.Listen)
	}
	return nil
}

// The numbers of gossipsub are go-waku's.
const (
	outboundQueue = 1024
	validateQueue = 1024
	rpcOverhead   = 64 * 1024
)

// join joins the node's shards. Spec: 11/WAKU2-RELAY. It is gossipsub as go-waku
// configures it, without the scores of peers: they count peers at one IP address, and in
// tests all are at one.
func (n *Node) join() (err error) {
	if !n.options.serves(Relay) {
		return nil
	}
	params := pubsub.DefaultGossipSubParams()
	params.D, params.Dlo, params.Dhi, params.Dout, params.Dlazy = 4, 4, 8, 3, 4
	params.HistoryLength, params.HistoryGossip = 6, 3
	ids := func(m *pb.Message) string { sum := sha256.Sum256(m.Data); return string(sum[:]) }
	n.relay, err = pubsub.NewGossipSub(n.ctx, n.host,
		pubsub.WithMessageSignaturePolicy(pubsub.StrictNoSign), pubsub.WithNoAuthor(), pubsub.WithMessageIdFn(ids),
		pubsub.WithGossipSubProtocols([]Protocol{Relay, pubsub.GossipSubID_v11, pubsub.GossipSubID_v10, pubsub.FloodSubID},
			func(f pubsub.GossipSubFeature, p Protocol) bool {
				return f == pubsub.GossipSubFeatureMesh && p != pubsub.FloodSubID
			}),
		pubsub.WithGossipSubParams(params), pubsub.WithFloodPublish(true),
		pubsub.WithMaxMessageSize(n.options.MaxMessageSize+rpcOverhead),
		pubsub.WithPeerOutboundQueueSize(outboundQueue), pubsub.WithValidateQueueSize(validateQueue))
	if err != nil {
		return err
	}
	for _, name := range n.options.topics() {
		topic, err := n.relay.Join(name)
		if err != nil {
			return err
		}
		subscription, err := topic.Subscribe(pubsub.WithBufferSize(validateQueue))
		if err != nil {
			return err
		}
		n.topics[name] = topic
		n.working.Go(func() { n.hear(name, subscription) })
	}
	return nil
}

// hear takes in what is relayed on a shard.
func (n *Node) hear(topic string, subscription *pubsub.Subscription) {
	for {
		received, err := subscription.Next(n.ctx)
		if err != nil {
			return
		}
		message := new(wakupb.WakuMessage)
		if proto.Unmarshal(received.Data, message) == nil && message.Validate() == nil {
			n.take(topic, message)
		}
	}
}

// take stores a message and pushes it to those who have subscribed to its topic.
func (n *Node) take(topic string, message *wakupb.WakuMessage) {
	if n.options.Heard != nil {
		n.options.Heard(message)
	}
	if n.stores(message) {
		n.options.Archive.AddMessage(topic, message)
	}
	n.push(topic, message)
}

// stores reports whether the node stores a relayed message: not if it is ephemeral, and not
// if its timestamp is far from the time.
func (n *Node) stores(message *wakupb.WakuMessage) bool {
	if message.GetEphemeral() || n.currentFaults().StoreDeaf {
		return false
	}
	off := time.Since(time.Unix(0, message.GetTimestamp())).Abs()
	return message.GetTimestamp() == 0 || n.options.Variance < 0 || off <= n.options.Variance
}

// RelayPeers returns the number of peers on a shard.
func (n *Node) RelayPeers(topic string) int {
	if n.relay == nil {
		return 0
	}
	return len(n.relay.ListPeers(topic))
}
