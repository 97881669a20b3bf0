package host

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"libstatus1to1/chat/api"
)

// usage is what could leak.
type usage struct{ goroutines, descriptors int }

func used() usage {
	u := usage{goroutines: runtime.NumGoroutine()}
	if entries, err := os.ReadDir("/proc/self/fd"); err == nil {
		u.descriptors = len(entries)
	}
	return u
}

// comesDown waits until no more is used than before. Goroutines that were told to
// end may take a moment.
func comesDown(t *testing.T, before usage) {
	t.Helper()
	now := used()
	for deadline := time.Now().Add(patience); now.goroutines > before.goroutines || now.descriptors > before.descriptors; now = used() {
		if time.Now().After(deadline) {
			stacks := make([]byte, 1<<16)
			t.Fatalf("%+v became %+v:\n%s", before, now, stacks[:runtime.Stack(stacks, true)])
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// live opens a client, uses what makes goroutines and descriptors, and closes it.
func live(t *testing.T, r *api.Registry, config string) {
	t.Helper()
	h, response := r.Open(config)
	if h == 0 {
		t.Fatal(response)
	}
	if fd := r.EventFD(h); fd < 0 {
		t.Error("no descriptor")
	}
	r.Call(h, "identity.create", "")
	r.SetCallback(h, func(string) {}, false)
	r.Call(h, "diagnostics.get", "")
	r.Close(h, false)
}

// Clients open and close again and again, of every kind, and some that cannot
// open: nothing stays.
func TestLeakOfClients(t *testing.T) {
	dir := t.TempDir()
	taken := filepath.Join(dir, "taken.db")
	file := `{"path":%q,"passphrase":"p","kdf":{"memory_kib":64,"iterations":1,"parallelism":1}}`
	log := fmt.Sprintf(`,"log":{"file":%q,"events":true}`, filepath.Join(dir, "x.log"))
	holder := NewRegistry()
	h, response := holder.Open(fmt.Sprintf(`{"store":`+file+`,"network":{"kind":"memory"}}`, taken))
	if h == 0 {
		t.Fatal(response)
	}
	defer holder.Close(h, false)
	for _, c := range []struct {
		kind, config string
		times        int
	}{
		{"memory", `{"store":{"kind":"memory"},"network":{"kind":"memory","memory":{"name":"leak"}}` + log + `}`, 100},
		{"file", fmt.Sprintf(`{"store":`+file+`,"network":{"kind":"memory","memory":{"name":"leak"}}}`, filepath.Join(dir, "a.db")), 20},
		{"external", `{"store":{"kind":"memory"},"network":{"kind":"external"}}`, 50},
		{"waku", `{"store":{"kind":"memory"},"network":{"listen":["/ip4/127.0.0.1/tcp/0"]}}`, 4},
		{"finding", `{"store":{"kind":"memory"},"network":{"preset":"status.prod","peers":[],"nameserver":"127.0.0.1:1"}}`, 4},
	} {
		t.Run(c.kind, func(t *testing.T) {
			r := NewRegistry()
			live(t, r, c.config) // what a process has once
			before := used()
			times := c.times
			if testing.Short() { // the race detector makes seed phrases slow
				times = min(times, 4)
			}
			for range times {
				live(t, r, c.config)
			}
			comesDown(t, before)
		})
	}
	t.Run("cannot open", func(t *testing.T) {
		r := NewRegistry()
		before := used()
		for range 20 {
			for _, config := range []string{
				fmt.Sprintf(`{"store":`+file+`,"network":{"kind":"memory"}`+log+`}`, taken),
				fmt.Sprintf(`{"store":`+file+`,"network":{"kind":"memory"}`+log+`}`, dir),
				`{"store":{"kind":"memory"},"network":{"listen":["/ip4/192.0.2.1/tcp/1"]}` + log + `}`,
			} {
				if h, response := r.Open(config); h != 0 {
					t.Errorf("%s opened: %s", config, response)
				}
			}
		}
		comesDown(t, before)
	})
}
