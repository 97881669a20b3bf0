package api

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"libstatus1to1/chat"
	"libstatus1to1/chat/enum"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/store"
)

// patience bounds every wait; nothing is measured by it.
const patience = 20 * time.Second

// newTestRegistry opens clients with memory stores on one memory network.
func newTestRegistry() *Registry {
	net := memnet.New(memnet.Options{})
	return NewRegistry(func(context.Context, Config) (chat.Options, error) {
		return chat.Options{Store: store.Memory(), Transport: net.Join()}, nil
	})
}

const memoryConfig = `{"store":{"kind":"memory"},"network":{"kind":"memory"},"engine":{"resend_base_ms":200,"ack_delay_ms":20}}`

func openTest(t *testing.T, r *Registry, config string) uint64 {
	t.Helper()
	h, response := r.Open(config)
	if h == 0 {
		t.Fatal(response)
	}
	t.Cleanup(func() { r.Close(h, false) })
	return h
}

// answerOf is a decoded envelope.
type answerOf struct {
	OK     bool
	Result json.RawMessage
	Error  ErrorBody
}

func decodeAnswer(t *testing.T, response string) answerOf {
	t.Helper()
	var a answerOf
	if err := json.Unmarshal([]byte(response), &a); err != nil {
		t.Fatalf("%q: %v", response, err)
	}
	return a
}

// must gives the result of a success.
func must(t *testing.T, response string) json.RawMessage {
	t.Helper()
	a := decodeAnswer(t, response)
	if !a.OK {
		t.Fatal(response)
	}
	return a.Result
}

// mustFail checks the code and field of a failure.
func mustFail(t *testing.T, response string, code chat.Code, field string) ErrorBody {
	t.Helper()
	a := decodeAnswer(t, response)
	if a.OK || a.Error.Code != code || a.Error.Field != field {
		t.Errorf("got %s, want %s about %q", response, code, field)
	}
	return a.Error
}

// nextOf takes events until one of the type comes.
func nextOf(t *testing.T, r *Registry, h uint64, kind string) chat.DeliveredEvent {
	t.Helper()
	for {
		var e *chat.DeliveredEvent
		if err := json.Unmarshal(must(t, r.NextEvent(h, int32(patience.Milliseconds()))), &e); err != nil {
			t.Fatal(err)
		}
		if e == nil {
			t.Fatalf("no %s event came", kind)
		}
		if e.Type == kind {
			return *e
		}
	}
}

func TestHandles(t *testing.T) {
	r := newTestRegistry()
	seen := map[uint64]bool{0: true}
	for range 20 {
		h, response := r.Open(memoryConfig)
		if seen[h] || h > MaxSafeInteger {
			t.Fatalf("handle %d: %s", h, response)
		}
		seen[h] = true
		var opened OpenResult
		if err := json.Unmarshal(must(t, response), &opened); err != nil || opened.Client != h || opened.Identity != nil {
			t.Errorf("open gave %s", response)
		}
		must(t, r.Close(h, false))
		must(t, r.Close(h, false)) // idempotent
		mustFail(t, r.Call(h, "identity.get", ""), chat.CodeBadClient, "client")
	}
	for _, made := range []uint64{0, 1, r.next, r.first - 1, 1 << 63} {
		mustFail(t, r.Close(made, false), chat.CodeBadClient, "client")
		mustFail(t, r.Call(made, "identity.get", ""), chat.CodeBadClient, "client")
		mustFail(t, r.NextEvent(made, -1), chat.CodeBadClient, "client")
		mustFail(t, r.SetCallback(made, nil, false), chat.CodeBadClient, "client")
		if fd := r.EventFD(made); fd != noDescriptor {
			t.Errorf("descriptor %d of a made-up handle", fd)
		}
	}
	if NewRegistry(nil).first == r.first {
		t.Error("two registries begin at the same handle")
	}
}

