package api

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"libstatus1to1/chat"
)

// FuzzCall checks that whatever is called, the answer is one envelope of a known
// code, and that nothing panics inside.
func FuzzCall(f *testing.F) {
	r := newTestRegistry()
	h, response := r.Open(memoryConfig)
	if h == 0 {
		f.Fatal(response)
	}
	f.Cleanup(func() { r.Close(h, false) })
	r.Call(h, "identity.create", "")
	for _, m := range Methods() {
		f.Add(m.Name, `{}`)
	}
	for _, params := range []string{
		`{"to":"` + aKey + `","text":"hi","client_ref":"1"}`, `{"to":"` + aKey33 + `","text":""}`,
	} {
		f.Add("messages.send", params)
	}
	f.Add("messages.list", `{"key":"`+aKey+`","limit":3,"cursor":"1-00"}`)
	f.Add("messages.get", `{"message_id":"`+anID+`"}`)
	f.Add("chats.mark_read", `{"key":"`+aKey+`","up_to":"`+anID+`"}`)
	f.Add("contacts.add", `{"key":"`+aKey+`","name":"x"}`)
	f.Add("network.connect", `{"address":"/memory/1"}`)
	f.Add("events.ack", `{"up_to":1}`)
	f.Add("identity.restore", `{"phrase":"abandon","passphrase":"x"}`)
	f.Add("store.change_passphrase", `{"passphrase":"a","new_passphrase":"b"}`)
	f.Fuzz(func(t *testing.T, name, params string) {
		if name == "network.wait" || name == "store.export" {
			return // it may wait for an hour, or write files anywhere
		}
		response := r.Call(h, name, params)
		a := decodeAnswer(t, response)
		if strings.Contains(response, "\n") || strings.Contains(response, "\x00") {
			t.Fatalf("%s(%q) gave more than one line: %q", name, params, response)
		}
		if info, known := codes[a.Error.Code]; !a.OK && (!known || info.Category != a.Error.Category || a.Error.Code == chat.CodeInternal) {
			t.Fatalf("%s(%q) gave %s", name, params, response)
		}
		if name == "store.suspend" && a.OK {
			r.Call(h, "store.resume", "")
		}
	})
}

func BenchmarkDecodeSend(b *testing.B) {
	params := fmt.Sprintf(`{"to":%q,"text":%q,"client_ref":"0b3f"}`, aKey, strings.Repeat("word ", 100))
	b.SetBytes(int64(len(params)))
	for b.Loop() {
		var p SendParams
		if err := decode(params, &p, chat.CodeBadParams); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkStandardDecode measures encoding/json on the same input, for comparison.
func BenchmarkStandardDecode(b *testing.B) {
	params := fmt.Sprintf(`{"to":%q,"text":%q,"client_ref":"0b3f"}`, aKey, strings.Repeat("word ", 100))
	b.SetBytes(int64(len(params)))
	for b.Loop() {
		var p struct {
			To        string `json:"to"`
			Text      string `json:"text"`
			ClientRef string `json:"client_ref"`
		}
		if err := json.Unmarshal([]byte(params), &p); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCall(b *testing.B) {
	r := newTestRegistry()
	h, _ := r.Open(memoryConfig)
	defer r.Close(h, false)
	r.Call(h, "identity.create", "")
	for b.Loop() {
		r.Call(h, "identity.get", "")
	}
}
