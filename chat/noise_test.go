package chat_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/noise"
	"libstatus1to1/chat/protocol/payload"
	"libstatus1to1/chat/protocol/topic"
	"libstatus1to1/chat/wire"
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
	told := func(e chat.DeliveredEvent) bool {
		return e.Type == "key_exchange_changed" && strings.Contains(string(e.Data), `"key_exchange":"noise","cause":"handshake"`)
	}
	if !slices.ContainsFunc(bob.events, told) {
		t.Fatal("bob was not told that it is Noise now")
	}
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

// sentTo counts the frames of handshakes that have gone out to a person, and reports whether
// anything went to their partitioned topic that was encrypted in an X3DH session.
func (s *noiseSim) sentTo(p *simPerson) (handshakes int, byX3DH bool) {
	for _, e := range s.all {
		opened, err := payload.OpenAsymmetric(p.private, e.Payload)
		if err != nil || opened.Signer == p.public {
			continue
		}
		var pm wire.ProtocolMessage
		if err := proto.Unmarshal(opened.Data, &pm); err != nil {
			s.fatalf("%v", err)
		}
		handshakes += len(pm.GetNoiseHandshakes())
		for _, m := range pm.GetEncryptedMessage() {
			byX3DH = byX3DH || m.GetDRHeader() != nil
		}
	}
	return handshakes, byX3DH
}

// noiseSim is a simulation whose wire is watched. A writes to B, who may be away.
type noiseSim struct {
	*simulation
	all []chat.Envelope
	a   *simDevice
	b   *simPerson
}

// newNoiseSim makes three people who know each other's devices, have written nothing, and listen
// on a good network, whose envelopes are small.
func newNoiseSim(t *testing.T, devices func(i int) int) *noiseSim {
	return newNoiseSimWith(t, simSettings, devices)
}

func newNoiseSimWith(t *testing.T, settings chat.Settings, devices func(i int) int) *noiseSim {
	s := &noiseSim{simulation: newSimulation(t, 1, 3, memnet.Options{MaxMessageSize: 8 << 10})}
	s.settings = settings
	s.net.Tap(func(e chat.Envelope) { s.all = append(s.all, e) })
	s.populate(devices)
	s.a, s.b = s.people[0].devices[0], s.people[1]
	s.all = nil
	return s
}

func one(int) int { return 1 }

func (s *noiseSim) choose(by chat.KeyExchange, waiting chat.WhileWaiting) {
	s.t.Helper()
	if _, err := s.a.SetKeyExchange(s.b.public, by, waiting); err != nil {
		s.fatalf("%v", err)
	}
}

func (s *noiseSim) message(id string) event.Message {
	s.t.Helper()
	m, err := s.a.Message(mustID(s.t, id))
	if err != nil {
		s.fatalf("%v", err)
	}
	return m
}

// told takes the events that wait for a device's program.
func (s *noiseSim) told(d *simDevice) (all []chat.DeliveredEvent) {
	s.t.Helper()
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	for {
		e, err := d.NextEvent(ended)
		if err != nil {
			s.fatalf("%v", err)
		}
		if e == nil {
			return all
		}
		all = append(all, *e)
	}
}

// While B is away a message to them waits, and says so, also after a restart: nothing is sent
// but the handshake. When B is back it goes, by Noise.
func TestNoiseWaitsForPeer(t *testing.T) {
	s := newNoiseSim(t, one)
	away := s.b.devices[0]
	s.leave(away)
	s.choose(chat.KeyExchangeNoise, "")
	m := s.say(s.a, s.b)
	s.pass(10 * time.Minute)
	s.restart(s.a)
	s.pass(10 * time.Minute)
	if got := s.message(m.id); got.State != "queued" || got.Waiting != "waiting_for_peer" {
		s.fatalf("%+v", got)
	}
	if handshakes, byX3DH := s.sentTo(s.b); handshakes == 0 || byX3DH {
		s.fatalf("%d handshakes, by X3DH: %v", handshakes, byX3DH)
	}
	told := 0
	for _, e := range s.told(s.a) {
		var state event.MessageState
		if e.Type == state.Type() && json.Unmarshal(e.Data, &state) == nil && state.MessageID == m.id && state.Waiting == "waiting_for_peer" {
			told++
		}
	}
	if told != 2 {
		s.fatalf("%d events say that the message waits, not one in each run", told)
	}
	s.back(away)
	s.until("an empty outbox", s.quiet)
	s.arrived([]said{m})
	if got := s.message(m.id); got.State != "delivered" || got.Waiting != "" {
		s.fatalf("%+v", got)
	}
	if _, byX3DH := s.sentTo(s.b); byX3DH {
		s.fatalf("something went by X3DH")
	}
}

