package faultproxy

import (
	"bytes"
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// patience bounds waits for what must happen.
const patience = 20 * time.Second

// echo is a server that sends everything back.
type echo struct {
	net.Listener
	mu    sync.Mutex
	ended int
}

func newEcho(t *testing.T) *echo {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	e := &echo{Listener: l}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				_, _ = io.Copy(c, c)
				c.Close()
				e.mu.Lock()
				e.ended++
				e.mu.Unlock()
			}()
		}
	}()
	return e
}

func (e *echo) hasEnded() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.ended
}

func newProxy(t *testing.T) (*Proxy, *echo) {
	t.Helper()
	e := newEcho(t)
	p, err := Listen(e.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p, e
}

func dial(t *testing.T, p *Proxy) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp4", p.Address())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(patience))
	return c
}

// exchange wants text back from the other end.
func exchange(t *testing.T, c net.Conn, text string) {
	t.Helper()
	write(t, c, text)
	read(t, c, text)
}

func write(t *testing.T, c net.Conn, text string) {
	t.Helper()
	if _, err := c.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, c net.Conn, text string) {
	t.Helper()
	got := make([]byte, len(text))
	if _, err := io.ReadFull(c, got); err != nil || string(got) != text {
		t.Fatalf("%q, %v where %q was sent", got, err, text)
	}
}

// silent wants nothing to arrive for a moment. It cannot fail where it should not; a
// proxy that leaks has the moment to do so.
func silent(t *testing.T, c net.Conn) {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(150 * time.Millisecond))
	if n, err := c.Read(make([]byte, 1)); n > 0 || err == io.EOF {
		t.Fatalf("%d bytes arrived, %v", n, err)
	}
	_ = c.SetDeadline(time.Now().Add(patience))
}

// dead wants a connection to be over.
func dead(t *testing.T, c net.Conn) {
	t.Helper()
	if n, err := c.Read(make([]byte, 1)); n > 0 || err == nil {
		t.Fatal("the connection lives")
	} else if e, ok := err.(net.Error); ok && e.Timeout() {
		t.Fatal("the connection was not ended")
	}
}

func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("waited in vain for ", what)
		}
	}
}

func TestProxyForwards(t *testing.T) {
	p, e := newProxy(t)
	c := dial(t, p)
	exchange(t, c, "hello")
	large := string(bytes.Repeat([]byte("0123456789abcdef"), 64*1024))
	go func() { _, _ = c.Write([]byte(large)) }()
	read(t, c, large)
	_ = c.(*net.TCPConn).CloseWrite() // the end is passed on, both ways
	if _, err := c.Read(make([]byte, 1)); err != io.EOF {
		t.Fatal(err)
	}
	until(t, "the end at the server", func() bool { return e.hasEnded() == 1 })
	until(t, "the proxy to forget it", func() bool { now, ever := p.Connections(); return now == 0 && ever == 1 })
}

func TestProxyCut(t *testing.T) {
	p, e := newProxy(t)
	a, b := dial(t, p), dial(t, p)
	exchange(t, a, "a")
	exchange(t, b, "b")
	if n := p.Cut(); n != 2 {
		t.Fatalf("%d connections were cut", n)
	}
	dead(t, a)
	dead(t, b)
	until(t, "the end at the server", func() bool { return e.hasEnded() == 2 })
	exchange(t, dial(t, p), "again")
}

func TestProxyRefuse(t *testing.T) {
	p, _ := newProxy(t)
	before := dial(t, p)
	exchange(t, before, "before")
	p.Set(Faults{Refuse: true})
	if c, err := net.Dial("tcp4", p.Address()); err == nil { // the refusal may come before Dial returns
		t.Cleanup(func() { _ = c.Close() })
		_ = c.SetDeadline(time.Now().Add(patience))
		dead(t, c)
	}
	exchange(t, before, "still there")
	p.Set(Faults{})
	exchange(t, dial(t, p), "again")
}

func TestProxyStall(t *testing.T) {
	p, _ := newProxy(t)
	c := dial(t, p)
	exchange(t, c, "before")
	p.Set(Both(Link{Stall: true}))
	write(t, c, "waits")
	silent(t, c)
	p.Set(Faults{})
	read(t, c, "waits")
}

func TestProxyOneDirection(t *testing.T) {
	for _, f := range []Faults{{Toward: Link{Discard: true}}, {Back: Link{Discard: true}}} {
		p, _ := newProxy(t)
		c := dial(t, p)
		exchange(t, c, "before")
		p.Set(f)
		write(t, c, "gone")
		until(t, "its loss", func() bool { return p.Discarded() == len("gone") })
		silent(t, c)
		p.Set(Faults{})
		exchange(t, c, "after")
	}
}

func TestProxySlow(t *testing.T) {
	p, _ := newProxy(t)
	c := dial(t, p)
	p.Set(Faults{Toward: Link{Latency: 50 * time.Millisecond}, Back: Link{BytesPerSecond: 1000}})
	began := time.Now()
	exchange(t, c, string(make([]byte, 100)))
	if took := time.Since(began); took < 150*time.Millisecond { // 50 of latency, 100 of the rate
		t.Fatalf("it took %s", took)
	}
}

func TestProxyHalfOpen(t *testing.T) {
	p, e := newProxy(t)
	c := dial(t, p)
	exchange(t, c, "before")
	if n := p.HalfOpen(); n != 1 {
		t.Fatalf("%d connections", n)
	}
	until(t, "the end at the server", func() bool { return e.hasEnded() == 1 })
	write(t, c, "nobody hears this")
	until(t, "its loss", func() bool { return p.Discarded() > 0 })
	silent(t, c)
	p.Cut()
	dead(t, c)
}

func TestProxyTarget(t *testing.T) {
	p, _ := newProxy(t)
	exchange(t, dial(t, p), "one")
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nowhere := l.Addr().String()
	l.Close()
	p.SetTarget(nowhere)
	dead(t, dial(t, p))
	p.SetTarget(newEcho(t).Addr().String())
	exchange(t, dial(t, p), "two")
}

func TestProxyClose(t *testing.T) {
	p, _ := newProxy(t)
	c := dial(t, p)
	exchange(t, c, "before")
	p.Set(Both(Link{Stall: true}))
	write(t, c, "stuck")
	p.Close()
	dead(t, c)
	if c, err := net.Dial("tcp4", p.Address()); err == nil {
		c.Close()
		t.Fatal("it still listens")
	}
}
