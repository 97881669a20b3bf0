package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// window is how far the server is ahead of the acknowledgements: maxUnacked of package rpc.
const window = 1000

// send has a client write n messages.
func (s *server) send(client uint64, key string, n int) {
	s.t.Helper()
	for done := 0; done < n; {
		part := min(n-done, 200)
		var items []string
		for i := range part {
			items = append(items, fmt.Sprintf(`{"to":%q,"text":"%d"}`, key, done+i))
		}
		s.call(client, "messages.send_batch", `{"messages":[`+strings.Join(items, ",")+`]}`)
		done += part
	}
}

// know makes somebody a contact: of strangers only the first hundred messages are taken.
func (s *server) know(client uint64, key string) {
	s.t.Helper()
	s.call(client, "contacts.add", fmt.Sprintf(`{"key":%q}`, key))
}

// stored is the next stored event of a client, or nil if none comes for some time.
func (s *server) stored(client uint64) *received {
	for {
		select {
		case e := <-s.events:
			if e.Client == client && e.Seq > 0 {
				return &e
			}
		case <-time.After(500 * time.Millisecond):
			return nil
		}
	}
}

// Without acknowledgements the server stops sending, and goes on with them; nothing is
// missing and nothing comes twice.
func TestWindow(t *testing.T) {
	s := start(t)
	writer, writerKey := s.create(memory("window"))
	reader, key := s.create(memory("window"))
	s.know(reader, writerKey)
	s.send(writer, key, window+300)
	var last uint64
	count := func() (n int) {
		for {
			e := s.stored(reader)
			if e == nil {
				return n
			}
			if e.Seq <= last {
				t.Fatalf("event %d after %d", e.Seq, last)
			}
			last = e.Seq
			n++
		}
	}
	if n := count(); n != window {
		t.Fatalf("%d events without an acknowledgement", n)
	}
	s.call(reader, "events.ack", fmt.Sprintf(`{"up_to":%d}`, last-window/2))
	if n := count(); n < 300 || n > window/2 {
		t.Errorf("%d events after half were acknowledged", n)
	}
	s.write(fmt.Sprintf(`{"jsonrpc":"2.0","method":"events.ack","params":{"client":%d,"up_to":%d}}`, reader, last))
	s.call(reader, "close", "{}") // the closed event comes also if the window were full
	s.event("closed")
}

// A full window does not keep a host from closing, and what was not sent comes again.
func TestCloseWithAFullWindow(t *testing.T) {
	s := start(t)
	config := func(name string) string {
		return fmt.Sprintf(`{"store":{"path":%q,"passphrase":"p","kdf":{"memory_kib":64,"iterations":1,"parallelism":1}},"network":{"kind":"memory","memory":{"name":"full"}},"engine":{"ack_delay_ms":5}}`,
			filepath.Join(t.TempDir(), name))
	}
	writer, writerKey := s.create(memory("full"))
	settings := config("reader.db")
	reader, key := s.create(settings)
	s.know(reader, writerKey)
	s.send(writer, key, window+200)
	first := s.stored(reader)
	for range window - 1 {
		if s.stored(reader) == nil {
			t.Fatal("fewer events than fit the window")
		}
	}
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		var d struct {
			Unread int `json:"events_unread"`
		}
		if err := json.Unmarshal(s.call(reader, "diagnostics.get", "{}"), &d); err != nil || time.Now().After(deadline) {
			t.Fatalf("%+v, %v", d, err)
		}
		if d.Unread >= 200 {
			break
		}
	}
	s.call(reader, "close", "{}")
	s.event("closed")
	reader = s.open(settings)
	if again := s.stored(reader); again == nil || first == nil || again.Seq != first.Seq {
		t.Errorf("%+v, not %+v", again, first)
	}
}

// A host that does not read keeps the server from nothing but writing: it needs no more
// memory, ends at SIGTERM, and what was not read comes again.
func TestSlowReader(t *testing.T) {
	s := command(t)
	s.run()
	path := filepath.Join(t.TempDir(), "a.db")
	for _, line := range []string{
		`{"jsonrpc":"2.0","id":1,"method":"open","params":{"config":{"store":{"path":` + strconv.Quote(path) + `,"passphrase":"p","kdf":{"memory_kib":64,"iterations":1,"parallelism":1}},"network":{"kind":"memory"}}}}`,
		`{"jsonrpc":"2.0","id":2,"method":"open","params":{"config":` + memory("other") + `}}`,
	} {
		s.write(line)
	}
	// The schema has some 200 KB: its answers fill the pipe. Requests are written until the
	// server does not read them any more.
	blocked := make(chan int, 1)
	go func() {
		n := 0
		for ; n < 5000; n++ {
			if _, err := io.WriteString(s.in, `{"jsonrpc":"2.0","id":3,"method":"schema","params":{}}`+strings.Repeat(" ", 1000)+"\n"); err != nil {
				break
			}
		}
		blocked <- n
	}()
	select {
	case n := <-blocked:
		t.Fatalf("the server took %d requests", n)
	case <-time.After(500 * time.Millisecond):
	}
	if kib := resident(t, s.cmd.Process.Pid); kib > 150<<10 {
		t.Errorf("the server has %d KiB", kib)
	}
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	// The host reads again: all that was taken is answered, and the end is clean.
	go s.read()
	if code := s.exit(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if closed := s.event("closed"); closed.Client == 0 {
		t.Errorf("%+v", closed)
	}
}

// resident is the memory of a process in KiB; 0 where it cannot be told.
func resident(t *testing.T, pid int) int {
	if runtime.GOOS != "linux" {
		return 0
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	kib, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
	n, err := strconv.Atoi(kib)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// A host that closes its end of stdout is gone: the server closes the clients and ends.
func TestHostIsGone(t *testing.T) {
	s := command(t)
	out, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	s.cmd.Stdout = in
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.cmd.Process.Kill() })
	_, _ = in.Close(), out.Close()
	s.write(`{"jsonrpc":"2.0","id":1,"method":"info"}`)
	_ = s.cmd.Wait() // stdin is still open
	if code := s.cmd.ProcessState.ExitCode(); code != exitProtocol {
		t.Errorf("exit code %d", code)
	}
}

// Both signals end it as the end of stdin does.
func TestSignals(t *testing.T) {
	for _, signal := range []os.Signal{syscall.SIGTERM, syscall.SIGINT} {
		s := start(t)
		client := s.open(memory("signals"))
		_, waiting := s.ask(client, "network.wait", `{"peers":900,"deadline_ms":600000}`)
		s.call(client, "network.status", "{}")
		if err := s.cmd.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		if a := s.wait(waiting); a.Error == nil || a.Error.Data.Code != "closed" {
			t.Errorf("%+v", a)
		}
		if code := s.exit(); code != 0 || s.event("closed").Client != client {
			t.Errorf("%v: exit code %d", signal, code)
		}
	}
}
