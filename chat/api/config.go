package api

import (
	"cmp"
	"path/filepath"
	"time"

	"libstatus1to1/chat"
	"libstatus1to1/chat/enum"
)

// Config is the configuration that open takes.
type Config struct {
	// Store is the place where the client keeps its data.
	Store StoreConfig `json:"store"`
	// Network is the way messages travel.
	Network NetworkConfig `json:"network,omitempty"`
	// Engine changes timings and limits. Leave it out for the defaults.
	Engine EngineConfig `json:"engine,omitempty"`
	// Log turns diagnostic output on. Without it the library logs nothing.
	Log LogConfig `json:"log,omitempty"`
}

// StoreConfig selects the place where the client keeps its data.
type StoreConfig struct {
	// Kind is "file" (the default) or "memory". A memory store is lost at close; it is
	// meant for tests.
	Kind enum.StoreKind `json:"kind,omitempty"`
	// Path is the path of the file. A missing file is created; its directory must
	// exist.
	Path string `json:"path,omitempty"`
	// Passphrase unlocks the file. Give either a passphrase or a key. All Unicode
	// normal forms of the same text count as the same passphrase.
	Passphrase Secret `json:"passphrase,omitempty"`
	// Key unlocks the file instead of a passphrase: 32 bytes in standard base64, for
	// example from the system's keychain.
	Key *StoreKey `json:"key,omitempty"`
	// KDF sets how costly it is to derive the key from the passphrase, when the file is
	// created. Leave it out for the defaults. store.change_passphrase never makes it
	// cheaper than it was.
	KDF *KDFConfig `json:"kdf,omitempty"`
}

// KDFConfig sets the cost of Argon2id when a store file is created.
type KDFConfig struct {
	// MemoryKiB is the memory in KiB, at least 8 for each lane.
	MemoryKiB int `json:"memory_kib" range:"8..524288"`
	// Iterations is the number of passes.
	Iterations int `json:"iterations" range:"1..16"`
	// Parallelism is the number of lanes.
	Parallelism int `json:"parallelism" range:"1..16"`
}

// NetworkConfig selects the way messages travel.
type NetworkConfig struct {
	// Kind is "waku" (the default), a Waku node in this process; "memory", a network
	// inside this process that connects all clients naming the same network, which is
	// meant for tests; or "external", where the program carries the envelopes itself: see
	// envelope_outgoing, network.published and network.deliver.
	Kind enum.NetworkKind `json:"kind,omitempty"`
	// Preset names a known network. Every field below that is left out is taken from it.
	// "status.prod" is the network of the Status app and needs nothing else. "local" is for
	// nodes on one machine: they listen on a free port of 127.0.0.1 and name each other in
	// peers. A list that is given replaces the list of the preset; [] empties it. Without a
	// preset the node looks for nobody and only keeps its peers. Only for "waku".
	Preset enum.NetworkPreset `json:"preset,omitempty"`
	// Mode selects how the node takes part in the network. "relay" (the default) receives
	// everything on its shards and passes it on. "light" is meant for phones: it receives what
	// it has subscribed to at service nodes (12/WAKU2-FILTER), publishes through them
	// (19/WAKU2-LIGHTPUSH), listens on no address, and costs a fraction of the traffic;
	// service nodes learn which topics it listens to. "auto" is "light" on Android and iOS
	// and "relay" elsewhere. Only for "waku".
	Mode enum.NetworkMode `json:"mode,omitempty"`
	// Listen lists the multiaddresses to listen on, such as /ip4/0.0.0.0/tcp/60000;
	// port 0 picks any free port. With addresses, the peer id is kept in the store.
	// Without any, the node only dials its peers and has a new peer id at each start.
	// Only for "waku".
	Listen []string `json:"listen,omitempty"`
	// Peers lists the multiaddresses of peers to stay connected to, each ending in
	// /p2p/<peer id>. Only for "waku".
	Peers []string `json:"peers,omitempty"`
	// StorePeers lists the multiaddresses of store nodes (13/WAKU2-STORE), each ending in
	// /p2p/<peer id>, at most 64. They are connected to when they are needed, and are asked
	// before other peers that store. Only for "waku".
	StorePeers []string `json:"store_peers,omitempty"`
	// Cluster is the Waku cluster. Default: 16, the Status fleet's.
	Cluster *int `json:"cluster,omitempty" range:"1..65535"`
	// Shards lists the shards in the cluster, each from 0 to 1023, at most 8. The node
	// listens on all of them and publishes on the first that has peers. Default: [32];
	// [32, 0] in the presets.
	Shards []int `json:"shards,omitempty"`
	// Shard is a single shard, instead of shards.
	Shard *int `json:"shard,omitempty" range:"1..1023"`
	// DNSDiscovery lists trees of node records in the DNS (EIP-1459), each as
	// enrtree://<key>@<domain>, at most 8. What the key has not signed is not used. Only
	// for "waku".
	DNSDiscovery []string `json:"dns_discovery,omitempty"`
	// PeerExchange turns on asking peers for other peers (34/WAKU2-PEER-EXCHANGE). Only
	// for "waku".
	PeerExchange *bool `json:"peer_exchange,omitempty"`
	// Discv5 turns on asking anybody for peers over UDP (33/WAKU2-DISCV5). It is used while
	// there are too few peers and nobody else knows more, and begins with the nodes of
	// dns_discovery and those that peers name. Only for "waku".
	Discv5 *bool `json:"discv5,omitempty"`
	// Nameserver is the DNS server to ask, as <IP address>:<port>. Default: the system's,
	// which is not known on Android. Only for "waku".
	Nameserver string `json:"nameserver,omitempty"`
	// MaxMessageSize is the size of the largest WakuMessage in bytes. Default: 153600;
	// 1048576 in the presets.
	MaxMessageSize int `json:"max_message_size,omitempty" range:"4096..1048576"`
	// Memory configures the memory network.
	Memory *MemoryNetworkConfig `json:"memory,omitempty"`
}

