package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"libstatus1to1/chat"
	"libstatus1to1/chat/waku"
	"libstatus1to1/internal/servicenode"
	"libstatus1to1/store"
)

// lightChild, in the environment, makes this program the light client that is measured:
// its value are the addresses of service nodes, with spaces.
const lightChild = "STATUS1TO1_BENCH_LIGHT"

// lightFor, in the environment, is how long it is measured, in place of lightIdles: "1h".
const lightFor = "STATUS1TO1_BENCH_LIGHT_FOR"

// The child settles: it connects, subscribes, and catches up. Then it is measured for two
// rounds of pings.
const (
	lightSettles = time.Minute
	lightIdles   = 3 * time.Minute
)

// idleCost is what the child tells.
type idleCost struct {
	Bytes, Wakeups uint64
	LoopWakeups    uint64
	Seconds        float64
	Online         bool
}

// runLight is the child: one client in light mode, with a contact, idle.
func runLight() int {
	if err := beLight(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func beLight() error {
	length := lightIdles
	if text := os.Getenv(lightFor); text != "" {
		var err error
		if length, err = time.ParseDuration(text); err != nil {
			return err
		}
	}
	net, err := waku.New(waku.Config{Mode: waku.ModeLight, Peers: strings.Fields(os.Getenv(lightChild))})
	if err != nil {
		return err
	}
	st, err := store.Open(store.Options{Path: os.Getenv(nodeChild + "_STORE"), Key: masterKey})
	if err != nil {
		return err
	}
	c, err := chat.Open(context.Background(), chat.Options{Store: st, Transport: net})
	if err != nil {
		return err
	}
	defer c.Close()
	if _, _, err := c.CreateIdentity(context.Background(), 12, "phone"); err != nil {
		return err
	}
	if _, err := c.AddContact(keyNumber(1), ""); err != nil {
		return err
	}
	time.Sleep(lightSettles)
	before, err := c.Diagnostics()
	if err != nil {
		return err
	}
	time.Sleep(length)
	after, err := c.Diagnostics()
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(idleCost{
		Bytes:   after.Traffic.BytesIn + after.Traffic.BytesOut - before.Traffic.BytesIn - before.Traffic.BytesOut,
		Wakeups: after.Traffic.Wakeups - before.Traffic.Wakeups, LoopWakeups: after.LoopWakeups - before.LoopWakeups,
		Seconds: (after.Open - before.Open).Seconds(), Online: c.NetworkStatus().State == chat.NetworkOnline,
	})
}

// BenchmarkLight measures an idle client in light mode, with two service nodes, in a process
// of its own: what an hour of it would cost.
func BenchmarkLight(b *testing.B) {
	if b.N > 1 || recorded("light/idle") {
		return // once is enough: it takes minutes and its figures are steady
	}
	var addresses []string
	for range 2 {
		n, err := servicenode.Start(servicenode.Options{Listen: []string{"/ip4/127.0.0.1/tcp/0"}, Peers: addresses})
		if err != nil {
			b.Fatal(err)
		}
		defer n.Close()
		addresses = append(addresses, n.Address())
	}
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), lightChild+"="+strings.Join(addresses, " "), nodeChild+"_STORE="+filepath.Join(benchDir(b), "light.db"))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		b.Fatal(err)
	}
	var cost idleCost
	if err := json.Unmarshal(out, &cost); err != nil {
		b.Fatal(err)
	}
	if !cost.Online {
		b.Fatal("the client was not connected: an idle that proves nothing")
	}
	hours := cost.Seconds / time.Hour.Seconds()
	kib, wakeups := float64(cost.Bytes)/1024/hours, float64(cost.Wakeups)/hours
	b.ReportMetric(kib, "KiB/h")
	b.ReportMetric(wakeups, "wake-ups/h")
	b.Logf("the engine itself looked for work %.0f times an hour", float64(cost.LoopWakeups)/hours)
	record(row{Name: "light/idle", KiBPerHour: kib, WakeupsPerHour: wakeups})
}

// light is clients of two service nodes, which stay until the process ends.
var light = network{"light", func(b *testing.B, _ ...*waku.Node) *waku.Node {
	return newNode(b, waku.Config{Mode: waku.ModeLight, Peers: serviceNodes(b)})
}}

var serviceAddresses []string

// serviceNodes returns the addresses of two service nodes.
func serviceNodes(b *testing.B) []string {
	b.Helper()
	for len(serviceAddresses) < 2 {
		n, err := servicenode.Start(servicenode.Options{Listen: []string{"/ip4/127.0.0.1/tcp/0"}, Peers: serviceAddresses})
		if err != nil {
			b.Fatal(err)
		}
		atEnd = append(atEnd, func() { _ = n.Close() })
		serviceAddresses = append(serviceAddresses, n.Address())
	}
	return serviceAddresses
}

// BenchmarkWholeLight is BenchmarkWholeOne in light mode: lightpush to a service node, which
// relays it to another, and a push of that. The service nodes are in this process, too.
func BenchmarkWholeLight(b *testing.B) {
	each(b, "whole-light", modes[:1], func(b *testing.B, name string, _ mode, sync bool) {
		floorOfOne(b, name, light, sync)
		alice, bob := light.pair(b, sync, wholeSettings())
		runOne(b, name, alice, bob)
	})
}
