package api

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"libstatus1to1/chat"
)

func TestParseConfig(t *testing.T) {
	c, err := ParseConfig(`{"store":{"path":"a.db","passphrase":"p","kdf":{"memory_kib":64,"iterations":1,"parallelism":1}},
		"network":{"listen":["/ip4/0.0.0.0/tcp/0"],"peers":["/ip4/1.2.3.4/tcp/1/p2p/x"],"cluster":16,"shard":32,"max_message_size":153600},
		"engine":{"resend_base_ms":500,"ack_delay_ms":20,"contact_code_every_ms":60000,"max_events":100},
		"log":{"level":"debug","file":"x.log","events":true}}`)
	if err != nil {
		t.Fatal(err)
	}
	if c.Store.Kind != StoreFile || c.Network.Kind != NetworkWaku || *c.Network.Cluster != 16 || c.Store.KDF.MemoryKiB != 64 {
		t.Errorf("%+v", c)
	}
	want := chat.Settings{ResendBase: 500 * time.Millisecond, AckDelay: 20 * time.Millisecond, ContactCodeEvery: time.Minute, MaxEvents: 100, Strangers: chat.StrangersAllow}
	if got := c.Engine.Settings(); got != want {
		t.Errorf("settings %+v", got)
	}
	if printed := fmt.Sprintf("%+v", c); strings.Contains(printed, "passphrase:p") || strings.Contains(printed, "Passphrase:p") {
		t.Errorf("the passphrase prints: %s", printed)
	}
}

