package chat_test

import (
	"context"
	"crypto/rand"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat"
	"libstatus1to1/chat/chattest"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/payload"
	"libstatus1to1/chat/protocol/topic"
	"libstatus1to1/chat/wire"
	"libstatus1to1/store"
)

// onContactCode is an application message in the clear on the contact-code topic of somebody.
func onContactCode(t testing.TB, signer key.Private, of key.Public, typ wire.ApplicationMetadataMessage_Type, m proto.Message) chat.Envelope {
	t.Helper()
	encoded, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	application, err := message.Wrap(signer, typ, encoded)
	if err != nil {
		t.Fatal(err)
	}
	return inTheClear(t, signer, of, application)
}

// inTheClear is a signed application message on the contact-code topic of somebody.
func inTheClear(t testing.TB, signer key.Private, of key.Public, application []byte) chat.Envelope {
	t.Helper()
	pm, err := proto.Marshal(&wire.ProtocolMessage{InstallationId: "raw-peer", PublicMessage: application})
	if err != nil {
		t.Fatal(err)
	}
	code := topic.ContactCode(of)
	sealed, err := payload.SealSymmetric(rand.Reader, topic.SymmetricKey(code.Name), signer, pm)
	if err != nil {
		t.Fatal(err)
	}
	return chat.Envelope{ContentTopic: code.ContentTopic(), Payload: sealed, Version: 1, Timestamp: time.Now().UnixNano()}
}

// statusUpdates collects the StatusUpdates that somebody publishes.
type statusUpdates struct {
	mu   sync.Mutex
	said []*wire.StatusUpdate
	kept []bool // for store nodes
}

func (s *statusUpdates) number() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.said)
}

// has reports whether one of a kind was published, and whether that is for store nodes.
func (s *statusUpdates) has(status wire.StatusUpdate_StatusType) (found, forStoreNodes bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, u := range s.said {
		if u.GetStatusType() == status {
			return true, s.kept[i]
		}
	}
	return false, false
}

