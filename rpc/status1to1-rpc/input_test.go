package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"libstatus1to1/chat/api"
	"libstatus1to1/rpc"
)

// What is no request is answered as such, and the server goes on.
func TestGarbage(t *testing.T) {
	s := start(t)
	for _, line := range []string{"garbage", "{", "\x00\xff", "[]", "[1]", "{}", `{"jsonrpc":"2.0","id":"a"}`, "", "   ", "\r", `"` + strings.Repeat("\\", 1<<16)} {
		s.write(line)
	}
	s.call(0, "info", "{}")
	for range 8 {
		if a := <-s.others; a.Error == nil || a.Error.Code > -32600 || a.Error.Data.Code == "" {
			t.Errorf("%+v", a)
		}
	}
	select {
	case a := <-s.others:
		t.Errorf("one too many: %+v", a)
	default:
	}
}

// Half a line at the end is nothing; what was asked before it is answered.
func TestHalfALine(t *testing.T) {
	s := start(t)
	_, ch := s.ask(0, "info", "{}")
	if _, err := io.WriteString(s.in, `{"jsonrpc":"2.0","id":9,"method":"info"}`); err != nil {
		t.Fatal(err)
	}
	_ = s.in.Close()
	if a := s.wait(ch); a.Error != nil {
		t.Errorf("%+v", a.Error)
	}
	if code := s.exit(); code != 0 || len(s.others) > 0 {
		t.Errorf("exit code %d, %d answers too many", code, len(s.others))
	}
}

// The sizes a request may have are those of the C API; what is too long for any is passed
// over.
func TestLargeRequests(t *testing.T) {
	s := start(t)
	client, key := s.create(memory("large"))
	long := strings.Repeat("x", 1<<20)
	if code := s.fails(client, "contacts.add", fmt.Sprintf(`{"key":%q,"name":%q}`, key, long)); code != "bad_json" {
		t.Errorf("parameters above 1 MiB: %s", code)
	}
	if code := s.fails(client, "messages.send", fmt.Sprintf(`{"to":%q,"text":%q}`, key, long)); code == "bad_json" {
		t.Errorf("parameters that may be large: %s", code)
	}
	if code := s.fails(client, "pairing.send", fmt.Sprintf(`{"data":%q}`, strings.Repeat("A", api.MaxLargeRequest))); code != "transfer_too_large" {
		t.Errorf("a transfer that is too large: %s", code)
	}
	s.write(`{"jsonrpc":"2.0","id":1,"method":"` + strings.Repeat("x", rpc.MaxMessage) + `"}`)
	if a := s.wait(s.others); a.Error == nil || a.Error.Code != -32600 || string(a.ID) != "null" {
		t.Errorf("%+v", a)
	}
	s.call(client, "identity.get", "{}")
}

func TestBatch(t *testing.T) {
	s := command(t)
	s.run()
	lines := func(text string) string {
		s.write(text)
		line, err := s.out.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		return line
	}
	line := lines(`[{"jsonrpc":"2.0","id":1,"method":"info"},{"jsonrpc":"2.0","method":"info"},7,{"jsonrpc":"2.0","id":"b","method":"no.such"}]`)
	var all []answer
	if err := json.Unmarshal([]byte(line), &all); err != nil || len(all) != 3 {
		t.Fatalf("%s: %v", line, err)
	}
	got := map[string]int{}
	for _, a := range all {
		if a.Error != nil {
			got[string(a.ID)] = a.Error.Code
		} else {
			got[string(a.ID)] = 0
		}
	}
	if fmt.Sprint(got) != `map["b":-32601 1:0 null:-32600]` {
		t.Errorf("%v", got)
	}
	s.write(`[{"jsonrpc":"2.0","method":"info"}]`) // notifications only: no answer
	if line := lines(`{"jsonrpc":"2.0","id":5,"method":"schema"}`); !strings.HasPrefix(line, `{"jsonrpc":"2.0","id":5,"result":{"openrpc"`) {
		t.Errorf("%.100s", line)
	}
}

