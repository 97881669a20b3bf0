package api

import (
	"encoding/json"
	"strings"
	"testing"

	"libstatus1to1/chat"
	"libstatus1to1/chat/event"
)

// Each call about a chat answers with the chat as it is then.
func TestChatCalls(t *testing.T) {
	r := newTestRegistry()
	h := openTest(t, r, memoryConfig)
	must(t, r.Call(h, "identity.create", ""))
	for _, c := range []struct {
		method, params string
		ok             func(event.Chat) bool
	}{
		{"chats.get", ``, func(c event.Chat) bool { return c.Messages == 0 && c.Draft == "" && c.LastMessage == nil }},
		{"chats.draft", `,"text":"dear"`, func(c event.Chat) bool { return c.Draft == "dear" }},
		{"chats.get", ``, func(c event.Chat) bool { return c.Draft == "dear" }},
		{"chats.mark_unread", ``, func(c event.Chat) bool { return c.MarkedUnread }},
		{"chats.mark_read", ``, func(c event.Chat) bool { return !c.MarkedUnread && c.Unread == 0 && c.Mentions == 0 }},
		{"chats.mute", `,"muted":true`, func(c event.Chat) bool { return c.Muted && c.MutedUntil == 0 }},
		{"chats.mute", `,"muted":true,"until":9007199254740991`, func(c event.Chat) bool { return c.Muted && c.MutedUntil == 1<<53-1 }},
		{"chats.mute", `,"muted":true,"until":1`, func(c event.Chat) bool { return !c.Muted }},
		{"chats.mute", `,"muted":false`, func(c event.Chat) bool { return !c.Muted }},
		{"chats.archive", `,"archived":true`, func(c event.Chat) bool { return c.Archived }},
		{"chats.archive", `,"archived":false`, func(c event.Chat) bool { return !c.Archived }},
		{"messages.send", `,"text":"hi"`, nil},
		{"chats.get", ``, func(c event.Chat) bool { return c.Messages == 1 && c.LastMessage.Text == "hi" }},
		{"chats.clear", ``, func(c event.Chat) bool { return c.Messages == 0 && c.LastMessage == nil && c.Draft == "dear" }},
		{"chats.delete", ``, func(c event.Chat) bool { return c.Draft == "" }},
	} {
		key := `"key"`
		if c.method == "messages.send" {
			key = `"to"`
		}
		var got event.Chat
		if err := json.Unmarshal(must(t, r.Call(h, c.method, `{`+key+`:"`+aKey+`"`+c.params+`}`)), &got); err != nil {
			t.Fatal(err)
		}
		if c.ok != nil && !c.ok(got) {
			t.Errorf("%s %s: %+v", c.method, c.params, got)
		}
	}
}

// The lists have what was archived apart, and not what was deleted.
func TestChatLists(t *testing.T) {
	r := newTestRegistry()
	h := openTest(t, r, memoryConfig)
	must(t, r.Call(h, "identity.create", ""))
	must(t, r.Call(h, "messages.send", `{"to":"`+aKey+`","text":"hi"}`))
	lists := func(params string) int {
		var page ChatsPage
		if err := json.Unmarshal(must(t, r.Call(h, "chats.list", params)), &page); err != nil {
			t.Fatal(err)
		}
		return len(page.Items)
	}
	for _, c := range []struct {
		method, params string
		plain, archive int
	}{
		{"chats.get", ``, 1, 0},
		{"chats.archive", `,"archived":true`, 0, 1},
		{"chats.clear", ``, 0, 1},
		{"chats.archive", `,"archived":false`, 1, 0},
		{"chats.delete", ``, 0, 0},
	} {
		must(t, r.Call(h, c.method, `{"key":"`+aKey+`"`+c.params+`}`))
		if plain, archive := lists(`{}`), lists(`{"archived":true}`); plain != c.plain || archive != c.archive {
			t.Errorf("after %s%s: %d and %d are listed", c.method, c.params, plain, archive)
		}
	}
}

// A bad parameter is named.
func TestChatCallsNameTheField(t *testing.T) {
	r := newTestRegistry()
	h := openTest(t, r, memoryConfig)
	var created struct{ Identity chat.IdentityInfo }
	if err := json.Unmarshal(must(t, r.Call(h, "identity.create", "")), &created); err != nil {
		t.Fatal(err)
	}
	key := `"key":"` + aKey + `"`
	for _, c := range []struct {
		method, params, field string
		code                  chat.Code
	}{
		{"chats.mute", `{` + key + `}`, "muted", chat.CodeBadParams},
		{"chats.mute", `{` + key + `,"muted":1}`, "muted", chat.CodeBadParams},
		{"chats.mute", `{` + key + `,"muted":true,"until":-1}`, "until", chat.CodeBadParams},
		{"chats.mute", `{` + key + `,"muted":false,"until":5}`, "until", chat.CodeBadParams},
		{"chats.archive", `{` + key + `}`, "archived", chat.CodeBadParams},
		{"chats.draft", `{` + key + `}`, "text", chat.CodeBadParams},
		{"chats.draft", `{` + key + `,"text":"` + strings.Repeat("x", chat.MaxDraft+1) + `"}`, "text", chat.CodeTooLong},
		{"chats.clear", `{}`, "key", chat.CodeBadParams},
		{"chats.delete", `{"key":"x"}`, "key", chat.CodeBadKey},
		{"chats.mark_unread", `{"key":"` + created.Identity.ChatKey + `"}`, "key", chat.CodeSelf},
		{"chats.mark_read", `{` + key + `,"up_to":"` + anID + `"}`, "up_to", chat.CodeNotFound},
		{"chats.list", `{"archived":"yes"}`, "archived", chat.CodeBadParams},
	} {
		mustFail(t, r.Call(h, c.method, c.params), c.code, c.field)
	}
}