func tapStatus(t *testing.T, net *memnet.Network, of key.Public) *statusUpdates {
	t.Helper()
	s, code := &statusUpdates{}, topic.ContactCode(of)
	sym := topic.SymmetricKey(code.Name)
	t.Cleanup(net.Tap(func(e chat.Envelope) {
		if e.ContentTopic != code.ContentTopic() {
			return
		}
		opened, err := payload.OpenSymmetric(sym, e.Payload)
		var pm wire.ProtocolMessage
		if err != nil || proto.Unmarshal(opened.Data, &pm) != nil {
			return
		}
		app, err := message.Unwrap(pm.GetPublicMessage())
		var update wire.StatusUpdate
		if err != nil || app.Type != wire.ApplicationMetadataMessage_STATUS_UPDATE || proto.Unmarshal(app.Payload, &update) != nil {
			return
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.said, s.kept = append(s.said, &update), append(s.kept, !e.Ephemeral)
	}))
	return s
}

// TestPresence: nothing is published before it is asked for. Then contacts see it, and after a
// restart the last of it, and it goes on until it is off.
func TestPresence(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 1})
	alice := newHome(t, "alice", net)
	clock := &chattest.Clock{}
	c, err := chat.Open(t.Context(), chat.Options{Store: store.Memory(), Transport: net.Join(), Settings: fast, Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	bob := &person{Client: c, t: t, name: "bob"}
	if _, _, err := bob.CreateIdentity(t.Context(), 12, "bob"); err != nil {
		t.Fatal(err)
	}
	said := tapStatus(t, net, bob.key())
	if _, err := alice.AddContact(bob.key(), ""); err != nil {
		t.Fatal(err)
	}
	bob.send(alice.person, "hi")
	alice.waitText("hi")
	if p, err := bob.Presence(); err != nil || p != nil || said.number() != 0 {
		t.Fatalf("before it was asked for: %+v, %v, %d published", p, err, said.number())
	}
	for _, bad := range [][2]string{{"online", ""}, {"", ""}, {"off", "text"}, {"inactive", strings.Repeat("a", message.MaxPresenceText+1)}} {
		if _, err := bob.SetPresence(bad[0], bad[1]); err == nil {
			t.Errorf("took %q", bad)
		}
	}

	set, err := bob.SetPresence("automatic", "")
	if err != nil || set.Status != "automatic" || set.OnlineUntil != set.At+message.PresenceEvery.Milliseconds() {
		t.Fatalf("set as %+v, %v", set, err)
	}
	e := wait(alice.person, "it", func(e event.PresenceChanged) bool { return e.PublicKey == bob.key().Hex() })
	if e.Presence.Status != "automatic" {
		t.Errorf("seen as %+v", e.Presence)
	}
	if got, err := alice.Contact(bob.key()); err != nil || got.Presence == nil || *got.Presence != e.Presence {
		t.Errorf("the contact has %+v, %v", got.Presence, err)
	}
	eventually(t, "it to go to no store node", func() bool {
		found, forStoreNodes := said.has(wire.StatusUpdate_AUTOMATIC)
		return found && !forStoreNodes
	})
	before := said.number()
	clock.Advance(message.PresenceEvery + time.Second)
	eventually(t, "it to be repeated", func() bool { return said.number() > before })
	again := wait(alice.person, "it again", func(a event.PresenceChanged) bool { return a.Presence.At > e.Presence.At })
	if again.Presence.Status != "automatic" {
		t.Errorf("seen as %+v", again.Presence)
	}

	if _, err := bob.SetPresence("inactive", " away\n"); err != nil {
		t.Fatal(err)
	}
	e = wait(alice.person, "another one", func(e event.PresenceChanged) bool { return e.Presence.Status == "inactive" })
	if e.Presence.Text != "away" || e.Presence.OnlineUntil != 0 {
		t.Errorf("seen as %+v", e.Presence)
	}
	eventually(t, "it to go to store nodes", func() bool {
		found, forStoreNodes := said.has(wire.StatusUpdate_INACTIVE)
		return found && forStoreNodes
	})
	alice.sound()
	if _, err := bob.SetPresence("off", ""); err != nil {
		t.Fatal(err)
	}
	number := said.number()
	clock.Advance(48 * time.Hour)
	alice.restart()
	if got, err := alice.Contact(bob.key()); err != nil || got.Presence == nil || *got.Presence != e.Presence {
		t.Errorf("after a restart the contact has %+v, %v", got.Presence, err)
	}
	alice.send(bob, "still there?")
	bob.waitText("still there?")
	if p, err := bob.Presence(); err != nil || p != nil || said.number() != number {
		t.Errorf("after it was off: %+v, %v, %d published", p, err, said.number()-number)
	}
}

// TestPresenceIsJudged: the latest status counts, of contacts only, and none of the future.
func TestPresenceIsJudged(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 1})
	alice := newPerson(t, "alice", net)
	g := befriended(t, net, alice)
	now := uint64(time.Now().Unix())
	update := func(clock uint64, status wire.StatusUpdate_StatusType, text string) *wire.StatusUpdate {
		return &wire.StatusUpdate{Clock: clock, StatusType: status, CustomText: text}
	}
	say := func(signer key.Private, m *wire.StatusUpdate) {
		t.Helper()
		deliver(t, net, alice, func(int) chat.Envelope {
			return onContactCode(t, signer, g.key(), wire.ApplicationMetadataMessage_STATUS_UPDATE, m)
		}, 1)
	}
	expect := func(what, status, text string) {
		t.Helper()
		// What came before is handled when what comes after it is.
		g.text(what, nil)
		alice.waitText(what)
		c, err := alice.Contact(g.key())
		if err != nil || (c.Presence == nil) != (status == "") || c.Presence != nil && (string(c.Presence.Status) != status || c.Presence.Text != text) {
			t.Errorf("after %s: %+v, %v", what, c.Presence, err)
		}
	}
	say(g.self, update(now+1000, 2, ""))
	expect("one of the future", "", "")
	say(g.self, update(now*1000, 2, "")) // in ms
	expect("one in ms", "", "")
	say(g.self, update(0, 2, ""))
	expect("one without a clock", "", "")
	say(g.self, update(now, 9, ""))
	expect("a kind that nobody knows", "", "")
	say(g.self, update(now, 2, strings.Repeat("a", message.MaxPresenceText+1)))
	expect("a long text", "", "")
	stranger := newRawPeer(t, net, alice.key())
	say(stranger.self, update(now, 2, "of somebody else"))
	expect("somebody else on their topic", "", "")
	say(g.self, update(now, 2, "busy"))
	expect("a good one", "do_not_disturb", "busy")
	say(g.self, update(now, 3, "the same clock"))
	say(g.self, update(now-5, 3, "an older one"))
	expect("an older one", "do_not_disturb", "busy")
	g.say(wire.ApplicationMetadataMessage_STATUS_UPDATE, update(now+1, 4, "")) // in a session
	expect("one in a session", "inactive", "")
	stranger.say(wire.ApplicationMetadataMessage_STATUS_UPDATE, update(now, 3, ""))
	stranger.text("I am new", nil)
	alice.waitText("I am new")
	if c, err := alice.Contact(stranger.key()); err != nil || c.Presence != nil {
		t.Errorf("a stranger has %+v, %v", c.Presence, err)
	}
	if _, err := alice.BlockContact(g.key()); err != nil {
		t.Fatal(err)
	}
	g.say(wire.ApplicationMetadataMessage_STATUS_UPDATE, update(now+2, 1, "")) // nobody listens to their contact code any more
	stranger.text("after that", nil)
	alice.waitText("after that")
	if c, err := alice.Contact(g.key()); err != nil || c.Presence == nil || c.Presence.Status != "inactive" {
		t.Errorf("somebody blocked has %+v, %v", c.Presence, err)
	}
	alice.sound()
}

