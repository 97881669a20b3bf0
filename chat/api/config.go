package api

import (
	"path/filepath"
	"time"

	"libstatus1to1/chat"
)

// Config is what open takes.
type Config struct {
	// Store says where everything is kept.
	Store StoreConfig `json:"store"`
	// Network says how messages travel.
	Network NetworkConfig `json:"network,omitempty"`
	// Engine holds numbers of the engine; leave it out for the defaults.
	Engine EngineConfig `json:"engine,omitempty"`
	// Log asks for diagnostics; without it the library is silent.
	Log LogConfig `json:"log,omitempty"`
}

// StoreConfig says where everything is kept.
type StoreConfig struct {
	// Kind is "file" (default) or "memory" (gone at close; for tests).
	Kind string `json:"kind,omitempty"`
	// Path is the file; it is made when missing, in a directory that exists.
	Path string `json:"path,omitempty"`
	// Passphrase opens the file. Give this or a key. Unicode's normal forms of the same
	// text open the same file.
	Passphrase Secret `json:"passphrase,omitempty"`
	// Key opens the file instead of a passphrase: 32 bytes in standard base64,
	// from the host's keychain.
	Key *StoreKey `json:"key,omitempty"`
	// KDF sets the cost of the passphrase when the file is made; leave it out
	// for the defaults. store.change_passphrase never lowers what the file has.
	KDF *KDFConfig `json:"kdf,omitempty"`
}

// KDFConfig is the cost of Argon2id, used when a store file is made.
type KDFConfig struct {
	// MemoryKiB is the memory in KiB, at least 8 for each lane.
	MemoryKiB int `json:"memory_kib" range:"8..524288"`
	// Iterations is the number of passes.
	Iterations int `json:"iterations" range:"1..16"`
	// Parallelism is the number of lanes.
	Parallelism int `json:"parallelism" range:"1..16"`
}

// NetworkConfig says how messages travel.
type NetworkConfig struct {
	// Kind is "waku" (default: a relay node in this process) or "memory" (all
	// clients of this process that name the same network; for tests).
	Kind string `json:"kind,omitempty"`
	// Preset names a known network, from which every field below that is left out is
	// taken: "status.prod" is the network of the Status app and needs nothing else;
	// "local" is for nodes on this machine, which listen on a free port of 127.0.0.1 and
	// name each other in peers. A list that is given replaces the whole list of the preset;
	// [] empties it. Without a preset nothing is looked for: the node keeps its peers. For
	// waku.
	Preset string `json:"preset,omitempty"`
	// Listen are multiaddresses to listen on, such as /ip4/0.0.0.0/tcp/60000;
	// port 0 takes any free one. Without it the node listens on nothing, only dials
	// its peers, and has a new peer id at each start; with it the peer id is kept in
	// the store. For waku.
	Listen []string `json:"listen,omitempty"`
	// Peers are multiaddresses of peers to keep connected, with /p2p/<peer id>.
	// For waku.
	Peers []string `json:"peers,omitempty"`
	// Cluster is the Waku cluster; 16, the Status fleet's, when left out.
	Cluster *int `json:"cluster,omitempty" range:"1..65535"`
	// Shards are the shards in the cluster, each from 0 to 1023, at most 8. The node listens on all of them and
	// publishes on the first that has peers; [32] when left out, [32, 0] in the presets.
	Shards []int `json:"shards,omitempty"`
	// Shard is one shard, instead of shards.
	Shard *int `json:"shard,omitempty" range:"1..1023"`
	// DNSDiscovery are trees of node records in the DNS, enrtree://<key>@<domain>
	// (EIP-1459), at most 8. What the key has not signed is not used. For waku.
	DNSDiscovery []string `json:"dns_discovery,omitempty"`
	// PeerExchange asks peers for other peers (34/WAKU2-PEER-EXCHANGE). For waku.
	PeerExchange *bool `json:"peer_exchange,omitempty"`
	// Discv5 asks anybody for peers, over UDP (33/WAKU2-DISCV5), while there are too few
	// and nobody else knows more; it begins with the nodes of dns_discovery and those that
	// peers name. For waku.
	Discv5 *bool `json:"discv5,omitempty"`
	// Nameserver is the DNS server to ask, as <IP address>:<port>; the system's when left
	// out. Give it on Android, where the system's is not known. For waku.
	Nameserver string `json:"nameserver,omitempty"`
	// MaxMessageSize is the largest WakuMessage, bytes; 153600 when left out, 1048576 in
	// the presets.
	MaxMessageSize int `json:"max_message_size,omitempty" range:"4096..1048576"`
	// Memory describes the memory network.
	Memory *MemoryNetworkConfig `json:"memory,omitempty"`
}

