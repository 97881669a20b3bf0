package main

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// Ten thousand calls that do not wait for each other are answered, and take effect, in their
// order.
func TestManyCallsInOrder(t *testing.T) {
	s := start(t)
	client, key := s.create(memory("order"))
	_ = key
	const calls = 10000
	answers := make([]chan answer, calls)
	var last atomic.Int64
	go func() { // a host that writes without reading would block itself
		for i := range answers {
			_, ch := s.ask(client, "identity.set_display_name", fmt.Sprintf(`{"display_name":"%d"}`, i))
			answers[i] = ch
			last.Store(int64(i) + 1)
		}
	}()
	for i := range answers {
		for last.Load() <= int64(i) {
			time.Sleep(time.Millisecond)
		}
		var identity struct {
			Name string `json:"display_name"`
		}
		a := s.wait(answers[i])
		if err := json.Unmarshal(a.Result, &identity); err != nil || identity.Name != strconv.Itoa(i) {
			t.Fatalf("answer %d: %s, %+v", i, a.Result, a.Error)
		}
	}
}

// A call that waits does not hold up the others; it can be cancelled, before it has begun too.
func TestCancel(t *testing.T) {
	s := start(t)
	client := s.open(memory("cancel"))
	id, waiting := s.ask(client, "network.wait", `{"peers":900,"deadline_ms":600000}`)
	s.call(client, "network.status", "{}")
	select {
	case a := <-waiting:
		t.Fatalf("it did not wait: %+v", a)
	case <-time.After(50 * time.Millisecond):
	}
	s.write(`{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":` + id + `}}`)
	if a := s.wait(waiting); a.Error == nil || a.Error.Code != -32800 || a.Error.Data.Code != "cancelled" {
		t.Errorf("%+v", a)
	}
	s.call(0, "$/cancelRequest", `{"id":"never"}`)
}

// Waiting calls have a limit of their own, and closing a client ends them.
func TestWaitingIsBounded(t *testing.T) {
	s := start(t)
	client := s.open(memory("bounded"))
	var waiting []chan answer
	for range 64 {
		_, ch := s.ask(client, "network.wait", `{"peers":900,"deadline_ms":600000}`)
		waiting = append(waiting, ch)
	}
	if code := s.fails(client, "network.wait", `{"peers":900,"deadline_ms":600000}`); code != "too_many" {
		t.Errorf("the 65th: %s", code)
	}
	s.call(client, "close", "{}")
	for _, ch := range waiting {
		if a := s.wait(ch); a.Error == nil || a.Error.Data.Code != "closed" && a.Error.Data.Code != "bad_client" {
			t.Errorf("%+v", a)
		}
	}
}

// What was written before close is done before it.
func TestCloseTakesItsTurn(t *testing.T) {
	s := start(t)
	client, _ := s.create(memory("turn"))
	var sent []chan answer
	for i := range 50 {
		_, ch := s.ask(client, "identity.set_display_name", fmt.Sprintf(`{"display_name":"%d"}`, i))
		sent = append(sent, ch)
	}
	_, closing := s.ask(client, "close", "{}")
	_, after := s.ask(client, "identity.get", "{}")
	for _, ch := range sent {
		if a := s.wait(ch); a.Error != nil {
			t.Fatalf("%+v", a.Error)
		}
	}
	if a := s.wait(closing); a.Error != nil || string(a.Result) != "null" {
		t.Errorf("%+v", a)
	}
	if a := s.wait(after); a.Error == nil || a.Error.Data.Code != "bad_client" {
		t.Errorf("%+v", a)
	}
}

// The event closed comes before the answer to close, and events after that to open.
func TestFirstAndLastMessage(t *testing.T) {
	for range 20 {
		s := command(t)
		s.run()
		defer time.AfterFunc(patience, func() { _ = s.cmd.Process.Kill() }).Stop()
		line := func() string {
			text, err := s.out.ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			return text
		}
		s.write(`{"jsonrpc":"2.0","id":"o","method":"open","params":{"config":` + memory("ends") + `}}`)
		var opened struct{ Result struct{ Client uint64 } }
		if err := json.Unmarshal([]byte(line()), &opened); err != nil || opened.Result.Client == 0 {
			t.Fatalf("%+v, %v", opened, err)
		}
		s.write(fmt.Sprintf(`{"jsonrpc":"2.0","id":"c","method":"close","params":{"client":%d}}`, opened.Result.Client))
		before := ""
		for text := line(); !strings.HasPrefix(text, `{"jsonrpc":"2.0","id":"c"`); text = line() {
			before = text
		}
		if !strings.Contains(before, `"type":"closed"`) {
			t.Fatalf("before the answer came %q", before)
		}
		_ = s.in.Close()
	}
}