// TestPresenceOfOwnDevices: what another device of ours says counts here too, if we say
// anything.
func TestPresenceOfOwnDevices(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 1})
	newPerson(t, "somebody to publish to", net)
	k, err := key.Generate(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	alice := openPerson(t, "alice", store.Memory(), net.Join(), fast)
	if _, err := alice.ImportIdentity(context.Background(), k, "alice"); err != nil {
		t.Fatal(err)
	}
	say := func(clock uint64, status wire.StatusUpdate_StatusType) {
		t.Helper()
		deliver(t, net, alice, func(int) chat.Envelope {
			return onContactCode(t, k, k.Public(), wire.ApplicationMetadataMessage_STATUS_UPDATE, &wire.StatusUpdate{Clock: clock, StatusType: status})
		}, 1)
	}
	now := uint64(time.Now().Unix())
	g := newRawPeer(t, net, alice.key())
	say(now+1, wire.StatusUpdate_ALWAYS_ONLINE)
	g.text("one", nil)
	alice.waitText("one")
	if p, err := alice.Presence(); err != nil || p != nil {
		t.Errorf("nobody asked for %+v, %v", p, err)
	}
	if _, err := alice.SetPresence("inactive", ""); err != nil {
		t.Fatal(err)
	}
	say(1, wire.StatusUpdate_DO_NOT_DISTURB) // from long ago
	say(now+100, wire.StatusUpdate_ALWAYS_ONLINE)
	e := wait(alice, "it", func(e event.PresenceChanged) bool { return e.PublicKey == k.Public().Hex() })
	if p, err := alice.Presence(); err != nil || p == nil || *p != e.Presence || p.Status != "always_online" {
		t.Errorf("we are seen as %+v, %v", p, err)
	}
}
