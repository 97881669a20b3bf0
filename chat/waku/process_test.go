package waku

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"libstatus1to1/chat/port"
	"libstatus1to1/internal/cputime"
)

// What needs a process of its own is run by starting this test binary again with
// the variable childJob set; see TestMain.
const (
	childJob      = "STATUS1TO1_WAKU_TEST_CHILD"
	childDuration = "STATUS1TO1_WAKU_TEST_DURATION"
	// measureFor lengthens TestIdleCost, to measure: "20s".
	measureFor = "STATUS1TO1_WAKU_MEASURE"
)

// child does a job and tells the exit code. It says what it has to say on file
// descriptor 3.
func child(job string) int {
	t := &childT{}
	defer func() {
		if value := recover(); value != nil {
			fmt.Fprintln(os.NewFile(3, "report"), "failed:", value)
			os.Exit(1)
		}
	}()
	switch job {
	case "silent":
		beSilent(t)
	case "idle", "unreachable", "connected", "finding":
		idle(t, job)
	}
	for _, f := range t.cleanups {
		f()
	}
	return 0
}

// childT is the little of testing.TB that the helpers use, outside a test.
type childT struct {
	testing.TB
	cleanups []func()
}

func (*childT) Helper()                      {}
func (t *childT) Cleanup(f func())           { t.cleanups = append([]func(){f}, t.cleanups...) }
func (*childT) Fatal(args ...any)            { panic(fmt.Sprint(args...)) }
func (*childT) Fatalf(f string, args ...any) { panic(fmt.Sprintf(f, args...)) }
func (*childT) Error(args ...any)            { panic(fmt.Sprint(args...)) }
func (*childT) Errorf(f string, args ...any) { panic(fmt.Sprintf(f, args...)) }

// beSilent goes through everything that makes go-waku and libp2p complain.
func beSilent(t testing.TB) {
	a := start(t, Config{Listen: []string{"/ip4/0.0.0.0/tcp/0"}})
	used := prepare(t, Config{Listen: []string{a.port(t)}})
	if err := used.Start(context.Background(), used.hooks()); err == nil {
		t.Fatal("a port in use was taken")
	}
	id, err := PeerID(newKey(t))
	if err != nil {
		t.Fatal(err)
	}
	b := start(t, Config{Peers: []string{a.address(t), "/ip4/127.0.0.1/tcp/1/p2p/" + id, a.port(t) + "/p2p/" + id}})
	foreign := start(t, Config{Cluster: 99, Peers: []string{a.address(t)}})
	lost := start(t, offline(t, true))
	lost.until(t, "a look for peers", func() bool { return len(lost.logged) > 0 })
	short, cancel := context.WithTimeout(context.Background(), time.Second/2)
	defer cancel()
	if _, err := lost.settings.searchDiscv5(short, nil); err != nil {
		t.Fatal(err)
	}
	b.untilOnline(t)
	a.untilOnline(t)
	b.publish(t, envelope([]byte("hello")))
	a.untilReceived(t, []byte("hello"))
	_, _ = b.Publish(context.Background(), envelope(nil))
	foreign.until(t, "refusal", func() bool { return len(foreign.changes) > 1 })
	a.stop(t)
	b.until(t, "being offline", func() bool { return b.Status().State == port.NetworkOffline })
}

// idle runs one node that has nothing to do, and reports what that costs.
func idle(t testing.TB, job string) {
	length, err := time.ParseDuration(os.Getenv(childDuration))
	if err != nil {
		t.Fatal(err)
	}
	s := start(t, offline(t, job == "finding"))
	switch job {
	case "unreachable":
		id, err := PeerID(newKey(t))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Connect("/ip4/127.0.0.1/tcp/1/p2p/" + id); err != nil {
			t.Fatal(err)
		}
	case "connected":
		o := start(t, Config{Peers: []string{s.address(t)}})
		o.untilOnline(t)
	}
	time.Sleep(2 * time.Second)
	before := cputime.Used()
	time.Sleep(length)
	used := cputime.Used() - before
	fmt.Fprintf(os.NewFile(3, "report"), "%d %s\n", used.Microseconds(), resident(t))
}

// offline is a configuration that names ways to find peers, if asked to, of which none
// leads anywhere.
func offline(t testing.TB, finding bool) Config {
	if !finding {
		return Config{}
	}
	url, _ := tree(t, newKey(t))
	return Config{Trees: []string{url}, Nameserver: "127.0.0.1:1", Exchange: true, Discv5: true}
}

// resident is the process's resident memory, as the system words it.
func resident(t testing.TB) string {
	status, err := os.ReadFile("/proc/self/status")
	if errors.Is(err, os.ErrNotExist) {
		return "unknown"
	}
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if value, found := strings.CutPrefix(line, "VmRSS:"); found {
			return strings.Join(strings.Fields(value), "")
		}
	}
	return "unknown"
}

// runChild runs a job and gives what it wrote to standard output and error, and to
// descriptor 3.
func runChild(t *testing.T, job string, environment ...string) (output, report string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	var out, said bytes.Buffer
	command := exec.Command(self)
	command.Env = append(append(os.Environ(), childJob+"="+job), environment...)
	command.Stdout, command.Stderr, command.ExtraFiles = &out, &out, []*os.File{write}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	write.Close()
	if _, err := said.ReadFrom(read); err != nil {
		t.Fatal(err)
	}
	if err := command.Wait(); err != nil {
		t.Fatalf("%s: %v\n%s%s", job, err, said.String(), out.String())
	}
	return out.String(), said.String()
}

func TestNothingIsPrinted(t *testing.T) {
	if output, _ := runChild(t, "silent", "GOLOG_LOG_LEVEL=debug"); output != "" {
		t.Fatalf("written to standard output or error:\n%s", output)
	}
}

// A node that has nothing to do must not keep a processor busy. This is processor
// time, not time: a busy machine does not change it much. One that spins takes all.
func TestIdleCost(t *testing.T) {
	length := 4 * time.Second
	if text := os.Getenv(measureFor); text != "" {
		var err error
		if length, err = time.ParseDuration(text); err != nil {
			t.Fatal(err)
		}
	}
	for _, job := range []string{"idle", "unreachable", "connected", "finding"} {
		_, report := runChild(t, job, childDuration+"="+length.String())
		var microseconds int64
		var memory string
		if _, err := fmt.Sscan(report, &microseconds, &memory); err != nil {
			t.Fatalf("%q: %v", report, err)
		}
		used := time.Duration(microseconds) * time.Microsecond
		t.Logf("%s: %s of CPU in %s, %s resident", job, used, length, memory)
		if used > length/10 {
			t.Errorf("%s: %s of CPU in %s", job, used, length)
		}
	}
}
