package host

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"libstatus1to1/chat"
	"libstatus1to1/internal/servicenode"
)

// examined returns the checks of a client by name.
func examined(t *testing.T, answer string) (chat.Health, map[string]chat.Check) {
	t.Helper()
	h, all := result[chat.Health](t, answer), map[string]chat.Check{}
	for _, c := range h.Checks {
		all[c.Name] = c
	}
	return h, all
}

// With real nodes: a store node that keeps what is published, one that forgets, one that
// refuses, and none at all, in both modes.
func TestDoctorRealNodes(t *testing.T) {
	serve := func(o servicenode.Options) *servicenode.Node {
		t.Helper()
		n, err := servicenode.Start(o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = n.Close() })
		return n
	}
	keeping := serve(servicenode.Options{})
	other := serve(servicenode.Options{Peers: []string{keeping.Address()}})
	forgetting := serve(servicenode.Options{Peers: []string{keeping.Address()}, Faults: servicenode.Faults{StoreDeaf: true}})
	refusing := serve(servicenode.Options{Peers: []string{keeping.Address()}, Faults: servicenode.Faults{StoreStatus: 429}})
	for _, c := range []struct {
		mode     string
		second   *servicenode.Node // beside the one that keeps
		deadline int               // ms; a node is given until then
		result   string
		word     string
	}{
		{"relay", other, 30_000, "passed", "all of 2"},
		{"light", other, 30_000, "passed", "all of 2"},
		{"relay", forgetting, 15_000, "warning", "does not have it"},
		{"light", refusing, 15_000, "warning", "429"},
	} {
		t.Run(c.mode+" "+c.word, func(t *testing.T) {
			t.Parallel() // most of it is waiting
			list, err := json.Marshal([]string{keeping.Address(), c.second.Address()})
			if err != nil {
				t.Fatal(err)
			}
			r := NewRegistry()
			h, response := r.Open(fmt.Sprintf(`{"store":{"kind":"memory"},"network":{"mode":%q,"peers":%s,"store_peers":%s}}`, c.mode, list, list))
			if h == 0 {
				t.Fatal(response)
			}
			defer r.Close(h, false)
			result[any](t, r.Call(h, "identity.create", ""))
			result[chat.NetworkStatus](t, r.Call(h, "network.wait", `{"peers":2,"deadline_ms":30000}`))
			health, all := examined(t, r.Call(h, "network.doctor", fmt.Sprintf(`{"deadline_ms":%d}`, c.deadline)))
			if check := all["round_trip"]; string(check.Result) != c.result || !strings.Contains(check.Cause, c.word) {
				t.Errorf("%+v", check)
			}
			want := []string{"relay_peers"}
			if c.mode == "light" {
				want = []string{"filter_peers", "lightpush_peers"}
			}
			for _, name := range append(want, "shard", "store_peers", "identity", "subscription") {
				if all[name].Result != chat.CheckPassed {
					t.Errorf("%s: %+v", name, all[name])
				}
			}
			if !health.Healthy || !slices.ContainsFunc(health.Checks, func(c chat.Check) bool { return c.Name == "version" }) {
				t.Errorf("%+v", health)
			}
		})
	}
}