// MemoryNetworkConfig configures a network in memory. The first client that names a
// network decides how it behaves.
type MemoryNetworkConfig struct {
	// Name identifies the network inside this process. Default: "".
	Name string `json:"name,omitempty"`
	// Seed makes loss, duplication and reordering repeatable.
	Seed int64 `json:"seed,omitempty" range:"0..9007199254740991"`
	// Loss is the share of envelopes that is lost, decided for each receiver.
	Loss float64 `json:"loss,omitempty" range:"0..1"`
	// Duplicate is the share of envelopes that arrives twice.
	Duplicate float64 `json:"duplicate,omitempty" range:"0..1"`
	// Reorder is the share of envelopes that arrives late.
	Reorder float64 `json:"reorder,omitempty" range:"0..1"`
	// Stores is the number of store nodes: with one or more, what is published while a
	// client is closed or away is there for it when it comes back, for 30 days.
	Stores int `json:"stores,omitempty" range:"0..8"`
}

// EngineConfig changes timings and limits.
type EngineConfig struct {
	// ResendBaseMS is the time in ms to wait for an acknowledgement before a message is
	// sent again. It doubles with each attempt. It is shorter for people who were heard from
	// a short while ago and acknowledge fast, but not shorter than 5 seconds or this value,
	// whichever is less. After 65535 times this value, 20 days 12 hours by default, the
	// message has failed as "undeliverable". Default: 27000.
	ResendBaseMS int `json:"resend_base_ms,omitempty" range:"10..86400000"`
	// AckDelayMS is the time in ms that an acknowledgement waits for others, so that
	// they travel together. It waits longer, 3.4 s at most, if many went to the same person
	// just before. Default: 300.
	AckDelayMS int `json:"ack_delay_ms,omitempty" range:"1..60000"`
	// ContactCodeEveryMS is the time in ms after which the contact code is published
	// again. Default: 6 hours.
	ContactCodeEveryMS int `json:"contact_code_every_ms,omitempty" range:"1000..604800000"`
	// AdvertiseEveryMS is the shortest time between two messages that tell the same
	// device about this installation, in ms. Such messages go to devices that write to
	// us but leave this installation out. Default: 2 hours.
	AdvertiseEveryMS int `json:"advertise_every_ms,omitempty" range:"100..604800000"`
	// MaxInstallations is the number of devices of one person that receive messages:
	// those seen most recently. For our own identity it includes this device. Default:
	// 3.
	MaxInstallations int `json:"max_installations,omitempty" range:"1..16"`
	// MaxEvents is the number of events that may wait for acknowledgement. Beyond that,
	// or beyond 32 MiB of them, an overflow event replaces the oldest. Default: 20000.
	MaxEvents int `json:"max_events,omitempty" range:"16..1000000"`
	// Strangers selects the treatment of people who write to us unasked: "allow" (the
	// default) delivers their messages; "request" shows only their contact requests,
	// and anything else they write waits in a chat request (see chats.list and
	// chat_request_received); "deny" ignores their messages without decrypting them.
	Strangers enum.Strangers `json:"strangers,omitempty"`
	// KeepEdits keeps the earlier texts of messages that were edited, up to 20 and 32 KiB of
	// each message. Default: false.
	KeepEdits bool `json:"keep_edits,omitempty"`
}

