package chat_test

import (
	"crypto/rand"
	"fmt"
	"slices"
	"testing"
	"time"

	"libstatus1to1/chat"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/noise"
	"libstatus1to1/chat/protocol/noise/noisepeer"
	"libstatus1to1/chat/protocol/payload"
	"libstatus1to1/chat/protocol/topic"
	"libstatus1to1/chat/wire"
	"libstatus1to1/store"
)

// noiseSelf is the static key of mallory's device and its certificate.
func (m *mallory) noiseSelf() noisepeer.Self {
	m.t.Helper()
	static, err := noise.GenerateKey(rand.Reader)
	if err != nil {
		m.t.Fatal(err)
	}
	cert, err := noise.Issue(m.self.Identity, m.self.InstallationID, static.Public(), time.Now(), time.Hour)
	if err != nil {
		m.t.Fatal(err)
	}
	return noisepeer.Self{Static: static, Certificate: cert}
}

// handshake is a message of mallory's with handshake frames.
func (m *mallory) handshake(frames ...[]byte) chat.Envelope {
	m.t.Helper()
	return m.envelope(marshalled(m.t, &wire.ProtocolMessage{
		InstallationId: m.self.InstallationID, Bundles: []*wire.Bundle{m.bundle()}, NoiseHandshakes: frames,
	}))
}

// firstFrame begins a handshake with an installation of the victim.
func (m *mallory) firstFrame(self noisepeer.Self, installation string) (noisepeer.Peer, []byte) {
	m.t.Helper()
	p, frames, err := noisepeer.Peer{Identity: m.victim}.Begin(self, installation, time.Now(), rand.Reader)
	if err != nil || len(frames) != 1 {
		m.t.Fatalf("%d frames, %v", len(frames), err)
	}
	return p, frames[0].Bytes
}

// dropped counts the envelopes without effect, by one reason.
func (p *person) dropped(reason string) uint64 {
	p.t.Helper()
	d, err := p.Diagnostics()
	if err != nil {
		p.t.Fatal(err)
	}
	return d.Dropped[reason]
}

