package waku

import (
	"fmt"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/waku-org/go-waku/waku/v2/protocol/metadata/pb"
)

// elsewhereRemembered bounds the peers on another cluster or shard that are remembered: some
// are enough to say where the network is. shardsNamed bounds the shards of one that are
// listed in a text.
const (
	elsewhereRemembered = 64
	shardsNamed         = 8
)

// elsewhere are the peers that had no cluster or shard in common with us when we asked them
// last, and where they are.
type elsewhere struct{ places *lru.Cache[peer.ID, string] }

func newElsewhere() *elsewhere {
	places, _ := lru.New[peer.ID, string](elsewhereRemembered) // fails for a size below 1 only
	return &elsewhere{places}
}

// note remembers the cluster and shards of a peer, or forgets it if err is nil: then it
// shares one with us. err is that of shares.
func (e *elsewhere) note(id peer.ID, answer *pb.WakuMetadataResponse, err error) {
	if err == nil {
		e.places.Remove(id)
		return
	}
	e.places.Add(id, placeText(answer))
}

// placeText names the cluster and the shards of a peer, for people.
func placeText(answer *pb.WakuMetadataResponse) string {
	if answer.ClusterId == nil {
		return "no cluster that they name"
	}
	shards := answer.Shards
	if len(shards) == 0 {
		return fmt.Sprintf("cluster %d", answer.GetClusterId())
	}
	if len(shards) > shardsNamed {
		return fmt.Sprintf("cluster %d, %d shards", answer.GetClusterId(), len(shards))
	}
	return fmt.Sprintf("cluster %d, shards %v", answer.GetClusterId(), shards)
}

// counts returns the number of peers at each place.
func (e *elsewhere) counts() map[string]int {
	counts := map[string]int{}
	for _, place := range e.places.Values() {
		counts[place]++
	}
	return counts
}
