package api

import (
	"context"
	"time"

	"libstatus1to1/chat"
	"libstatus1to1/chat/event"
)

// ListSessionsParams is what sessions.list takes.
type ListSessionsParams struct {
	// Key is the other person's public key; everybody's sessions when left out.
	Key *Key `json:"key,omitempty"`
}

// SessionList is what sessions.list gives.
type SessionList struct {
	// Sessions are the ratchet sessions.
	Sessions []event.Session `json:"sessions"`
}

// ConnectParams is what network.connect takes.
type ConnectParams struct {
	// Address is a multiaddress: /ip4/<address>/tcp/<port>/p2p/<peer id>.
	Address string `json:"address"`
}

// DisconnectParams is what network.disconnect takes.
type DisconnectParams struct {
	// PeerID is the id after /p2p/.
	PeerID string `json:"peer_id"`
}

// WaitParams is what network.wait takes.
type WaitParams struct {
	// Peers is how many peers to wait for; 1 when left out.
	Peers *int `json:"peers,omitempty" range:"1..1000"`
	// DeadlineMS is how long to wait at most, ms; an hour is the most.
	DeadlineMS int `json:"deadline_ms" range:"0..3600000"`
}

var sessionMethods = []Method{
	method("sessions.list", "Lists the ratchet sessions with one person or with everybody.",
		stored(chat.CodeNoIdentity, chat.CodeBadKey), listSessions),
	method("sessions.reset", "Forgets the ratchet sessions with one person and begins new ones; what they have not acknowledged is sent again.",
		stored(chat.CodeNoIdentity, chat.CodeBadKey, chat.CodeNotFound), resetSessions),
}

var networkMethods = []Method{
	method("network.status", "Tells how the network is: state, own addresses, peers.", nil, networkStatus),
	method("network.connect", "Adds a peer, and keeps it connected. It does not wait for the connection: see peer_changed.",
		[]chat.Code{chat.CodeBadAddress, chat.CodeTooMany}, connect),
	method("network.disconnect", "Forgets a peer and closes its connections.",
		[]chat.Code{chat.CodeNotFound}, disconnect),
	method("network.wait", "Waits until messages can be published to enough peers. This call blocks, up to its deadline, and no signal ends it: "+
		"a Python program acts on Ctrl-C only when it returns. Wait in steps of a second or less, or in another thread.",
		[]chat.Code{chat.CodeTimeout}, waitOnline),
}

func listSessions(_ context.Context, c *chat.Client, p ListSessionsParams) (SessionList, error) {
	sessions, err := c.Sessions(orZero(p.Key))
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

// tidy gives the lists of s as [] rather than null.
func tidy(s chat.NetworkStatus) chat.NetworkStatus {
	s.ListenAddresses, s.Peers = filled(s.ListenAddresses), filled(s.Peers)
	return s
}