// A message that nobody can be sent for as long as one is sent that nobody acknowledges has
// failed, as that one would have.
func TestNoiseWaitEnds(t *testing.T) {
	s := newNoiseSimWith(t, awaySettings, one)
	s.leave(s.b.devices[0])
	s.choose(chat.KeyExchangeNoise, "")
	m := s.say(s.a, s.b)
	s.pass(20 * 24 * time.Hour)
	if got := s.message(m.id); got.State != "queued" {
		s.fatalf("%+v", got)
	}
	s.pass(24 * time.Hour)
	if got := s.message(m.id); got.State != "failed" || got.Failure != "undeliverable" || got.Waiting != "" {
		s.fatalf("%+v", got)
	}
}

// Where the contact allows it, what is written while the handshake is pending goes by X3DH, and
// what follows by Noise.
func TestNoiseBridge(t *testing.T) {
	s := newNoiseSim(t, one)
	away := s.b.devices[0]
	s.leave(away)
	s.choose(chat.KeyExchangeNoise, chat.WhileWaitingX3DH)
	first := s.say(s.a, s.b)
	s.until("the message to go out", func() bool { return s.message(first.id).State == "sent" })
	if handshakes, byX3DH := s.sentTo(s.b); handshakes == 0 || !byX3DH {
		s.fatalf("%d handshakes, by X3DH: %v", handshakes, byX3DH)
	}
	s.back(away)
	s.until("an empty outbox", s.quiet)
	s.until("a session", func() bool { return s.overNoise(s.people[0], s.b) })
	s.all = nil
	second := s.say(s.a, s.b)
	s.until("an empty outbox", s.quiet)
	s.arrived([]said{first, second})
	if _, byX3DH := s.sentTo(s.b); byX3DH {
		s.fatalf("something went by X3DH although there is a session")
	}
}

// Nobody but the user takes Noise away: not a message by X3DH, nor a restart. The user's choice
// of X3DH stands against handshakes of the other side, and what comes by Noise is read.
func TestNoiseNeverDowngraded(t *testing.T) {
	s := newNoiseSim(t, one)
	exchange := func(d *simDevice, with *simPerson) string {
		c, err := d.Contact(with.public)
		if err != nil {
			s.fatalf("%v", err)
		}
		return string(c.KeyExchange)
	}
	b := s.b.devices[0]
	if _, err := b.SetKeyExchange(s.people[0].public, chat.KeyExchangeX3DH, ""); err != nil {
		t.Fatal(err)
	}
	s.choose(chat.KeyExchangeNoise, "")
	all := []said{s.say(s.a, s.b)}
	s.until("an empty outbox", s.quiet)
	all = append(all, s.say(b, s.people[0]))
	s.until("an empty outbox", s.quiet)
	s.restart(s.a)
	s.restart(b)
	s.arrived(all)
	if got := exchange(s.a, s.b); got != "noise" {
		s.fatalf("a message by X3DH made it %s", got)
	}
	if got := exchange(b, s.people[0]); got != "x3dh" {
		s.fatalf("a handshake made it %s against the user's choice", got)
	}
	s.choose(chat.KeyExchangeX3DH, "")
	s.all = nil
	all = append(all, s.say(s.a, s.b))
	s.until("an empty outbox", s.quiet)
	s.arrived(all)
	for _, e := range s.all {
		if noise.IsSessionTopic(e.ContentTopic) {
			s.fatalf("something went by Noise after the choice of X3DH")
		}
	}
}

// A message that is too large for an envelope goes as segments inside of the session, to each
// device, and arrives although some are lost.
func TestNoiseLargeMessage(t *testing.T) {
	s := newNoiseSim(t, func(i int) int { return 1 + i%2 })
	s.choose(chat.KeyExchangeNoise, "")
	all := []said{s.say(s.a, s.b)}
	s.until("an empty outbox", s.quiet)
	s.all = nil
	text := "A " + strings.Repeat("语", 4000)
	m, err := s.a.Send(context.Background(), chat.SendRequest{To: s.b.public, Text: text})
	if err != nil {
		t.Fatal(err)
	}
	s.until("an empty outbox", s.quiet)
	for _, d := range s.b.devices {
		got, err := d.Message(mustID(t, m.ID))
		if err != nil || got.Text != text {
			s.fatalf("%v", err)
		}
	}
	byTopic := map[string]int{}
	for _, e := range s.all {
		if noise.IsSessionTopic(e.ContentTopic) && len(e.Payload) > s.a.node.MaxPayload()/3 {
			byTopic[e.ContentTopic]++
		}
	}
	if len(byTopic) != 2 {
		s.fatalf("segments on %d topics", len(byTopic))
	}
	s.arrived(all)
	s.sound()
}

