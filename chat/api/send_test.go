package api

import (
	"encoding/json"
	"strings"
	"testing"

	"libstatus1to1/chat"
	"libstatus1to1/chat/event"
)

// TestSendParams: what messages.send and messages.send_batch take of each kind, and what they
// name when it does not fit.
func TestSendParams(t *testing.T) {
	r := newTestRegistry()
	h := openTest(t, r, memoryConfig)
	must(t, r.Call(h, "identity.create", ""))
	send := func(more string) (m event.Message) {
		t.Helper()
		if err := json.Unmarshal(must(t, r.Call(h, "messages.send", `{"to":"`+aKey+`"`+more+`}`)), &m); err != nil {
			t.Fatal(err)
		}
		return m
	}
	first := send(`,"text":"first"`)
	if m := send(`,"text":"second","reply_to":"` + first.ID + `"`); m.ReplyTo != first.ID || m.Kind != "text" {
		t.Errorf("an answer: %+v", m)
	}
	if m := send(`,"text":"🎉"`); m.Kind != "emoji" {
		t.Errorf("emoji: %+v", m)
	}
	if m := send(`,"text":"at the sea","kind":"status"`); m.Kind != "status" {
		t.Errorf("a status: %+v", m)
	}
	if m := send(`,"sticker":{"hash":"0xab","pack":3}`); m.Kind != "sticker" || m.Text != "" || m.Sticker == nil || m.Sticker.Pack != 3 {
		t.Errorf("a sticker: %+v", m)
	}
	if m := send(`,"text":"hello Bob","mentions":[{"from":6,"length":3,"key":"` + aKey + `"}]`); len(m.Mentions) != 1 || m.Mentions[0].Key != aKey || !strings.HasSuffix(m.Text, aKey) {
		t.Errorf("a mention: %+v", m)
	}
	if m := send(`,"text":"https://a.example","previews":[{"url":"https://a.example","title":"A"}]`); len(m.Previews) != 1 || m.Previews[0].Kind != "link" {
		t.Errorf("a preview: %+v", m)
	}
	for params, want := range map[string]struct {
		code  chat.Code
		field string
	}{
		`,"text":"t","reply_to":"0x12"`:                                  {chat.CodeBadParams, "reply_to"},
		`,"text":"t","reply_to":"0x` + strings.Repeat("0", 64) + `"`:     {chat.CodeNotFound, "reply_to"},
		`,"text":"t","kind":"image"`:                                     {chat.CodeBadParams, "kind"},
		`,"text":"t","sticker":{"hash":"ab","pack":1}`:                   {chat.CodeBadParams, "sticker"},
		`,"sticker":{"hash":"ab"}`:                                       {chat.CodeBadParams, "sticker.pack"},
		`,"sticker":{"hash":"ab","pack":2147483648}`:                     {chat.CodeBadParams, "sticker.pack"},
		`,"text":"t","mentions":[{"from":0,"length":2}]`:                 {chat.CodeBadParams, "mentions"},
		`,"text":"t","mentions":[{"from":0,"length":1,"key":"x"}]`:       {chat.CodeBadKey, "mentions[0].key"},
		`,"text":"t","mentions":[{"from":0,"length":0}]`:                 {chat.CodeBadParams, "mentions[0].length"},
		`,"text":"t","previews":[{"url":"https://a.example"}]`:           {chat.CodeBadParams, "previews"},
		`,"text":"t","previews":[{"url":"t","title":"A","thumbnail":1}]`: {chat.CodeBadParams, "previews[0].thumbnail"},
		``: {chat.CodeEmpty, "text"},
	} {
		mustFail(t, r.Call(h, "messages.send", `{"to":"`+aKey+`"`+params+`}`), want.code, want.field)
	}
	batch := must(t, r.Call(h, "messages.send_batch", `{"messages":[{"to":"`+aKey+`","sticker":{"hash":"ab","pack":1}},{"to":"`+aKey+`"}]}`))
	var results SendBatchResult
	if err := json.Unmarshal(batch, &results); err != nil || len(results.Items) != 2 || results.Items[0].Message.Kind != "sticker" || results.Items[1].Error == nil {
		t.Errorf("%s, %v", batch, err)
	}
}

// TestPresenceMethods: nothing is published until it is set, and it is off again.
func TestPresenceMethods(t *testing.T) {
	r := newTestRegistry()
	h := openTest(t, r, memoryConfig)
	mustFail(t, r.Call(h, "presence.set", `{"status":"inactive"}`), chat.CodeNoIdentity, "")
	must(t, r.Call(h, "identity.create", ""))
	for _, c := range []struct{ method, params, want string }{
		{"presence.get", ``, ""}, {"presence.set", `{"status":"do_not_disturb","text":"busy"}`, "do_not_disturb"}, {"presence.get", ``, "do_not_disturb"},
		{"presence.set", `{"status":"off"}`, ""}, {"presence.get", ``, ""},
	} {
		var got PresenceResult
		if err := json.Unmarshal(must(t, r.Call(h, c.method, c.params)), &got); err != nil {
			t.Fatal(err)
		}
		if (got.Presence == nil) != (c.want == "") || got.Presence != nil && (string(got.Presence.Status) != c.want || got.Presence.Text != "busy") {
			t.Errorf("%s %s: %+v", c.method, c.params, got.Presence)
		}
	}
	mustFail(t, r.Call(h, "presence.set", `{"status":"there"}`), chat.CodeBadParams, "status")
	mustFail(t, r.Call(h, "presence.set", `{"status":"inactive","text":"`+strings.Repeat("a", 129)+`"}`), chat.CodeTooLong, "text")
}
