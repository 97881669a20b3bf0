package chat_test

import (
	"math"
	"testing"
	"time"

	"libstatus1to1/chat"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/wire"
	"libstatus1to1/store"
)

// TestTimersAtExtremes: clocks, times and timers at their extremes erase nothing but the message
// they are in, and leave nothing that is never due.
func TestTimersAtExtremes(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 1})
	s := store.Memory()
	alice := openPerson(t, "alice", s, net.Join(), fast)
	if _, _, err := alice.CreateIdentity(t.Context(), 12, "alice"); err != nil {
		t.Fatal(err)
	}
	g := befriended(t, net, alice)
	before := g.text("before", nil)
	eventually(t, "the text", func() bool { _, err := alice.Message(before); return err == nil })
	ours := alice.sendRaw(g, "ours")
	for _, clock := range []uint64{1, 1 << 40, uint64(time.Now().UnixMilli()), 1 << 53, math.MaxInt64, math.MaxUint64} {
		for _, seconds := range []uint32{1, message.MaxExpiry, math.MaxUint32} {
			for _, timer := range []*wire.ExpiryTimer{nil, {Seconds: seconds, Clock: clock}, {Seconds: 1, Clock: math.MaxUint64}, {Clock: clock}} {
				cm := message.NewText(message.TextParams{Text: "timed", ChatID: g.to.Hex(), Clock: clock, Timestamp: math.MaxUint64})
				cm.ExpiresIn, cm.ExpiryTimer = seconds, timer
				g.say(wire.ApplicationMetadataMessage_CHAT_MESSAGE, cm)
			}
		}
	}
	last := g.text("the end", nil)
	eventually(t, "the end", func() bool { _, err := alice.Message(last); return err == nil })
	for _, id := range [][32]byte{before, ours} {
		if m, err := alice.Message(id); err != nil || m.ExpiresAt != 0 {
			t.Errorf("%+v, %v", m, err)
		}
	}
	page, err := alice.Messages(g.key(), chat.PageRequest{Limit: 200})
	if err != nil {
		t.Fatal(err)
	}
	latest := time.Now().Add((message.MaxExpiry + 60) * time.Second).UnixMilli()
	for _, m := range page.Items {
		if m.Text == "timed" && (m.ExpiresAt <= 0 || m.ExpiresAt > latest || m.SentAt < 0) {
			t.Errorf("%+v", m)
		}
	}
	// Our own timer is later than all of theirs.
	c, err := alice.SetTimer(g.key(), 3600)
	if err != nil || c.ExpiresIn != 3600 {
		t.Errorf("%+v, %v", c, err)
	}
	alice.sound()
}

// sendRaw sends a text to a raw peer.
func (p *person) sendRaw(g *rawPeer, text string) [32]byte {
	p.t.Helper()
	m, err := p.Send(p.t.Context(), chat.SendRequest{To: g.key(), Text: text})
	if err != nil {
		p.t.Fatal(err)
	}
	return mustID(p.t, m.ID)
}
