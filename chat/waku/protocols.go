package waku

import (
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/waku-org/go-waku/waku/v2/protocol/relay"

	"libstatus1to1/chat/enum"
	"libstatus1to1/chat/port"
)

// serviceProtocols lists the protocols of service nodes, as network.status names them.
var serviceProtocols = []struct {
	name enum.NetworkProtocolName
	ids  []protocol.ID
}{
	{"relay", []protocol.ID{relay.WakuRelayID_v200}},
	{"store", []protocol.ID{storeProtocol}},
	{"filter", []protocol.ID{filterSubscribe}},
	{"lightpush", []protocol.ID{lightpush3, lightpush2}},
	{"peer_exchange", []protocol.ID{exchangeProtocol}},
}

// protocolStatus counts the connected peers that speak each protocol of service nodes.
func (r *run) protocolStatus() []port.NetworkProtocol {
	counts := make([]port.NetworkProtocol, len(serviceProtocols))
	for i, p := range serviceProtocols {
		counts[i].Protocol = p.name
		for _, id := range r.host().Network().Peers() {
			if r.connected(id) && r.speaks(id, p.ids...) {
				counts[i].Peers++
			}
		}
	}
	return counts
}
