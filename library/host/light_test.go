package host

import (
	"fmt"
	"testing"

	"libstatus1to1/chat"
	"libstatus1to1/chat/api"
)

// Two programs in light mode talk through two service nodes, and are told what that costs.
func TestLightOverTheAPI(t *testing.T) {
	one := startServiceNode(t)
	two := startServiceNode(t, one.Address())
	alice, bob := friends(t, fmt.Sprintf(`"preset":"local","mode":"light","peers":[%q,%q]`, one.Address(), two.Address()))
	for _, p := range []*person{alice, bob} {
		var status chat.NetworkStatus
		until(t, "two subscriptions", func() bool {
			status = result[chat.NetworkStatus](t, p.call("network.status", struct{}{}))
			return len(status.Subscriptions) == 2 && status.Subscriptions[0].WorkedAt > 0 && status.Subscriptions[1].WorkedAt > 0
		})
		if status.Mode != chat.ModeLight || status.State != chat.NetworkOnline || len(status.ListenAddresses) != 0 || !status.Peers[0].OnShard {
			t.Errorf("%+v", status)
		}
		d := result[api.Diagnostics](t, p.call("diagnostics.get", struct{}{}))
		if d.Traffic == nil || d.Traffic.BytesIn == 0 || d.Traffic.BytesOut == 0 || d.Traffic.Wakeups == 0 || d.Traffic.BytesPerHour == 0 ||
			d.OpenMS == 0 || d.LoopWakeups == 0 {
			t.Errorf("%+v", d)
		}
	}
	if one.RelayPeers("/waku/2/rs/16/32") != 1 {
		t.Error("a light client relays")
	}
}
