package host

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"libstatus1to1/chat"
	"libstatus1to1/chat/api"
	"libstatus1to1/chat/enum"
	"libstatus1to1/chat/waku"
)

func parse(t *testing.T, text string) api.Config {
	t.Helper()
	c, err := api.ParseConfig(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return c
}

func TestOpenMakesWhatIsNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	key := "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
	for _, c := range []struct{ config, store, network string }{
		{`{"store":{"kind":"memory"},"network":{"kind":"memory","memory":{"name":"named","seed":3,"loss":0.5}}}`, "memory", "memory"},
		{`{"store":{"kind":"memory"},"network":{"listen":["/ip4/127.0.0.1/tcp/0"]}}`, "memory", "waku"},
		{`{"store":{"kind":"memory"},"network":{"kind":"external","max_message_size":20000}}`, "memory", "external"},
		{`{"store":{"kind":"memory"},"network":{"cluster":2,"shard":7,"max_message_size":20000}}`, "memory", "waku"},
		{fmt.Sprintf(`{"store":{"path":%q,"passphrase":"p","kdf":{"memory_kib":64,"iterations":1,"parallelism":1}},"network":{"kind":"memory"}}`, path), "file", "memory"},
		{fmt.Sprintf(`{"store":{"path":%q,"key":%q},"network":{"kind":"memory"}}`, path+"2", key), "file", "memory"},
	} {
		o, err := Open(context.Background(), parse(t, c.config))
		if err != nil {
			t.Errorf("%s: %v", c.config, err)
			continue
		}
		if s, n := o.Store.Info().Kind, o.Transport.Status().Kind; string(s) != c.store || string(n) != c.network {
			t.Errorf("%s gave %s and %s", c.config, s, n)
		}
		if strings.Contains(c.config, `"shard":7`) && o.Transport.PubsubTopic() != "/waku/2/rs/2/7" {
			t.Errorf("pubsub topic %s", o.Transport.PubsubTopic())
		}
		if strings.Contains(c.config, "20000") && o.Transport.MaxPayload() > 20000 {
			t.Errorf("payloads up to %d", o.Transport.MaxPayload())
		}
		_, _ = o.Transport.Stop(), o.Store.Close()
	}
}

func TestOpenNamesTheField(t *testing.T) {
	if _, err := Open(context.Background(), parse(t, `{"store":{"kind":"memory"},"network":{"kind":"memory","memory":{"name":"mine","seed":1}}}`)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		config, field string
		code          chat.Code
	}{
		{`{"store":{"kind":"memory"},"network":{"kind":"memory","memory":{"name":"mine","seed":2}}}`, "network.memory", chat.CodeBadConfig},
		{`{"store":{"kind":"memory"},"network":{"listen":["nonsense"]}}`, "network.listen", chat.CodeBadAddress},
		{`{"store":{"kind":"memory"},"network":{"peers":["/ip4/127.0.0.1/tcp/1"]}}`, "network.peers[0]", chat.CodeBadAddress},
		{`{"store":{"kind":"memory"},"network":{"preset":"local","peers":["x"]}}`, "network.peers[0]", chat.CodeBadAddress},
		{`{"store":{"kind":"memory"},"network":{"dns_discovery":["enrtree://x@example.org"]}}`, "network.dns_discovery[0]", chat.CodeBadAddress},
		{`{"store":{"kind":"memory"},"network":{"nameserver":"dns.example.org"}}`, "network.nameserver", chat.CodeBadAddress},
		{`{"store":{"kind":"memory"},"network":{"shards":[32,32]}}`, "network.shards[1]", chat.CodeBadConfig},
		{`{"store":{"path":"/no/such/directory/a.db","passphrase":"p"},"network":{"kind":"memory"}}`, "store.path", chat.CodeStoreIO},
	} {
		_, err := Open(context.Background(), parse(t, c.config))
		var e *chat.Error
		if !errors.As(err, &e) || e.Code != c.code || e.Field != c.field {
			t.Errorf("%s: %v, want %s about %s", c.config, err, c.code, c.field)
		} else if c.code == chat.CodeStoreIO && e.Details["errno"] != "ENOENT" {
			t.Errorf("%s: details %v", c.config, e.Details)
		}
	}
}

// The presets that a configuration may name are those that there are.
func TestPresetsAreKnown(t *testing.T) {
	named, there := enum.Values(reflect.TypeFor[enum.NetworkPreset]()), waku.Presets()
	named = slices.Sorted(slices.Values(named))
	there = slices.Sorted(slices.Values(there))
	if len(named) < 2 || !slices.Equal(named, there) {
		t.Errorf("the API names %q, and there are %q", named, there)
	}
}

