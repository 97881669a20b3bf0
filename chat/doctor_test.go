package chat_test

import (
	"context"
	"encoding/json"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"libstatus1to1/chat"
	"libstatus1to1/chat/chattest"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/external"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/chat/port"
	"libstatus1to1/store"
)

// examine returns the checks of a person by name.
func (p *person) examine() (chat.Health, map[string]chat.Check) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), patience)
	defer cancel()
	h, err := p.Examine(ctx)
	if err != nil {
		p.t.Fatal(err)
	}
	all := map[string]chat.Check{}
	for _, c := range h.Checks {
		all[c.Name] = c
	}
	return h, all
}

// expect fails the test unless a check has a result, and a word in its cause.
func (p *person) expect(check, result, word string) {
	p.t.Helper()
	h, all := p.examine()
	if c := all[check]; string(c.Result) != result || !strings.Contains(c.Cause, word) {
		p.t.Errorf("%s: %+v, want %s and %q", check, c, result, word)
	}
	if failed := result == "failed"; failed && (h.Healthy || h.Summary == "") {
		p.t.Errorf("%+v", h)
	}
}

// On a network that works nothing has failed, and what is published comes back.
func TestDoctorHealthy(t *testing.T) {
	net := memnet.New(memnet.Options{Stores: 2})
	var probes atomic.Int32
	net.Tap(func(e chat.Envelope) {
		if strings.HasPrefix(e.ContentTopic, "/libstatus1to1/") {
			probes.Add(1)
		}
	})
	alice := newPerson(t, "alice", net)
	newPerson(t, "bob", net)
	for range 2 {
		if h, all := alice.examine(); !h.Healthy || all["round_trip"].Result != chat.CheckPassed || all["store_peers"].Result != chat.CheckPassed {
			t.Errorf("%+v", h)
		}
	}
	if probes.Load() != 1 {
		t.Errorf("%d probes went out", probes.Load())
	}
}

func TestDoctorStates(t *testing.T) {
	alone := openPerson(t, "alone", store.Memory(), memnet.New(memnet.Options{}).Join(), fast)
	alone.expect("identity", "failed", "no identity")
	alone.expect("relay_peers", "failed", "no peers")
	if _, _, err := alone.CreateIdentity(context.Background(), 12, ""); err != nil {
		t.Fatal(err)
	}
	if err := alone.SuspendStore(); err != nil {
		t.Fatal(err)
	}
	alone.expect("store", "failed", "suspended")
	if err := alone.ResumeStore(); err != nil {
		t.Fatal(err)
	}
	alone.expect("store", "passed", "")
	_ = alone.Close()
	if _, err := alone.Examine(t.Context()); chat.CodeOf(err) != chat.CodeClosed {
		t.Error(err)
	}
}

// Store nodes that forget what they are given, or do not answer, are told from those that
// are not there.
func TestDoctorStores(t *testing.T) {
	for fault, word := range map[memnet.StoreFault]string{memnet.StoreEmpty: "does not have it", memnet.StoreFails: "503"} {
		synctest.Test(t, func(t *testing.T) { // the time that store nodes have passes at once
			net := memnet.New(memnet.Options{})
			net.AddStore(memnet.StoreOptions{Fault: fault})
			alice := newPerson(t, "alice", net)
			newPerson(t, "bob", net)
			alice.expect("round_trip", "failed", word)
		})
	}
	net := memnet.New(memnet.Options{})
	alice := newPerson(t, "alice", net)
	newPerson(t, "bob", net)
	alice.expect("round_trip", "skipped", "no store node")
}

// With a clock that is off by ten minutes the cause is named, once several people write.
func TestDoctorClockIsOff(t *testing.T) {
	net, ahead := memnet.New(memnet.Options{}), &chattest.Clock{}
	ahead.Advance(10 * time.Minute)
	c, err := chat.Open(context.Background(), chat.Options{Store: store.Memory(), Transport: net.Join(), Settings: fast, Clock: ahead})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	alice := &person{Client: c, t: t, name: "alice"}
	if _, _, err := alice.CreateIdentity(context.Background(), 12, "alice"); err != nil {
		t.Fatal(err)
	}
	var friends []*person
	for _, name := range []string{"bob", "carol", "dave"} {
		friends = append(friends, newPerson(t, name, net))
	}
	eventually(t, "envelopes on several topics", func() bool { // all share the first one
		for _, friend := range friends {
			friend.send(alice, "hello")
		}
		_, all := alice.examine()
		return all["clock"].Result != port.CheckSkipped
	})
	alice.expect("clock", "failed", "10m0s ahead of")
}

// What the program does not confirm is named.
func TestDoctorExternal(t *testing.T) {
	alice := openPerson(t, "alice", store.Memory(), external.New(external.Config{}), fast)
	if _, _, err := alice.CreateIdentity(context.Background(), 12, "alice"); err != nil {
		t.Fatal(err)
	}
	if h, all := alice.examine(); !h.Healthy || all["program"].Result != chat.CheckPassed || all["round_trip"].Result == chat.CheckPassed {
		t.Errorf("%+v", h)
	}
	if err := alice.SetOnline(false); err != nil {
		t.Fatal(err)
	}
	alice.expect("program", "failed", "cannot publish")
}

// Events of the network tell of changes only, whatever the transport reports.
func TestDoctorEventsOnChangeOnly(t *testing.T) {
	net := &repeating{Transport: memnet.New(memnet.Options{}).Join()}
	alice := openPerson(t, "alice", store.Memory(), net, fast)
	reports := []chat.NetworkChange{
		{State: chat.NetworkOnline, Peer: "x", Connected: true},
		{State: chat.NetworkOnline, Peer: "x", Connected: true, OnShard: true},
		{State: chat.NetworkOnline},
		{State: chat.NetworkOffline, Peer: "x"},
		{State: chat.NetworkOffline, Peer: "y", Static: true, Error: "refused"},
	}
	var told []string
	for _, report := range reports {
		for range 3 {
			net.hooks.Changed(report)
			for {
				ctx, cancel := context.WithCancel(t.Context())
				cancel() // what waits, and no more
				e, err := alice.NextEvent(ctx)
				if err != nil {
					t.Fatal(err)
				}
				if e == nil {
					break
				}
				told = append(told, e.Type+" "+string(e.Data))
			}
		}
	}
	want := 0
	for _, e := range told {
		switch kind, _, _ := strings.Cut(e, " "); kind {
		case (event.PeerChanged{}).Type(), (event.NetworkChanged{}).Type():
			want++
		}
	}
	if want != 6 { // four of peers, online, and offline
		all, _ := json.MarshalIndent(told, "", " ")
		t.Errorf("told: %s", all)
	}
}

// repeating is a transport whose reports the test makes.
type repeating struct {
	chat.Transport
	hooks chat.TransportHooks
}

func (r *repeating) Start(ctx context.Context, hooks chat.TransportHooks) error {
	r.hooks = hooks
	hooks.Changed = nil
	return r.Transport.Start(ctx, hooks)
}
