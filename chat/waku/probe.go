package waku

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	wakupb "github.com/waku-org/go-waku/waku/v2/protocol/pb"

	"libstatus1to1/chat/port"
)

// A probe is a small ephemeral message on a topic of our own that tests all subscriptions.
// See review.go for what comes of it.

// prober tests subscriptions. Except for its topic, subscriber.mu guards it.
type prober struct {
	topic  string // nobody else's, and like any other one
	due    bool   // at the next pings
	unseen int    // probes in a row that nobody pushed
	// publish publishes through a service node, and doubted is told of one that may not have
	// done so.
	publish func(context.Context, string, *wakupb.WakuMessage) error
	doubted func(peer.ID)
}

func newProber() prober {
	var name [4]byte
	_, _ = rand.Read(name[:]) // it does not fail
	// Spec: 23/WAKU2-TOPICS, as Status names its topics.
	return prober{topic: "/waku/1/0x" + hex.EncodeToString(name[:]) + "/rfc26"}
}

// probeSize is the payload of a probe: random, and no envelope of anybody.
const probeSize = 32

// sendProbe publishes a probe.
func (f *subscriber) sendProbe() {
	payload := make([]byte, probeSize)
	_, _ = rand.Read(payload)
	f.mu.Lock()
	f.probe.due = false
	f.mu.Unlock()
	shard, _, ok := f.r.publishTopic()
	if !ok {
		return
	}
	// Ephemeral: no store node keeps it (14/WAKU2-MESSAGE, "Ephemeral messages").
	err := f.probe.publish(f.r.ctx, shard, wakuMessage(port.Envelope{ContentTopic: f.probe.topic, Payload: payload, Timestamp: time.Now().UnixNano(), Ephemeral: true}))
	if err != nil {
		f.r.log("debug", "a probe could not be published", "error", err)
	}
}