// In a batch too, the events of a client come after the answer to its open.
func TestOpenInABatch(t *testing.T) {
	s := command(t)
	s.run()
	defer time.AfterFunc(patience, func() { _ = s.cmd.Process.Kill() }).Stop()
	open := func(id int, config string) string {
		return fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"open","params":{"config":%s}}`, id, config)
	}
	// Each finds the other in the network, which is an event. The third takes longer: by then
	// they have some.
	slow := fmt.Sprintf(`{"store":{"path":%q,"passphrase":"p"},"network":{"kind":"memory"}}`, filepath.Join(t.TempDir(), "slow.db"))
	s.write("[" + open(1, memory("batch")) + "," + open(2, memory("batch")) + "," + open(3, slow) + "]")
	for i, begin := range []string{`[{"jsonrpc":"2.0","id":`, `{"jsonrpc":"2.0","method":"event"`} {
		line, err := s.out.ReadString('\n')
		if err != nil || !strings.HasPrefix(line, begin) {
			t.Fatalf("message %d: %.200s, %v", i, line, err)
		}
	}
}

// With headers the answers have headers too.
func TestHeadersAsInLSP(t *testing.T) {
	s := command(t)
	s.run()
	request := `{"jsonrpc":"2.0","id":1,"method":"info"}`
	_, _ = fmt.Fprintf(s.in, "Content-Length: %d\r\nContent-Type: application/vscode-jsonrpc; charset=utf-8\r\n\r\n%s", len(request), request)
	var length int
	if _, err := fmt.Fscanf(s.out, "Content-Length: %d\r\n\r\n", &length); err != nil {
		t.Fatal(err)
	}
	body := make([]byte, length)
	if _, err := io.ReadFull(s.out, body); err != nil || !json.Valid(body) {
		t.Fatalf("%s, %v", body, err)
	}
	_, _ = io.WriteString(s.in, "Content-Length: x\r\n\r\n")
	s.cmd.Stderr = nil
	rest, _ := io.ReadAll(s.out)
	if err := s.cmd.Wait(); !strings.Contains(string(rest), "-32700") || s.cmd.ProcessState.ExitCode() != exitProtocol {
		t.Errorf("%s, %v", rest, err)
	}
}

// Arguments: nothing secret can be one, so none but these are known, and none is repeated.
func TestArguments(t *testing.T) {
	for _, c := range []struct {
		arg, out string
		code     int
	}{{"--version", "status1to1-rpc 0.", 0}, {"--help", "Usage: ", 0}, {"hunter2", "", exitUsage}} {
		s := command(t, c.arg)
		var errors strings.Builder
		s.cmd.Stderr = &errors
		s.run()
		out, _ := io.ReadAll(s.out)
		_ = s.cmd.Wait()
		if code := s.cmd.ProcessState.ExitCode(); !strings.HasPrefix(string(out), c.out) || code != c.code || strings.Contains(errors.String(), "hunter2") {
			t.Errorf("%s: %d, %s%s", c.arg, code, out, errors.String())
		}
	}
}

// The log has methods and codes, and nothing that the host said.
func TestLogKeepsSecrets(t *testing.T) {
	s := command(t, "--log")
	log, err := os.CreateTemp(t.TempDir(), "log")
	if err != nil {
		t.Fatal(err)
	}
	s.cmd.Stderr = log
	s.run()
	go s.read()
	client, key := s.create(memory("hunter2"))
	s.fails(client, "hunter2", `{}`)
	s.fails(client, "messages.send", fmt.Sprintf(`{"to":%q,"text":"hunter2"}`, key))
	s.write("hunter2")
	s.write(`{"jsonrpc":"2.0","method":"hunter2","params":"x"}`)
	s.write(`{"jsonrpc":"2.0","method":"hunter2","params":{"client":0}}`)
	s.call(client, "identity.get", "{}")
	text, err := os.ReadFile(log.Name())
	if err != nil || !strings.Contains(string(text), "method=identity.create") || !strings.Contains(string(text), "code=self") {
		t.Errorf("%s, %v", text, err)
	}
	if strings.Contains(string(text), "hunter2") || strings.Contains(string(text), key) {
		t.Errorf("%s", text)
	}
}
