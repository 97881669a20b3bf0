package chat_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"strings"
	"testing"
	"time"

	"libstatus1to1/chat"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/store"
)

// agreeSim is a person with several devices, who do things on all of them at the same time.
type agreeSim struct {
	*simulation
	me, friend, other *simPerson
	// unheard are people without devices.
	unheard []key.Public
	done    map[string]int
	// apart: the devices do not have the same messages.
	apart bool
}

func newAgreeSim(t *testing.T, seed uint64, devices int) *agreeSim {
	s := &agreeSim{simulation: newSimulation(t, seed, 3, badNetwork), done: map[string]int{}}
	s.me, s.friend, s.other = s.people[0], s.people[1], s.people[2]
	for _, p := range s.people {
		n := 1
		if p == s.me {
			n = devices
		}
		for range n {
			s.enable(s.addDevice(p, &simDevice{wire: &deadWire{}}, store.Memory()))
		}
	}
	s.settle()
	for i := range byte(3) {
		k, err := key.ParsePrivate(append(make([]byte, 31), i+1))
		if err != nil {
			t.Fatal(err)
		}
		s.unheard = append(s.unheard, k.Public())
	}
	return s
}

// smallPicture is a picture of a colour.
func smallPicture(shade uint8) []byte {
	m := image.NewGray(image.Rect(0, 0, 8, 8))
	m.SetGray(1, 1, color.Gray{Y: shade})
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// act does something on a device. What its state does not allow is no failure of the
// simulation.
func (s *agreeSim) act(d *simDevice) {
	s.t.Helper()
	n := s.random.IntN(1000)
	friend, other := s.friend.public, s.other.public
	unheard := s.unheard[s.random.IntN(len(s.unheard))]
	anybody := []key.Public{friend, other, unheard}[s.random.IntN(3)]
	known := []key.Public{friend, other}[s.random.IntN(2)]
	blockable := []key.Public{other, unheard}[s.random.IntN(2)]
	text := fmt.Sprint("number ", n)
	actions := []struct {
		name string
		do   func() error
	}{
		{"name", func() error { _, err := d.AddContact(anybody, text); return err }},
		{"ask", func() error { _, err := d.RequestContact(context.Background(), known, text); return err }},
		{"accept", func() error { _, err := d.AcceptContact(known); return err }},
		{"decline", func() error { _, err := d.DeclineContact(known); return err }},
		{"retract", func() error { _, err := d.RetractContact(known); return err }},
		{"remove", func() error { return d.RemoveContact(anybody) }},
		{"block", func() error { _, err := d.BlockContact(blockable); return err }},
		{"unblock", func() error { _, err := d.UnblockContact(blockable); return err }},
		{"verify", func() error {
			number, err := d.SafetyNumber(anybody)
			if err != nil {
				return err
			}
			_, err = d.VerifyContact(anybody, number.SafetyNumber)
			return err
		}},
		{"unverify", func() error { _, err := d.UnverifyContact(anybody); return err }},
		{"profile name", func() error { _, err := d.SetProfile(chat.ProfileChange{DisplayName: &text}); return err }},
		{"bio", func() error { _, err := d.SetProfile(chat.ProfileChange{Bio: &text}); return err }},
		{"colour", func() error { c := n % 18; _, err := d.SetProfile(chat.ProfileChange{Color: &c}); return err }},
		{"picture", func() error {
			p := smallPicture(uint8(n))
			_, err := d.SetProfile(chat.ProfileChange{Picture: &p})
			return err
		}},
		{"no picture", func() error { p := []byte{}; _, err := d.SetProfile(chat.ProfileChange{Picture: &p}); return err }},
		{"device name", func() error {
			_, err := d.RenameDevice(s.me.devices[s.random.IntN(len(s.me.devices))].id, text)
			return err
		}},
		{"read", func() error { _, err := d.MarkRead(friend, nil); return err }},
		{"unread", func() error { _, err := d.MarkUnread(anybody); return err }},
		{"mute", func() error { _, err := d.MuteChat(anybody, n%2 == 0, 0); return err }},
		{"archive", func() error { _, err := d.ArchiveChat(anybody, n%2 == 0); return err }},
		{"draft", func() error { _, err := d.SetDraft(anybody, text); return err }},
		{"clear", func() error { _, err := d.ClearChat(friend); return err }},
		{"delete", func() error { _, err := d.DeleteChat(friend); return err }},
		{"timer", func() error { _, err := d.SetTimer(anybody, uint32(n%300)*86400); return err }},
	}
	a := actions[s.random.IntN(len(actions))]
	if err := a.do(); err == nil {
		s.done[a.name]++
	} else if code := chat.CodeOf(err); code != chat.CodeWrongState && code != chat.CodeBlocked && code != chat.CodeNotFound {
		s.fatalf("%s: %v", a.name, err)
	}
}

// dump is all that the devices of a person are to agree on.
func (s *agreeSim) dump(d *simDevice) string {
	s.t.Helper()
	people, err := d.Contacts(chat.PageRequest{Limit: chat.MaxPage})
	profile, profileErr := d.Profile()
	devices, devicesErr := d.Devices()
	if err := errors.Join(err, profileErr, devicesErr); err != nil {
		s.fatalf("%v", err)
	}
	var out bytes.Buffer
	line := func(what string, v any) {
		b, err := json.Marshal(v)
		if err != nil {
			s.fatalf("%v", err)
		}
		fmt.Fprintf(&out, "%s %s\n", what, b)
	}
	for _, c := range people.Items {
		line("contact", c)
	}
	line("profile", profile)
	names := map[string]string{}
	for _, other := range devices {
		names[other.Installation] = other.Name
	}
	line("devices", names)
	for _, k := range append([]key.Public{s.friend.public, s.other.public}, s.unheard...) {
		c, err := d.Chat(k)
		if err != nil {
			s.fatalf("%v", err)
		}
		c.LastMessage = nil
		if k != s.friend.public || s.apart { // what was said when one device had blocked them already is not on all
			c.Messages, c.Unread, c.Mentions, c.Request = 0, 0, 0, false
		}
		line("chat", c)
	}
	return out.String()
}

// agree waits until all devices say the same, and nothing is under way.
func (s *agreeSim) agree() {
	s.t.Helper()
	end := s.clock.Now().Add(longest)
	for n := 0; ; n++ {
		if n%64 == 0 && s.quiet() && s.same() == "" {
			return
		}
		if s.clock.Now().After(end) {
			s.fatalf("the devices do not agree:\n%s", s.same())
		}
		s.step()
	}
}

// same returns the dumps that differ, "" if none does.
func (s *agreeSim) same() string {
	first := s.dump(s.me.devices[0])
	for i, d := range s.me.devices[1:] {
		other := s.dump(d)
		if other == first {
			continue
		}
		only := func(a, b string) (lines []string) {
			for _, line := range strings.Split(a, "\n") {
				if !strings.Contains(b, line) {
					lines = append(lines, line)
				}
			}
			return lines
		}
		return fmt.Sprintf("device 0:\n%s\ndevice %d:\n%s", strings.Join(only(first, other), "\n"), i+1, strings.Join(only(other, first), "\n"))
	}
	return ""
}

// met reports whether each device addresses all others of its person.
func (s *agreeSim) met() bool {
	for _, d := range s.me.devices {
		if len(d.Addressed(s.me.public)) != len(s.me.devices)-1 {
			return false
		}
	}
	return true
}

// checked has all stores checked.
func (s *agreeSim) checked() {
	s.t.Helper()
	for _, d := range s.devices {
		if r, err := d.CheckStore(context.Background()); err != nil || len(r.Problems) > 0 {
			s.fatalf("%+v, %v", r, err)
		}
	}
}

// TestSimulationOwnDevices: whatever is done on three devices of a person at the same time, over
// a network that loses a fifth, while devices are cut off and restarted, all three come to the
// same.
func TestSimulationOwnDevices(t *testing.T) {
	seeds(t, 20, func(t *testing.T, seed uint64) {
		s := newAgreeSim(t, seed, 3)
		for range 4 {
			for range 12 {
				d := s.me.devices[s.random.IntN(3)]
				switch s.random.IntN(8) {
				case 0:
					d.wire.dead = !d.wire.dead
				case 1:
					s.restart(d)
				case 2:
					s.say(s.friend.devices[0], s.me)
				case 3:
					s.say(d, s.friend)
				default:
					s.act(d)
				}
				for range s.random.IntN(30) {
					s.step()
				}
			}
			for _, d := range s.me.devices {
				d.wire.dead = false
			}
			s.agree()
		}
		s.checked()
		for _, d := range s.me.devices { // and it is the same after a restart
			s.restart(d)
		}
		if differs := s.same(); differs != "" {
			s.fatalf("after a restart:\n%s", differs)
		}
	})
}

// TestSimulationNewOwnDevice: a device that is enabled later, or was away so long that what
// waited for it was given up, learns all that was done meanwhile.
func TestSimulationNewOwnDevice(t *testing.T) {
	seeds(t, 6, func(t *testing.T, seed uint64) {
		s := newAgreeSim(t, seed, 2)
		s.apart = true
		for range 30 {
			s.act(s.me.devices[s.random.IntN(2)])
			s.step()
		}
		s.agree()
		s.enable(s.addDevice(s.me, &simDevice{wire: &deadWire{}}, store.Memory()))
		s.until("the devices to know each other", s.met)
		s.agree()

		away := s.me.devices[s.random.IntN(3)]
		away.wire.dead = true
		for range 30 {
			s.act(s.me.devices[s.random.IntN(3)])
			s.step()
		}
		for range 30 {
			s.clock.advance(24 * time.Hour)
			for range 200 {
				s.step()
			}
		}
		away.wire.dead = false
		s.agree()
		s.checked()
	})
}
