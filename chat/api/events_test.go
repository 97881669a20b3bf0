package api

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"libstatus1to1/chat"
	"libstatus1to1/chat/event"
)

func until(t *testing.T, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !condition(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("waited in vain")
		}
	}
}

// Closing wakes waiters and calls in flight; the stream ends with one event.
func TestCloseWakes(t *testing.T) {
	r := newTestRegistry()
	h := openTest(t, r, memoryConfig)
	must(t, r.Call(h, "identity.create", ""))
	events, calls := make(chan string, 8), make(chan string, 1)
	var started sync.WaitGroup
	for range 3 {
		started.Add(1)
		go func() {
			started.Done()
			for {
				response := r.NextEvent(h, -1)
				if !strings.Contains(response, `"seq":`) || strings.Contains(response, `"closed"`) {
					events <- response
					return
				}
			}
		}()
	}
	started.Add(1)
	go func() {
		started.Done()
		calls <- r.Call(h, "network.wait", `{"peers":900,"deadline_ms":600000}`)
	}()
	started.Wait()
	time.Sleep(50 * time.Millisecond) // most likely all wait now; the test holds either way
	var closers sync.WaitGroup
	for range 3 {
		closers.Add(1)
		go func() { defer closers.Done(); must(t, r.Close(h, false)) }()
	}
	closers.Wait()
	if a := decodeAnswer(t, <-calls); a.OK || (a.Error.Code != chat.CodeClosed && a.Error.Code != chat.CodeBadClient) {
		t.Errorf("the call in flight gave %+v", a)
	}
	ends := 0
	for range 3 {
		if a := decodeAnswer(t, <-events); a.OK {
			ends++
		} else if a.Error.Code != chat.CodeClosed && a.Error.Code != chat.CodeBadClient {
			t.Errorf("a waiter got %+v", a.Error)
		}
	}
	if ends != 1 {
		t.Errorf("%d closed events", ends)
	}
}

// The closed event waits for a reader that was busy while the client closed.
func TestClosedEventAfterClose(t *testing.T) {
	r := newTestRegistry()
	h := openTest(t, r, memoryConfig)
	must(t, r.Close(h, false))
	if e := nextOf(t, r, h, "closed"); e.Seq != 0 || string(e.Data) != `{"reason":"close"}` {
		t.Errorf("%+v", e)
	}
	mustFail(t, r.NextEvent(h, -1), chat.CodeBadClient, "client")
}

func TestCallbackAndReplacement(t *testing.T) {
	r := newTestRegistry()
	h := openTest(t, r, memoryConfig)
	var running, first, second, closed atomic.Int32
	count := func(n *atomic.Int32) func(string) {
		return func(response string) {
			if running.Add(1) != 1 {
				t.Error("two callbacks run at once")
			}
			time.Sleep(5 * time.Millisecond)
			if strings.Contains(response, `"type":"closed"`) {
				closed.Add(1)
			}
			n.Add(1)
			running.Add(-1)
		}
	}
	must(t, r.SetCallback(h, count(&first), false))
	other := openTest(t, r, memoryConfig)
	until(t, func() bool { return first.Load() > 0 })
	must(t, r.SetCallback(h, count(&second), false))
	if running.Load() == 1 && second.Load() == 0 && first.Load() == 0 {
		t.Error("setting did not wait")
	}
	before := first.Load()
	must(t, r.Close(other, false))
	until(t, func() bool { return second.Load() > 0 })
	if first.Load() != before {
		t.Error("the replaced callback was called")
	}
	must(t, r.Close(h, false))
	if closed.Load() != 1 || running.Load() != 0 {
		t.Errorf("%d closed events, %d running after close", closed.Load(), running.Load())
	}
}

// A callback may unset itself and may close its client.
func TestCallbackActsOnItself(t *testing.T) {
	r := newTestRegistry()
	h := openTest(t, r, memoryConfig)
	var calls atomic.Int32
	must(t, r.SetCallback(h, func(string) {
		if calls.Add(1) > 1 {
			t.Error("called after unsetting itself")
		}
		must(t, r.SetCallback(h, nil, true))
	}, false))
	openTest(t, r, memoryConfig)
	until(t, func() bool { return calls.Load() > 0 })
	done := make(chan struct{})
	must(t, r.SetCallback(h, func(response string) {
		if strings.Contains(response, `"type":"closed"`) {
			close(done)
			return
		}
		must(t, r.Close(h, true))
	}, false))
	openTest(t, r, memoryConfig)
	select {
	case <-done:
	case <-time.After(patience):
		t.Fatal("the callback that closes did not see the closed event")
	}
	must(t, r.Close(h, false))
}

