package chat_test

import (
	"bytes"
	"context"
	"testing"

	"libstatus1to1/chat"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/store"
)

// hooked keeps what the engine gave a transport.
type hooked struct {
	chat.Transport
	hooks chat.TransportHooks
}

func (h *hooked) Start(ctx context.Context, hooks chat.TransportHooks) error {
	h.hooks = hooks
	return h.Transport.Start(ctx, hooks)
}

// What a transport keeps about its peers is in the store, and there at the next start.
func TestBootstrapPeerMemory(t *testing.T) {
	file := store.Options{Path: t.TempDir() + "/a.db", Passphrase: "p", KDF: store.Argon2Params{Time: 1, MemoryKiB: 64, Threads: 1}}
	open := func() (*chat.Client, *hooked) {
		t.Helper()
		st, err := store.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		h := &hooked{Transport: memnet.New(memnet.Options{}).Join()}
		c, err := chat.Open(context.Background(), chat.Options{Store: st, Transport: h})
		if err != nil {
			t.Fatal(err)
		}
		return c, h
	}
	c, h := open()
	if b, err := h.hooks.Peers.Load(); err != nil || b != nil {
		t.Errorf("a new store has %q, %v", b, err)
	}
	for _, text := range []string{"first", "second"} {
		if err := h.hooks.Peers.Save([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	c, h = open()
	defer c.Close()
	if b, err := h.hooks.Peers.Load(); err != nil || !bytes.Equal(b, []byte("second")) {
		t.Errorf("%q, %v", b, err)
	}
	if report, err := c.CheckStore(context.Background()); err != nil || len(report.Problems) > 0 {
		t.Errorf("%+v, %v", report, err)
	}
}
