package chat_test

import (
	"crypto/rand"
	"errors"
	"slices"
	"testing"

	"libstatus1to1/chat"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/store"
)

// ofSleepingBob is a phone with a Noise session with Bob, whose only device sleeps now, and a
// laptop of the same identity with a Noise session with the phone, none with Bob, and something
// to say to him.
func ofSleepingBob(t *testing.T) (phone, laptop, bob *person, said event.Message, wake func()) {
	t.Helper()
	net := memnet.New(memnet.Options{Seed: 3, Stores: 1})
	k, err := key.Generate(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	phone = secondDevice(t, "phone", k, net)
	node := net.Join().(*memnet.Node)
	bob = openPerson(t, "bob", store.Memory(), node, fast)
	if _, _, err := bob.CreateIdentity(t.Context(), 12, "bob"); err != nil {
		t.Fatal(err)
	}
	m := phone.send(bob, "by X3DH")
	bob.waitText("by X3DH")
	phone.waitState(m.ID, "delivered")
	phone.useNoise(bob)
	m = phone.send(bob, "by Noise")
	phone.waitState(m.ID, "delivered")
	eventually(t, "a session with Bob", func() bool { return phone.established(bob) })
	node.SetOnline(false)

	laptop = secondDevice(t, "laptop", k, net)
	wait(phone, "the laptop", func(e event.DeviceFound) bool { return true })
	if _, err := phone.EnableDevice(laptop.installation()); err != nil {
		t.Fatal(err)
	}
	wait(laptop, "the phone", func(e event.DeviceChanged) bool { return e.Device.Enabled })
	if _, err := laptop.AddContact(bob.key(), "bob"); err != nil {
		t.Fatal(err)
	}
	laptop.useNoise(bob)
	said = laptop.send(bob, "from the laptop")
	eventually(t, "a session of the two devices", func() bool { return phone.established(laptop) && laptop.established(phone) })
	return phone, laptop, bob, said, func() { node.SetOnline(true) }
}

// established reports whether p has a Noise session with somebody that both use.
func (p *person) established(with *person) bool {
	return slices.ContainsFunc(p.noiseSessions(with), func(s event.Session) bool { return s.State == "established" })
}

// TestNoiseHandover: the laptop has something to say to Bob, who sleeps and so cannot shake
// hands. The phone hands its session over, and he has the message when he wakes up.
func TestNoiseHandover(t *testing.T) {
	phone, laptop, bob, m, wake := ofSleepingBob(t)
	eventually(t, "the laptop to wait for Bob", func() bool {
		got, err := laptop.Message(mustID(t, m.ID))
		return err == nil && got.Waiting != ""
	})
	given, err := phone.HandOverSession(bob.key(), laptop.installation())
	if err != nil || len(given) != 1 || given[0].State != "handed_over" || given[0].Sending {
		t.Fatalf("%+v, %v", given, err)
	}
	eventually(t, "the laptop to have the session", func() bool {
		return slices.ContainsFunc(laptop.noiseSessions(bob), func(s event.Session) bool { return s.ID == given[0].ID && s.Sending })
	})
	laptop.waitState(m.ID, "sent")
	wake()
	bob.waitText("from the laptop")
	laptop.waitState(m.ID, "delivered")
	// The phone goes on too, in a session of its own.
	m = phone.send(bob, "from the phone")
	bob.waitText("from the phone")
	phone.waitState(m.ID, "delivered")
	for _, p := range []*person{phone, laptop, bob} {
		check, err := p.CheckStore(t.Context())
		if err != nil || len(check.Problems) > 0 {
			t.Errorf("%s: %v, %v", p.name, check.Problems, err)
		}
	}
}

// TestNoiseHandoverRefused: what is refused says why, and changes nothing.
func TestNoiseHandoverRefused(t *testing.T) {
	phone, laptop, bob, _, _ := ofSleepingBob(t)
	stranger, err := key.Generate(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		with  key.Public
		to    string
		code  chat.Code
		field string
	}{
		"ourselves":                    {phone.key(), laptop.installation(), chat.CodeSelf, "key"},
		"somebody without a session":   {stranger.Public(), laptop.installation(), chat.CodeWrongState, "key"},
		"a device that there is not":   {bob.key(), "nobody", chat.CodeNotFound, "installation_id"},
		"this device":                  {bob.key(), phone.installation(), chat.CodeNotFound, "installation_id"},
		"a device of the other person": {bob.key(), bob.installation(), chat.CodeNotFound, "installation_id"},
	} {
		var e *chat.Error
		if _, err := phone.HandOverSession(c.with, c.to); !errors.As(err, &e) || e.Code != c.code || e.Field != c.field {
			t.Errorf("%s: %v", name, err)
		}
	}
	// A device that the user has disabled here gives us nothing.
	if _, err := laptop.DisableDevice(phone.installation()); err != nil {
		t.Fatal(err)
	}
	before := laptop.noiseSessions(bob)
	given, err := phone.HandOverSession(bob.key(), laptop.installation())
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the laptop to refuse it", func() bool {
		d, err := laptop.Diagnostics()
		return err == nil && d.Dropped["not_enabled"] > 0
	})
	if slices.ContainsFunc(laptop.noiseSessions(bob), func(s event.Session) bool { return s.ID == given[0].ID }) {
		t.Errorf("taken from a device that is disabled: %+v, before %+v", laptop.noiseSessions(bob), before)
	}
}
