package chat_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"libstatus1to1/chat"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/store"
)

// lightTransport is a transport that says it is in light mode.
type lightTransport struct{ chat.Transport }

func (l lightTransport) Status() chat.NetworkStatus {
	s := l.Transport.Status()
	s.Mode = chat.ModeLight
	return s
}

// On a phone the loop of somebody who has a contact, and with whom nobody talks, looks for
// work a few times an hour: the rest of the budget of an idle hour is the node's
// (TestLightIdleHour in chat/waku).
func TestIdleLoopIsQuiet(t *testing.T) {
	const most = 10
	today := time.Now().Round(0)
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(today)) // synctest begins in 2000, and memnet when the process does
		net := memnet.New(memnet.Options{Seed: 12})
		open := func(name string, transport chat.Transport) *person {
			p := openPerson(t, name, store.Memory(), transport, chat.Settings{})
			if _, _, err := p.CreateIdentity(context.Background(), 12, name); err != nil {
				t.Fatal(err)
			}
			return p
		}
		alice, bob := open("alice", lightTransport{net.Join()}), open("bob", net.Join())
		for _, m := range []struct{ from, to *person }{{alice, bob}, {bob, alice}} {
			sent := m.from.send(m.to, "hello")
			m.from.waitState(sent.ID, "delivered")
		}
		wakeups := func() uint64 {
			d, err := alice.Diagnostics()
			if err != nil {
				t.Fatal(err)
			}
			return d.LoopWakeups
		}
		time.Sleep(10 * time.Minute) // what is late has been done
		before := wakeups()
		for hour := range 12 {
			time.Sleep(time.Hour)
			now := wakeups()
			t.Logf("hour %d: %d wake-ups", hour, now-before)
			if now-before > most {
				t.Errorf("hour %d: %d wake-ups", hour, now-before)
			}
			before = now
		}
		for _, p := range []*person{alice, bob} { // no goroutine may outlive the test
			if err := p.Close(); err != nil {
				t.Error(err)
			}
		}
	})
}
