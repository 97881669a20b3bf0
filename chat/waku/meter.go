package waku

import (
	"context"
	"math"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/transport"
	manet "github.com/multiformats/go-multiaddr/net"

	"libstatus1to1/chat/port"
)

// This file counts what a node costs a phone: bytes, and wake-ups.

// meter counts over all starts of a Node. The zero value is ready; nil counts nothing.
type meter struct {
	in, out, wakeups atomic.Uint64
	began            time.Time     // set by New
	last             atomic.Int64  // the time from began to the last activity, in ns; 0 is never
	apart            time.Duration // timing.apart
}

var _ port.Meter = (*Node)(nil)

// Traffic returns what the sockets of the node have carried since it was made, without the
// headers of TCP and IP (and, of secure WebSockets, of TLS), and the wake-ups: how often
// something arrived, was sent or was due after nothing had been for timing.apart. What libp2p
// tidies up without the network, such as old addresses each minute, is not counted.
func (n *Node) Traffic() port.Traffic {
	return port.Traffic{BytesIn: n.meter.in.Load(), BytesOut: n.meter.out.Load(), Wakeups: n.meter.wakeups.Load()}
}

// active notes activity, and counts a wake-up if there was none for a while.
func (m *meter) active() {
	if m == nil {
		return
	}
	now := int64(time.Since(m.began)) + 1 // 0 is never
	if last := m.last.Swap(now); last == 0 || now-last > int64(m.apart) {
		m.wakeups.Add(1)
	}
}

// count adds n bytes to a counter, and notes activity.
func (m *meter) count(counter *atomic.Uint64, n int) {
	if n > 0 {
		counter.Add(uint64(n))
		m.active()
	}
}

// never is a wait that does not end.
const never = time.Duration(math.MaxInt64)

// meteredUpgrader counts the bytes of the connections that it upgrades, encrypted as they
// are (of secure WebSockets, inside TLS). If quiet, it also turns TCP keep-alive off.
type meteredUpgrader struct {
	transport.Upgrader
	meter *meter
	quiet bool
}

// Upgrade upgrades a connection that we made.
func (u *meteredUpgrader) Upgrade(ctx context.Context, t transport.Transport, c manet.Conn, dir network.Direction, id peer.ID, scope network.ConnManagementScope) (transport.CapableConn, error) {
	// Go and libp2p turn keep-alive on, every 15 to 30 seconds. A WebSocket does not show the
	// connection below it, so there it stays on.
	if plain, ok := c.(interface{ SetKeepAlive(bool) error }); ok && u.quiet {
		_ = plain.SetKeepAlive(false)
	}
	return u.Upgrader.Upgrade(ctx, t, u.metered(c), dir, id, scope)
}

// UpgradeListener upgrades the connections that are made to us.
func (u *meteredUpgrader) UpgradeListener(t transport.Transport, l manet.Listener) transport.Listener {
	return u.Upgrader.UpgradeListener(t, &meteredListener{l, u})
}

func (u *meteredUpgrader) metered(c manet.Conn) manet.Conn {
	if u.meter == nil {
		return c
	}
	return &meteredConn{c, u.meter}
}

type meteredListener struct {
	manet.Listener
	upgrader *meteredUpgrader
}

// Accept waits for the next connection.
func (l *meteredListener) Accept() (manet.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return l.upgrader.metered(c), nil
}

// meteredConn counts the bytes of a connection.
type meteredConn struct {
	manet.Conn
	meter *meter
}

// Read reads, and counts what it read.
func (c *meteredConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.meter.count(&c.meter.in, n)
	return n, err
}

// Write writes, and counts what it wrote.
func (c *meteredConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.meter.count(&c.meter.out, n)
	return n, err
}