func TestFailedOpen(t *testing.T) {
	r := NewRegistry(func(context.Context, Config) (chat.Options, error) {
		return chat.Options{}, chat.Errorf(chat.CodeWrongPassphrase, "store.passphrase", "no")
	})
	h, response := r.Open(memoryConfig)
	mustFail(t, response, chat.CodeWrongPassphrase, "store.passphrase")
	if h != 0 || len(r.clients) != 0 {
		t.Errorf("handle %d, %d clients", h, len(r.clients))
	}
	panicking := NewRegistry(func(context.Context, Config) (chat.Options, error) { panic("boom") })
	h, response = panicking.Open(memoryConfig)
	if body := mustFail(t, response, chat.CodeInternal, ""); h != 0 || body.Details["report_id"] == "" || strings.Contains(response, "boom") {
		t.Errorf("%d %s", h, response)
	}
}

func TestTwoClientsChat(t *testing.T) {
	r := newTestRegistry()
	alice, bob := openTest(t, r, memoryConfig), openTest(t, r, memoryConfig)
	var created CreateIdentityResult
	if err := json.Unmarshal(must(t, r.Call(bob, "identity.create", `{"words":24,"display_name":"Bob"}`)), &created); err != nil {
		t.Fatal(err)
	}
	if len(strings.Fields(string(created.Phrase))) != 24 || created.Identity.DisplayName != "Bob" {
		t.Errorf("identity %+v with %d words", created.Identity, len(strings.Fields(string(created.Phrase))))
	}
	must(t, r.Call(alice, "identity.create", ""))
	send := fmt.Sprintf(`{"to":%q,"text":"hi <&> \u263a","client_ref":"1"}`, created.Identity.ChatKey)
	first := must(t, r.Call(alice, "messages.send", send))
	if again := must(t, r.Call(alice, "messages.send", send)); idIn(t, again) != idIn(t, first) {
		t.Errorf("a repeated send gave another message: %s, %s", first, again)
	}
	e := nextOf(t, r, bob, "message_received")
	var got event.MessageReceived
	if err := json.Unmarshal(e.Data, &got); err != nil || got.Message.Text != "hi <&> ☺" || got.Message.ID != idIn(t, first) {
		t.Errorf("bob got %s", e.Data)
	}
	must(t, r.Call(bob, "events.ack", fmt.Sprintf(`{"up_to":%d}`, e.Seq)))
	for !strings.Contains(string(nextOf(t, r, alice, "message_state").Data), `"state":"delivered"`) {
	}
	for _, m := range []string{"chats.list", "contacts.list", "sessions.list", "network.status", "store.info", "store.check", "diagnostics.get"} {
		must(t, r.Call(alice, m, ""))
	}
	if page := string(must(t, r.Call(alice, "messages.list", fmt.Sprintf(`{"key":%q,"limit":1}`, created.Identity.PublicKey)))); !strings.Contains(page, idIn(t, first)) {
		t.Errorf("the list lacks the message: %s", page)
	}
}

func idIn(t *testing.T, message json.RawMessage) string {
	t.Helper()
	var m struct {
		ID string `json:"message_id"`
	}
	if err := json.Unmarshal(message, &m); err != nil || m.ID == "" {
		t.Fatalf("%s has no message_id (%v)", message, err)
	}
	return m.ID
}

