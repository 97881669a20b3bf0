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
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/chat/protocol/datasync"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/session"
	"libstatus1to1/chat/protocol/x3dh"
	"libstatus1to1/chat/wire"
	"libstatus1to1/store"
)

// named is the unsigned SYNC_PAIR_INSTALLATION of a deployed client.
func named(t *testing.T, installation, name string) []byte {
	t.Helper()
	told, err := proto.Marshal(&wire.SyncPairInstallation{
		Clock: uint64(time.Now().UnixMilli()), InstallationId: installation, DeviceType: "linux", Name: name, Version: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	b, err := proto.Marshal(&wire.ApplicationMetadataMessage{
		Type: wire.ApplicationMetadataMessage_SYNC_PAIR_INSTALLATION, Payload: told,
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A deployed client on another own device sends its name, and signs that with nothing but
// the envelope. It is no name for somebody else's, and none against the user's.
func TestUnsignedDeviceName(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 14})
	newPerson(t, "carol", net)
	k, err := key.Generate(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	phone := secondDevice(t, "phone", k, net)
	own := func(installation string) *mallory {
		m := newMallory(t, net, k.Public())
		m.self = session.Self{Identity: k, InstallationID: installation, PreKeys: m.self.PreKeys}
		m.public = k.Public()
		return m
	}
	desk, stranger := own("desk"), newMallory(t, net, k.Public())
	net.Inject(stranger.envelope(stranger.encrypted(named(t, "desk", "not yours"), nil)))
	net.Inject(desk.envelope(desk.encrypted(named(t, "another", "not mine"), nil)))
	net.Inject(desk.envelope(desk.encrypted(named(t, "desk", "\u202e"), nil)))
	net.Inject(desk.envelope(desk.encrypted(named(t, "desk", "My \u202edesk"), nil)))
	got := wait(phone, "the name", func(e event.DeviceChanged) bool { return e.Device.Installation == "desk" }).Device
	if got.Name != "My desk" || got.Enabled {
		t.Fatalf("%+v", got)
	}
	if _, err := phone.RenameDevice("desk", "the slow one"); err != nil {
		t.Fatal(err)
	}
	net.Inject(desk.envelope(desk.encrypted(named(t, "desk", "My desk again"), nil)))
	sofa := own("sofa")
	net.Inject(sofa.envelope(sofa.encrypted(named(t, "sofa", "Sofa"), nil)))
	wait(phone, "the next name", func(e event.DeviceChanged) bool { return e.Device.Name == "Sofa" })
	list, err := phone.Devices()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range list {
		if d.Installation == "desk" && d.Name != "the slow one" || d.Name == "not mine" {
			t.Errorf("%+v", d)
		}
	}
	for _, e := range phone.events {
		if e.Type == (event.UnsupportedReceived{}).Type() {
			t.Errorf("an event of what is known: %+v", e)
		}
	}
	d, err := phone.Diagnostics()
	if err != nil || d.Dropped["application"] != 1 {
		t.Errorf("the stranger's is not dropped: %v, %v", d.Dropped, err)
	}
}

// A message that was encrypted for any device can be published again when the identity is
// restored on another one. It is shown, because it may be an honest one that was under way;
// that it is older than the device is said, and nothing but what was signed decides.
func TestMessageFromBeforeTheDevice(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 3})
	newPerson(t, "carol", net)
	one := openPerson(t, "one", store.Memory(), net.Join(), fast)
	_, phrase, err := one.CreateIdentity(context.Background(), 12, "")
	if err != nil {
		t.Fatal(err)
	}
	m := newMallory(t, net, one.key()) // an honest sender; somebody records the envelope
	old := m.text("meet me at six")
	envelope := m.envelope(m.encrypted(m.sync(datasync.Payload{Messages: []datasync.Message{old}}), nil))
	net.Inject(envelope)
	if got := one.waitText("meet me at six").Message; got.BeforeDevice {
		t.Fatalf("on the device it was for: %+v", got)
	}
	if err := one.Close(); err != nil {
		t.Fatal(err)
	}
	written := m.sentAt()
	eventually(t, "a later millisecond", func() bool { return time.Now().UnixMilli() > written })
	two := openPerson(t, "two", store.Memory(), net.Join(), fast)
	if _, err := two.RestoreIdentity(context.Background(), phrase.Words(), "", ""); err != nil {
		t.Fatal(err)
	}
	envelope.Timestamp = time.Now().Add(time.Hour).UnixNano() // by anybody
	net.Inject(envelope)
	if got := two.waitText("meet me at six").Message; !got.BeforeDevice {
		t.Fatalf("on the later device: %+v", got)
	}
	m.n, m.later = 0, time.Second
	net.Inject(m.envelope(m.encrypted(m.sync(datasync.Payload{Messages: []datasync.Message{m.text("at seven then")}}), nil)))
	if got := two.waitText("at seven then").Message; got.BeforeDevice {
		t.Fatalf("written after it was set up: %+v", got)
	}
	page, err := two.Messages(m.public, chat.PageRequest{Limit: 10})
	if err != nil || len(page.Items) != 2 {
		t.Fatalf("%+v, %v", page, err)
	}
	for _, item := range page.Items {
		if item.BeforeDevice != (item.Text == "meet me at six") {
			t.Errorf("in the history: %+v", item)
		}
	}
}

// A thief of a lost device, and the key in it, takes the others off its list. The user of
// the other device is told, and so are the contacts; nobody is shut out.
func TestDeviceConflictIsTold(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 15})
	alice := newPerson(t, "alice", net)
	k, err := key.Generate(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := alice.AddContact(k.Public(), ""); err != nil {
		t.Fatal(err)
	}
	main := secondDevice(t, "main", k, net)
	lost := newMallory(t, net, k.Public())
	lost.self.Identity, lost.public, lost.self.InstallationID = k, k.Public(), "lost"
	others := func(list ...x3dh.SignedPreKey) func(*wire.ProtocolMessage) {
		return func(pm *wire.ProtocolMessage) {
			current, _ := lost.self.PreKeys.Current()
			b, err := x3dh.Bundle{
				Identity: k.Public(), Timestamp: time.Now().UnixNano(), SignedPreKeys: append(list, current.Signed("lost")),
			}.Sign(k)
			if err != nil {
				t.Fatal(err)
			}
			pm.Bundles = []*wire.Bundle{b}
		}
	}
	to := func(p *person, change func(*wire.ProtocolMessage)) {
		was := lost.victim
		lost.victim, lost.session = p.key(), session.Peer{Identity: p.key()}
		net.Inject(lost.envelope(lost.encrypted(nil, change)))
		lost.victim = was
	}
	addressed := func(p *person, want ...string) {
		t.Helper()
		eventually(t, fmt.Sprint("addressing ", want), func() bool {
			return fmt.Sprint(p.Addressed(k.Public())) == fmt.Sprint(slices.Sorted(slices.Values(want)))
		})
	}
	eventually(t, "main's bundle", func() bool { return len(alice.Addressed(k.Public())) == 1 })
	ours := alice.PreKeyOf(k.Public(), main.installation())
	to(main, others(ours))
	wait(main, "the other device", func(e event.DeviceFound) bool { return e.Device.Installation == "lost" })
	if _, err := main.EnableDevice("lost"); err != nil {
		t.Fatal(err)
	}
	to(alice, others(ours))
	addressed(alice, main.installation(), "lost")
	eventually(t, "alice to hear that main lists it", func() bool { return alice.ListedBy(k.Public(), "lost") == main.installation() })
	if _, err := main.DisableDevice("lost"); err != nil {
		t.Fatal(err)
	}
	addressed(alice, main.installation())

	to(alice, others())
	to(main, others())
	for _, p := range []*person{alice, main} {
		e := wait(p, "the conflict", func(event.DeviceConflict) bool { return true })
		if e.PublicKey != k.Public().Hex() || e.Installation != "lost" || e.Other != main.installation() {
			t.Errorf("%s is told %+v", p.name, e)
		}
	}
	addressed(alice, main.installation())
	alice.send(main, "still there?")
	main.waitText("still there?")
}