// Our other devices get their copies by Noise once there is a session with them, and by X3DH
// before that.
func TestNoiseOwnDevices(t *testing.T) {
	s := newNoiseSim(t, func(i int) int { return 2 - min(i, 1) })
	s.choose(chat.KeyExchangeNoise, "")
	all := s.chatter(6, nil)
	s.until("an empty outbox", s.quiet)
	own := func() bool {
		return len(s.byNoise(s.a, s.people[0])) == 1 && len(s.byNoise(s.people[0].devices[1], s.people[0])) == 1
	}
	s.until("a session between own devices", own)
	s.all = nil
	all = append(all, s.say(s.a, s.b))
	s.until("an empty outbox", s.quiet)
	s.arrived(all)
	if _, byX3DH := s.sentTo(s.people[0]); byX3DH {
		s.fatalf("a copy went by X3DH")
	}
	for _, e := range s.all {
		if opened, err := payload.OpenSymmetric(s.sharedKey(s.people[0], s.people[0]), e.Payload); err == nil {
			s.fatalf("a copy of %d bytes went by X3DH", len(opened.Data))
		}
	}
}

// sharedKey is the key of the topic that two people share.
func (s *simulation) sharedKey(p, q *simPerson) key.Secret {
	s.t.Helper()
	shared, err := p.private.ECDH(q.public)
	if err != nil {
		s.fatalf("%v", err)
	}
	return chat.SymmetricKey(topic.Negotiated(shared).Name)
}

// After 200 days of silence, three times, with every session stale and every certificate expired, the two go on
// by Noise: certificates are renewed, handshakes made anew, and messages wait for them.
func TestNoiseCertificatesEnd(t *testing.T) {
	s := newNoiseSim(t, one)
	s.choose(chat.KeyExchangeNoise, "")
	all := []said{s.say(s.a, s.b)}
	s.until("an empty outbox", s.quiet)
	before := s.byNoise(s.a, s.b)
	for range 3 {
		s.clock.advance(200 * 24 * time.Hour)
		s.pass(time.Hour)
		all = append(all, s.say(s.a, s.b), s.say(s.b.devices[0], s.people[0]))
		s.until("an empty outbox", s.quiet)
	}
	s.arrived(all)
	if after := s.byNoise(s.a, s.b); len(before) != 1 || len(after) != 1 || after[0].ID == before[0].ID {
		s.fatalf("%+v, then %+v", before, after)
	}
	if _, byX3DH := s.sentTo(s.b); byX3DH {
		s.fatalf("something went by X3DH")
	}
	s.sound()
}

// A record of Noise that does not read back is found by store.check.
func TestNoiseCheckStore(t *testing.T) {
	s := newNoiseSim(t, one)
	s.choose(chat.KeyExchangeNoise, "")
	s.say(s.a, s.b)
	s.until("an empty outbox", s.quiet)
	s.sound()
	rec := s.noiseRecord(s.a, s.b)
	err := s.a.store.Update(func(tx chat.Tx) error { return tx.Put(tableNoise, s.b.public.Compressed(), rec[:len(rec)/2]) })
	if err != nil {
		t.Fatal(err)
	}
	check, err := s.a.CheckStore(context.Background())
	if err != nil || len(check.Problems) != 1 || !strings.Contains(check.Problems[0], "noise_peers") {
		t.Fatalf("%v, %v", check.Problems, err)
	}
	if err := s.a.store.Update(func(tx chat.Tx) error { return tx.Put(tableNoise, s.b.public.Compressed(), rec) }); err != nil {
		t.Fatal(err)
	}
}

// Resetting the sessions with somebody makes new ones of Noise too, and loses nothing.
func TestNoiseReset(t *testing.T) {
	s := newNoiseSim(t, one)
	s.choose(chat.KeyExchangeNoise, "")
	all := []said{s.say(s.a, s.b)}
	s.until("an empty outbox", s.quiet)
	before := s.byNoise(s.a, s.b)[0].ID
	if err := s.a.ResetSessions(s.b.public); err != nil {
		t.Fatal(err)
	}
	all = append(all, s.say(s.a, s.b), s.say(s.b.devices[0], s.people[0]))
	s.until("an empty outbox", s.quiet)
	s.until("another session", func() bool { list := s.byNoise(s.a, s.b); return len(list) == 1 && list[0].ID != before })
	s.arrived(all)
}
