package servicenode

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/waku-org/go-waku/waku/v2/protocol/filter/pb"
	wakupb "github.com/waku-org/go-waku/waku/v2/protocol/pb"
	"google.golang.org/protobuf/proto"
)

// subscriptions holds who has subscribed to what. The zero value is ready.
type subscriptions struct {
	mu          sync.Mutex
	subscribers map[peer.ID]*subscriber
}

// subscriber is a peer that has subscribed.
type subscriber struct {
	topics map[place]bool
	queue  chan push
}

// push is a message on its way to a subscriber.
type push struct {
	topic   string
	message *wakupb.WakuMessage
}

// pushQueue is the number of messages that wait for one subscriber; more are lost.
const pushQueue = 4096

// pushWait bounds the sending of one message.
const pushWait = 5 * time.Second

// maxContentTopics is the number of content topics of a request. Spec: 12/WAKU2-FILTER, "SUBSCRIBE".
const maxContentTopics = 100

// Subscriptions returns the number of content topics that a peer has subscribed to, on all
// pubsub topics.
func (n *Node) Subscriptions(peerID string) int {
	id, err := peer.Decode(peerID)
	if err != nil {
		return 0
	}
	n.filter.mu.Lock()
	defer n.filter.mu.Unlock()
	if s := n.filter.subscribers[id]; s != nil {
		return len(s.topics)
	}
	return 0
}

// ForgetSubscriptions forgets all subscriptions, as a node does that was started again.
func (n *Node) ForgetSubscriptions() {
	n.filter.mu.Lock()
	defer n.filter.mu.Unlock()
	for id, s := range n.filter.subscribers {
		close(s.queue)
		delete(n.filter.subscribers, id)
	}
}

// serveFilter answers a subscriber. Spec: 12/WAKU2-FILTER, "Filter-Subscribe".
func (n *Node) serveFilter(stream network.Stream) error {
	request := new(pb.FilterSubscribeRequest)
	if err := read(stream, request); err != nil {
		return err
	}
	f := n.currentFaults()
	if f.FilterHangs {
		return n.hang()
	}
	if !n.wait(f.FilterDelay) {
		return errHung
	}
	status, why := n.answerFilter(stream.Conn().RemotePeer(), request, f)
	return write(stream, &pb.FilterSubscribeResponse{RequestId: request.RequestId, StatusCode: status, StatusDesc: proto.String(why)})
}

func (n *Node) answerFilter(id peer.ID, request *pb.FilterSubscribeRequest, f Faults) (status uint32, why string) {
	if f.FilterForgot {
		n.ForgetSubscriptions()
	}
	if err := request.Validate(); err != nil {
		return statusBadRequest, err.Error()
	}
	if len(request.ContentTopics) > maxContentTopics {
		return statusBadRequest, "too many content topics"
	}
	if f.FilterStatus != 0 {
		return f.FilterStatus, "out of order"
	}
	n.filter.mu.Lock()
	defer n.filter.mu.Unlock()
	s := n.filter.subscribers[id]
	switch kind := request.FilterSubscribeType; {
	case kind == pb.FilterSubscribeRequest_SUBSCRIBE:
		n.subscribe(id, request)
	case s == nil:
		return statusNotFound, "peer has no subscriptions"
	case kind == pb.FilterSubscribeRequest_UNSUBSCRIBE:
		for _, topic := range request.ContentTopics {
			delete(s.topics, place{request.GetPubsubTopic(), topic})
		}
		if len(s.topics) == 0 {
			n.unsubscribe(id, s)
		}
	case kind == pb.FilterSubscribeRequest_UNSUBSCRIBE_ALL:
		n.unsubscribe(id, s)
	}
	return statusOK, "OK"
}

// subscribe adds the topics of a request. n.filter.mu is held.
func (n *Node) subscribe(id peer.ID, request *pb.FilterSubscribeRequest) {
	s := n.filter.subscribers[id]
	if s == nil {
		s = &subscriber{topics: map[place]bool{}, queue: make(chan push, pushQueue)}
		if n.filter.subscribers == nil {
			n.filter.subscribers = map[peer.ID]*subscriber{}
		}
		n.filter.subscribers[id] = s
		n.working.Go(func() { n.pushAll(id, s.queue) })
	}
	for _, topic := range request.ContentTopics {
		s.topics[place{request.GetPubsubTopic(), topic}] = true
	}
}

func (n *Node) unsubscribe(id peer.ID, s *subscriber) {
	close(s.queue)
	delete(n.filter.subscribers, id)
}

// push gives a message to those who have subscribed to its topic.
func (n *Node) push(topic string, message *wakupb.WakuMessage) {
	f := n.currentFaults()
	if f.FilterSilent || f.FilterLoses != nil && f.FilterLoses(Hash(message.Hash(topic))) {
		return
	}
	n.filter.mu.Lock()
	defer n.filter.mu.Unlock()
	for _, s := range n.filter.subscribers {
		if s.topics[place{topic, message.ContentTopic}] {
			select {
			case s.queue <- push{topic, message}:
			default:
			}
		}
	}
}

// pushAll sends messages to a subscriber. What cannot be sent is lost. Spec: 12/WAKU2-FILTER,
// "Filter-Push".
func (n *Node) pushAll(id peer.ID, queue <-chan push) {
	var open network.Stream
	defer func() {
		if open != nil {
			_ = open.Close()
		}
	}()
	for {
		var next push
		select {
		case <-n.ctx.Done():
			return
		case p, ok := <-queue:
			if !ok {
				return
			}
			next = p
		}
		if stream, err := n.pushOne(id, open, next); err != nil {
			open = nil
		} else {
			open = stream
		}
	}
}

// pushOne sends one message through a stream, or a new one, and returns the stream if it
// is to be used again.
func (n *Node) pushOne(id peer.ID, stream network.Stream, p push) (network.Stream, error) {
	ctx, cancel := context.WithTimeout(network.WithNoDial(n.ctx, "push"), pushWait)
	defer cancel()
	if stream == nil {
		opened, err := n.host.NewStream(ctx, id, FilterPush)
		if err != nil {
			return nil, err
		}
		stream = opened
	}
	_ = stream.SetWriteDeadline(time.Now().Add(pushWait)) // then the write fails
	err := write(stream, &pb.MessagePush{WakuMessage: p.message, PubsubTopic: proto.String(p.topic)})
	if err != nil {
		_ = stream.Reset()
		return nil, err
	}
	if n.options.OnePushStream {
		return stream, nil
	}
	return nil, stream.Close()
}

// Subscribers returns the ids of the peers that have subscriptions.
func (n *Node) Subscribers() []string {
	n.filter.mu.Lock()
	defer n.filter.mu.Unlock()
	var ids []string
	for id := range n.filter.subscribers {
		ids = append(ids, id.String())
	}
	slices.Sort(ids)
	return ids
}
