package memnet

import (
	"sync"

	"libstatus1to1/chat/port"
)

// MaxStores bounds the store nodes of a shared network: each may keep maxKeptBytes.
const MaxStores = 8

var shared struct {
	mu       sync.Mutex
	networks map[string]*Network
}

// Shared is the network of that name which all clients of this process share; ""
// is the usual one. The first to ask for a name decides the options: a later call
// with others fails with CodeBadConfig, as does a probability outside 0..1. A
// network stays for as long as the process lives.
func Shared(name string, o Options) (*Network, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	shared.mu.Lock()
	defer shared.mu.Unlock()
	fresh := New(o)
	known := shared.networks[name]
	switch {
	case known == nil:
		if shared.networks == nil {
			shared.networks = map[string]*Network{}
		}
		shared.networks[name] = fresh
		return fresh, nil
	case known.options != fresh.options:
		return nil, port.Errorf(port.CodeBadConfig, "network",
			"the memory network %q is in use in this process with another seed or other rates", name)
	default:
		return known, nil
	}
}

// check refuses options nobody can mean.
func (o Options) check() error {
	for _, rate := range []struct {
		field string
		value float64
	}{{"network.loss", o.Loss}, {"network.duplicate", o.Duplicate}, {"network.reorder", o.Reorder}} {
		if !(rate.value >= 0 && rate.value <= 1) {
			return port.Errorf(port.CodeBadConfig, rate.field, "a probability is between 0 and 1")
		}
	}
	if o.Stores < 0 || o.Stores > MaxStores {
		return port.Errorf(port.CodeBadConfig, "network.stores", "there may be 0 to %d store nodes", MaxStores)
	}
	if o.MaxDelay < 0 {
		return port.Errorf(port.CodeBadConfig, "network.max_delay_ms", "a delay is not negative")
	}
	if o.MaxMessageSize < 0 {
		return port.Errorf(port.CodeBadConfig, "network.max_message_size", "a size is not negative")
	}
	return nil
}
