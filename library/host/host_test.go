package host

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"libstatus1to1/chat"
	"libstatus1to1/chat/api"
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
		{`{"store":{"kind":"memory"},"network":{"cluster":2,"shard":7,"max_message_size":20000}}`, "memory", "waku"},
		{fmt.Sprintf(`{"store":{"path":%q,"passphrase":"p","kdf":{"memory_kib":64,"iterations":1,"parallelism":1}},"network":{"kind":"memory"}}`, path), "file", "memory"},
		{fmt.Sprintf(`{"store":{"path":%q,"key":%q},"network":{"kind":"memory"}}`, path+"2", key), "file", "memory"},
	} {
		o, err := Open(context.Background(), parse(t, c.config))
		if err != nil {
			t.Errorf("%s: %v", c.config, err)
			continue
		}
		if s, n := o.Store.Info().Kind, o.Transport.Status().Kind; s != c.store || n != c.network {
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
