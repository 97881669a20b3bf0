package bench

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"sync"
	"testing"
	"time"

	"libstatus1to1/chat"
	"libstatus1to1/chat/protocol/key"
)

// The devices of BenchmarkWholeDevices: alice's, the first of which sends, and bob's.
const (
	aliceDevices = 3
	bobDevices   = 2
)

// devicesSay is how often devices publish their contact code here, by which others find them: one
// that came before another was there is not repeated for hours.
const devicesSay = 2 * time.Second

// BenchmarkWholeDevices is BenchmarkWhole between people with several devices, each with a store
// and a node: the time of a message until the program of each other device has taken it, and all
// receipts are back. The rows per-device are that by the devices that take part, against
// BenchmarkWhole by its two.
func BenchmarkWholeDevices(b *testing.B) {
	const synced = false
	how := modes[2]
	name := fmt.Sprintf("whole-devices/%d+%d/%s/%s", aliceDevices, bobDevices, how, syncName(synced))
	all := newDevices(b, synced)
	w := newStopwatch(b)
	for left := b.N; left > 0; left -= wholeChunk {
		n := min(left, wholeChunk)
		w.start()
		all[0].tellAll(all[1:], n, how)
		w.stop()
		settle(all...)
	}
	w.done(name, b.N)
	if recorded(name) {
		comparePerDevice.Do(func() { // at the end, when both rows are there
			whole := fmt.Sprintf("whole/%s/%s", how, syncName(synced))
			atEnd = append(atEnd, func() { perDevice(name, aliceDevices+bobDevices, whole) })
		})
	}
}

// comparePerDevice has the rows made once.
var comparePerDevice sync.Once

// perDevice records what a message costs each of n devices, against each of two.
func perDevice(name string, n float64, whole string) {
	if !recorded(whole) {
		return
	}
	one, two := "per-device/"+name, "per-device/"+whole
	record(share(two, whole, 2))
	record(share(one, name, n))
	comparesWith(one, two)
}

// share is the n-th part of a row.
func share(name, of string, n float64) row {
	c := costOf(of)()
	return row{Name: name, NsPerOp: c.wall / n, CPUNs: c.cpu / n}
}

// tellAll sends n messages to the last of others, which all of them take.
func (p *person) tellAll(others []*person, n int, how mode) {
	how.bytes = wholeBytes
	heard := make(chan struct{})
	for _, o := range others {
		go func() {
			o.hear(n)
			heard <- struct{}{}
		}()
	}
	p.sayAll(others[len(others)-1].key, n, how)
	for range others {
		<-heard
	}
	p.acknowledged()
}

// newDevices opens the devices of alice, then those of bob, all paired.
func newDevices(b *testing.B, synced bool) (all []*person) {
	b.Helper()
	set := wholeSettings()
	set.ContactCodeEvery = devicesSay
	for _, who := range []struct {
		name    string
		devices int
	}{{"alice", aliceDevices}, {"bob", bobDevices}} {
		k, err := key.Generate(rand.Reader)
		if err != nil {
			b.Fatal(err)
		}
		first := len(all)
		for i := range who.devices {
			p := relayed.openWhole(b, fmt.Sprintf("%s-%d", who.name, i), synced, set, all...)
			if _, err := p.ImportIdentity(context.Background(), k, who.name); err != nil {
				b.Fatal(err)
			}
			p.key = k.Public()
			if all = append(all, p); len(all) > 1 {
				online(all...)
			}
		}
		for _, p := range all[first:] {
			p.pairAll(who.devices)
		}
	}
	for _, p := range all { // everybody has heard everybody
		p.speak(all)
	}
	settle(all...)
	return all
}

// pairAll enables the other devices of the identity, n with this one, as they are found.
func (p *person) pairAll(n int) {
	p.b.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		devices, err := p.Devices()
		if err != nil {
			p.b.Fatal(err)
		}
		enabled := 0
		for _, d := range devices {
			if !d.Enabled {
				if _, err := p.EnableDevice(d.Installation); err != nil {
					p.b.Fatal(err)
				}
			}
			enabled++
		}
		if enabled == n {
			return
		}
	}
	p.b.Fatal("a device was not found")
}

// speak writes to the other person until all devices of both have it.
func (p *person) speak(all []*person) {
	p.b.Helper()
	for _, o := range all {
		if o.key == p.key {
			continue
		}
		m, err := p.Send(context.Background(), chat.SendRequest{To: o.key, Text: "everybody"})
		if err != nil {
			p.b.Fatal(err)
		}
		for _, d := range all {
			d.until("a message on all devices", func(chat.Diagnostics) bool {
				_, err := d.Message(mustID(p.b, m.ID))
				return err == nil
			})
		}
		return
	}
}

// mustID reads the id of a message.
func mustID(b *testing.B, text string) [32]byte {
	b.Helper()
	raw, err := hex.DecodeString(text[2:])
	if err != nil {
		b.Fatal(err)
	}
	return [32]byte(raw)
}
