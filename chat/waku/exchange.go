package waku

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/ethereum/go-ethereum/p2p/enode"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-msgio/pbio"
	"github.com/waku-org/go-waku/waku/v2/protocol/peer_exchange/pb"
)

// Spec: 34/WAKU2-PEER-EXCHANGE. A peer is asked for the records of some nodes. We only
// ask: who answers would have to know many. go-waku's client would read an answer of two
// gigabytes, and gives all of it up for one record that does not parse.

// exchangeProtocol names it.
const exchangeProtocol = protocol.ID("/vac/waku/peer-exchange/2.0.0-alpha1")

// exchangeNodes bounds the nodes that are asked for, and taken of an answer: twice the
// number that a relay wants, since some will be gone.
const exchangeNodes = 2 * wantedPeers

// maxExchange bounds an answer in bytes: nodes keep about 60 records for it (34, "Exchange
// Peer Cache Size"), and may give all of them.
const maxExchange = 32 * 1024

// exchangeWait bounds one exchange.
const exchangeWait = 10 * time.Second

// askExchange asks a connected peer for nodes. Spec: 34/WAKU2-PEER-EXCHANGE, "Wire Format
// Specification".
func (r *run) askExchange(ctx context.Context, id peer.ID) (nodes []*enode.Node, err error) {
	ctx, cancel := context.WithTimeout(ctx, exchangeWait)
	defer cancel()
	err = r.onStream(ctx, id, exchangeWait, []protocol.ID{exchangeProtocol}, func(stream network.Stream) (err error) {
		query := &pb.PeerExchangeRPC{Query: &pb.PeerExchangeQuery{NumPeers: exchangeNodes}}
		if err := pbio.NewDelimitedWriter(stream).WriteMsg(query); err != nil {
			return err
		}
		nodes, err = readExchange(stream)
		return err
	})
	return nodes, err
}

// errNoAnswer is for a message without an answer in it.
var errNoAnswer = errors.New("the peer's message holds no answer")

// readExchange reads an answer: the first exchangeNodes records in it that are valid.
func readExchange(from io.Reader) (nodes []*enode.Node, err error) {
	answer := new(pb.PeerExchangeRPC)
	if err := pbio.NewDelimitedReader(from, maxExchange).ReadMsg(answer); err != nil {
		return nil, err
	}
	if answer.Response == nil {
		return nil, errNoAnswer
	}
	for _, info := range answer.Response.PeerInfos[:min(len(answer.Response.PeerInfos), exchangeNodes)] {
		if node, err := decodeRecord(info.GetEnr()); err == nil {
			nodes = append(nodes, node)
		}
	}
	return nodes, nil
}