func noiseRecords(t *testing.T, s chat.Store) (n int) {
	t.Helper()
	err := s.View(func(tx chat.Tx) error {
		return tx.Each(tableNoise, func(_, _ []byte) error { n++; return nil })
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// Handshake frames that are damaged, foreign, too many or replayed leave nothing behind; honest
// people go on.
func TestHostileNoiseFrames(t *testing.T) {
	b := newBesieged(t)
	m := newMallory(t, b.net, b.victim.key())
	info, err := b.victim.Identity()
	if err != nil {
		t.Fatal(err)
	}
	self := m.noiseSelf()
	_, frame := m.firstFrame(self, info.InstallationID)
	_, elsewhere := m.firstFrame(self, "another-device")
	many := make([][]byte, 500)
	for i := range many {
		many[i] = elsewhere
	}
	flip := func(i int) []byte {
		f := append([]byte(nil), frame...)
		f[i] ^= 1
		return f
	}
	bad := [][][]byte{{nil}, {{}}, {frame[:len(frame)/2]}, {append(append([]byte(nil), frame...), 0)}, {elsewhere}, many, {make([]byte, 1<<16)}}
	for i := range 8 {
		bad = append(bad, [][]byte{flip(i)})
	}
	deliver(t, b.net, b.victim, func(i int) chat.Envelope { return m.handshake(bad[i]...) }, len(bad))
	b.honest(t)
	if got := b.victim.dropped("handshake"); got == 0 {
		t.Error("no bad frame was counted")
	}

	// A frame that somebody signed for mallory, who passes it on: it names her device, which she
	// cannot change.
	stranger := newMallory(t, b.net, m.public)
	_, theirs := stranger.firstFrame(stranger.noiseSelf(), m.self.InstallationID)
	signed := marshalled(t, &wire.ProtocolMessage{
		InstallationId: stranger.self.InstallationID, Bundles: []*wire.Bundle{stranger.bundle()}, NoiseHandshakes: [][]byte{theirs},
	})
	before := b.victim.dropped("not_addressed")
	sealed, err := payload.SealAsymmetric(rand.Reader, b.victim.key(), stranger.self.Identity, signed)
	if err != nil {
		t.Fatal(err)
	}
	deliver(t, b.net, b.victim, func(int) chat.Envelope {
		return chat.Envelope{ContentTopic: topic.Partitioned(b.victim.key()).ContentTopic(), Payload: sealed, Version: 1, Timestamp: time.Now().UnixNano()}
	}, 1)
	if b.victim.dropped("not_addressed") != before+1 {
		t.Error("a frame for somebody else's device was not refused as that")
	}
	b.honest(t)
}

// Hundreds of strangers begin handshakes: no more are kept than noisechat.MaxStrangers, nobody
// of them is in the list of people, and honest people shake hands all the same.
func TestHostileNoiseStrangers(t *testing.T) {
	const strangers = 150
	b := newBesieged(t)
	info, err := b.victim.Identity()
	if err != nil {
		t.Fatal(err)
	}
	people := make([]chat.Envelope, strangers)
	for i := range people {
		m := newMallory(t, b.net, b.victim.key())
		_, frame := m.firstFrame(m.noiseSelf(), info.InstallationID)
		people[i] = m.handshake(frame)
	}
	known, err := b.victim.Contacts(chat.PageRequest{Limit: 200})
	if err != nil {
		t.Fatal(err)
	}
	deliver(t, b.net, b.victim, func(i int) chat.Envelope { return people[i] }, strangers)
	b.honest(t)
	if n := noiseRecords(t, b.store); n == 0 || n > 64 {
		t.Errorf("%d strangers are kept", n)
	}
	after, err := b.victim.Contacts(chat.PageRequest{Limit: 200})
	if err != nil || len(after.Items) != len(known.Items) {
		t.Errorf("%d people are known, %d before, %v", len(after.Items), len(known.Items), err)
	}
	b.victim.useNoise(b.bob)
	sent := b.victim.send(b.bob, "by Noise, past the crowd")
	b.victim.delivered(sent.ID)
}

// Garbage and copies on the topic of a session change nothing: the session goes on.
func TestHostileNoiseTopic(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 1})
	wire := tap(net)
	alice, bob := newPerson(t, "alice", net), newPerson(t, "bob", net)
	if _, err := alice.AddContact(bob.key(), ""); err != nil {
		t.Fatal(err)
	}
	first := alice.send(bob, "hello")
	bob.waitText("hello")
	alice.waitState(first.ID, "delivered")
	alice.useNoise(bob)
	second := alice.send(bob, "by Noise")
	bob.waitText("by Noise")
	alice.waitState(second.ID, "delivered")
	sealed := wire.byNoise()
	deliver(t, net, bob, func(i int) chat.Envelope {
		e := sealed[i%len(sealed)]
		e.Payload = append([]byte(nil), e.Payload...)
		switch i % 4 {
		case 0: // an exact copy
		case 1:
			e.Payload[len(e.Payload)-1] ^= 1
		case 2:
			e.Payload = e.Payload[:len(e.Payload)/2]
		default:
			e.Payload = []byte(fmt.Sprint("garbage ", i))
		}
		return e
	}, 200)
	third := bob.send(alice, "still there")
	alice.waitText("still there")
	bob.waitState(third.ID, "delivered")
	if n := len(bob.texts(alice)); n != 3 {
		t.Fatalf("bob has %d messages", n)
	}
	if len(bob.noiseSessions(alice)) != 1 {
		t.Fatal("the session is gone")
	}
}

// Somebody who has stolen no key but knows all of our own public ones cannot make a device of
// ours: handshakes of our identity from a device that is not enabled are refused.
func TestHostileNoiseOwnIdentity(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 1})
	alice, bob := newPerson(t, "alice", net), newPerson(t, "bob", net)
	private, err := key.Generate(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	carol := openPerson(t, "carol", store.Memory(), net.Join(), fast)
	if _, err := carol.ImportIdentity(t.Context(), private, "carol"); err != nil {
		t.Fatal(err)
	}
	info, err := carol.Identity()
	if err != nil {
		t.Fatal(err)
	}
	thief := newMallory(t, net, carol.key())
	thief.self.Identity, thief.public, thief.self.InstallationID = private, private.Public(), "a-device-of-a-thief"
	_, frame := thief.firstFrame(thief.noiseSelf(), info.InstallationID)
	deliver(t, net, carol, func(int) chat.Envelope { return thief.handshake(frame) }, 3)
	if carol.dropped("handshake") == 0 {
		t.Error("a handshake of an unknown device of our own was not refused")
	}
	for _, p := range []*person{alice, bob} {
		m := p.send(carol, "hello from "+p.name)
		p.waitState(m.ID, "delivered")
	}
}