func TestParseConfigRefuses(t *testing.T) {
	for _, c := range []struct {
		text, field string
		code        chat.Code
	}{
		{``, "store", chat.CodeBadConfig},
		{`{}`, "store", chat.CodeBadConfig},
		{`[]`, "", chat.CodeBadConfig},
		{`{`, "", chat.CodeBadJSON},
		{`{"store":{}}`, "store.path", chat.CodeBadConfig},
		{`{"store":{"path":"a"}}`, "store.passphrase", chat.CodeBadConfig},
		{`{"store":{"path":"a","passphrase":""}}`, "store.passphrase", chat.CodeBadConfig},
		{`{"store":{"path":"a","passphrase":"p","key":"` + someRaw + `"}}`, "store.passphrase", chat.CodeBadConfig},
		{`{"store":{"path":"a","key":"AA=="}}`, "store.key", chat.CodeBadConfig},
		{`{"store":{"path":"a","key":"` + someRaw + `","kdf":{"memory_kib":64,"iterations":1,"parallelism":1}}}`, "store.kdf", chat.CodeBadConfig},
		{`{"store":{"path":"a","passphrase":"p","kdf":{"memory_kib":64}}}`, "store.kdf.iterations", chat.CodeBadConfig},
		{`{"store":{"path":"a","passphrase":"p","kdf":{"memory_kib":1,"iterations":1,"parallelism":1}}}`, "store.kdf.memory_kib", chat.CodeBadConfig},
		{`{"store":{"kind":"File"}}`, "store.kind", chat.CodeBadConfig},
		{`{"store":{"kind":"memory","path":"a"}}`, "store.path", chat.CodeBadConfig},
		{`{"store":{"kind":"memory"},"network":{"kind":"external","peers":[]}}`, "network.peers", chat.CodeBadConfig},
		{`{"store":{"kind":"memory"},"network":{"kind":"external","preset":"status.prod"}}`, "network.preset", chat.CodeBadConfig},
		{`{"store":{"kind":"memory"},"network":{"kind":"external","shard":32}}`, "network.shard", chat.CodeBadConfig},
		{`{"store":{"kind":"memory"},"network":{"kind":"external","memory":{}}}`, "network.memory", chat.CodeBadConfig},
		{`{"store":{"kind":"memory"},"network":{"kind":"tor"}}`, "network.kind", chat.CodeBadConfig},
		{`{"store":{"kind":"memory"},"network":{"memory":{}}}`, "network.memory", chat.CodeBadConfig},
		{`{"store":{"kind":"memory"},"network":{"kind":"memory","listen":[]}}`, "network.listen", chat.CodeBadConfig},
		{`{"store":{"kind":"memory"},"network":{"kind":"memory","memory":{"loss":1.5}}}`, "network.memory.loss", chat.CodeBadConfig},
		{`{"store":{"kind":"memory"},"network":{"listen":"/ip4/0.0.0.0/tcp/0"}}`, "network.listen", chat.CodeBadConfig},
		{`{"store":{"kind":"memory"},"network":{"peers":[1]}}`, "network.peers[0]", chat.CodeBadConfig},
		{`{"store":{"kind":"memory"},"network":{"shards":[32,1024]}}`, "network.shards[1]", chat.CodeBadConfig},
		{`{"store":{"kind":"memory"},"network":{"shards":[-1]}}`, "network.shards[0]", chat.CodeBadConfig},
		{`{"store":{"kind":"memory"},"network":{"shards":[]}}`, "network.shards", chat.CodeBadConfig},
		{`{"store":{"kind":"memory"},"network":{"shards":[32],"shard":32}}`, "network.shard", chat.CodeBadConfig},
		{`{"store":{"kind":"memory"},"network":{"discv5":1}}`, "network.discv5", chat.CodeBadConfig},
		{`{"store":{"kind":"memory"},"network":{"kind":"memory","preset":"local"}}`, "network.preset", chat.CodeBadConfig},
		{`{"store":{"kind":"memory"},"network":{"preset":"status.test"}}`, "network.preset", chat.CodeBadConfig},
		{`{"store":{"kind":"memory"},"network":{"kind":"memory","mode":"light"}}`, "network.mode", chat.CodeBadConfig},
		{`{"store":{"kind":"memory"},"network":{"mode":"edge"}}`, "network.mode", chat.CodeBadConfig},
		{`{"store":{"kind":"memory"},"network":{"preset":"status.test"}}`, "network.preset", chat.CodeBadConfig},
		{`{"store":{"kind":"memory"},"network":{"mode":"light","listen":["/ip4/0.0.0.0/tcp/0"]}}`, "network.listen", chat.CodeBadConfig},
		{`{"store":{"kind":"memory"},"network":{"kind":"memory","dns_discovery":[]}}`, "network.dns_discovery", chat.CodeBadConfig},
		{`{"store":{"kind":"memory"},"network":{"shard":70000}}`, "network.shard", chat.CodeBadConfig},
		{`{"store":{"kind":"memory"},"engine":{"max_events":1}}`, "engine.max_events", chat.CodeBadConfig},
		{`{"store":{"kind":"memory"},"log":{"level":"loud","events":true}}`, "log.level", chat.CodeBadConfig},
		{`{"store":{"kind":"memory"},"log":{"level":"info"}}`, "log.level", chat.CodeBadConfig},
		{`{"store":{"path":"d/a","passphrase":"p"},"log":{"file":"d/./a"}}`, "log.file", chat.CodeBadConfig},
		{`{"store":{"kind":"memory"},"Log":{}}`, "Log", chat.CodeUnknownField},
		{`{"store":{"kind":"memory","kind":"memory"}}`, "store.kind", chat.CodeUnknownField},
	} {
		_, err := ParseConfig(c.text)
		if err == nil {
			t.Errorf("%s was accepted", c.text)
			continue
		}
		t.Run(c.text, func(t *testing.T) { wantError(t, err, c.code, c.field) })
	}
}

func FuzzParseConfig(f *testing.F) {
	for _, s := range []string{
		`{"store":{"kind":"memory"},"network":{"kind":"memory","memory":{"name":"x","seed":1,"loss":0.5}}}`,
		`{"store":{"path":"a.db","passphrase":"p"},"network":{"listen":["/ip4/0.0.0.0/tcp/0"]}}`,
		`{"store":{"path":"a.db","key":"` + someRaw + `"},"log":{"level":"debug","events":true}}`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := ParseConfig(text)
		if err == nil && (c.Store.Kind == "" || c.Network.Kind == "" || c.Log.Level == "") {
			t.Fatalf("%q: the kinds are not filled in: %+v", text, c)
		}
	})
}
