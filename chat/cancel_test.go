package chat_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"libstatus1to1/chat"
	"libstatus1to1/chat/chattest"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/store"
)

// wants checks the code, the field and the state that an error names.
func wants(t *testing.T, what string, err error, code chat.Code, state string) {
	t.Helper()
	var e *chat.Error
	if !errors.As(err, &e) || e.Code != code || e.Field != "message_id" || state != "" && e.Details["state"] != state {
		t.Errorf("%s: %v %+v, want %s, state %q", what, err, e, code, state)
	}
}

// A message is cancelled before it went out: nobody gets it, until it is retried.
func TestCancelBeforeItIsOut(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 31})
	alice, bob := newHome(t, "alice", net), newHome(t, "bob", net)
	first := alice.send(bob.person, "one")
	alice.waitState(first.ID, "delivered")

	alice.gate.Refuse(func(chat.Envelope) error { return chat.ErrNoPeers })
	m := alice.send(bob.person, "two")
	eventually(t, "a refused publish", func() bool { return len(alice.gate.Refused()) > 0 })
	got, wentOut, err := alice.Cancel(mustID(t, m.ID))
	if err != nil || wentOut || got.State != "failed" || string(got.Failure) != string(chat.CodeCancelled) {
		t.Fatalf("%+v, %v, %v", got, wentOut, err)
	}
	if _, wentOut, err = alice.Cancel(mustID(t, m.ID)); err != nil || wentOut {
		t.Errorf("cancelled again: %v, %v", wentOut, err)
	}
	if e := alice.waitState(m.ID, "failed"); string(e.Failure) != string(chat.CodeCancelled) {
		t.Errorf("told %+v", e)
	}
	alice.gate.Refuse(nil)
	alice.restart()
	last := alice.send(bob.person, "three")
	alice.waitState(last.ID, "delivered")
	if got := bob.texts(alice.person); len(got) != 2 || got[1] != "three" {
		t.Errorf("bob has %q", got)
	}
	checked(t, alice.person)

	again, err := alice.Retry(mustID(t, m.ID))
	if err != nil || again.ID != m.ID || again.State != "queued" || again.Failure != "" {
		t.Fatalf("%+v, %v", again, err)
	}
	if got := bob.waitText("two").Message; got.ID != m.ID {
		t.Errorf("it came as %s, want %s", got.ID, m.ID)
	}
	alice.waitState(m.ID, "delivered")
	checked(t, alice.person)
}

// A message that went out is cancelled: it is not sent again, and delivered all the same
// when its recipient, who had it, says so.
func TestCancelAfterItWentOut(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 32})
	alice, bob := newHome(t, "alice", net), newHome(t, "bob", net)
	bob.gate.Refuse(func(chat.Envelope) error { return chat.ErrNoPeers })
	m := alice.send(bob.person, "one")
	bob.waitText("one")
	_, wentOut, err := alice.Cancel(mustID(t, m.ID))
	if err != nil || !wentOut {
		t.Fatalf("%v, %v", wentOut, err)
	}
	if d, err := alice.Diagnostics(); err != nil || d.Outbox != 0 {
		t.Errorf("%d messages wait, %v", d.Outbox, err)
	}
	checked(t, alice.person)
	bob.gate.Refuse(nil)
	alice.waitState(m.ID, "delivered")
	checked(t, alice.person)
	_, err = alice.Retry(mustID(t, m.ID))
	wants(t, "a retry of a delivered one", err, chat.CodeWrongState, "delivered")
	_, _, err = alice.Cancel(mustID(t, m.ID))
	wants(t, "cancelling a delivered one", err, chat.CodeWrongState, "delivered")
}

// What cannot be retried or cancelled, and why.
func TestRetryAndCancelRefuse(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 33})
	alice, bob := newHome(t, "alice", net), newHome(t, "bob", net)
	m := bob.send(alice.person, "hello")
	alice.waitText("hello")
	_, err := alice.Retry(mustID(t, m.ID))
	wants(t, "a retry of a received one", err, chat.CodeWrongState, "received")
	_, _, err = alice.Cancel(mustID(t, m.ID))
	wants(t, "cancelling a received one", err, chat.CodeWrongState, "received")
	_, err = alice.Retry([32]byte{1})
	wants(t, "a retry of nothing", err, chat.CodeNotFound, "")
	_, _, err = alice.Cancel([32]byte{1})
	wants(t, "cancelling nothing", err, chat.CodeNotFound, "")

	to := someFriend(t)
	request, err := alice.RequestContact(context.Background(), to, "may I?")
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = alice.Cancel(mustID(t, request.ID))
	wants(t, "cancelling a request", err, chat.CodeWrongState, "")
	waiting, err := alice.Send(context.Background(), chat.SendRequest{To: to, Text: "well?"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = alice.Retry(mustID(t, waiting.ID))
	wants(t, "a retry of a waiting one", err, chat.CodeWrongState, "")
	if _, _, err := alice.Cancel(mustID(t, waiting.ID)); err != nil {
		t.Fatal(err)
	}
	if _, err := alice.BlockContact(to); err != nil {
		t.Fatal(err)
	}
	_, err = alice.Retry(mustID(t, waiting.ID))
	wants(t, "a retry to somebody blocked", err, chat.CodeBlocked, "")
}

// checked looks for contradictions in a store.
func checked(t *testing.T, p *person) {
	t.Helper()
	if check, err := p.CheckStore(context.Background()); err != nil || len(check.Problems) != 0 {
		t.Errorf("%s: %+v, %v", p.name, check.Problems, err)
	}
}

// A machine sleeps, or its clock is set: no timer fires by that, and nothing comes in.
// The loop notices, and what waits for hours goes.
func TestClockJumpWakesTheLoop(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 34})
	newPerson(t, "bob", net) // somebody to publish to
	clock, gate := &chattest.Clock{}, chattest.NewGate(net.Join())
	c, err := chat.Open(context.Background(), chat.Options{Store: store.Memory(), Transport: gate, Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	dave := &person{Client: c, t: t, name: "dave"}
	if _, _, err := dave.CreateIdentity(context.Background(), 12, ""); err != nil {
		t.Fatal(err)
	}
	m, err := dave.Send(context.Background(), chat.SendRequest{To: someFriend(t), Text: "anybody?"})
	if err != nil {
		t.Fatal(err)
	}
	dave.waitState(m.ID, "sent")
	resent := func() uint64 {
		d, err := dave.Diagnostics()
		if err != nil {
			t.Fatal(err)
		}
		return d.Resent
	}
	for i := range uint64(8) { // the next wait is two hours, nearly
		eventually(t, "the next sending", func() bool { clock.Advance(time.Minute << i / 2); return resent() > i })
	}
	for _, by := range []time.Duration{time.Minute, -24 * time.Hour} {
		before := resent()
		clock.Jump(by)
		eventually(t, "what waits", func() bool { return resent() > before })
	}
}
