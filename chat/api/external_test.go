package api

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"libstatus1to1/chat"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/external"
	"libstatus1to1/store"
)

func newExternalRegistry() *Registry {
	return NewRegistry(func(context.Context, Config) (chat.Options, error) {
		return chat.Options{Store: store.Memory(), Transport: external.New(external.Config{})}, nil
	})
}

// A program carries an envelope from one client to another by what its events say.
func TestExternalCarries(t *testing.T) {
	r := newExternalRegistry()
	alice, bob := openTest(t, r, memoryConfig), openTest(t, r, memoryConfig)
	must(t, r.Call(alice, "identity.create", ""))
	var created struct{ Identity chat.IdentityInfo }
	if err := json.Unmarshal(must(t, r.Call(bob, "identity.create", "")), &created); err != nil {
		t.Fatal(err)
	}
	must(t, r.Call(alice, "messages.send", `{"to":"`+created.Identity.ChatKey+`","text":"hello"}`))
	for range 10 {
		e := nextOf(t, r, alice, "envelope_outgoing")
		var out event.EnvelopeOutgoing
		if err := json.Unmarshal(e.Data, &out); err != nil || e.Seq != 0 {
			t.Fatalf("%+v %v", e, err)
		}
		must(t, r.Call(alice, "network.published", `{"envelope_id":"`+out.EnvelopeID+`"}`))
		var delivered Delivered
		if err := json.Unmarshal(must(t, r.Call(bob, "network.deliver", `{"envelopes":[`+string(e.Data)+`]}`)), &delivered); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(must(t, r.Call(bob, "chats.list", `{}`))), "hello") {
			if delivered.Taken != 1 {
				t.Errorf("%d were taken", delivered.Taken)
			}
			return
		}
	}
	t.Fatal("bob did not get it")
}

func TestExternalNamesTheField(t *testing.T) {
	r := newExternalRegistry()
	h := openTest(t, r, memoryConfig)
	must(t, r.Call(h, "identity.create", ""))
	good := `{"content_topic":"/a/1/b/proto","payload":"AAAA"}`
	id := "0x" + strings.Repeat("ab", 32)
	for _, c := range []struct{ method, params, field, code string }{
		{"network.deliver", `{}`, "envelopes", "bad_params"},
		{"network.deliver", `{"envelopes":[` + good + `,{"content_topic":"/a/1/b/proto","payload":"AA-A"}]}`, "envelopes[1].payload", "bad_params"},
		{"network.deliver", `{"envelopes":[{"payload":"AAAA"}]}`, "envelopes[0].content_topic", "bad_params"},
		{"network.deliver", `{"envelopes":[{"content_topic":"/a/1/b/proto","payload":"AAAA","timestamp":1}]}`, "envelopes[0].timestamp", "bad_params"},
		{"network.deliver", `{"envelopes":[{"content_topic":"/a/1/b/proto","payload":"AAAA","timestamp":"-1"}]}`, "envelopes[0].timestamp", "bad_params"},
		{"network.deliver", `{"envelopes":[{"content_topic":"/a/1/b/proto","payload":"AAAA","timestamp":"99999999999999999999"}]}`, "envelopes[0].timestamp", "bad_params"},
		{"network.deliver", `{"envelopes":[{"content_topic":"/a/1/b/proto","payload":"AAAA","version":-1}]}`, "envelopes[0].version", "bad_params"},
		{"network.deliver", `{"envelopes":[` + strings.Repeat(good+",", 64) + good + `]}`, "envelopes", "bad_params"},
		{"network.published", `{"envelope_id":"0xAB"}`, "envelope_id", "bad_params"},
		{"network.published", `{"envelope_id":"` + id + `","failure":"no"}`, "failure", "bad_params"},
		{"network.online", `{}`, "online", "bad_params"},
		{"network.connect", `{"address":"/ip4/127.0.0.1/tcp/1"}`, "network.kind", "wrong_state"},
	} {
		if e := decodeAnswer(t, r.Call(h, c.method, c.params)).Error; string(e.Code) != c.code || e.Field != c.field {
			t.Errorf("%s %.80s: %+v", c.method, c.params, e)
		}
	}
	must(t, r.Call(h, "network.deliver", `{"envelopes":[`+good+`]}`))
	must(t, r.Call(h, "network.published", `{"envelope_id":"`+id+`"}`))
	must(t, r.Call(h, "network.online", `{"online":false}`))
	must(t, r.Call(h, "network.topics", ""))

	other := newTestRegistry()
	h = openTest(t, other, memoryConfig)
	for _, call := range [][2]string{{"network.deliver", `{"envelopes":[]}`}, {"network.published", fmt.Sprintf(`{"envelope_id":%q}`, id)},
		{"network.online", `{"online":true}`}, {"network.topics", ""}} {
		if e := decodeAnswer(t, other.Call(h, call[0], call[1])).Error; string(e.Code) != "wrong_state" || e.Details["kind"] != "memory" {
			t.Errorf("%s: %+v", call[0], e)
		}
	}
}

// Whatever a program gives as envelopes is refused by name or read within bounds.
func FuzzDeliverParams(f *testing.F) {
	for _, s := range []string{
		`{"envelopes":[{"content_topic":"/a/1/b/proto","payload":"AAAA","version":1,"timestamp":"1700000000000000000","ephemeral":true,"pubsub_topic":"/waku/2/rs/16/32"}]}`,
		`{"envelopes":[{"content_topic":"","payload":"","timestamp":"-0"}]}`, `{"envelopes":[]}`,
		`{"envelopes":[{"content_topic":"x","payload":"A","envelope_id":"0x00"}]}`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var p DeliverParams
		if err := decodeUpTo(text, MaxDeliverRequest, &p, chat.CodeBadParams); err != nil {
			return
		}
		for _, e := range p.Envelopes {
			if len(e.Payload.bytes) > len(text) || e.Timestamp.since1970 < 0 || e.Version != nil && *e.Version < 0 {
				t.Fatalf("%q was read as %+v", text, e)
			}
		}
	})
}
