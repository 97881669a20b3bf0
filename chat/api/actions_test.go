package api

import (
	"encoding/json"
	"strings"
	"testing"

	"libstatus1to1/chat"
	"libstatus1to1/chat/event"
)

// sentTo sends a text and returns its message.
func sentTo(t *testing.T, r *Registry, h uint64, text string) event.Message {
	t.Helper()
	var sent struct {
		MessageID string `json:"message_id"`
	}
	if err := json.Unmarshal(must(t, r.Call(h, "messages.send", `{"to":"`+aKey+`","text":"`+text+`"}`)), &sent); err != nil {
		t.Fatal(err)
	}
	return event.Message{ID: sent.MessageID}
}

// Each call that does something to a message answers with the message as it is then.
func TestActionCalls(t *testing.T) {
	r := newTestRegistry()
	h := openTest(t, r, memoryConfig)
	must(t, r.Call(h, "identity.create", ""))
	id := sentTo(t, r, h, "as it was").ID
	for _, c := range []struct {
		method, params string
		ok             func(event.Message) bool
	}{
		{"messages.edit", `,"text":"as it is"`, func(m event.Message) bool { return m.Text == "as it is" && m.Edited != nil }},
		{"messages.edit", `,"text":"as it is"`, func(m event.Message) bool { return m.Text == "as it is" && m.Edited != nil }},
		{"messages.react", `,"emoji":"👍"`, func(m event.Message) bool { return len(m.Reactions) == 1 && m.Reactions[0].Emoji == "👍" }},
		{"messages.react", `,"emoji":"👍","retract":false`, func(m event.Message) bool { return len(m.Reactions) == 1 }},
		{"messages.react", `,"emoji":"👍","retract":true`, func(m event.Message) bool { return len(m.Reactions) == 0 }},
		{"messages.pin", `,"pinned":true`, func(m event.Message) bool { return m.Pinned }},
		{"messages.pin", `,"pinned":false`, func(m event.Message) bool { return !m.Pinned }},
		{"messages.delete", ``, func(m event.Message) bool { return m.Text == "" && m.Deleted != nil && !m.Deleted.ForEveryone }},
		{"messages.delete", `,"for_everyone":true`, func(m event.Message) bool { return m.Deleted != nil && m.Deleted.ForEveryone }},
	} {
		var got event.Message
		if err := json.Unmarshal(must(t, r.Call(h, c.method, `{"message_id":"`+id+`"`+c.params+`}`)), &got); err != nil {
			t.Fatal(err)
		}
		if got.ID != id || !c.ok(got) {
			t.Errorf("%s %s: %+v", c.method, c.params, got)
		}
	}
}

// A bad parameter of them is named.
func TestActionCallsNameTheField(t *testing.T) {
	r := newTestRegistry()
	h := openTest(t, r, memoryConfig)
	mustFail(t, r.Call(h, "messages.pin", `{"message_id":"`+anID+`","pinned":true}`), chat.CodeNoIdentity, "")
	must(t, r.Call(h, "identity.create", ""))
	ours := `"message_id":"` + sentTo(t, r, h, "ours").ID + `"`
	nothing := `"message_id":"` + anID + `"`
	for _, c := range []struct {
		method, params, field string
		code                  chat.Code
	}{
		{"messages.edit", `{"text":"x"}`, "message_id", chat.CodeBadParams},
		{"messages.edit", `{` + ours + `}`, "text", chat.CodeBadParams},
		{"messages.edit", `{` + ours + `,"text":" "}`, "text", chat.CodeEmpty},
		{"messages.edit", `{` + ours + `,"text":"` + strings.Repeat("x", 4097) + `"}`, "text", chat.CodeTooLong},
		{"messages.edit", `{` + nothing + `,"text":"x"}`, "message_id", chat.CodeNotFound},
		{"messages.delete", `{}`, "message_id", chat.CodeBadParams},
		{"messages.delete", `{"message_id":"0x12"}`, "message_id", chat.CodeBadParams},
		{"messages.delete", `{` + ours + `,"for_everyone":"yes"}`, "for_everyone", chat.CodeBadParams},
		{"messages.delete", `{` + nothing + `}`, "message_id", chat.CodeNotFound},
		{"messages.react", `{` + ours + `}`, "emoji", chat.CodeBadParams},
		{"messages.react", `{` + ours + `,"emoji":"no"}`, "emoji", chat.CodeBadParams},
		{"messages.react", `{` + ours + `,"emoji":"👍","retract":1}`, "retract", chat.CodeBadParams},
		{"messages.react", `{` + nothing + `,"emoji":"👍"}`, "message_id", chat.CodeNotFound},
		{"messages.pin", `{` + ours + `}`, "pinned", chat.CodeBadParams},
		{"messages.pin", `{` + ours + `,"pinned":null}`, "pinned", chat.CodeBadParams},
		{"messages.pin", `{` + nothing + `,"pinned":true}`, "message_id", chat.CodeNotFound},
	} {
		mustFail(t, r.Call(h, c.method, c.params), c.code, c.field)
	}
	must(t, r.Call(h, "messages.delete", `{`+ours+`,"for_everyone":true}`))
	mustFail(t, r.Call(h, "messages.edit", `{`+ours+`,"text":"again"}`), chat.CodeWrongState, "message_id")
	mustFail(t, r.Call(h, "messages.react", `{`+ours+`,"emoji":"👍"}`), chat.CodeWrongState, "message_id")
}

