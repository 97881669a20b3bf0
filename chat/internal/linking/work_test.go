package linking

import (
	"crypto/rand"
	"errors"
	"testing"
	"time"

	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/protocol/noise"
	"libstatus1to1/chat/protocol/noise/pairing"
	"libstatus1to1/store"
)

// refusing is a network that refuses topics until it is told otherwise.
type refusing struct {
	accepts bool
	calls   int
}

func (r *refusing) Subscribe(...string) error {
	if r.calls++; !r.accepts {
		return errors.New("refused")
	}
	return nil
}

func (r *refusing) Unsubscribe(...string) error { return r.Subscribe() }
func (*refusing) MaxPayload() int               { return 1 << 20 }

type silence struct{}

func (silence) Log(string, string, ...any) {}

// turnAt is a turn at a time, which is ended at once: nobody else is there.
func turnAt(now time.Time) *ledger.Turn {
	var lock ledger.Lock
	t := lock.Begin(func() (time.Time, bool) { return now, true })
	t.End()
	return t
}

// TestRefusedTopic: a topic that the network refuses is tried again after a pause; the
// loop does not turn without end meanwhile.
func TestRefusedTopic(t *testing.T) {
	net := &refusing{}
	l := New(Host{Topics: net, Rand: rand.Reader, Log: silence{}, Self: func() (Self, error) { return Self{}, errors.New("not needed") }})
	private, err := noise.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := time.UnixMilli(1_800_000_000_000)
	proto, err := pairing.Start(pairing.Config{Scope: noise.DefaultScope, Static: private, Nonces: true}, noise.WakuPairing, now, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	id := PairingID{1}
	l.pairings[id] = pairingEntry{id: id, state: Shown, createdAt: now, proto: &proto}
	l.relisten = true
	for try := 1; try <= 4; try++ {
		net.accepts = try == 4
		if err := l.Work(turnAt(now)); err != nil || net.calls != try {
			t.Fatalf("%d calls in turn %d, %v", net.calls, try, err)
		}
		due := l.Due(turnAt(now))
		if !due.After(now) {
			t.Fatalf("after turn %d the next one is due at once", try)
		}
		now = due
	}
	if !l.topics[proto.Topic()] || l.relisten {
		t.Error("the topic is not listened to")
	}
}

// TestLoadBesideCalls: an identity may come while a program asks for what needs no turn. The
// race detector sees whether they get into each other's way.
func TestLoadBesideCalls(t *testing.T) {
	l := New(Host{Topics: &refusing{}, Self: func() (Self, error) { return Self{}, errors.New("none yet") }})
	s := store.Memory()
	defer func() { _ = s.Close() }()
	loaded := make(chan error)
	go func() { loaded <- s.View(l.Load) }()
	_, offered := l.NewOffer("a name", []byte("bytes"))
	checked := s.View(func(tx port.Tx) error {
		return l.Check(ledger.NewWalk(t.Context(), tx, func(problem string) { t.Error(problem) }))
	})
	if err := errors.Join(offered, checked, <-loaded); err != nil {
		t.Error(err)
	}
}
