package host

import (
	"fmt"
	"testing"

	"libstatus1to1/chat/api"
	"libstatus1to1/chat/event"
)

// A memory network with store nodes delivers to clients that were closed meanwhile: a program
// can try that without a real network.
func TestOfflineMemoryNetwork(t *testing.T) {
	network := `"kind":"memory","memory":{"name":"offline","stores":2}`
	alice, bob := friends(t, network)
	bob.close()
	for i := range 5 {
		result[event.Message](t, alice.call("messages.send", map[string]any{"to": bob.key, "text": fmt.Sprint(i)}))
	}
	until(t, "everything being sent", func() bool { _, n := alice.messages(bob.key, "queued"); return n == 0 })
	alice.close()
	bob.open(network)
	until(t, "everything from the store", func() bool { texts, _ := bob.messages(alice.key, "received"); return len(texts) == 7 })
	result[api.Empty](t, bob.call("network.catch_up", map[string]any{}))
	until(t, "the end", func() bool {
		d := result[api.Diagnostics](t, bob.call("diagnostics.get", map[string]any{}))
		return d.CatchUp != nil && d.CatchUp.State == "done" && len(d.CatchUp.Nodes) == 2 && d.CatchUp.TopicsDone == d.CatchUp.TopicsTotal
	})
}