func TestPanicInCallback(t *testing.T) {
	r := newTestRegistry()
	h := openTest(t, r, memoryConfig)
	must(t, r.SetCallback(h, func(string) { panic("boom") }, false))
	other := openTest(t, r, memoryConfig)
	until(t, func() bool { return !decodeAnswer(t, r.Call(h, "store.check", "")).OK })
	mustFail(t, r.Call(h, "store.check", ""), chat.CodeClosed, "")
	must(t, r.Close(h, false))
	must(t, r.Call(other, "store.check", ""))
}

// quietConfig is for a client that nobody else of the process meets.
const quietConfig = `{"store":{"kind":"memory"},"network":{"kind":"memory","memory":{"name":"quiet"}}}`

// A suspended store keeps its events, and a callback gets them after it is resumed.
func TestSuspendHoldsEvents(t *testing.T) {
	r := newTestRegistry()
	h := openTest(t, r, quietConfig)
	must(t, r.Call(h, "identity.create", ""))
	add := func(name string) { must(t, r.Call(h, "contacts.add", `{"key":"`+aKey+`","name":"`+name+`"}`)) }
	add("a")
	must(t, r.Call(h, "store.suspend", ""))
	if e := must(t, r.NextEvent(h, 0)); string(e) != "null" {
		t.Errorf("an event of a suspended store: %s", e)
	}
	must(t, r.Call(h, "store.resume", ""))
	nextOf(t, r, h, "contact_changed")

	entered, released := make(chan struct{}, 8), make(chan struct{})
	var changes, closed atomic.Int32
	must(t, r.SetCallback(h, func(response string) {
		entered <- struct{}{}
		<-released
		if strings.Contains(response, `"contact_changed"`) {
			changes.Add(1)
		}
		if strings.Contains(response, `"type":"closed"`) {
			closed.Add(1)
		}
	}, false))
	add("b")
	<-entered
	add("c")
	must(t, r.Call(h, "store.suspend", ""))
	close(released)
	until(t, func() bool { return changes.Load() == 1 })
	must(t, r.Call(h, "store.resume", ""))
	until(t, func() bool { return changes.Load() == 2 })
	must(t, r.Call(h, "store.suspend", ""))
	must(t, r.Close(h, false))
	if closed.Load() != 1 {
		t.Errorf("%d closed events", closed.Load())
	}
}

// Whatever gave way to others is named by an overflow event, also when such an event
// gave way itself.
func TestOverflowNamesAllThatIsLost(t *testing.T) {
	r := newTestRegistry()
	h := openTest(t, r, strings.TrimSuffix(quietConfig, "}")+`,"engine":{"max_events":16}}`)
	must(t, r.Call(h, "identity.create", ""))
	const changes = 200
	for i := range changes {
		must(t, r.Call(h, "contacts.add", fmt.Sprintf(`{"key":%q,"name":"%d"}`, aKey, i)))
	}
	known, seen := map[uint64]bool{}, uint64(0)
	for {
		var e *chat.DeliveredEvent
		if err := json.Unmarshal(must(t, r.NextEvent(h, 0)), &e); err != nil {
			t.Fatal(err)
		}
		if e == nil {
			break
		}
		known[e.Seq], seen = true, e.Seq
		if e.Type == "overflow" {
			var over event.Overflow
			if err := json.Unmarshal(e.Data, &over); err != nil {
				t.Fatal(err)
			}
			for seq := over.FromSeq; seq <= over.ToSeq; seq++ {
				known[seq] = true
			}
		}
	}
	if seen < changes || uint64(len(known)) != seen {
		t.Errorf("of %d events, %d were seen or named", seen, len(known))
	}
}

// A callback that takes itself away and then closes leaves the end of the stream to
// next_event.
func TestCallbackLeavesAndCloses(t *testing.T) {
	r := newTestRegistry()
	h := openTest(t, r, quietConfig)
	must(t, r.Call(h, "identity.create", ""))
	done := make(chan struct{})
	must(t, r.SetCallback(h, func(string) {
		must(t, r.SetCallback(h, nil, true))
		must(t, r.Close(h, true))
		close(done)
	}, false))
	_ = r.Call(h, "contacts.add", `{"key":"`+aKey+`"}`) // an earlier event may have closed the client
	<-done
	nextOf(t, r, h, "closed")
}