// The bad input of every method that takes a person or a text.
func TestBadInput(t *testing.T) {
	r := newTestRegistry()
	h := openTest(t, r, memoryConfig)
	for _, m := range []string{"identity.get", "contacts.list", "chats.list", "sessions.list"} {
		mustFail(t, r.Call(h, m, ""), chat.CodeNoIdentity, "")
	}
	var created CreateIdentityResult
	_ = json.Unmarshal(must(t, r.Call(h, "identity.create", "")), &created)
	self := created.Identity.ChatKey
	for _, c := range []struct {
		method, params, field string
		code                  chat.Code
	}{
		{"identity.create", ``, "", chat.CodeIdentityExists},
		{"identity.create", `{"words":13}`, "words", chat.CodeBadParams},
		{"messages.send", `{"to":"` + self + `","text":"x"}`, "to", chat.CodeSelf},
		{"messages.send", `{"to":"` + aKey + `","text":""}`, "text", chat.CodeEmpty},
		{"messages.send", `{"to":"` + aKey + `","text":" \n\t"}`, "text", chat.CodeEmpty},
		{"messages.send", `{"to":"` + aKey + `","text":"` + strings.Repeat("é", 4097) + `"}`, "text", chat.CodeTooLong},
		{"messages.send", `{"to":"` + aKey + `","text":"x","client_ref":"` + strings.Repeat("x", 129) + `"}`, "client_ref", chat.CodeTooLong},
		{"messages.send", `{"to":"0x05","text":"x"}`, "to", chat.CodeBadKey},
		{"contacts.add", `{"key":"` + self + `"}`, "key", chat.CodeSelf},
		{"contacts.add", `{"key":"` + aKey + `","name":"` + strings.Repeat("é", 101) + `"}`, "name", chat.CodeTooLong},
		{"contacts.get", `{"key":"` + aKey + `"}`, "key", chat.CodeNotFound},
		{"contacts.list", `{"limit":0}`, "limit", chat.CodeBadParams},
		{"contacts.list", `{"limit":201}`, "limit", chat.CodeBadParams},
		{"messages.list", `{"key":"` + aKey + `","cursor":"nonsense"}`, "cursor", chat.CodeBadCursor},
		{"messages.get", `{"message_id":"` + anID + `"}`, "message_id", chat.CodeNotFound},
		{"messages.retry", `{"message_id":"` + anID + `"}`, "message_id", chat.CodeNotFound},
		{"messages.cancel", `{"message_id":"` + anID + `"}`, "message_id", chat.CodeNotFound},
		{"messages.cancel", `{"message_id":"0x12"}`, "message_id", chat.CodeBadParams},
		{"messages.retry", `{}`, "message_id", chat.CodeBadParams},
		{"network.connect", `{"address":"localhost:1"}`, "address", chat.CodeBadAddress},
		{"network.wait", `{}`, "deadline_ms", chat.CodeBadParams},
		{"network.wait", `{"peers":900,"deadline_ms":1}`, "deadline_ms", chat.CodeTimeout},
		{"events.ack", `{"up_to":-1}`, "up_to", chat.CodeBadParams},
		{"identity.set_display_name", `{"display_name":"` + strings.Repeat("x", 25) + `"}`, "display_name", chat.CodeTooLong},
		{"no.such", ``, "method", chat.CodeUnknownMethod},
		{"Identity.get", ``, "method", chat.CodeUnknownMethod},
	} {
		t.Run(c.method+" "+string(c.code), func(t *testing.T) { mustFail(t, r.Call(h, c.method, c.params), c.code, c.field) })
	}
	if check := string(must(t, r.Call(h, "store.check", ""))); !strings.Contains(check, `"problems":[]`) {
		t.Errorf("the store suffered: %s", check)
	}
}

// A message waits for a network that is not there: it is cancelled, and retried.
func TestCancelAndRetry(t *testing.T) {
	r := newTestRegistry()
	h := openTest(t, r, memoryConfig)
	must(t, r.Call(h, "identity.create", ""))
	var m event.Message
	_ = json.Unmarshal(must(t, r.Call(h, "messages.send", `{"to":"`+aKey+`","text":"hello"}`)), &m)
	id := `{"message_id":"` + m.ID + `"}`
	if body := mustFail(t, r.Call(h, "messages.retry", id), chat.CodeWrongState, "message_id"); body.Details["state"] != "queued" {
		t.Errorf("details %+v", body.Details)
	}
	var cancelled CancelMessageResult
	_ = json.Unmarshal(must(t, r.Call(h, "messages.cancel", id)), &cancelled)
	if got := cancelled.Message; cancelled.WentOut || got.State != "failed" || got.Failure != enum.FailureCancelled || got.ID != m.ID {
		t.Errorf("cancelled: %+v", cancelled)
	}
	var again event.Message
	_ = json.Unmarshal(must(t, r.Call(h, "messages.retry", id)), &again)
	if again.State != "queued" || again.Failure != "" || again.ID != m.ID {
		t.Errorf("again: %+v", again)
	}
	if check := string(must(t, r.Call(h, "store.check", ""))); !strings.Contains(check, `"problems":[]`) {
		t.Errorf("the store suffered: %s", check)
	}
}

