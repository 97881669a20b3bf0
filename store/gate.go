package store

import (
	"sync"

	"libstatus1to1/chat/port"
)

type gateState int

const (
	gateOpen gateState = iota
	gateSuspended
	gateClosed
)

// gate counts running transactions and keeps new ones out while the store is
// suspended or closed. Unlike an RWMutex it never makes a transaction wait.
type gate struct {
	mu      sync.Mutex
	state   gateState
	running int
	idle    chan struct{} // closed when running falls to 0 while somebody waits
}

// enter admits one transaction, or returns the error why not.
func (g *gate) enter() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := g.state.err(); err != nil {
		return err
	}
	g.running++
	return nil
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.running--
	if g.running == 0 && g.idle != nil {
		close(g.idle)
		g.idle = nil
	}
}

// shut keeps newcomers out from now on and returns when nobody is inside. Only
// one goroutine at a time may call it.
func (g *gate) shut(to gateState) {
	g.mu.Lock()
	g.state = to
	if g.running == 0 {
		g.mu.Unlock()
		return
	}
	idle := make(chan struct{})
	g.idle = idle
	g.mu.Unlock()
	<-idle
}

func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.state = gateOpen
}

// now returns the state, for transactions that can end early.
func (g *gate) now() gateState {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.state
}

func (s gateState) err() error {
	switch s {
	case gateSuspended:
		return port.Errorf(port.CodeStoreSuspended, "", "the store is suspended")
	case gateClosed:
		return port.Errorf(port.CodeClosed, "", "the store is closed")
	}
	return nil
}
