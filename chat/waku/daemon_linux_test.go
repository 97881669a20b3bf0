package waku

import (
	"bytes"
	"encoding/hex"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	ma "github.com/multiformats/go-multiaddr"
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

// Two nodes of ours that know only go-waku's daemon reach each other through it.
func TestDaemonRelays(t *testing.T) {
	address := startDaemon(t)
	a, b := start(t, Config{Peers: []string{address}}), start(t, Config{Peers: []string{address}})
	for _, s := range []*station{a, b} {
		s.untilOnline(t)
	}
	for _, way := range []struct {
		from, to *station
		text     string
	}{{a, b, "through the daemon"}, {b, a, "and back"}} {
		// What is published before the daemon has heard that the other one is on the shard
		// is lost.
		for end := time.Now().Add(patience); len(way.to.allReceived()) == 0; time.Sleep(50 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatal("nothing came through")
			}
			way.from.publish(t, envelope([]byte(way.text)))
		}
		way.to.untilReceived(t, []byte(way.text))
	}
}