// The timer of a chat is set, shown and turned off.
func TestTimerCalls(t *testing.T) {
	r := newTestRegistry()
	h := openTest(t, r, memoryConfig)
	var created struct{ Identity chat.IdentityInfo }
	if err := json.Unmarshal(must(t, r.Call(h, "identity.create", "")), &created); err != nil {
		t.Fatal(err)
	}
	for _, seconds := range []string{"60", "31536000", "0"} {
		var set, got event.Chat
		if err := json.Unmarshal(must(t, r.Call(h, "chats.timer", `{"key":"`+aKey+`","seconds":`+seconds+`}`)), &set); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(must(t, r.Call(h, "chats.get", `{"key":"`+aKey+`"}`)), &got); err != nil {
			t.Fatal(err)
		}
		if b, _ := json.Marshal(set.ExpiresIn); string(b) != seconds || got.ExpiresIn != set.ExpiresIn {
			t.Errorf("%s: set %d, got %d", seconds, set.ExpiresIn, got.ExpiresIn)
		}
	}
	for _, c := range []struct {
		params, field string
		code          chat.Code
	}{
		{`{"seconds":5}`, "key", chat.CodeBadParams},
		{`{"key":"x","seconds":5}`, "key", chat.CodeBadKey},
		{`{"key":"` + created.Identity.ChatKey + `","seconds":5}`, "key", chat.CodeSelf},
		{`{"key":"` + aKey + `"}`, "seconds", chat.CodeBadParams},
		{`{"key":"` + aKey + `","seconds":-1}`, "seconds", chat.CodeBadParams},
		{`{"key":"` + aKey + `","seconds":31536001}`, "seconds", chat.CodeBadParams},
		{`{"key":"` + aKey + `","seconds":"5"}`, "seconds", chat.CodeBadParams},
	} {
		mustFail(t, r.Call(h, "chats.timer", c.params), c.code, c.field)
	}
}

// Presence is nothing until it is set, and nothing again when it is off.
func TestPresenceCalls(t *testing.T) {
	r := newTestRegistry()
	h := openTest(t, r, memoryConfig)
	mustFail(t, r.Call(h, "presence.get", ""), chat.CodeNoIdentity, "")
	must(t, r.Call(h, "identity.create", ""))
	presence := func(method, params string) *event.Presence {
		t.Helper()
		var got PresenceResult
		if err := json.Unmarshal(must(t, r.Call(h, method, params)), &got); err != nil {
			t.Fatal(err)
		}
		return got.Presence
	}
	if p := presence("presence.get", ""); p != nil {
		t.Errorf("at first: %+v", p)
	}
	for _, status := range []string{"automatic", "always_online", "do_not_disturb", "inactive"} {
		set := presence("presence.set", `{"status":"`+status+`","text":"at sea"}`)
		if got := presence("presence.get", ""); set == nil || got == nil || string(set.Status) != status || string(got.Status) != status || got.Text != "at sea" {
			t.Errorf("%s: set %+v, got %+v", status, set, got)
		}
	}
	for _, c := range []struct {
		params, field string
		code          chat.Code
	}{
		{`{}`, "status", chat.CodeBadParams},
		{`{"status":"away"}`, "status", chat.CodeBadParams},
		{`{"status":1}`, "status", chat.CodeBadParams},
		{`{"status":"inactive","text":"` + strings.Repeat("x", 129) + `"}`, "text", chat.CodeTooLong},
	} {
		mustFail(t, r.Call(h, "presence.set", c.params), c.code, c.field)
	}
	if p := presence("presence.get", ""); p == nil || p.Status != "inactive" {
		t.Errorf("after bad parameters: %+v", p)
	}
	if p := presence("presence.set", `{"status":"off"}`); p != nil || presence("presence.get", "") != nil {
		t.Errorf("off: %+v", p)
	}
}
