package chattest

import (
	"context"
	"sync"

	"libstatus1to1/chat"
)

// Gate is a transport in front of another one that can refuse publishes and
// records those it lets through.
type Gate struct {
	chat.Transport
	mu        sync.Mutex
	refuse    func(chat.Envelope) error
	published []chat.Envelope
	refused   []chat.Envelope
}

// NewGate lets everything through until Refuse is called.
func NewGate(t chat.Transport) *Gate { return &Gate{Transport: t} }

// Refuse sets the function that is asked before each publish; nil lets all through.
func (g *Gate) Refuse(f func(chat.Envelope) error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.refuse = f
}

// Published returns the envelopes that were let through so far, oldest first.
func (g *Gate) Published() []chat.Envelope {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]chat.Envelope(nil), g.published...)
}

// Refused returns the envelopes that were not let through, oldest first.
func (g *Gate) Refused() []chat.Envelope {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]chat.Envelope(nil), g.refused...)
}

// Publish asks the function set by Refuse and then the transport.
func (g *Gate) Publish(ctx context.Context, e chat.Envelope) (chat.Evidence, error) {
	g.mu.Lock()
	refuse := g.refuse
	g.mu.Unlock()
	if refuse != nil {
		if err := refuse(e); err != nil {
			g.mu.Lock()
			g.refused = append(g.refused, e)
			g.mu.Unlock()
			return chat.Evidence{}, err
		}
	}
	evidence, err := g.Transport.Publish(ctx, e)
	if err == nil {
		g.mu.Lock()
		g.published = append(g.published, e)
		g.mu.Unlock()
	}
	return evidence, err
}
