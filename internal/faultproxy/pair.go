package faultproxy

import (
	"io"
	"net"
	"sync"
	"time"
)

// pair is a connection of a client with the one to the server that it is forwarded to.
type pair struct {
	proxy  *Proxy
	client net.Conn
	ended  chan struct{} // closed by reset

	mu     sync.Mutex
	server net.Conn // nil until it is dialled
	over   bool
	half   bool // the server's side was ended alone
}

// run forwards until the connection ends, and waits for both directions.
func (c *pair) run(target string) {
	defer c.proxy.forget(c)
	defer c.reset()
	server, err := net.DialTimeout("tcp4", target, dialTimeout)
	if err != nil || !c.connected(server) {
		return
	}
	var pumps sync.WaitGroup
	pumps.Go(func() { c.pump(server, c.client, func(f Faults) Link { return f.Toward }) })
	pumps.Go(func() { c.pump(c.client, server, func(f Faults) Link { return f.Back }) })
	pumps.Wait()
}

// connected notes the connection to the server, unless the pair is over.
func (c *pair) connected(server net.Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		reset(server)
		return false
	}
	c.server = server
	return true
}

// pump forwards one direction until one of the two connections ends. The end of what is
// read is passed on; an error ends both.
func (c *pair) pump(to, from net.Conn, link func(Faults) Link) {
	buffer := make([]byte, chunk)
	for {
		n, err := from.Read(buffer)
		switch {
		case n == 0:
		case c.isHalf() || !c.pass(n, link):
			c.proxy.discard(n)
		default:
			if _, failed := to.Write(buffer[:n]); failed != nil && !c.isHalf() {
				c.reset()
				return
			}
		}
		switch {
		case err == nil:
		case c.isHalf():
			if from == c.client {
				c.reset()
			}
			return
		case err == io.EOF:
			_ = to.(*net.TCPConn).CloseWrite()
			return
		default:
			c.reset()
			return
		}
	}
}

// pass waits until n bytes may go on. It reports false for bytes that are not to arrive.
func (c *pair) pass(n int, link func(Faults) Link) bool {
	faults, changed := c.proxy.state()
	wait := link(faults).delay(n)
	for {
		l := link(faults)
		if l.Discard {
			return false
		}
		var timer <-chan time.Time
		if !l.Stall {
			if wait == 0 {
				return true
			}
			timer = time.After(wait)
		}
		select {
		case <-c.ended:
			return false
		case <-timer:
			return true
		case <-changed:
			faults, changed = c.proxy.state()
			wait = link(faults).delay(n)
		}
	}
}

// delay is how long n bytes take.
func (l Link) delay(n int) time.Duration {
	d := l.Latency
	if l.BytesPerSecond > 0 {
		d += time.Duration(n) * time.Second / time.Duration(l.BytesPerSecond)
	}
	return d
}

func (c *pair) isHalf() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.half
}

// halfOpen ends the server's side only.
func (c *pair) halfOpen() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over || c.server == nil {
		return
	}
	c.half = true
	reset(c.server)
}

// reset ends both sides at once. Idempotent.
func (c *pair) reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		return
	}
	c.over = true
	close(c.ended)
	reset(c.client)
	if c.server != nil {
		reset(c.server)
	}
}

// reset closes a connection with a reset in place of a goodbye, as a cut does.
func reset(c net.Conn) {
	if t, ok := c.(*net.TCPConn); ok {
		_ = t.SetLinger(0)
	}
	_ = c.Close()
}
