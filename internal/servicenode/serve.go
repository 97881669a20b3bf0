package servicenode

import (
	"errors"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-msgio/pbio"
	metadatapb "github.com/waku-org/go-waku/waku/v2/protocol/metadata/pb"
	"google.golang.org/protobuf/proto"
)

// serve installs the handlers of the protocols that are served.
func (n *Node) serve() {
	for p, handle := range map[Protocol]func(network.Stream) error{
		Metadata: n.serveMetadata, Store: n.serveStore, Filter: n.serveFilter,
		Lightpush: n.serveLightpush, LightpushV2: n.serveLightpushV2, PeerExchange: n.serveExchange,
	} {
		if !n.options.serves(p) {
			continue
		}
		n.host.SetStreamHandler(p, func(stream network.Stream) {
			n.count(p)
			if handle(stream) != nil {
				_ = stream.Reset()
				return
			}
			_ = stream.Close()
		})
	}
}

// maxRequest bounds a request in bytes, above any message.
const maxRequest = 8 << 20

func read(stream network.Stream, m proto.Message) error {
	return pbio.NewDelimitedReader(stream, maxRequest).ReadMsg(m)
}

func write(stream network.Stream, m proto.Message) error {
	return pbio.NewDelimitedWriter(stream).WriteMsg(m)
}

// wait waits, or until the node ends, and reports whether it did not.
func (n *Node) wait(d time.Duration) bool {
	if d <= 0 {
		return n.ctx.Err() == nil
	}
	select {
	case <-n.ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// errHung ends a stream that was never answered.
var errHung = errors.New("servicenode: never answered")

// hang keeps a stream open until the node ends; libp2p closes it before, if the connection
// ends.
func (n *Node) hang() error {
	<-n.ctx.Done()
	return errHung
}

// serveMetadata tells the cluster and the shards. Spec: 66/WAKU2-METADATA.
func (n *Node) serveMetadata(stream network.Stream) error {
	if err := read(stream, new(metadatapb.WakuMetadataRequest)); err != nil {
		return err
	}
	answer := &metadatapb.WakuMetadataResponse{ClusterId: proto.Uint32(uint32(n.options.Cluster))}
	if n.options.serves(Relay) {
		for _, shard := range n.options.Shards {
			answer.Shards = append(answer.Shards, uint32(shard))
		}
	}
	return write(stream, answer)
}
