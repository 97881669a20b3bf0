package api

import (
	"context"
	"time"

	"libstatus1to1/chat"
	"libstatus1to1/chat/event"
)

// ListSessionsParams are the parameters of sessions.list.
type ListSessionsParams struct {
	// Key is the other person's public key. Left out, the sessions with everybody are
	// listed.
	Key *Key `json:"key,omitempty"`
}

// SessionList is the result of sessions.list.
type SessionList struct {
	// Sessions are the ratchet sessions and Noise sessions.
	Sessions []event.Session `json:"sessions"`
}

// HandOverParams are the parameters of sessions.hand_over.
type HandOverParams struct {
	// Key is the other person's public key.
	Key Key `json:"key"`
	// InstallationID is the id of the device of ours that goes on with the sessions, from
	// devices.list.
	InstallationID string `json:"installation_id"`
}

// ConnectParams are the parameters of network.connect.
type ConnectParams struct {
	// Address is the peer's multiaddress: /ip4/<address>/tcp/<port>/p2p/<peer id>.
	Address string `json:"address"`
}

// DisconnectParams are the parameters of network.disconnect.
type DisconnectParams struct {
	// PeerID is the peer id: the part of the address after /p2p/.
	PeerID string `json:"peer_id"`
}

// DoctorParams are the parameters of network.doctor.
type DoctorParams struct {
	// DeadlineMS is the longest time to examine, in ms, at most a minute. Checks that are not
	// done then are skipped. Default: 20000.
	DeadlineMS *int `json:"deadline_ms,omitempty" range:"0..60000"`
}

// WaitParams are the parameters of network.wait.
type WaitParams struct {
	// Peers is the number of peers to wait for. Default: 1.
	Peers *int `json:"peers,omitempty" range:"1..1000"`
	// DeadlineMS is the longest time to wait in ms, at most an hour.
	DeadlineMS int `json:"deadline_ms" range:"0..3600000"`
}

var sessionMethods = []Method{
	method("sessions.list", "Lists the sessions with one person or with everybody: ratchet sessions (X3DH) and Noise sessions, with pending handshakes.",
		stored(chat.CodeNoIdentity, chat.CodeBadKey), listSessions),
	method("sessions.reset", "Discards the ratchet sessions with one person and starts new ones. Messages they have not acknowledged are sent again.",
		stored(chat.CodeNoIdentity, chat.CodeBadKey, chat.CodeNotFound), resetSessions),
	method("sessions.hand_over", "Gives the Noise sessions with one person to another device of ours, which can write in them at once, without a handshake. This device only reads in them from then on.",
		stored(chat.CodeNoIdentity, chat.CodeBadKey, chat.CodeSelf, chat.CodeNotFound, chat.CodeWrongState), handOverSession),
}

var networkMethods = []Method{
	method("network.status", "Returns the state of the network, our own addresses and the peers.", nil, networkStatus),
	method("network.connect", "Adds a peer and stays connected to it. The call returns without waiting for the connection; a peer_changed event reports it.",
		[]chat.Code{chat.CodeBadAddress, chat.CodeTooMany}, connect),
	method("network.disconnect", "Removes a peer and closes the connections to it.",
		[]chat.Code{chat.CodeNotFound}, disconnect),
	method("network.catch_up", "Asks the store nodes soon for what was missed. The call returns without waiting; catch_up_changed events report it. "+
		"It is done anyway at the start, after every gap and in the background. Without store nodes nothing happens.",
		nil, catchUp),
	method("network.wait", "Waits until messages can be published to enough peers. This call blocks until its deadline or until the client is closed. "+
		"Signals do not interrupt the C function: a program that handles them only after it has returned waits in short steps, or in another thread.",
		[]chat.Code{chat.CodeTimeout}, waitOnline),
	method("network.doctor", "Finds out why messages do not travel, and what can be done about it. Each check has a result (\"passed\", \"warning\", \"failed\" or \"skipped\"), its cause and a remedy. "+
		"To see whether what is published can be read back from the store nodes, it publishes a small envelope, at most once a minute; reading it back takes up to 10 seconds. This call blocks until its deadline at most.",
		nil, examine),
}

func listSessions(_ context.Context, c *chat.Client, p ListSessionsParams) (SessionList, error) {
	sessions, err := c.Sessions(orZero(p.Key))
	return SessionList{Sessions: filled(sessions)}, err
}

func handOverSession(_ context.Context, c *chat.Client, p HandOverParams) (SessionList, error) {
	sessions, err := c.HandOverSession(p.Key.Public, p.InstallationID)
	return SessionList{Sessions: filled(sessions)}, err
}

func resetSessions(_ context.Context, c *chat.Client, p KeyParams) (Empty, error) {
	return Empty{}, c.ResetSessions(p.Key.Public)
}

func networkStatus(_ context.Context, c *chat.Client, _ Empty) (chat.NetworkStatus, error) {
	return tidy(c.NetworkStatus()), nil
}

func connect(_ context.Context, c *chat.Client, p ConnectParams) (Empty, error) {
	return Empty{}, c.Connect(p.Address)
}

func disconnect(_ context.Context, c *chat.Client, p DisconnectParams) (Empty, error) {
	return Empty{}, c.Disconnect(p.PeerID)
}

func catchUp(_ context.Context, c *chat.Client, _ Empty) (Empty, error) {
	return Empty{}, c.CatchUp()
}

func waitOnline(ctx context.Context, c *chat.Client, p WaitParams) (chat.NetworkStatus, error) {
	peers := 1
	if p.Peers != nil {
		peers = *p.Peers
	}
	ctx, cancel := context.WithTimeout(ctx, time.Duration(p.DeadlineMS)*time.Millisecond)
	defer cancel()
	status, err := c.WaitOnline(ctx, peers)
	return tidy(status), err
}

// defaultExamination is the time an examination may take. A tree of nodes is read and a probe
// read back in less, where that is possible at all.
const defaultExamination = 20 * time.Second

func examine(ctx context.Context, c *chat.Client, p DoctorParams) (chat.Health, error) {
	deadline := defaultExamination
	if p.DeadlineMS != nil {
		deadline = time.Duration(*p.DeadlineMS) * time.Millisecond
	}
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	health, err := c.Examine(ctx)
	if err == nil {
		health.Checks = append(health.Checks, version())
	}
	return health, err
}

// version is the check that tells which library this is.
func version() chat.Check {
	build := buildInfo()
	return chat.Check{Name: "version", Result: chat.CheckPassed, Cause: "this is libstatus1to1 " + Version,
		Details: map[string]any{"version": Version, "abi_version": ABIVersion, "go_version": build.GoVersion, "os": build.OS, "arch": build.Arch, "revision": build.Revision}}
}

// tidy replaces the nil lists of s by empty ones, so that JSON has [] and not null.
func tidy(s chat.NetworkStatus) chat.NetworkStatus {
	s.ListenAddresses, s.Peers = filled(s.ListenAddresses), filled(s.Peers)
	return s
}
