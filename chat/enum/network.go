package enum

// Of the network and of store nodes.

// NetworkKind is the way messages travel.
type NetworkKind string

// The values of NetworkKind.
const (
	NetworkWaku     NetworkKind = "waku"     // a Waku node in this process; the default
	NetworkMemory   NetworkKind = "memory"   // a network inside this process, for tests
	NetworkExternal NetworkKind = "external" // the program carries the envelopes itself
)

// NetworkPreset is a known network.
type NetworkPreset string

// The values of NetworkPreset.
const (
	PresetStatusProd NetworkPreset = "status.prod" // the network of the Status app
	PresetLocal      NetworkPreset = "local"       // nodes on one machine
)

// NetworkMode selects the way a node takes part in a Waku network.
type NetworkMode string

// The values of NetworkMode.
const (
	ModeRelay NetworkMode = "relay" // it receives everything on its shards and passes it on; the default
	ModeLight NetworkMode = "light" // it is a client of service nodes, for phones
	ModeAuto  NetworkMode = "auto"  // light on Android and iOS, and relay elsewhere
)

// NodeMode names the way a node takes part in a Waku network.
type NodeMode string

// The values of NodeMode.
const (
	NodeRelay NodeMode = "relay" // it passes on what others publish
	NodeLight NodeMode = "light" // it is a client of service nodes
)

// NetworkState tells whether messages can be published.
type NetworkState string

// The values of NetworkState.
const (
	NetworkOnline  NetworkState = "online" // they can, and in light mode a service node pushes to us
	NetworkOffline NetworkState = "offline"
	NetworkStopped NetworkState = "stopped" // not started, or closed
)

// NetworkProtocolName is a protocol that a node uses.
type NetworkProtocolName string

// The values of NetworkProtocolName.
const (
	ProtocolRelay        NetworkProtocolName = "relay"         // 11/WAKU2-RELAY
	ProtocolStore        NetworkProtocolName = "store"         // 13/WAKU2-STORE
	ProtocolFilter       NetworkProtocolName = "filter"        // 12/WAKU2-FILTER
	ProtocolLightpush    NetworkProtocolName = "lightpush"     // 19/WAKU2-LIGHTPUSH
	ProtocolPeerExchange NetworkProtocolName = "peer_exchange" // 34/WAKU2-PEER-EXCHANGE
)

// PublishFailure is the reason an envelope is not out.
type PublishFailure string

// The values of PublishFailure.
const (
	PublishUnavailable PublishFailure = "unavailable" // it may be tried again
	PublishTooLarge    PublishFailure = "too_large"   // it can never be published, and the messages in it have failed
)

// CatchUpState is the state of fetching what was missed.
type CatchUpState string

// The values of CatchUpState.
const (
	CatchUpWaiting CatchUpState = "waiting" // for the first store node, or after an interruption
	CatchUpRunning CatchUpState = "running"
	CatchUpDone    CatchUpState = "done"
	CatchUpFailed  CatchUpState = "failed" // it is tried again
)

// CatchUpFailure is the reason fetching failed.
type CatchUpFailure string

// The values of CatchUpFailure.
const (
	CatchUpByStoreNodes CatchUpFailure = "store_nodes" // none of them has answered completely
	CatchUpByStore      CatchUpFailure = "store"       // messages could not be stored in, or topics not read from, the store of the client
)

// CheckResult is the result of a check of network.doctor.
type CheckResult string

// The values of CheckResult.
const (
	CheckPassed  CheckResult = "passed"
	CheckWarning CheckResult = "warning" // it works, but not as well as it could
	CheckFailed  CheckResult = "failed"
	CheckSkipped CheckResult = "skipped" // it cannot be made, or does not apply here
)