// A preset is what opens the network of its name, and every field of it can be another.
func TestBootstrapPresets(t *testing.T) {
	config := func(network string) waku.Config {
		t.Helper()
		c, err := wakuConfig(parse(t, `{"store":{"kind":"memory"},"network":{`+network+`}}`).Network)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	prod := config(`"preset":"status.prod"`)
	if prod.Cluster != 16 || !slices.Equal(prod.Shards, []uint16{32, 0}) || len(prod.Trees) != 1 || len(prod.Peers) != 6 || len(prod.StorePeers) != 12 ||
		!prod.Exchange || !prod.Discv5 || prod.MaxMessageSize != 1<<20 || len(prod.Listen) != 0 {
		t.Errorf("%+v", prod)
	}
	for _, name := range waku.Presets() {
		c, known := waku.Preset(name)
		if _, err := waku.New(c); err != nil || !known {
			t.Errorf("%s: %v", name, err)
		}
	}
	changed := config(`"preset":"status.prod","listen":["/ip4/0.0.0.0/tcp/0"],"peers":[],"store_peers":[],"cluster":2,"shards":[0,7],"dns_discovery":[],
		"peer_exchange":false,"discv5":false,"nameserver":"9.9.9.9:53","max_message_size":20000,"mode":"auto"`)
	want := waku.Config{Listen: []string{"/ip4/0.0.0.0/tcp/0"}, Peers: []string{}, StorePeers: []string{}, Cluster: 2, Shards: []uint16{0, 7}, Trees: []string{},
		Nameserver: "9.9.9.9:53", MaxMessageSize: 20000, Mode: waku.ModeAuto}
	if !reflect.DeepEqual(changed, want) {
		t.Errorf("%+v", changed)
	}
	if c := config(`"preset":"status.prod","mode":"light"`); c.Mode != waku.ModeLight || len(c.Peers) != 6 {
		t.Errorf("%+v", c)
	}
	if c := config(`"preset":"status.prod","shard":32`); !slices.Equal(c.Shards, []uint16{32}) || len(c.Peers) != 6 {
		t.Errorf("%+v", c)
	}
	if again := config(`"preset":"status.prod"`); !reflect.DeepEqual(again, prod) {
		t.Errorf("the preset is another one now: %+v", again)
	}
	if plain := config(``); !reflect.DeepEqual(plain, waku.Config{}) {
		t.Errorf("without a preset: %+v", plain)
	}
}

// Two programs that know a preset and an address of the other's: network.wait waits for a
// peer that is one, and network.status tells of one that is none.
func TestBootstrapWaits(t *testing.T) {
	r := NewRegistry()
	open := func(network string) (h uint64, status chat.NetworkStatus) {
		t.Helper()
		h, response := r.Open(`{"store":{"kind":"memory"},"network":{"preset":"local"` + network + `}}`)
		if h == 0 {
			t.Fatal(response)
		}
		t.Cleanup(func() { r.Close(h, false) })
		return h, result[chat.NetworkStatus](t, r.Call(h, "network.status", ""))
	}
	_, one := open(``)
	_, foreign := open(`,"cluster":99`)
	h, _ := open(fmt.Sprintf(`,"peers":[%q]`, foreign.ListenAddresses[0]))
	if answer := r.Call(h, "network.wait", `{"deadline_ms":1500}`); !strings.Contains(answer, `"timeout"`) {
		t.Errorf("with a peer of another cluster: %s", answer)
	}
	if p := result[chat.NetworkStatus](t, r.Call(h, "network.status", "")).Peers; len(p) != 1 || p[0].OnShard || p[0].Error == "" {
		t.Errorf("%+v", p)
	}
	if answer := r.Call(h, "network.connect", fmt.Sprintf(`{"address":%q}`, one.ListenAddresses[0])); !strings.Contains(answer, `"ok":true`) {
		t.Error(answer)
	}
	status := result[chat.NetworkStatus](t, r.Call(h, "network.wait", `{"deadline_ms":30000}`))
	if status.State != chat.NetworkOnline || len(status.Shards) != 2 || status.Shards[0].Peers != 1 || status.Shards[1].Peers != 1 {
		t.Errorf("%+v", status)
	}
	for _, p := range status.Peers {
		if p.OnShard != (p.PeerID == one.PeerID) {
			t.Errorf("%+v", p)
		}
	}
}

// result is the result of a call that succeeded.
func result[T any](t *testing.T, answer string) T {
	t.Helper()
	var a struct {
		OK     bool
		Result T
	}
	if err := json.Unmarshal([]byte(answer), &a); err != nil || !a.OK {
		t.Fatalf("%v: %s", err, answer)
	}
	return a.Result
}

// One client over a real node and a real file, from open to open.
func TestRegistryOverFileAndNode(t *testing.T) {
	r := NewRegistry()
	config := fmt.Sprintf(`{"store":{"path":%q,"passphrase":"p","kdf":{"memory_kib":64,"iterations":1,"parallelism":1}},
		"network":{"listen":["/ip4/127.0.0.1/tcp/0"]}}`, filepath.Join(t.TempDir(), "a.db"))
	identity := func() string {
		h, response := r.Open(config)
		if h == 0 {
			t.Fatal(response)
		}
		defer r.Close(h, false)
		r.Call(h, "identity.create", "")
		var answer struct {
			OK     bool
			Result chat.IdentityInfo
		}
		if err := json.Unmarshal([]byte(r.Call(h, "identity.get", "")), &answer); err != nil || !answer.OK {
			t.Fatalf("%v %+v", err, answer)
		}
		return answer.Result.PublicKey
	}
	if first, second := identity(), identity(); first != second {
		t.Errorf("%s became %s", first, second)
	}
}
