package waku

import (
	"context"
	"crypto/rand"
	"sync/atomic"
	"testing"

	"libstatus1to1/chat"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/store"
)

// writes is a store that counts its write transactions.
type writes struct {
	port.Store
	n atomic.Int64
}

func (w *writes) Update(f func(port.Tx) error) error { w.n.Add(1); return w.Store.Update(f) }

// Whoever connects and leaves, which needs no key, writes nothing to the store and
// pushes no event out of it.
func TestConnectionsWriteNothing(t *testing.T) {
	n, err := New(Config{Listen: []string{"/ip4/127.0.0.1/tcp/0"}})
	if err != nil {
		t.Fatal(err)
	}
	counted := &writes{Store: store.Memory()}
	c, err := chat.Open(context.Background(), chat.Options{Store: counted, Transport: n, Settings: chat.Settings{MaxEvents: 16}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, _, err := c.CreateIdentity(context.Background(), 12, "Ann"); err != nil {
		t.Fatal(err)
	}
	bob, err := key.Generate(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.AddContact(bob.Public(), "Bob"); err != nil {
		t.Fatal(err)
	}
	before := counted.n.Load()
	const connections = 40
	for range connections {
		a := start(t, Config{Listen: []string{}, Peers: []string{c.NetworkStatus().ListenAddresses[0]}})
		a.until(t, "a connection", func() bool { return a.Status().Peers[0].Connected })
		a.stop(t)
	}
	if n := counted.n.Load() - before; n >= connections {
		t.Errorf("%d connections: %d write transactions", connections, n)
	}
	wait[event.ContactChanged](device{c, t})
}
