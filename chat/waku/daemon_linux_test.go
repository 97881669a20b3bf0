package waku

import (
	"bytes"
	"context"
	"encoding/hex"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	ma "github.com/multiformats/go-multiaddr"

	"libstatus1to1/chat/port"
)

// daemonProgram builds go-waku's own program, the tool waku of go.mod, and returns its
// path. Go keeps what it has built.
func daemonProgram(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("go-waku's daemon takes a minute to build")
	}
	build := exec.Command("go", "tool", "-n", "waku")
	build.Env = append(os.Environ(), "GOFLAGS=-tags=gowaku_no_rln")
	var problems bytes.Buffer
	build.Stderr = &problems
	path, err := build.Output()
	if err != nil {
		t.Fatalf("go tool -n waku: %v\n%s", err, problems.String())
	}
	return strings.TrimSpace(string(path))
}

// startDaemon runs go-waku's daemon as a process that serves relay, filter and lightpush
// on our shard, and returns its multiaddress. It has no switch for asking NTP servers for
// the time, and goes on without an answer. Its address is given to it twice, because it
// would otherwise ask the router for a port.
func startDaemon(t *testing.T) string {
	t.Helper()
	program := daemonProgram(t)
	where := free(t)
	port, err := ma.StringCast(where).ValueForProtocol(ma.P_TCP)
	if err != nil {
		t.Fatal(err)
	}
	k := newKey(t)
	id, err := PeerID(k)
	if err != nil {
		t.Fatal(err)
	}
	daemon := exec.Command(program, "--address", "127.0.0.1", "--tcp-port", port, "--ext-multiaddr", where,
		"--nodekey", hex.EncodeToString(k.Bytes()), "--cluster-id", strconv.Itoa(DefaultCluster),
		"--pubsub-topic", settings{cluster: DefaultCluster}.pubsubTopic(DefaultShard),
		"--filter", "--lightpush", "--circuit-relay=false", "--min-relay-peers-to-publish", "0", "--ip-colocation-limit", "0")
	daemon.Dir = t.TempDir()
	daemon.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var said bytes.Buffer
	daemon.Stdout, daemon.Stderr = &said, &said
	if err := daemon.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = daemon.Process.Kill()
		_ = daemon.Wait()
		if t.Failed() {
			t.Logf("the daemon said:\n%s", said.String())
		}
	})
	return where + "/p2p/" + id
}

// untilThrough publishes a text again and again until it arrives: what comes to the daemon
// before it has heard of a subscription is lost. By lightpush it takes one message a second.
func untilThrough(t *testing.T, from, to *station, text string) port.Evidence {
	t.Helper()
	arrived := func() bool {
		return slices.ContainsFunc(to.allReceived(), func(e port.Envelope) bool { return string(e.Payload) == text })
	}
	var evidence port.Evidence
	var refused error
	for end := time.Now().Add(patience); !arrived(); time.Sleep(200 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%q did not come through; last %v", text, refused)
		}
		if e, err := from.Publish(context.Background(), envelope([]byte(text))); err == nil {
			evidence = e
		} else {
			refused = err
		}
	}
	return evidence
}

// Two nodes of ours that know only go-waku's daemon reach each other through it.
func TestDaemonRelays(t *testing.T) {
	address := startDaemon(t)
	a, b := start(t, Config{Peers: []string{address}}), start(t, Config{Peers: []string{address}})
	a.untilOnline(t)
	b.untilOnline(t)
	untilThrough(t, a, b, "through the daemon")
	untilThrough(t, b, a, "and back")
}

// A light node uses go-waku's daemon for filter and for lightpush 2: the daemon has no
// lightpush 3.
func TestLightDaemon(t *testing.T) {
	address := startDaemon(t)
	relay := start(t, Config{Peers: []string{address}})
	light := prepare(t, Config{Mode: ModeLight, Peers: []string{address}})
	light.settings.timing = fast
	light.start(t)
	relay.untilOnline(t)
	light.untilOnline(t)
	if e := untilThrough(t, light, relay, "by lightpush"); e.Kind != "lightpush" {
		t.Fatalf("published by %+v", e)
	}
	untilThrough(t, relay, light, "by filter")
}
