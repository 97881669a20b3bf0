package host

import (
	"fmt"
	"slices"
	"testing"

	"libstatus1to1/chat/event"
)

// What two real store nodes have reads stored, with their names, and is delivered when bob
// is there again; in both modes.
func TestOfflineStoredByServiceNodes(t *testing.T) {
	for _, mode := range []string{"relay", "light"} {
		t.Run(mode, func(t *testing.T) {
			one := startServiceNode(t)
			two := startServiceNode(t, one.Address())
			network := fmt.Sprintf(`"peers":[%q,%q],"mode":%q`, one.Address(), two.Address(), mode)
			alice, bob := friends(t, network)
			bob.close()
			sent := result[event.Message](t, alice.call("messages.send", map[string]any{"to": bob.key, "text": "are you there?"}))
			var m event.Message
			until(t, "both store nodes having it", func() bool {
				m = result[event.Message](t, alice.call("messages.get", map[string]any{"message_id": sent.ID}))
				return m.State == "stored"
			})
			if e := m.Evidence; e == nil || e.Kind != "store" || e.Peers != len(e.Nodes) || len(e.Nodes) == 0 ||
				slices.ContainsFunc(e.Nodes, func(id string) bool { return id != one.ID() && id != two.ID() }) {
				t.Errorf("evidence %+v", m.Evidence)
			}
			alice.close()
			alice.open(network)
			if m := result[event.Message](t, alice.call("messages.get", map[string]any{"message_id": sent.ID})); m.State != "stored" {
				t.Errorf("%s after a restart", m.State)
			}
			bob.open(network)
			until(t, "its delivery", func() bool { _, n := alice.messages(bob.key, "delivered"); return n == 2 })
		})
	}
}
