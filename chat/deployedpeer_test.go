package chat_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/datasync"
	"libstatus1to1/chat/protocol/payload"
	"libstatus1to1/chat/protocol/session"
	"libstatus1to1/chat/protocol/topic"
	"libstatus1to1/chat/wire"
)

// deployedPeer keeps its ratchet states as status-go does: one a pre-key and installation.
// Whatever X3DH header comes for a pre-key that it has a state of, it goes on in that
// state; and it goes on sending in it until its own pre-key is replaced. It repairs
// nothing, acknowledges what it opens and repeats what is not acknowledged.
type deployedPeer struct {
	*mallory
	inbox   []*wire.ProtocolMessage
	read    []string // the texts it opened, once each
	waiting []datasync.Message
	begun   map[string]bool // X3DH keys with which sessions with it were begun
	failed  int
}

func newDeployedPeer(s *simulation, d *simDevice) *deployedPeer {
	p := &deployedPeer{mallory: newMallory(s.t, s.net, d.owner.public), begun: map[string]bool{}}
	p.self.InstallationID = "deployed"
	shared, err := p.self.Identity.ECDH(p.victim)
	if err != nil {
		s.fatalf("%v", err)
	}
	s.t.Cleanup(s.net.Tap(func(e chat.Envelope) {
		o, err := payload.OpenAsymmetric(p.self.Identity, e.Payload)
		if err != nil {
			o, err = payload.OpenSymmetric(chat.SymmetricKey(topic.Negotiated(shared).Name), e.Payload)
		}
		var pm wire.ProtocolMessage
		if err == nil && o.Signer == p.victim && proto.Unmarshal(o.Data, &pm) == nil {
			p.inbox = append(p.inbox, &pm)
		}
	}))
	return p
}

// say sends a text, and repeats it with resend until it is acknowledged.
func (p *deployedPeer) say(text string) {
	p.waiting = append(p.waiting, p.text(text))
	p.resend()
}

func (p *deployedPeer) resend() {
	if len(p.waiting) > 0 {
		p.out(datasync.Payload{Messages: p.waiting})
	}
}

func (p *deployedPeer) out(what datasync.Payload) {
	p.net.Inject(p.envelope(p.encrypted(p.sync(what), nil)))
}

// work opens what has come.
func (p *deployedPeer) work() {
	for len(p.inbox) > 0 {
		pm := p.inbox[0]
		p.inbox = p.inbox[1:]
		p.take(pm)
	}
}

func (p *deployedPeer) take(pm *wire.ProtocolMessage) {
	p.t.Helper()
	if learnt, err := p.session.LearnMessage(p.self, pm, time.Now()); err == nil {
		p.session = learnt
	}
	if h := pm.GetEncryptedMessage()[p.self.InstallationID].GetX3DHHeader(); h != nil {
		p.begun[string(h.GetKey())] = true
		if slices.ContainsFunc(p.session.Sessions, func(s session.Session) bool { return string(s.ID.Compressed()) == string(h.GetId()) }) {
			pm.EncryptedMessage[p.self.InstallationID].X3DHHeader = nil
		}
	}
	next, in, err := p.session.Receive(p.self, pm, time.Now(), p.source())
	if err != nil {
		p.failed++
		return
	}
	p.session = next
	sync, err := datasync.Decode(in.Plaintext)
	if err != nil { // a profile, or nothing
		return
	}
	p.waiting = slices.DeleteFunc(p.waiting, func(m datasync.Message) bool { return slices.Contains(sync.Acks, m.ID()) })
	var acks [][32]byte
	for _, m := range sync.Messages {
		acks = append(acks, m.ID())
		if app, err := message.Unwrap(m.Body); err == nil && app.Type == wire.ApplicationMetadataMessage_CHAT_MESSAGE {
			if cm, err := message.DecodeChatMessage(app.Payload); err == nil && !slices.Contains(p.read, cm.GetText()) {
				p.read = append(p.read, cm.GetText())
			}
		}
	}
	if len(acks) > 0 {
		p.out(datasync.Payload{Acks: acks})
	}
}

// talk lets both work for a time, the peer repeating itself all the while.
func (s *simulation) talk(p *deployedPeer, d time.Duration) {
	for end := s.clock.Now().Add(d); s.clock.Now().Before(end); p.resend() {
		for again := s.clock.Now().Add(10 * time.Second); s.clock.Now().Before(again); {
			s.step()
			p.work()
		}
	}
}

// An older copy of the database of a status-go is put back while the session is one from
// its own pre-key. No new session from that pre-key gets through to it; what is said to
// it does all the same, and all is well again when it has another pre-key.
func TestDeployedPeerRolledBack(t *testing.T) {
	s := newSimulation(t, 3, 2, memnet.Options{})
	s.populate(func(int) int { return 1 })
	alice := s.people[0].devices[0]
	p := newDeployedPeer(s, alice)
	if _, err := alice.AddContact(p.public, ""); err != nil {
		t.Fatal(err)
	}
	said := 0
	say := func() string {
		said++
		text := fmt.Sprint("from alice ", said)
		if _, err := alice.Send(context.Background(), chat.SendRequest{To: p.public, Text: text}); err != nil {
			t.Fatal(err)
		}
		return text
	}
	p.net.Inject(p.envelope(p.encrypted(nil, nil))) // its bundle
	s.talk(p, 20*time.Second)
	both := func(n int) {
		t.Helper()
		for range n {
			text := say()
			p.say(fmt.Sprint("from the peer ", said))
			s.talk(p, 20*time.Second)
			if !slices.Contains(p.read, text) || len(p.waiting) != 0 {
				t.Fatalf("%q is not read, or %d messages of the peer are not acknowledged", text, len(p.waiting))
			}
		}
	}
	both(3)
	old := p.session
	both(4)
	s.repairs()

	p.session = old
	clear(p.begun)
	p.say("lost for now")
	s.talk(p, 3*time.Minute)
	text := say()
	s.talk(p, 3*time.Minute)
	if !slices.Contains(p.read, text) {
		t.Fatalf("%q does not get through", text)
	}
	failed := p.failed
	for range 6 {
		text = say()
		p.say("lost for now, too")
		s.talk(p, time.Minute)
		if !slices.Contains(p.read, text) {
			t.Fatalf("%q does not get through", text)
		}
	}
	if p.failed != failed {
		t.Errorf("%d more messages did not open", p.failed-failed)
	}
	if len(p.begun) > 1 {
		t.Errorf("%d sessions were begun from a pre-key that gives none", len(p.begun))
	}
	if n := s.repairs(); n != 0 {
		t.Errorf("%d repairs are told of what is not repaired", n)
	}

	next, changed, err := p.self.PreKeys.Rotate(time.Now().Add(25*time.Hour), rand.Reader)
	if err != nil || !changed {
		t.Fatal(changed, err)
	}
	p.self.PreKeys = next
	s.talk(p, 5*time.Minute)
	if len(p.waiting) != 0 {
		t.Fatalf("%d messages of the peer still wait", len(p.waiting))
	}
	both(3)
	s.until("an empty outbox", s.quiet)
	if n := s.repairs(); n != 1 {
		t.Errorf("%d repairs are told", n)
	}
}