// Many strangers whose handshakes lead to nothing, which costs them an envelope each, do not
// keep out somebody who has something to say: those who came first make room.
func TestHostileNoiseCrowd(t *testing.T) {
	const strangers = 64
	b := newBesieged(t)
	info, err := b.victim.Identity()
	if err != nil {
		t.Fatal(err)
	}
	people := make([]chat.Envelope, strangers)
	for i := range people {
		m := newMallory(t, b.net, b.victim.key())
		_, frame := m.firstFrame(m.noiseSelf(), info.InstallationID)
		people[i] = m.handshake(frame)
	}
	deliver(t, b.net, b.victim, func(i int) chat.Envelope { return people[i] }, strangers)
	eventually(t, "as many to be kept as may be", func() bool { return noiseRecords(t, b.store) == strangers })
	carol := newPerson(t, "carol", b.net)
	its, err := b.victim.IssueCard(chat.CardRequest{Noise: true})
	if err != nil {
		t.Fatal(err)
	}
	if added, err := carol.AddCard(its.Card, chat.CardChoice{}); err != nil || !added.Noise {
		t.Fatal(added, err)
	}
	sent := carol.send(b.victim, "past the crowd")
	b.victim.waitText("past the crowd")
	carol.delivered(sent.ID)
	if n := noiseRecords(t, b.store); n > strangers+1 {
		t.Errorf("%d people are kept", n)
	}
}

// A stranger has handshakes with a few devices, not with as many as an identity can have: each
// session is a topic that we have to listen to.
func TestHostileNoiseStrangerDevices(t *testing.T) {
	b := newBesieged(t)
	info, err := b.victim.Identity()
	if err != nil {
		t.Fatal(err)
	}
	m := newMallory(t, b.net, b.victim.key())
	const devices = 12
	all := make([]chat.Envelope, devices)
	for i := range all {
		m.self.InstallationID = fmt.Sprintf("device-%d", i)
		_, frame := m.firstFrame(m.noiseSelf(), info.InstallationID)
		all[i] = m.handshake(frame)
	}
	deliver(t, b.net, b.victim, func(i int) chat.Envelope { return all[i] }, devices)
	b.honest(t) // what came before is handled by now
	sessions, err := b.victim.Sessions(m.public)
	if err != nil {
		t.Fatal(err)
	}
	if len(sessions) == 0 || len(sessions) > 3 {
		t.Errorf("%d devices of a stranger are kept", len(sessions))
	}
}

// Somebody blocked who goes over to Noise is acknowledged by Noise, like anybody: they must not
// be able to tell. Nobody here is told of it.
func TestHostileNoiseBlockedCannotTell(t *testing.T) {
	for _, blocked := range []bool{false, true} {
		t.Run(fmt.Sprint("blocked ", blocked), func(t *testing.T) {
			net := memnet.New(memnet.Options{Seed: 1})
			alice, bob := newPerson(t, "alice", net), newPerson(t, "bob", net)
			first := bob.send(alice, "by X3DH")
			alice.waitText("by X3DH")
			bob.delivered(first.ID)
			if blocked {
				if _, err := alice.BlockContact(bob.key()); err != nil {
					t.Fatal(err)
				}
			}
			bob.useNoise(alice)
			for i := range 3 {
				bob.delivered(bob.send(alice, fmt.Sprint("by Noise ", i)).ID)
			}
			eventually(t, "acknowledgements in the Noise session", func() bool {
				s := bob.noiseSessions(alice)
				return len(s) == 1 && s[0].Received >= 3
			})
			told := func(e chat.DeliveredEvent) bool { return e.Type == "key_exchange_changed" }
			carol := newPerson(t, "carol", net)
			carol.send(alice, "after all that")
			alice.waitText("after all that")
			if blocked && slices.ContainsFunc(alice.events, told) {
				t.Error("alice was told of somebody blocked")
			}
		})
	}
}
