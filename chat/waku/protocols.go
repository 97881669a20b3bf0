package waku

import (
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/waku-org/go-waku/waku/v2/protocol/relay"

	"libstatus1to1/chat/port"
)

// serviceProtocols are what network.status counts peers of.
var serviceProtocols = []struct {
	name string
	ids  []protocol.ID
}{
	{"relay", []protocol.ID{relay.WakuRelayID_v200}},
	{"store", []protocol.ID{storeProtocol}},
	{"filter", []protocol.ID{"/vac/waku/filter-subscribe/2.0.0-beta1"}},
	{"lightpush", []protocol.ID{"/vac/waku/lightpush/3.0.0", "/vac/waku/lightpush/2.0.0-beta1"}},
	{"peer_exchange", []protocol.ID{exchangeProtocol}},
}

// protocolStatus counts the connected peers that speak each protocol of service nodes.
func (r *run) protocolStatus() []port.NetworkProtocol {
	counts := make([]port.NetworkProtocol, len(serviceProtocols))
	for i, p := range serviceProtocols {
		counts[i].Protocol = p.name
		for _, id := range r.host().Network().Peers() {
			if spoken, err := r.host().Peerstore().SupportsProtocols(id, p.ids...); err == nil && len(spoken) > 0 && r.connected(id) {
				counts[i].Peers++
			}
		}
	}
	return counts
}