func TestRestoreRefusesBadPhrases(t *testing.T) {
	r := newTestRegistry()
	h := openTest(t, r, memoryConfig)
	good := strings.Repeat("abandon ", 11) + "about"
	for _, bad := range []string{"", "abandon", strings.Repeat("abandon ", 12), strings.Replace(good, "about", "abouts", 1)} {
		body := mustFail(t, r.Call(h, "identity.restore", fmt.Sprintf(`{"phrase":%q}`, bad)), chat.CodeBadPhrase, "phrase")
		if strings.Contains(body.Message, "abandon") || strings.Contains(body.Message, "abouts") {
			t.Errorf("the error repeats the phrase: %s", body.Message)
		}
	}
	must(t, r.Call(h, "identity.restore", fmt.Sprintf(`{"phrase":%q}`, good)))
	must(t, r.Call(h, "identity.get", ""))
}

func TestPanicClosesOnlyItsClient(t *testing.T) {
	r := newTestRegistry()
	r.methods["test.panic"] = method("test.panic", "Panics.", nil, func(context.Context, *chat.Client, Empty) (Empty, error) {
		panic("a secret")
	})
	hurt, well := openTest(t, r, memoryConfig), openTest(t, r, memoryConfig)
	body := mustFail(t, r.Call(hurt, "test.panic", ""), chat.CodeInternal, "")
	if id, _ := body.Details["report_id"].(string); len(id) != 16 || strings.Contains(body.Message, "secret") {
		t.Errorf("%+v", body)
	}
	if e := nextOf(t, r, hurt, "internal_error"); !strings.Contains(string(e.Data), body.Details["report_id"].(string)) {
		t.Errorf("the event has another report id: %s", e.Data)
	}
	if e := nextOf(t, r, hurt, "closed"); !strings.Contains(string(e.Data), `"internal"`) {
		t.Errorf("closed because of %s", e.Data)
	}
	mustFail(t, r.Call(hurt, "identity.create", ""), chat.CodeClosed, "")
	must(t, r.Close(hurt, false))
	must(t, r.Call(well, "identity.create", ""))
}

func TestInfoAndSchema(t *testing.T) {
	var info Info
	if err := json.Unmarshal(must(t, InfoResponse(3)), &info); err != nil || info.Version != Version || info.StringsHeld != 3 {
		t.Errorf("%+v (%v)", info, err)
	}
	var doc struct {
		Methods []struct{ Name string }
		Codes   []chat.CodeInfo `json:"x-error-codes"`
	}
	if err := json.Unmarshal(must(t, SchemaResponse()), &doc); err != nil || len(doc.Methods) != len(Methods()) || len(doc.Codes) != len(chat.CodeTable) {
		t.Errorf("the schema has %d methods and %d codes (%v)", len(doc.Methods), len(doc.Codes), err)
	}
}

// Opening, calling and closing from many goroutines: for the race detector.
func TestConcurrentUse(t *testing.T) {
	r := newTestRegistry()
	var wg sync.WaitGroup
	for range 8 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			h, response := r.Open(memoryConfig)
			if h == 0 {
				t.Error(response)
				return
			}
			r.EventFD(h)
			r.SetCallback(h, func(string) {}, false)
			go r.NextEvent(h, 100)
			r.Call(h, "identity.create", "")
			go r.Call(h, "diagnostics.get", "")
			r.SetCallback(h, nil, false)
			r.Close(h, false)
		}()
	}
	wg.Wait()
}
