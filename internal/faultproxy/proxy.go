// Package faultproxy is a TCP proxy for tests: it stands between a client and a server on
// the loopback, and makes of the way between them what the test wants (slow, silent, cut,
// refused) without any privilege. Nothing else uses it.
package faultproxy

import (
	"errors"
	"net"
	"sync"
	"time"
)

// Limits of a proxy. A test that needs more does something else than it thinks.
const (
	maxConnections = 512       // at the same time; more are refused
	chunk          = 16 * 1024 // bytes that are passed on at once
	dialTimeout    = 5 * time.Second
)

// Link describes one direction. The zero value passes everything on at once.
type Link struct {
	// Stall passes nothing on. What is written waits in the buffers of the system until
	// they are full, and arrives when the stall ends.
	Stall bool
	// Discard takes everything and passes nothing on: the sender believes it has arrived.
	Discard bool
	// Latency is how long each chunk takes, one after the other.
	Latency time.Duration
	// BytesPerSecond limits the rate; 0 is no limit.
	BytesPerSecond int
}

// Faults are the state of the way. The zero value is a good one.
type Faults struct {
	Toward Link // from the client to the server
	Back   Link // from the server to the client
	// Refuse resets new connections at once.
	Refuse bool
}

// Both returns the same faults in both directions.
func Both(l Link) Faults { return Faults{Toward: l, Back: l} }

// Proxy forwards connections from an address of its own to another one.
type Proxy struct {
	listener net.Listener

	mu        sync.Mutex
	target    string
	faults    Faults
	changed   chan struct{} // closed when faults change
	pairs     map[*pair]struct{}
	accepted  int
	discarded int
	closed    bool
	running   sync.WaitGroup
}

// Listen returns a proxy on a free port of 127.0.0.1 that forwards to target, host:port.
func Listen(target string) (*Proxy, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &Proxy{listener: l, target: target, changed: make(chan struct{}), pairs: map[*pair]struct{}{}}
	p.running.Go(p.accept)
	return p, nil
}

// Port returns the port that the proxy listens on.
func (p *Proxy) Port() int { return p.listener.Addr().(*net.TCPAddr).Port }

// Address returns the host:port that the proxy listens on.
func (p *Proxy) Address() string { return p.listener.Addr().String() }

// SetTarget changes where new connections are forwarded to.
func (p *Proxy) SetTarget(target string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.target = target
}

// Set changes the way, for connections that are there as well.
func (p *Proxy) Set(f Faults) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = f
	close(p.changed)
	p.changed = make(chan struct{})
}

// Cut resets all connections, and returns how many there were.
func (p *Proxy) Cut() int {
	all := p.all()
	for _, c := range all {
		c.reset()
	}
	return len(all)
}

// HalfOpen ends all connections on the server's side without telling the client, which
// keeps writing into the void. It returns how many there were.
func (p *Proxy) HalfOpen() int {
	all := p.all()
	for _, c := range all {
		c.halfOpen()
	}
	return len(all)
}

// Connections returns how many connections there are now, and how many there ever were.
func (p *Proxy) Connections() (now, ever int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.pairs), p.accepted
}

// Discarded returns how many bytes were taken and not passed on.
func (p *Proxy) Discarded() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.discarded
}

// discard counts bytes that are not passed on.
func (p *Proxy) discard(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.discarded += n
}

// Close ends everything and waits for it.
func (p *Proxy) Close() error {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	err := p.listener.Close()
	p.Cut()
	p.running.Wait()
	return err
}

func (p *Proxy) all() []*pair {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := make([]*pair, 0, len(p.pairs))
	for c := range p.pairs {
		all = append(all, c)
	}
	return all
}

// state returns the faults, and a channel that is closed when they change.
func (p *Proxy) state() (Faults, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.faults, p.changed
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			time.Sleep(10 * time.Millisecond) // of file descriptors, say: they come back
			continue
		}
		p.take(client)
	}
}

// take begins to forward a connection, or resets it.
func (p *Proxy) take(client net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.faults.Refuse || len(p.pairs) >= maxConnections {
		reset(client)
		return
	}
	c := &pair{proxy: p, client: client, ended: make(chan struct{})}
	p.pairs[c] = struct{}{}
	p.accepted++
	target := p.target
	p.running.Go(func() { c.run(target) })
}

func (p *Proxy) forget(c *pair) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.pairs, c)
}
