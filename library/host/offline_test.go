package host

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"libstatus1to1/chat/api"
	"libstatus1to1/chat/event"
	"libstatus1to1/internal/servicenode"
)

// offlinePatience bounds waits for what must happen; it is no measurement.
const offlinePatience = 60 * time.Second

// person is a client that is opened and closed again, always from the same file.
type person struct {
	t       *testing.T
	r       *api.Registry
	path    string
	network string
	handle  uint64
	key     string
}

func (p *person) open(network string) {
	p.t.Helper()
	handle, response := p.r.Open(fmt.Sprintf(`{"store":{"path":%q,"key":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="},
		"network":{%s},"engine":{"ack_delay_ms":20,"resend_base_ms":500}}`, p.path, network))
	if handle == 0 {
		p.t.Fatal(response)
	}
	p.handle = handle
	p.t.Cleanup(func() { p.r.Close(handle, false) })
}

func (p *person) close() {
	p.t.Helper()
	result[any](p.t, p.r.Close(p.handle, false))
}

func (p *person) call(method string, params any) string {
	p.t.Helper()
	b, err := json.Marshal(params)
	if err != nil {
		p.t.Fatal(err)
	}
	return p.r.Call(p.handle, method, string(b))
}

// messages are the texts of the conversation with somebody, oldest first, and how many of
// them are in a state.
func (p *person) messages(with, state string) (texts []string, inState int) {
	p.t.Helper()
	for cursor, more := "", true; more; more = cursor != "" {
		page := result[api.MessagesPage](p.t, p.call("messages.list", map[string]any{"key": with, "cursor": cursor, "limit": 200}))
		for _, m := range page.Items {
			texts = append(texts, m.Text)
			if string(m.State) == state {
				inState++
			}
		}
		cursor = page.Next
	}
	slices.Reverse(texts)
	return texts, inState
}

func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(offlinePatience); !done(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("waited in vain for ", what)
		}
	}
}

// friends are alice and bob, who are online and have each other's devices.
func friends(t *testing.T, network string) (alice, bob *person) {
	t.Helper()
	alice, bob = &person{}, &person{}
	for i, p := range []*person{alice, bob} {
		*p = person{t: t, r: NewRegistry(), path: filepath.Join(t.TempDir(), "store.db"), network: network}
		p.open(network)
		made := result[api.CreateIdentityResult](t, p.call("identity.create", map[string]any{"display_name": []string{"alice", "bob"}[i]}))
		p.key = made.Identity.ChatKey
	}
	for _, pair := range [][2]*person{{alice, bob}, {bob, alice}} {
		result[any](t, pair[0].call("contacts.add", map[string]any{"key": pair[1].key}))
		result[event.Message](t, pair[0].call("messages.send", map[string]any{"to": pair[1].key, "text": "hello"}))
	}
	for _, pair := range [][2]*person{{alice, bob}, {bob, alice}} {
		until(t, "hello", func() bool { _, n := pair[0].messages(pair[1].key, "delivered"); return n == 1 })
	}
	return alice, bob
}

// Bob was away while alice wrote, and she has left before he comes back. He has everything
// at once from two store nodes of which one lies or leaves things out.
func TestOfflineEverythingFromTheStore(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	lies := servicenode.Lies()
	for mode, faults := range map[string]servicenode.Faults{
		"light": {StoreLie: lies[random.IntN(len(lies))]},
		"relay": {StoreForgot: func(h servicenode.Hash) bool { return h[0]&1 == 0 }},
	} {
		t.Run(mode, func(t *testing.T) {
			t.Logf("faults %+v", faults.StoreLie)
			offlineEverything(t, mode, faults)
		})
	}
}

func offlineEverything(t *testing.T, mode string, faults servicenode.Faults) {
	honest := startServiceNode(t)
	lying := startServiceNode(t, honest.Address())
	peers := fmt.Sprintf(`"peers":[%q,%q]`, honest.Address(), lying.Address())
	alice, bob := friends(t, peers)
	bob.close()
	const written = 30
	want := []string{"hello", "hello"}
	for i := range written {
		text := fmt.Sprint("while you were away ", i)
		result[event.Message](t, alice.call("messages.send", map[string]any{"to": bob.key, "text": text}))
		want = append(want, text)
	}
	until(t, "everything being sent", func() bool { _, n := alice.messages(bob.key, "queued"); return n == 0 })
	alice.close()

	lying.SetFaults(faults)
	bob.open(peers + fmt.Sprintf(`,"mode":%q`, mode))
	var got []string
	until(t, "everything from the store", func() bool { got, _ = bob.messages(alice.key, "received"); return len(got) >= len(want) })
	if !slices.Equal(got, want) {
		t.Errorf("bob has\n%s", strings.Join(got, "\n"))
	}
}

func startServiceNode(t *testing.T, peers ...string) *servicenode.Node {
	t.Helper()
	n, err := servicenode.Start(servicenode.Options{Listen: []string{"/ip4/127.0.0.1/tcp/0"}, Peers: peers})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.Close() })
	return n
}