// LogConfig configures diagnostic output.
type LogConfig struct {
	// Level is the lowest level that is logged: "debug", "info" (the default), "warn"
	// or "error".
	Level enum.LogLevel `json:"level,omitempty"`
	// File is the path of a file that receives one JSON object per line. A missing file
	// is created with mode 0600. It must not be a symbolic link.
	File string `json:"file,omitempty"`
	// Events turns log events on.
	Events bool `json:"events,omitempty"`
}

// The kinds of store and network.
const (
	StoreFile       = enum.StoreFile
	StoreMemory     = enum.StoreMemory
	NetworkWaku     = enum.NetworkWaku
	NetworkMemory   = enum.NetworkMemory
	NetworkExternal = enum.NetworkExternal
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
	c.Engine.Strangers = cmp.Or(c.Engine.Strangers, enum.StrangersAllow)
	if err := c.Log.check(); err != nil {
		return Config{}, err
	}
	if c.Log.File != "" && c.Store.Path != "" && filepath.Clean(c.Log.File) == filepath.Clean(c.Store.Path) {
		return Config{}, misconfigured("log.file", "must not be the file of the store")
	}
	return c, nil
}

// Settings converts e for the engine. Zero values mean the engine's defaults.
func (e EngineConfig) Settings() chat.Settings {
	return chat.Settings{
		ResendBase:       time.Duration(e.ResendBaseMS) * time.Millisecond,
		AckDelay:         time.Duration(e.AckDelayMS) * time.Millisecond,
		ContactCodeEvery: time.Duration(e.ContactCodeEveryMS) * time.Millisecond,
		AdvertiseEvery:   time.Duration(e.AdvertiseEveryMS) * time.Millisecond,
		MaxInstallations: e.MaxInstallations,
		MaxEvents:        e.MaxEvents,
		Strangers:        e.Strangers,
		KeepEdits:        e.KeepEdits,
	}
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
		if err := n.checkMode(); err != nil {
			return err
		}
		return unused("a waku network", named{"network.memory", n.Memory != nil})
	case NetworkMemory:
		return unused("a memory network", n.onlyWaku()...)
	case NetworkExternal:
		return unused("an external network", append(n.onlyWaku(), named{"network.memory", n.Memory != nil})...)
	}
	return nil
}

// onlyWaku lists the fields that only a waku network has.
func (n *NetworkConfig) onlyWaku() []named {
	return []named{
		{"network.listen", n.Listen != nil}, {"network.peers", n.Peers != nil},
		{"network.store_peers", n.StorePeers != nil},
		{"network.cluster", n.Cluster != nil}, {"network.shard", n.Shard != nil},
		{"network.mode", n.Mode != ""}, {"network.preset", n.Preset != ""}, {"network.shards", n.Shards != nil},
		{"network.dns_discovery", n.DNSDiscovery != nil}, {"network.peer_exchange", n.PeerExchange != nil},
		{"network.discv5", n.Discv5 != nil}, {"network.nameserver", n.Nameserver != ""},
	}
}

// The modes of a waku network.
const (
	ModeRelay = enum.ModeRelay
	ModeLight = enum.ModeLight
	ModeAuto  = enum.ModeAuto
)

// checkMode refuses addresses that a light node would not listen on.
func (n *NetworkConfig) checkMode() error {
	if n.Mode == ModeLight && len(n.Listen) > 0 {
		return misconfigured("network.listen", "a light node listens on nothing")
	}
	return nil
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
		l.Level = enum.LogInfo
	} else if l.File == "" && !l.Events {
		return misconfigured("log.level", "name a file or ask for events too")
	}
	return nil
}

// named is the name of a field and whether the field was given.
type named struct {
	field string
	given bool
}

// unused returns an error for the first given field, which has no meaning for what.
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
