package waku

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-msgio/pbio"
	"github.com/waku-org/go-waku/waku/v2/protocol/metadata/pb"
	"google.golang.org/protobuf/proto"
)

// Spec: 66/WAKU2-METADATA. Nodes that have connected ask each other which cluster and
// shards they are on, and hang up when they have nothing in common. go-waku's own
// WakuMetadata would do, but it lets a peer announce a message of two gigabytes and
// makes room for it, waits for answers for ever, and needs a node record with a
// database.

// metadataProtocol names it.
const metadataProtocol = protocol.ID("/vac/waku/metadata/1.0.0")

// maxMetadata bounds a request or an answer in bytes: all 1024 shards, in the present
// and the deprecated field, are 5 KiB.
const maxMetadata = 8 * 1024

// metadataWait bounds one exchange, on either side.
const metadataWait = 10 * time.Second

// serveMetadata answers a peer's question.
func (r *run) serveMetadata(stream network.Stream) {
	if !r.spawnUnlessEnded("waku metadata", func() { finish(stream, r.owner.settings.answerMetadata(stream)) }) {
		_ = stream.Reset()
	}
}

// finish closes a stream, abruptly after an error.
func finish(stream network.Stream, err error) {
	if err == nil {
		err = stream.Close()
	}
	if err != nil {
		_ = stream.Reset()
	}
}

func (s settings) answerMetadata(stream network.Stream) error {
	if err := stream.SetDeadline(time.Now().Add(metadataWait)); err != nil {
		return err
	}
	// The peer's own information is only for the side that asked for it.
	if err := pbio.NewDelimitedReader(stream, maxMetadata).ReadMsg(new(pb.WakuMetadataRequest)); err != nil {
		return err
	}
	return pbio.NewDelimitedWriter(stream).WriteMsg(&pb.WakuMetadataResponse{
		ClusterId: proto.Uint32(uint32(s.cluster)), Shards: s.shardNumbers()})
}

// shardNumbers are our shards as the messages have them.
func (s settings) shardNumbers() []uint32 {
	numbers := make([]uint32, len(s.shards))
	for i, shard := range s.shards {
		numbers[i] = uint32(shard)
	}
	return numbers
}

// askMetadata asks a peer that has connected, and hangs up if it is elsewhere or does
// not answer.
func (r *run) askMetadata(id peer.ID) {
	ctx, cancel := context.WithTimeout(r.ctx, metadataWait)
	defer cancel()
	answer, err := r.requestMetadata(ctx, id)
	onlyStores := r.owner.stores.only(id, r.owner.settings, answer)
	if err == nil {
		err = r.owner.settings.shares(answer)
		r.owner.elsewhere.note(id, answer, err)
		if p := r.owner.static.get(id); p != nil && err != nil && !onlyStores {
			p.refuse(err.Error())
		}
	}
	if err == nil {
		r.places.set(id, answer.Shards)
		if !r.connected(id) { // it has left meanwhile, and nobody else forgets it
			r.places.forget(id)
		}
		signal(r.look)
	}
	if err == nil || onlyStores || r.ctx.Err() != nil {
		return
	}
	r.log("debug", "hanging up on a peer", "peer", id.String(), "error", err)
	if err := r.host().Network().ClosePeer(id); err != nil {
		r.log("debug", "closing a connection", "peer", id.String(), "error", err)
	}
}

func (r *run) requestMetadata(ctx context.Context, id peer.ID) (*pb.WakuMetadataResponse, error) {
	s, answer := r.owner.settings, new(pb.WakuMetadataResponse)
	return answer, r.onStream(ctx, id, metadataWait, []protocol.ID{metadataProtocol}, func(stream network.Stream) error {
		if err := pbio.NewDelimitedWriter(stream).WriteMsg(&pb.WakuMetadataRequest{
			ClusterId: proto.Uint32(uint32(s.cluster)), Shards: s.shardNumbers()}); err != nil {
			return err
		}
		return pbio.NewDelimitedReader(stream, maxMetadata).ReadMsg(answer)
	})
}

// errNoCluster is a peer that does not say where it is.
var errNoCluster = errors.New("the peer names no cluster")

// shares returns an error if a peer has nothing in common with us, with the reason. A
// peer that names no shards has not joined any yet, or names them in the deprecated
// field.
func (s settings) shares(answer *pb.WakuMetadataResponse) error {
	switch {
	case answer.ClusterId == nil:
		return errNoCluster
	case *answer.ClusterId != uint32(s.cluster):
		return fmt.Errorf("the peer is on cluster %d", *answer.ClusterId)
	case len(answer.Shards) > 0 && !s.hasAny(answer.Shards):
		return fmt.Errorf("the peer is on none of our shards %v", s.shards)
	}
	return nil
}

// hasAny tells whether one of these shards is ours.
func (s settings) hasAny(shards []uint32) bool {
	return slices.ContainsFunc(s.shardNumbers(), func(ours uint32) bool { return slices.Contains(shards, ours) })
}
