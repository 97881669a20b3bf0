package chat_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/payload"
	"libstatus1to1/chat/protocol/ratchet"
	"libstatus1to1/chat/protocol/session"
	"libstatus1to1/chat/protocol/topic"
	"libstatus1to1/chat/protocol/x3dh"
	"libstatus1to1/chat/wire"
	"libstatus1to1/store"
)

// secondDevice opens another device of an identity that was made from its key.
func secondDevice(t *testing.T, name string, k key.Private, net *memnet.Network) *person {
	t.Helper()
	p := openPerson(t, name, store.Memory(), net.Join(), fast)
	if _, err := p.ImportIdentity(context.Background(), k, name); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *person) installation() string {
	p.t.Helper()
	info, err := p.Identity()
	if err != nil {
		p.t.Fatal(err)
	}
	return info.InstallationID
}

// The new device is seen, the user says yes on the old one, both have it then, and
// both have what either sends.
func TestDevicesPair(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 11})
	k, err := key.Generate(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	phone, bob := secondDevice(t, "phone", k, net), newPerson(t, "bob", net)
	before := phone.send(bob, "before")
	bob.waitText("before")
	laptop := secondDevice(t, "laptop", k, net)
	found := wait(phone, "the laptop", func(e event.DeviceFound) bool { return true }).Device
	if found.Installation != laptop.installation() || found.Enabled || found.This {
		t.Fatalf("found %+v", found)
	}
	if d, err := phone.RenameDevice(found.Installation, "laptop"); err != nil || d.Name != "laptop" || d.Enabled {
		t.Fatalf("renamed: %+v, %v", d, err)
	}
	if d, err := phone.EnableDevice(found.Installation); err != nil || !d.Enabled || !d.Active || d.Name != "laptop" {
		t.Fatalf("enabled: %+v, %v", d, err)
	}
	wait(laptop, "the phone to be enabled", func(e event.DeviceChanged) bool {
		return e.Device.Enabled && e.Device.Installation == phone.installation()
	})

	m := phone.send(bob, "from the phone")
	copied := laptop.waitText("from the phone").Message
	if copied.ID != m.ID || !copied.Outgoing || !copied.Read || copied.ChatID != bob.key().Hex() || copied.State == "queued" {
		t.Fatalf("on the laptop: %+v", copied)
	}
	bob.waitText("from the phone")
	eventually(t, "both devices to have it", func() bool {
		got, err := phone.Message(mustID(t, m.ID))
		own, theirs := 0, 0
		for _, d := range got.Devices {
			if d.AcknowledgedAt > 0 && d.Own && d.Installation == laptop.installation() {
				own++
			}
			if d.AcknowledgedAt > 0 && !d.Own && d.Installation == bob.installation() {
				theirs++
			}
		}
		return err == nil && own == 1 && theirs == 1 && len(got.Devices) == 2
	})
	eventually(t, "the laptop to know that it is delivered", func() bool {
		got, err := laptop.Message(mustID(t, m.ID))
		return err == nil && got.State == "delivered"
	})
	laptop.send(bob, "from the laptop")
	phone.waitText("from the laptop")
	bob.waitText("from the laptop")
	bob.send(phone, "to both")
	phone.waitText("to both")
	laptop.waitText("to both")
	if _, err := laptop.Message(mustID(t, before.ID)); chat.CodeOf(err) != chat.CodeNotFound {
		t.Fatalf("history was invented: %v", err)
	}

	// Without the laptop, it gets nothing more, and knows it.
	if d, err := phone.DisableDevice(laptop.installation()); err != nil || d.Enabled {
		t.Fatalf("disabled: %+v, %v", d, err)
	}
	wait(laptop, "to be told", func(e event.DeviceChanged) bool { return e.Device.This && !e.Device.Enabled })
	list, err := phone.Devices()
	if err != nil || len(list) != 2 || !list[0].This || !list[0].Enabled || list[1].Enabled {
		t.Fatalf("devices: %+v, %v", list, err)
	}
}

func TestDeviceErrors(t *testing.T) {
	alice := newPerson(t, "alice", memnet.New(memnet.Options{}))
	if _, err := alice.EnableDevice("nobody"); chat.CodeOf(err) != chat.CodeNotFound {
		t.Errorf("unknown device: %v", err)
	}
	if _, err := alice.DisableDevice(alice.installation()); chat.CodeOf(err) != chat.CodeBadParams {
		t.Errorf("this device: %v", err)
	}
	if d, err := alice.RenameDevice(alice.installation(), "desk"); err != nil || d.Name != "desk" || !d.This {
		t.Errorf("naming this device: %+v, %v", d, err)
	}
	if _, err := alice.RenameDevice(alice.installation(), strings.Repeat("é", chat.MaxName+1)); chat.CodeOf(err) != chat.CodeTooLong {
		t.Errorf("a long name: %v", err)
	}
	if err := alice.ResetSessions(alice.key()); chat.CodeOf(err) != chat.CodeNotFound {
		t.Errorf("no sessions: %v", err)
	}
}