// MemoryNetworkConfig describes a network in memory. The first client that names
// it decides how it is.
type MemoryNetworkConfig struct {
	// Name tells networks of one process apart; "" when left out.
	Name string `json:"name,omitempty"`
	// Seed makes loss, doubles and disorder repeatable.
	Seed int64 `json:"seed,omitempty" range:"0..9007199254740991"`
	// Loss is the share of envelopes that get lost, a receiver at a time.
	Loss float64 `json:"loss,omitempty" range:"0..1"`
	// Duplicate is the share that arrives twice.
	Duplicate float64 `json:"duplicate,omitempty" range:"0..1"`
	// Reorder is the share that arrives late.
	Reorder float64 `json:"reorder,omitempty" range:"0..1"`
}

// EngineConfig holds numbers of the engine.
type EngineConfig struct {
	// ResendBaseMS is the wait before an unacknowledged message is sent again the
	// first time, ms; it doubles each time. 27000 when left out. A message is given up
	// ("undeliverable") after 65535 times this: 20 days 12 hours.
	ResendBaseMS int `json:"resend_base_ms,omitempty" range:"10..86400000"`
	// AckDelayMS is how long acknowledgements wait for company, ms. 300 when left out.
	AckDelayMS int `json:"ack_delay_ms,omitempty" range:"1..60000"`
	// ContactCodeEveryMS is how often the contact code is published again, ms.
	// 6 hours when left out.
	ContactCodeEveryMS int `json:"contact_code_every_ms,omitempty" range:"1000..604800000"`
	// AdvertiseEveryMS is how often a device that writes to us, but not to this
	// installation, is told of it at most, ms. 2 hours when left out.
	AdvertiseEveryMS int `json:"advertise_every_ms,omitempty" range:"100..604800000"`
	// MaxInstallations is how many devices of one person messages go to, this one of
	// ours included; those with the latest sign of life. 3 when left out.
	MaxInstallations int `json:"max_installations,omitempty" range:"1..16"`
	// MaxEvents is how many events may wait unacknowledged before the oldest give
	// way to an overflow event. 20000 when left out. With more than 32 MiB of them
	// they do so earlier.
	MaxEvents int `json:"max_events,omitempty" range:"16..1000000"`
	// Strangers is what becomes of people who write to us unasked: "allow"
	// (default), "request" (only their contact requests are shown; what else they write
	// waits in a request, see chats.list and chat_request_received) or "deny" (nothing
	// of theirs is opened).
	Strangers string `json:"strangers,omitempty"`
}

// LogConfig asks for diagnostics.
type LogConfig struct {
	// Level is "debug", "info" (default), "warn" or "error".
	Level string `json:"level,omitempty"`
	// File gets one JSON object a line; made with mode 0600 when missing. It must not
	// be a symbolic link.
	File string `json:"file,omitempty"`
	// Events asks for log events.
	Events bool `json:"events,omitempty"`
}

// The kinds of store and network.
const (
	StoreFile     = "file"
	StoreMemory   = "memory"
	NetworkWaku   = "waku"
	NetworkMemory = "memory"
	// networkExternal is promised for a later version.
	networkExternal = "external"
)

// ParseConfig reads the configuration as strictly as params, fills in the kinds
// that were left out and refuses what contradicts itself.
func ParseConfig(text string) (Config, error) {
	var c Config
	if err := decode(text, &c, chat.CodeBadConfig); err != nil {
		return Config{}, err
	}
	if err := c.Store.check(); err != nil {
		return Config{}, err
	}
	if err := c.Network.check(); err != nil {
		return Config{}, err
	}
	if err := c.Engine.check(); err != nil {
		return Config{}, err
	}
	if err := c.Log.check(); err != nil {
		return Config{}, err
	}
	if c.Log.File != "" && c.Store.Path != "" && filepath.Clean(c.Log.File) == filepath.Clean(c.Store.Path) {
		return Config{}, misconfigured("log.file", "must not be the file of the store")
	}
	return c, nil
}

