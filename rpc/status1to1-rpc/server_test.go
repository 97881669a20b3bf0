package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"libstatus1to1/chat/api"
)

// serve makes the program of the tests the server: a test starts itself anew with it.
const serve = "STATUS1TO1_RPC_SERVE"

func TestMain(m *testing.M) {
	if os.Getenv(serve) != "" {
		os.Exit(run(os.Args[1:]))
	}
	os.Exit(m.Run())
}

// patience is how long anything may take on a slow machine.
const patience = 30 * time.Second

// server is a running server and a host that speaks to it through pipes.
type server struct {
	t   *testing.T
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader

	mu      sync.Mutex
	next    int
	answers map[string]chan answer
	events  chan received
	passed  []received  // events that a test has passed over
	others  chan answer // answers to nothing that was asked
	ended   chan struct{}
}

// answer is a message of the server.
type answer struct {
	ID     json.RawMessage `json:"id"`
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
	Result json.RawMessage `json:"result"`
	Error  *struct {
		Code    int           `json:"code"`
		Message string        `json:"message"`
		Data    api.ErrorBody `json:"data"`
	} `json:"error"`
}

// received is an event.
type received struct {
	Client uint64          `json:"client"`
	Seq    uint64          `json:"seq"`
	Type   string          `json:"type"`
	Data   json.RawMessage `json:"data"`
}

// command is a server that is not started yet.
func command(t *testing.T, args ...string) *server {
	t.Helper()
	s := &server{t: t, cmd: exec.Command(os.Args[0], args...), answers: map[string]chan answer{},
		events: make(chan received, 1<<16), others: make(chan answer, 1<<10), ended: make(chan struct{})}
	s.cmd.Env = append(os.Environ(), serve+"=1")
	s.cmd.Stderr = os.Stderr
	in, err := s.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	s.in, s.out = in, bufio.NewReader(out)
	return s
}

// start starts a server whose messages are read as they come.
func start(t *testing.T, args ...string) *server {
	t.Helper()
	s := command(t, args...)
	s.run()
	go s.read()
	return s
}

func (s *server) run() {
	s.t.Helper()
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = s.cmd.Process.Kill(); _ = s.cmd.Wait() })
}

// read hands out messages until the server ends.
func (s *server) read() {
	defer close(s.ended)
	for {
		line, err := s.out.ReadString('\n')
		if err != nil {
			return
		}
		var batch []answer
		if strings.HasPrefix(line, "[") {
			err = json.Unmarshal([]byte(line), &batch)
		} else {
			batch = make([]answer, 1)
			err = json.Unmarshal([]byte(line), &batch[0])
		}
		if err != nil {
			s.t.Errorf("the server wrote %.200q", line)
			return
		}
		for _, a := range batch {
			s.deliver(a)
		}
	}
}

func (s *server) deliver(a answer) {
	if a.Method == "event" {
		var e received
		if err := json.Unmarshal(a.Params, &e); err != nil {
			s.t.Error(err)
		}
		s.events <- e
		return
	}
	s.mu.Lock()
	ch := s.answers[string(a.ID)]
	delete(s.answers, string(a.ID))
	s.mu.Unlock()
	if ch == nil {
		ch = s.others
	}
	ch <- a
}

// write writes a line as it is.
func (s *server) write(line string) {
	s.t.Helper()
	if _, err := io.WriteString(s.in, line+"\n"); err != nil {
		s.t.Errorf("writing to the server: %v", err)
	}
}

// ask writes a request and gives the channel on which its answer comes. params is an object
// without its last brace's client: it is added if client is not 0.
func (s *server) ask(client uint64, method, params string) (id string, ch chan answer) {
	s.t.Helper()
	s.mu.Lock()
	s.next++
	id, ch = fmt.Sprint(s.next), make(chan answer, 1)
	s.answers[id] = ch
	s.mu.Unlock()
	if client != 0 {
		params = fmt.Sprintf(`{"client":%d,%s`, client, strings.TrimPrefix(params, "{"))
		params = strings.Replace(params, ",}", "}", 1)
	}
	s.write(fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"method":%q,"params":%s}`, id, method, params))
	return id, ch
}

// wait waits for an answer.
func (s *server) wait(ch chan answer) answer {
	s.t.Helper()
	select {
	case a := <-ch:
		return a
	case <-s.ended:
		select {
		case a := <-ch:
			return a
		default:
			s.t.Fatal("the server has ended without an answer")
		}
	case <-time.After(patience):
		s.t.Fatal("no answer")
	}
	return answer{}
}

// call is the result of a method, which must succeed.
func (s *server) call(client uint64, method, params string) json.RawMessage {
	s.t.Helper()
	_, ch := s.ask(client, method, params)
	a := s.wait(ch)
	if a.Error != nil {
		s.t.Fatalf("%s %.200s: %+v", method, params, a.Error)
	}
	return a.Result
}

// fails is the code of a method that must fail.
func (s *server) fails(client uint64, method, params string) string {
	s.t.Helper()
	_, ch := s.ask(client, method, params)
	a := s.wait(ch)
	if a.Error == nil {
		s.t.Fatalf("%s %.200s succeeded", method, params)
	}
	if a.Error.Message != a.Error.Data.Message || a.Error.Code == 0 {
		s.t.Errorf("%+v", a.Error)
	}
	return string(a.Error.Data.Code)
}

// event is the next event of a type, of any client; others are kept for later.
func (s *server) event(kind string) received {
	s.t.Helper()
	for i, e := range s.passed {
		if e.Type == kind {
			s.passed = slices.Delete(s.passed, i, i+1)
			return e
		}
	}
	for timeout := time.After(patience); ; {
		select {
		case e := <-s.events:
			if e.Type == kind {
				return e
			}
			s.passed = append(s.passed, e)
		case <-timeout:
			s.t.Fatalf("no event %s", kind)
		}
	}
}

// open opens a client.
func (s *server) open(config string) uint64 {
	s.t.Helper()
	var opened api.OpenResult
	if err := json.Unmarshal(s.call(0, "open", `{"config":`+config+`}`), &opened); err != nil {
		s.t.Fatal(err)
	}
	return opened.Client
}

// create opens a client with a new identity, and gives its chat key.
func (s *server) create(config string) (client uint64, key string) {
	s.t.Helper()
	client = s.open(config)
	var created struct {
		Identity struct {
			ChatKey string `json:"chat_key"`
		} `json:"identity"`
	}
	if err := json.Unmarshal(s.call(client, "identity.create", "{}"), &created); err != nil || created.Identity.ChatKey == "" {
		s.t.Fatalf("%+v, %v", created, err)
	}
	return client, created.Identity.ChatKey
}

// exit waits until the server has ended, and gives its exit code.
func (s *server) exit() int {
	s.t.Helper()
	done := make(chan error, 1)
	go func() { <-s.ended; done <- s.cmd.Wait() }()
	select {
	case err := <-done:
		if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
			return exit.ExitCode()
		}
		return 0
	case <-time.After(patience):
		s.t.Fatal("the server does not end")
	}
	return -1
}

// memory is a configuration of tests that need no files and no network but the named one.
func memory(network string) string {
	return fmt.Sprintf(`{"store":{"kind":"memory"},"network":{"kind":"memory","memory":{"name":%q}},"engine":{"ack_delay_ms":5}}`, network)
}

// text is the text of a received message, quoted as JSON quotes it.
func (e received) text() string {
	var data struct {
		Message struct {
			Text string `json:"text"`
		} `json:"message"`
	}
	_ = json.Unmarshal(e.Data, &data)
	return data.Message.Text
}
