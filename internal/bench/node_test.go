package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"libstatus1to1/chat"
	"libstatus1to1/chat/waku"
	"libstatus1to1/internal/cputime"
	"libstatus1to1/store"
)

// nodeChild, in the environment, makes this program the process that is measured:
// its value is the address of a peer.
const nodeChild = "STATUS1TO1_BENCH_NODE"

// The child settles, with connections and gossip's first rounds, and is measured then.
const (
	nodeSettles = 10 * time.Second
	nodeIdles   = 30 * time.Second
)

// idleness is what the child tells.
type idleness struct {
	RSSMiB, CPUPercent float64
	Online             bool
}

// openNode is a client with a relay node and a store on disk.
func openNode(path string, peers ...string) (*chat.Client, error) {
	net, err := waku.New(waku.Config{Listen: []string{"/ip4/127.0.0.1/tcp/0"}, Peers: peers})
	if err != nil {
		return nil, err
	}
	st, err := store.Open(store.Options{Path: path, Key: masterKey})
	if err != nil {
		return nil, err
	}
	c, err := chat.Open(context.Background(), chat.Options{Store: st, Transport: net})
	if err != nil {
		return nil, err
	}
	_, _, err = c.CreateIdentity(context.Background(), 12, "node")
	return c, err
}

// runNode is the child: one client, connected and idle.
func runNode() int {
	c, err := openNode(os.Getenv(nodeChild+"_STORE"), os.Getenv(nodeChild))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer c.Close()
	time.Sleep(nodeSettles)
	before := cputime.Used()
	time.Sleep(nodeIdles)
	used := cputime.Used() - before
	_ = json.NewEncoder(os.Stdout).Encode(idleness{
		RSSMiB: statusMiB("VmRSS:"), CPUPercent: 100 * used.Seconds() / nodeIdles.Seconds(),
		Online: c.NetworkStatus().State == chat.NetworkOnline,
	})
	return 0
}

// BenchmarkNode measures an idle client with a real node, connected to another, in a
// process of its own: memory, and processor time in percent of one core.
func BenchmarkNode(b *testing.B) {
	if runtime.GOOS != "linux" {
		b.Skip("reads /proc")
	}
	if b.N > 1 || recorded("node/idle") {
		return // once is enough: it takes 40 seconds and its figures are steady
	}
	dir := benchDir(b)
	peer, err := openNode(filepath.Join(dir, "peer.db"))
	if err != nil {
		b.Fatal(err)
	}
	defer peer.Close()
	addresses := peer.NetworkStatus().ListenAddresses
	if len(addresses) == 0 {
		b.Fatal("the peer listens nowhere")
	}
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), nodeChild+"="+addresses[0], nodeChild+"_STORE="+filepath.Join(dir, "child.db"))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		b.Fatal(err)
	}
	var idle idleness
	if err := json.Unmarshal(out, &idle); err != nil {
		b.Fatal(err)
	}
	if !idle.Online {
		b.Fatal("the node was not connected: an idle that proves nothing")
	}
	b.ReportMetric(idle.RSSMiB, "MiB-RSS")
	b.ReportMetric(idle.CPUPercent, "%-CPU")
	record(row{Name: "node/idle", RSSMiB: idle.RSSMiB, CPUPercent: idle.CPUPercent})
}
