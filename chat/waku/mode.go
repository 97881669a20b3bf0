package waku

import (
	"context"
	"runtime"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/waku-org/go-waku/waku/v2/protocol/pb"

	"libstatus1to1/chat/enum"
	"libstatus1to1/chat/port"
)

// The modes of Config.Mode.
const (
	// ModeRelay takes part in gossipsub (11/WAKU2-RELAY): it hears everything on its
	// shards, and passes it on.
	ModeRelay = enum.ModeRelay
	// ModeLight is a client of service nodes: it hears what it has subscribed to
	// (12/WAKU2-FILTER), publishes through them (19/WAKU2-LIGHTPUSH), and listens nowhere.
	ModeLight = enum.ModeLight
	// ModeAuto is light on a phone and relay elsewhere.
	ModeAuto = enum.ModeAuto
)

// modeFor returns the mode that auto means on an operating system. Relaying costs all the
// traffic of the shards and a heartbeat each second, which neither the battery nor the
// data plan of a phone is for; anywhere else a node that relays is one on which others
// can rely, and depends on nobody's service.
func modeFor(system string) enum.NetworkMode {
	if system == "android" || system == "ios" {
		return ModeLight
	}
	return ModeRelay
}

// resolveMode returns the mode that a configuration means.
func resolveMode(mode enum.NetworkMode) (enum.NetworkMode, error) {
	switch mode {
	case "", ModeRelay:
		return ModeRelay, nil
	case ModeLight:
		return ModeLight, nil
	case ModeAuto:
		return modeFor(runtime.GOOS), nil
	}
	return "", port.Errorf(port.CodeBadConfig, "network.mode", "the mode is %s, %s or %s", ModeRelay, ModeLight, ModeAuto)
}

// mode is a way to take part in the network: as a relay (relayMode) or as a client of
// service nodes (lightMode).
type mode interface {
	// join begins to take part. Nothing listens yet, and no goroutine of ours runs.
	join() error
	// work starts goroutines.
	work()
	// leave ends it, as far as it got.
	leave()
	// peersOn returns the peers that connect us with a shard.
	peersOn(topic string) []peer.ID
	// takersOn returns the peers that take what we publish on a shard.
	takersOn(topic string) []peer.ID
	// online reports whether we can publish, and hear what is published.
	online() bool
	// missing returns the number of peers of our own choice that are to be looked for.
	missing() int
	// publish publishes on a shard of ours that has enough takers.
	publish(ctx context.Context, topic string, message *pb.WakuMessage) (port.Evidence, error)
	// topicsChanged is called after content topics were added or taken away.
	topicsChanged()
	// describe adds what is of this mode to a status.
	describe(*port.NetworkStatus)
}

func newMode(r *run) mode {
	if r.owner.settings.mode == ModeLight {
		return newLightMode(r)
	}
	return &relayMode{r: r}
}