// Settings are the engine's numbers in its own form.
func (e EngineConfig) Settings() chat.Settings {
	return chat.Settings{
		ResendBase:       time.Duration(e.ResendBaseMS) * time.Millisecond,
		AckDelay:         time.Duration(e.AckDelayMS) * time.Millisecond,
		ContactCodeEvery: time.Duration(e.ContactCodeEveryMS) * time.Millisecond,
		AdvertiseEvery:   time.Duration(e.AdvertiseEveryMS) * time.Millisecond,
		MaxInstallations: e.MaxInstallations,
		MaxEvents:        e.MaxEvents,
		Strangers:        chat.Strangers(e.Strangers),
	}
}

func (e *EngineConfig) check() error {
	switch chat.Strangers(e.Strangers) {
	case "":
		e.Strangers = string(chat.StrangersAllow)
	case chat.StrangersAllow, chat.StrangersRequest, chat.StrangersDeny:
	default:
		return misconfigured("engine.strangers", `must be "allow", "request" or "deny"`)
	}
	return nil
}

func (s *StoreConfig) check() error {
	switch s.Kind {
	case "", StoreFile:
		s.Kind = StoreFile
		if s.Path == "" {
			return misconfigured("store.path", "a file store needs a path")
		}
		if (s.Passphrase == "") == (s.Key == nil) {
			return misconfigured("store.passphrase", "a file store needs either a passphrase or a key")
		}
		if s.Key != nil && s.KDF != nil {
			return misconfigured("store.kdf", "only a passphrase has a cost, a key has none")
		}
	case StoreMemory:
		return unused("a memory store",
			named{"store.path", s.Path != ""}, named{"store.passphrase", s.Passphrase != ""},
			named{"store.key", s.Key != nil}, named{"store.kdf", s.KDF != nil})
	default:
		return misconfigured("store.kind", `must be "file" or "memory"`)
	}
	return nil
}

func (n *NetworkConfig) check() error {
	switch n.Kind {
	case "", NetworkWaku:
		n.Kind = NetworkWaku
		if n.Shard != nil && n.Shards != nil {
			return misconfigured("network.shard", "name one shard here or several in network.shards")
		}
		if err := checkShards(n.Shards); err != nil {
			return err
		}
		return unused("a waku network", named{"network.memory", n.Memory != nil})
	case NetworkMemory:
		return unused("a memory network",
			named{"network.listen", n.Listen != nil}, named{"network.peers", n.Peers != nil},
			named{"network.cluster", n.Cluster != nil}, named{"network.shard", n.Shard != nil},
			named{"network.preset", n.Preset != ""}, named{"network.shards", n.Shards != nil},
			named{"network.dns_discovery", n.DNSDiscovery != nil}, named{"network.peer_exchange", n.PeerExchange != nil},
			named{"network.discv5", n.Discv5 != nil}, named{"network.nameserver", n.Nameserver != ""})
	case networkExternal:
		return misconfigured("network.kind", `"external" is not in this version`)
	}
	return misconfigured("network.kind", `must be "waku" or "memory"`)
}

// maxShard is the highest number of a shard (51/WAKU2-RELAY-SHARDING).
const maxShard = 1023

// checkShards refuses numbers that are no shards, and an empty list. nil is left out.
func checkShards(shards []int) error {
	if shards != nil && len(shards) == 0 {
		return misconfigured("network.shards", "name at least one shard")
	}
	for i, shard := range shards {
		if shard < 0 || shard > maxShard {
			return misconfigured(element("network.shards", i), "must be from 0 to 1023")
		}
	}
	return nil
}

func (l *LogConfig) check() error {
	if l.Level == "" {
		l.Level = levelNames[levelInfo]
	} else if l.File == "" && !l.Events {
		return misconfigured("log.level", "name a file or ask for events too")
	}
	if _, ok := levelOf(l.Level); !ok {
		return misconfigured("log.level", `must be "debug", "info", "warn" or "error"`)
	}
	return nil
}

// named is a field and whether it was given.
type named struct {
	field string
	given bool
}

// unused refuses the first given field, which means nothing to what.
func unused(what string, fields ...named) error {
	for _, f := range fields {
		if f.given {
			return misconfigured(f.field, "means nothing to "+what)
		}
	}
	return nil
}

func misconfigured(field, message string) error {
	return chat.Errorf(chat.CodeBadConfig, field, "%s", message)
}
