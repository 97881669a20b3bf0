package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"testing"
)

// deliver has one client write to another, and waits until it knows that it arrived.
func deliver(t *testing.T, from, to *server, client uint64, key, text string) {
	t.Helper()
	from.call(client, "messages.send", fmt.Sprintf(`{"to":%q,"text":%q}`, key, text))
	if e := to.event("message_received"); e.text() != text {
		t.Fatalf("%q arrived, not %q", e.text(), text)
	}
	for {
		var state struct{ State string }
		if _ = json.Unmarshal(from.event("message_state").Data, &state); state.State == "delivered" {
			return
		}
	}
}

func TestTwoClientsInOneProcess(t *testing.T) {
	s := start(t)
	alice, aliceKey := s.create(memory("one"))
	bob, bobKey := s.create(memory("one"))
	if alice == bob {
		t.Fatal("both have one number")
	}
	deliver(t, s, s, alice, bobKey, "Hello Bob")
	deliver(t, s, s, bob, aliceKey, "Hello Alice 👋")
	s.call(bob, "close", "{}")
	if e := s.event("closed"); e.Client != bob || e.Seq != 0 {
		t.Errorf("%+v", e)
	}
	if code := s.fails(bob, "identity.get", "{}"); code != "bad_client" {
		t.Errorf("a closed client: %s", code)
	}
	s.call(bob, "close", "{}") // twice is no error
	s.call(alice, "identity.get", "{}")
}

// node is a configuration with a store in a file and a node on this machine.
func node(path, peers string) string {
	return fmt.Sprintf(`{"store":{"path":%q,"passphrase":"p","kdf":{"memory_kib":64,"iterations":1,"parallelism":1}},`+
		`"network":{"preset":"local","peers":[%s]},"engine":{"resend_base_ms":2000,"ack_delay_ms":20}}`, path, peers)
}

// address is where a client's node listens.
func (s *server) address(client uint64) string {
	s.t.Helper()
	var status struct {
		Addresses []string `json:"listen_addresses"`
	}
	if err := json.Unmarshal(s.call(client, "network.status", "{}"), &status); err != nil || len(status.Addresses) == 0 {
		s.t.Fatalf("%+v, %v", status, err)
	}
	return status.Addresses[0]
}

// Two processes chat over real nodes; one is killed in the middle and comes back.
func TestTwoProcessesAndAKill(t *testing.T) {
	directory := t.TempDir()
	a, b := start(t), start(t)
	alice, aliceKey := a.create(node(filepath.Join(directory, "a.db"), ""))
	config := node(filepath.Join(directory, "b.db"), fmt.Sprintf("%q", a.address(alice)))
	bob, bobKey := b.create(config)
	b.call(bob, "network.wait", `{"deadline_ms":30000}`)
	deliver(t, a, b, alice, bobKey, "one")
	deliver(t, b, a, bob, aliceKey, "two")

	b.call(bob, "messages.send", fmt.Sprintf(`{"to":%q,"text":"last words"}`, aliceKey))
	if err := b.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	b.exit()
	a.call(alice, "messages.send", fmt.Sprintf(`{"to":%q,"text":"are you there?"}`, bobKey))
	again := start(t)
	if code := again.fails(bob, "identity.get", "{}"); code != "bad_client" {
		t.Errorf("the number of another process: %s", code)
	}
	bob = again.open(config)
	// What Bob had not acknowledged comes again, then what is new.
	for _, want := range []string{"one", "are you there?"} {
		if e := again.event("message_received"); e.text() != want {
			t.Errorf("%q, not %q", e.text(), want)
		}
	}
	if e := a.event("message_received"); e.text() != "last words" {
		t.Errorf("%q", e.text())
	}
	again.call(bob, "close", "{}")
	for _, s := range []*server{a, again} {
		if err := s.in.Close(); err != nil {
			t.Error(err)
		}
		if code := s.exit(); code != 0 {
			t.Errorf("exit code %d", code)
		}
	}
}
