package noisechat

import (
	"crypto/rand"
	"slices"
	"testing"
	"time"

	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/noise"
	"libstatus1to1/chat/protocol/noise/noisepeer"
)

// What could not be done for somebody is put off with all else that is due to them: otherwise the
// loop would try it again without a pause.
func TestLater(t *testing.T) {
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	us, err := key.Generate(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	static, err := noise.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := noise.Issue(us, "ours", static.Public(), now, 24*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	self := noisepeer.Self{Static: static, Certificate: certificate}
	them, err := key.Generate(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	k := them.Public()
	peer, _, err := noisepeer.Peer{Identity: k}.Begin(self, "theirs", now, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := New(Options{ReadSelf: func() (noisepeer.Self, error) { return self, nil }, Now: func() time.Time { return now }, Wake: func() {}})
	c.peers[k], c.pending.unknown[k] = peer, true

	now = now.Add(time.Hour) // the handshake message is to go out again
	turn := &ledger.Turn{Now: now, Online: true}
	if got := c.People(now); !slices.Equal(got, []key.Public{k}) {
		t.Fatal("nothing is due, so this shows nothing")
	}
	at := now.Add(time.Minute)
	c.Later(k, c.Take(k), at)
	if got := c.People(now); len(got) > 0 {
		t.Error("it is done again at once")
	}
	if due := c.Due(turn); !due.Equal(at) {
		t.Errorf("it is due at %s, not at %s", due, at)
	}
	if got := c.People(at); !slices.Equal(got, []key.Public{k}) {
		t.Error("it is not done later")
	}
	c.Later(k, c.Take(k), at.Add(time.Hour))
	c.Queue(k, nil, []noisepeer.Outgoing{{}})
	if got := c.People(at); !slices.Equal(got, []key.Public{k}) {
		t.Error("what comes in between waits as well")
	}
}
