package chat_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"libstatus1to1/chat"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/chat/protocol/noise"
)

// wireTap keeps the envelopes of a network.
type wireTap struct {
	mu  sync.Mutex
	all []chat.Envelope
}

func tap(net *memnet.Network) *wireTap {
	w := &wireTap{}
	net.Tap(func(e chat.Envelope) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.all = append(w.all, e)
	})
	return w
}

// byNoise are the envelopes on topics of Noise sessions so far.
func (w *wireTap) byNoise() (all []chat.Envelope) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range w.all {
		if noise.IsSessionTopic(e.ContentTopic) {
			all = append(all, e)
		}
	}
	return all
}

// useNoise chooses Noise for the messages of p to somebody.
func (p *person) useNoise(with *person) {
	p.t.Helper()
	c, err := p.SetKeyExchange(with.key(), chat.KeyExchangeNoise, "")
	if err != nil || c.KeyExchange != "noise" {
		p.t.Fatalf("%s: %+v, %v", p.name, c, err)
	}
}

// noiseSessions are the Noise sessions of p with somebody, as hosts see them.
func (p *person) noiseSessions(with *person) (list []event.Session) {
	p.t.Helper()
	all, err := p.Sessions(with.key())
	if err != nil {
		p.t.Fatal(err)
	}
	return slices.DeleteFunc(all, func(s event.Session) bool { return s.KeyExchange != "noise" })
}

// Two people who have written by X3DH go over to Noise: XXpsk0 with the secret of their session.
// The other side follows, since it has proven that it can; each is told so.
func TestNoiseChat(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 1})
	wire := tap(net)
	alice, bob := newPerson(t, "alice", net), newPerson(t, "bob", net)
	m := alice.send(bob, "by X3DH")
	bob.waitText("by X3DH")
	alice.waitState(m.ID, "delivered")

	alice.useNoise(bob)
	changed := wait(alice, "the choice", func(e event.KeyExchangeChanged) bool { return true })
	if changed.KeyExchange != "noise" || changed.Cause != "chosen" || changed.PublicKey != bob.key().Hex() {
		t.Fatalf("%+v", changed)
	}
	m = alice.send(bob, "by Noise")
	bob.waitText("by Noise")
	if e := alice.waitState(m.ID, "delivered"); e.Evidence == nil || e.Evidence.Installation == "" {
		t.Fatalf("%+v", e)
	}
	if e := wire.byNoise(); len(e) < 2 || e[0].Version != 2 {
		t.Fatalf("%d envelopes on topics of sessions", len(e))
	}
	eventually(t, "bob to answer by Noise", func() bool { c, err := bob.Contact(alice.key()); return err == nil && c.KeyExchange == "noise" })
	m = bob.send(alice, "answered")
	alice.waitText("answered")
	bob.waitState(m.ID, "delivered")
	for _, p := range []struct{ me, you *person }{{alice, bob}, {bob, alice}} {
		s := p.me.noiseSessions(p.you)
		if len(s) != 1 || s[0].State != "established" || !s[0].Sending || s[0].ID == "" {
			t.Fatalf("%s: %+v", p.me.name, s)
		}
		c, err := p.me.Chat(p.you.key())
		if err != nil || c.KeyExchange != "noise" {
			t.Fatalf("%s: %+v, %v", p.me.name, c, err)
		}
		eventually(t, "an empty outbox", func() bool { d, err := p.me.Diagnostics(); return err == nil && d.Outbox == 0 })
		check, err := p.me.CheckStore(context.Background())
		if err != nil || len(check.Problems) > 0 {
			t.Fatalf("%s: %v, %v", p.me.name, check.Problems, err)
		}
	}
	if got := strings.Join(bob.texts(alice), "|"); got != "by X3DH|by Noise|answered" {
		t.Fatal(got)
	}
}

// What cannot be chosen is refused, and says why.
func TestNoiseChoiceRefused(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 1})
	alice, bob := newPerson(t, "alice", net), newPerson(t, "bob", net)
	if _, err := alice.AddContact(bob.key(), ""); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		to      *person
		by      chat.KeyExchange
		waiting chat.WhileWaiting
		code    chat.Code
		field   string
	}{
		{alice, "noise", "", chat.CodeSelf, "key"},
		{newPerson(t, "carol", net), "noise", "", chat.CodeNotFound, "key"},
		{bob, "rot13", "", chat.CodeBadParams, "key_exchange"},
		{bob, "noise", "hope", chat.CodeBadParams, "while_waiting"},
	} {
		_, err := alice.SetKeyExchange(c.to.key(), c.by, c.waiting)
		var e *chat.Error
		if !errors.As(err, &e) || e.Code != c.code || e.Field != c.field {
			t.Errorf("%s, %s: %v", c.by, c.waiting, err)
		}
	}
}
