package api

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"libstatus1to1/chat"
)

// within fails the test when f does not return: what hangs for ever is to be seen.
func within(t *testing.T, what string, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	select {
	case <-done:
	case <-time.After(patience):
		t.Fatalf("%s hangs", what)
	}
}

// Two callbacks, each running, that act on each other's clients: whichever way they do
// it, neither waits for the other.
func TestCallbacksActOnEachOther(t *testing.T) {
	for name, act := range map[string]func(t *testing.T, r *Registry, other uint64){
		"close": func(t *testing.T, r *Registry, other uint64) { must(t, r.Close(other, true)) },
		"unset": func(t *testing.T, r *Registry, other uint64) { must(t, r.SetCallback(other, nil, true)) },
		"replace": func(t *testing.T, r *Registry, other uint64) {
			must(t, r.SetCallback(other, func(string) {}, true))
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newTestRegistry()
			var both, done sync.WaitGroup
			handles := []uint64{openTest(t, r, quietConfig), openTest(t, r, quietConfig)}
			both.Add(len(handles))
			done.Add(len(handles))
			for i, h := range handles {
				must(t, r.Call(h, "identity.create", ""))
				var once sync.Once
				must(t, r.SetCallback(h, func(string) {
					once.Do(func() {
						both.Done()
						both.Wait() // both are running
						act(t, r, handles[1-i])
						done.Done()
					})
				}, false))
				r.Call(h, "contacts.add", `{"key":"`+aKey+`"}`) // what comes of it the other callback may have ended
			}
			within(t, "acting in callbacks", done.Wait)
			for _, h := range handles {
				within(t, "closing", func() { must(t, r.Close(h, false)) })
			}
		})
	}
}

// A callback that another client's callback closed sees the rest of its events, the
// closed one last; without a callback they are left for next_event.
func TestClosedByAnotherCallback(t *testing.T) {
	r := newTestRegistry()
	a, b, silent := openTest(t, r, quietConfig), openTest(t, r, quietConfig), openTest(t, r, quietConfig)
	closed := make(chan struct{})
	must(t, r.SetCallback(b, func(response string) {
		if strings.Contains(response, `"type":"closed"`) {
			close(closed)
		}
	}, false))
	var once sync.Once
	must(t, r.SetCallback(a, func(string) {
		once.Do(func() { must(t, r.Close(b, true)); must(t, r.Close(silent, true)) })
	}, false))
	must(t, r.Call(a, "identity.create", ""))
	must(t, r.Call(a, "contacts.add", `{"key":"`+aKey+`"}`))
	within(t, "the closed event", func() { <-closed })
	until(t, func() bool { return r.find(silent) == nil })
	nextOf(t, r, silent, "closed")
	must(t, r.Close(a, false))
}

// A callback that does not return holds up who closes its client, or takes it away, for
// a bounded time only, and no other client. It is not called again.
func TestCallbackNeverReturns(t *testing.T) {
	for name, end := range map[string]func(r *Registry, h uint64) string{
		"close": func(r *Registry, h uint64) string { return r.Close(h, false) },
		"unset": func(r *Registry, h uint64) string { return r.SetCallback(h, nil, false) },
	} {
		t.Run(name, func(t *testing.T) {
			r := newTestRegistry()
			r.patience = 50 * time.Millisecond
			h, other := openTest(t, r, quietConfig), openTest(t, r, quietConfig)
			must(t, r.Call(h, "identity.create", ""))
			var calls atomic.Int32
			entered, release := make(chan struct{}, 1), make(chan struct{})
			must(t, r.SetCallback(h, func(string) {
				calls.Add(1)
				entered <- struct{}{}
				<-release
			}, false))
			must(t, r.Call(h, "contacts.add", `{"key":"`+aKey+`"}`))
			<-entered
			must(t, r.Call(h, "contacts.add", `{"key":"`+aKey+`","name":"b"}`))
			stuck := r.find(h).currentPump()
			within(t, name, func() { mustFail(t, end(r, h), chat.CodeTimeout, "") })
			within(t, "another client", func() {
				must(t, r.Call(other, "identity.create", ""))
				must(t, r.Call(other, "contacts.add", `{"key":"`+aKey+`"}`))
				nextOf(t, r, other, "contact_changed")
				must(t, r.Close(other, false))
			})
			left := map[string]string{"close": "closed", "unset": "contact_changed"}
			nextOf(t, r, h, left[name]) // what the callback did not get
			close(release)
			within(t, "the callback's thread", func() { <-stuck.done })
			if calls.Load() != 1 {
				t.Errorf("the callback was called %d times", calls.Load())
			}
			within(t, "closing", func() { must(t, r.Close(h, false)) })
		})
	}
}