func TestResetSessions(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 12})
	alice, bob := newPerson(t, "alice", net), newPerson(t, "bob", net)
	alice.send(bob, "one")
	bob.waitText("one")
	bob.send(alice, "two")
	alice.waitText("two")
	before := time.Now().UnixMilli()
	if err := alice.ResetSessions(bob.key()); err != nil {
		t.Fatal(err)
	}
	list, err := alice.Sessions(bob.key())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range list {
		if s.CreatedAt < before {
			t.Fatalf("an old session goes on: %+v", s)
		}
	}
	bob.send(alice, "three")
	alice.waitText("three")
	alice.send(bob, "four")
	bob.waitText("four")
}

// stranger makes envelopes of an identity with whatever is in them.
type stranger struct {
	t   *testing.T
	key key.Private
	pre x3dh.PreKeys
}

func newStranger(t *testing.T) *stranger {
	t.Helper()
	k, err := key.Generate(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	pre, _, err := x3dh.PreKeys{}.Rotate(time.Now(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &stranger{t: t, key: k, pre: pre}
}

// envelope is a message of one of its installations, for an installation of to.
func (s *stranger) envelope(to key.Public, from string, encrypted map[string]*wire.EncryptedMessageProtocol) chat.Envelope {
	s.t.Helper()
	current, _ := s.pre.Current()
	bundle, err := x3dh.Bundle{
		Identity: s.key.Public(), Timestamp: time.Now().UnixNano(), SignedPreKeys: []x3dh.SignedPreKey{current.Signed(from)},
	}.Sign(s.key)
	if err != nil {
		s.t.Fatal(err)
	}
	b, err := proto.Marshal(&wire.ProtocolMessage{InstallationId: from, Bundles: []*wire.Bundle{bundle}, EncryptedMessage: encrypted})
	if err != nil {
		s.t.Fatal(err)
	}
	sealed, err := payload.SealAsymmetric(rand.Reader, to, s.key, b)
	if err != nil {
		s.t.Fatal(err)
	}
	return chat.Envelope{
		PubsubTopic: memnet.PubsubTopic, ContentTopic: topic.Partitioned(to).ContentTopic(), Payload: sealed,
		Version: 1, Timestamp: time.Now().UnixNano(),
	}
}

// Somebody who sends us what we cannot read, as many installations, is answered a
// bounded number of times, blocked or not; a stranger never.
func TestAnswersAreBounded(t *testing.T) {
	for _, kind := range []string{"for another installation", "in no session", "one installation"} {
		for _, who := range []string{"a contact", "a blocked contact", "a stranger", "a blocked stranger"} {
			answersAreBounded(t, kind, who)
		}
	}
}

func answersAreBounded(t *testing.T, kind, who string) {
	s := newSimulation(t, 1, 2, memnet.Options{})
	s.populate(func(int) int { return 1 })
	alice := s.people[0]
	mallory := newStranger(t)
	strange := strings.Contains(who, "stranger")
	if !strange {
		if _, err := alice.devices[0].AddContact(mallory.key.Public(), ""); err != nil {
			t.Fatal(err)
		}
	}
	if strings.Contains(who, "blocked") {
		if _, err := alice.devices[0].BlockContact(mallory.key.Public()); err != nil {
			t.Fatal(err)
		}
	}
	answers := 0
	defer s.net.Tap(func(e chat.Envelope) {
		if o, err := payload.OpenAsymmetric(mallory.key, e.Payload); err == nil && o.Signer == alice.public {
			answers++
		}
	})()
	unreadable := func(i int) map[string]*wire.EncryptedMessageProtocol {
		m := &wire.EncryptedMessageProtocol{
			DRHeader: &wire.DRHeader{Id: mallory.key.Public().Compressed(), Key: mallory.key.Public().Compressed(), N: uint32(i)},
			Payload:  make([]byte, 100),
		}
		if kind == "for another installation" {
			return map[string]*wire.EncryptedMessageProtocol{"somebody else's": m}
		}
		return map[string]*wire.EncryptedMessageProtocol{alice.devices[0].id: m}
	}
	for i := range 300 {
		from := "mallory"
		if kind != "one installation" {
			from = fmt.Sprint("mallory-", i)
		}
		s.net.Inject(mallory.envelope(alice.public, from, unreadable(i)))
		s.step()
	}
	for range 50 {
		s.step()
	}
	most := 2 * session.MaxKnownInstallations
	switch {
	case strange:
		most = 0
	case kind == "one installation":
		most = 1
	}
	if answers > most || answers == 0 && !strange {
		t.Errorf("%s from %s: %d answers to 300 messages, at most %d are allowed", kind, who, answers, most)
	}
	all := s.chatter(3, nil)
	s.until("an empty outbox", s.quiet)
	s.arrived(all)
}

// A contact's message that is not for this installation is answered with our bundle, and
// the sender includes us then.
func TestPartitionedDeviceIsIncluded(t *testing.T) {
	s := newSimulation(t, 2, 2, memnet.Options{})
	s.populate(func(int) int { return 1 })
	alice, mallory := s.people[0], newStranger(t)
	self := session.Self{Identity: mallory.key, InstallationID: "mallory", PreKeys: mallory.pre}
	peer := session.Peer{Identity: alice.public}
	if _, err := alice.devices[0].AddContact(mallory.key.Public(), ""); err != nil {
		t.Fatal(err)
	}
	defer s.net.Tap(func(e chat.Envelope) {
		o, err := payload.OpenAsymmetric(mallory.key, e.Payload)
		if err != nil {
			return
		}
		var pm wire.ProtocolMessage
		if err := proto.Unmarshal(o.Data, &pm); err != nil {
			t.Error(err)
			return
		}
		next, in, err := peer.Receive(self, &pm, time.Now(), session.Source{Rand: rand.Reader, IV: ratchet.RandomIV(rand.Reader)})
		if err != nil || in.Kind != session.Encrypted || len(in.Plaintext) != 0 {
			t.Errorf("a wrong answer: %+v, %v", in, err)
		}
		peer = next
	})()
	s.net.Inject(mallory.envelope(alice.public, "mallory", map[string]*wire.EncryptedMessageProtocol{
		"the lost one": {DRHeader: &wire.DRHeader{}, Payload: []byte("x")},
	}))
	s.until("the answer", func() bool { return len(peer.Active()) == 1 })
	if id := peer.Active()[0].ID; id != alice.devices[0].id {
		t.Fatalf("included %s", id)
	}
}

// What waits for somebody with three devices is encrypted three times over, and still
// fits into the envelopes it goes out in.
func TestBatchFitsThreeDevices(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 12})
	k, err := key.Generate(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	alice, phone := newPerson(t, "alice", net), secondDevice(t, "phone", k, net)
	devices := []*person{phone}
	for _, name := range []string{"laptop", "tablet"} {
		other := secondDevice(t, name, k, net)
		wait(phone, name, func(e event.DeviceFound) bool { return e.Device.Installation == other.installation() })
		if _, err := phone.EnableDevice(other.installation()); err != nil {
			t.Fatal(err)
		}
		devices = append(devices, other)
	}
	eventually(t, "alice to know all three", func() bool {
		phone.send(alice, "hello")
		alice.waitText("hello")
		return len(alice.Addressed(phone.key())) == len(devices)
	})
	requests := make([]chat.SendRequest, 100)
	for i := range requests {
		requests[i] = chat.SendRequest{To: phone.key(), Text: fmt.Sprint(i, strings.Repeat("x", 1500))}
	}
	results, err := alice.SendBatch(context.Background(), requests)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range results {
		for _, d := range devices {
			d.waitText(requests[i].Text)
		}
		if got := wait(alice, "an end", func(e event.MessageState) bool {
			return e.MessageID == r.Message.ID && (e.State == "delivered" || e.State == "failed")
		}); got.State != "delivered" {
			t.Fatalf("message %d: %+v", i, got)
		}
	}
}

// A thief of the seed phrase cannot use up the versions of this device's pre-keys: past the
// last one there is no rotation, and the store would not open again.
func TestHostileOwnPreKeyVersion(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 13})
	k, err := key.Generate(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s := store.Memory()
	phone := openPerson(t, "phone", s, net.Join(), fast)
	if _, err := phone.ImportIdentity(context.Background(), k, "phone"); err != nil {
		t.Fatal(err)
	}
	thief := newMallory(t, net, k.Public())
	thief.self.Identity, thief.public = k, k.Public()
	other, err := key.Generate(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	current, _ := thief.self.PreKeys.Current()
	bundle, err := x3dh.Bundle{Identity: k.Public(), Timestamp: time.Now().UnixNano(), SignedPreKeys: []x3dh.SignedPreKey{
		current.Signed(thief.self.InstallationID),
		{InstallationID: phone.installation(), Key: other.Public(), Version: math.MaxUint32 - 1, ProtocolVersion: x3dh.ProtocolVersion},
	}}.Sign(k)
	if err != nil {
		t.Fatal(err)
	}
	net.Inject(thief.envelope(thief.encrypted(nil, func(pm *wire.ProtocolMessage) { pm.Bundles = []*wire.Bundle{bundle} })))
	wait(phone, "the thief", func(e event.DeviceFound) bool { return e.Device.Installation == thief.self.InstallationID })
	if _, err := phone.RenameDevice(phone.installation(), "phone"); err != nil { // waits for the round to end
		t.Fatal(err)
	}
	var stored []byte
	if err := s.View(func(tx chat.Tx) (err error) { stored, err = tx.Get("meta", []byte("pre_keys")); return err }); err != nil {
		t.Fatal(err)
	}
	preKeys, err := x3dh.UnmarshalPreKeys(stored)
	if now, _ := preKeys.Current(); err != nil || now.Version != 1 {
		t.Fatalf("the pre-key has version %d, %v", now.Version, err)
	}
}
