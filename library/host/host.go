// Package host makes the store and the network that a configuration names. Only here,
// and in the library above, do the engine, the stores and the networks meet. It has no
// cgo, so that tests and other front ends can use it too.
package host

import (
	"context"
	"errors"
	"strings"

	"libstatus1to1/chat"
	"libstatus1to1/chat/api"
	"libstatus1to1/chat/external"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/chat/waku"
	"libstatus1to1/store"
)

// NewRegistry makes a registry of clients that can open every kind of store and
// network.
func NewRegistry() *api.Registry { return api.NewRegistry(Open) }

// Open makes the store and the network that c names. It is an api.Opener.
func Open(_ context.Context, c api.Config) (chat.Options, error) {
	network, err := openNetwork(c.Network)
	if err != nil {
		return chat.Options{}, err
	}
	st, err := openStore(c.Store)
	if err != nil {
		return chat.Options{}, err
	}
	return chat.Options{Store: st, Transport: network}, nil
}

func openStore(c api.StoreConfig) (chat.Store, error) {
	if c.Kind == api.StoreMemory {
		return store.Memory(), nil
	}
	o := store.Options{Path: c.Path, Passphrase: string(c.Passphrase)}
	if c.Key != nil {
		o.Key = c.Key.Bytes()
	}
	if c.KDF != nil {
		o.KDF = store.Argon2Params{
			Time:      uint32(c.KDF.Iterations),
			MemoryKiB: uint32(c.KDF.MemoryKiB),
			Threads:   uint8(c.KDF.Parallelism),
		}
	}
	return store.Open(o)
}

// openNetwork makes the transport; it opens nothing yet, so there is nothing to
// close if the store then fails.
func openNetwork(c api.NetworkConfig) (chat.Transport, error) {
	switch c.Kind {
	case api.NetworkMemory:
		return joinMemory(c)
	case api.NetworkExternal:
		return external.New(external.Config{MaxMessageSize: c.MaxMessageSize}), nil
	}
	w, err := wakuConfig(c)
	if err != nil {
		return nil, err
	}
	return waku.New(w)
}

// wakuConfig is the preset that c names, or an empty one, with what c has instead.
func wakuConfig(c api.NetworkConfig) (w waku.Config, err error) {
	if c.Preset != "" {
		var known bool
		if w, known = waku.Preset(string(c.Preset)); !known {
			return w, chat.Errorf(chat.CodeBadConfig, "network.preset", "there is no such preset; there are %s", strings.Join(waku.Presets(), " and ")).
				With("presets", waku.Presets())
		}
	}
	if c.Mode != "" {
		w.Mode = c.Mode
	}
	replace(&w.Listen, c.Listen)
	replace(&w.Peers, c.Peers)
	replace(&w.StorePeers, c.StorePeers)
	replace(&w.Trees, c.DNSDiscovery)
	if c.Cluster != nil {
		w.Cluster = uint16(*c.Cluster)
	}
	if c.Shard != nil {
		w.Shards = []uint16{uint16(*c.Shard)}
	}
	if c.Shards != nil {
		w.Shards = []uint16{}
		for _, shard := range c.Shards {
			w.Shards = append(w.Shards, uint16(shard))
		}
	}
	if c.PeerExchange != nil {
		w.Exchange = *c.PeerExchange
	}
	if c.Discv5 != nil {
		w.Discv5 = *c.Discv5
	}
	if c.Nameserver != "" {
		w.Nameserver = c.Nameserver
	}
	if c.MaxMessageSize != 0 {
		w.MaxMessageSize = c.MaxMessageSize
	}
	return w, nil
}

// replace sets a list that was given, be it empty.
func replace(list *[]string, given []string) {
	if given != nil {
		*list = given
	}
}

func joinMemory(c api.NetworkConfig) (chat.Transport, error) {
	o := memnet.Options{MaxMessageSize: c.MaxMessageSize}
	name := ""
	if m := c.Memory; m != nil {
		name = m.Name
		o.Seed, o.Loss, o.Duplicate, o.Reorder, o.Stores = uint64(m.Seed), m.Loss, m.Duplicate, m.Reorder, m.Stores
	}
	net, err := memnet.Shared(name, o)
	if err != nil {
		if e := (*chat.Error)(nil); errors.As(err, &e) {
			e.Field = "network.memory" // where a configuration has it
		}
		return nil, err
	}
	return net.Join(), nil
}
