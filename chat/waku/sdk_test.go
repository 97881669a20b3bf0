package waku

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"libstatus1to1/chat/port"
	"libstatus1to1/internal/servicenode"
)

// sdkModules names, in the environment, the folder with the modules of tests/node. `make
// node-test` fills it with npm.
const sdkModules = "STATUS1TO1_NODE_MODULES"

// sdk is a light node of @waku/sdk in a process of its own; see tests/node/foreign.mjs.
type sdk struct {
	t      *testing.T
	in     io.WriteCloser
	lines  chan sdkLine
	last   int
	pushed []sdkMessage
}

// sdkMessage is a message as the SDK sees it. Hash is the message hash that it computes.
type sdkMessage struct {
	Topic   string
	Payload []byte
	Hash    string
}

type sdkLine struct {
	Ready    string
	ID       int
	Error    string
	Messages []sdkMessage
	Pushed   *sdkMessage
}

// startSDK starts the SDK, connected to a service node.
func startSDK(t *testing.T, n *servicenode.Node) *sdk {
	t.Helper()
	modules := os.Getenv(sdkModules)
	if modules == "" {
		t.Skip("make node-test runs this, where there is Node and the npm registry")
	}
	web := n.Addresses()[slices.IndexFunc(n.Addresses(), func(a string) bool { return strings.Contains(a, "/ws/") })]
	command := exec.Command("node", filepath.Join("..", "..", "tests", "node", "foreign.mjs"), web, fmt.Sprint(DefaultCluster), fmt.Sprint(DefaultShard))
	command.Env = append(os.Environ(), "NODE_MODULES="+modules)
	var errors bytes.Buffer
	command.Stderr = &errors
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	s := &sdk{t: t, lines: make(chan sdkLine, 100)}
	if s.in, err = command.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // it ends when its input does, also when this process dies
		_ = command.Process.Kill()
		_ = command.Wait()
		if t.Failed() {
			t.Logf("the SDK said:\n%s", errors.String())
		}
	})
	go s.read(out)
	s.until("being connected", func(l sdkLine) bool { return l.Ready != "" })
	return s
}

func (s *sdk) read(out io.Reader) {
	defer close(s.lines)
	for lines := bufio.NewScanner(out); lines.Scan(); {
		var l sdkLine
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			l.Error = lines.Text()
		}
		s.lines <- l
	}
}

// until takes lines until one is what the test waits for.
func (s *sdk) until(what string, found func(sdkLine) bool) sdkLine {
	s.t.Helper()
	timeout := time.After(patience)
	for {
		select {
		case l, ok := <-s.lines:
			switch {
			case !ok:
				s.t.Fatalf("the SDK ended while it was to be asked for %s", what)
			case l.Error != "":
				s.t.Fatalf("the SDK: %s", l.Error)
			case l.Pushed != nil:
				s.pushed = append(s.pushed, *l.Pushed)
			}
			if found(l) {
				return l
			}
		case <-timeout:
			s.t.Fatalf("waited in vain for %s of the SDK", what)
		}
	}
}

// do lets the SDK do something, and returns its answer.
func (s *sdk) do(what string, payload []byte) sdkLine {
	s.t.Helper()
	s.last++
	b, err := json.Marshal(map[string]any{"id": s.last, "do": what, "topic": topic, "payload": payload})
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := s.in.Write(append(b, '\n')); err != nil {
		s.t.Fatal(err)
	}
	id := s.last
	return s.until(what, func(l sdkLine) bool { return l.ID == id })
}

// sdkNetwork is a node of ours and the SDK, which know only the same service node.
func sdkNetwork(t *testing.T) (*servicenode.Node, *station, *sdk) {
	t.Helper()
	n, err := servicenode.Start(servicenode.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.Close() })
	foreign := startSDK(t, n)
	s := start(t, Config{Peers: []string{n.Address()}})
	s.untilOnline(t)
	s.until(t, "the service node's knowing it", func() bool { return n.RelayPeers(n.PubsubTopics()[0]) > 0 })
	return n, s, foreign
}

// unencrypted is an envelope of version 0: js-waku's own decoder opens no other.
func unencrypted(text string) port.Envelope {
	e := envelope([]byte(text))
	e.Version = 0
	return e
}

// What js-waku publishes by lightpush reaches us by relay, and what we publish by relay
// reaches it by filter. It computes the same message hash as the service node.
func TestSDKLightpushAndFilter(t *testing.T) {
	n, s, foreign := sdkNetwork(t)
	foreign.do("subscribe", nil)
	foreign.do("push", []byte("from js-waku"))
	s.untilReceived(t, []byte("from js-waku"))
	s.publish(t, unencrypted("to js-waku"))
	heard := foreign.until("our envelope", func(l sdkLine) bool {
		return l.Pushed != nil && string(l.Pushed.Payload) == "to js-waku"
	})
	hash, err := hex.DecodeString(heard.Pushed.Hash)
	if err != nil || len(hash) != len(servicenode.Hash{}) || !n.Archive().Has(servicenode.Hash(hash)) {
		t.Fatalf("the service node has no message with the hash %q", heard.Pushed.Hash)
	}
	if n.Asked(servicenode.LightpushV2) == 0 || n.Asked(servicenode.Filter) == 0 {
		t.Fatal("it used other protocols")
	}
}

// What we have published while js-waku was not there it gets from the store.
func TestSDKStore(t *testing.T) {
	n, s, foreign := sdkNetwork(t)
	for i := range 3 {
		s.publish(t, unencrypted(fmt.Sprint("stored ", i)))
	}
	s.until(t, "the archive", func() bool { return n.Archive().Count() == 3 })
	var texts []string
	for _, m := range foreign.do("query", nil).Messages {
		texts = append(texts, string(m.Payload))
	}
	if want := []string{"stored 0", "stored 1", "stored 2"}; !slices.Equal(texts, want) {
		t.Fatalf("%q, not %q", texts, want)
	}
	if n.Asked(servicenode.Store) == 0 {
		t.Fatal("it did not ask the store")
	}
}
