package rpc

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"libstatus1to1/chat"
)

func TestRequestsAreTakenApart(t *testing.T) {
	for _, c := range []struct {
		text, id, method, params string
		client                   uint64
	}{
		{`{"jsonrpc":"2.0","id":1,"method":"info"}`, `1`, "info", `{}`, 0},
		{` { "params" : { "to" : "x" , "client" : 7 , "text":"a\"},{" } , "method" : "messages.send" , "jsonrpc":"2.0","id":"a b"} `, `"a b"`, "messages.send", `{"to" : "x","text":"a\"},{"}`, 7},
		{`{"jsonrpc":"2.0","id":null,"method":"x","params":{"client":9007199254740991}}`, `null`, "x", `{}`, 9007199254740991},
		{`{"jsonrpc":"2.0","method":"x","params":[ ]}`, ``, "x", `{}`, 0},
		{`{"jsonrpc":"2.0","id":-1.50,"method":"x","params":null,"traceparent":"00"}`, `-1.50`, "x", `{}`, 0},
		{`{"jsonrpc":"2.0","id":1,"method":"x","params":{"a":[1,{"client":3}],"a":true}}`, `1`, "x", `{"a":[1,{"client":3}],"a":true}`, 0}, // doubled: for the method to refuse
		{`{"jsonrpc":"2.0","id":1,"method":"x","params":{"\ud800":1,"client":2}}`, `1`, "x", `{"\ud800":1}`, 2},
	} {
		m := readMessage([]byte(c.text))
		if m.batch || len(m.requests) != 1 {
			t.Fatalf("%s: %+v", c.text, m)
		}
		r := m.requests[0]
		if r.bad != nil || string(r.id) != c.id || r.method != c.method || r.params != c.params || r.client != c.client {
			t.Errorf("%s: %+v", c.text, r)
		}
	}
}

func TestWhatIsWrongIsSaid(t *testing.T) {
	deep := strings.Repeat("[", 20000)
	many := strings.Repeat(`"x":0,`, maxMembers) + `"x":0`
	for _, c := range []struct {
		text, id string
		number   int
		field    string
	}{
		{`hello`, `null`, codeParseError, ""},
		{`{"jsonrpc":"2.0","id":1,"method":"info"`, `null`, codeParseError, ""},
		{`{"jsonrpc":"2.0","id":1,"method":"info"} {}`, `null`, codeParseError, ""},
		{"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xff\"}", `null`, codeParseError, ""},
		{deep, `null`, codeParseError, ""},
		{`[]`, `null`, codeInvalidRequest, ""},
		{`17`, `null`, codeInvalidRequest, ""},
		{`"text"`, `null`, codeInvalidRequest, ""},
		{`{}`, `null`, codeInvalidRequest, ""},
		{`{"id":4,"method":"info"}`, `4`, codeInvalidRequest, ""},
		{`{"jsonrpc":"1.0","id":4,"method":"info"}`, `4`, codeInvalidRequest, ""},
		{`{"jsonrpc":2.0,"id":4,"method":"info"}`, `4`, codeInvalidRequest, ""},
		{`{"jsonrpc":"2.0","id":4,"Method":"info"}`, `4`, codeInvalidRequest, ""},
		{`{"jsonrpc":"2.0","id":4,"method":5}`, `4`, codeInvalidRequest, ""},
		{`{"jsonrpc":"2.0","id":4,"result":{}}`, `4`, codeInvalidRequest, ""},
		{`{"jsonrpc":"2.0","id":4,"method":"a","method":"b"}`, `4`, codeInvalidRequest, ""},
		{`{"jsonrpc":"2.0","id":{},"method":"a"}`, `null`, codeInvalidRequest, ""},
		{`{"jsonrpc":"2.0","id":true,"method":"a"}`, `null`, codeInvalidRequest, ""},
		{`{"jsonrpc":"2.0","id":"` + strings.Repeat("x", maxID) + `","method":"a"}`, `null`, codeInvalidRequest, ""},
		{`{"jsonrpc":"2.0","id":4,"method":"a","params":[1]}`, `4`, codeInvalidParams, ""},
		{`{"jsonrpc":"2.0","id":4,"method":"a","params":"x"}`, `4`, codeInvalidParams, ""},
		{`{"jsonrpc":"2.0","id":4,"method":"a","params":{"client":"7"}}`, `4`, codeInvalidParams, "client"},
		{`{"jsonrpc":"2.0","id":4,"method":"a","params":{"client":0}}`, `4`, codeInvalidParams, "client"},
		{`{"jsonrpc":"2.0","id":4,"method":"a","params":{"client":-7}}`, `4`, codeInvalidParams, "client"},
		{`{"jsonrpc":"2.0","id":4,"method":"a","params":{"client":7.0}}`, `4`, codeInvalidParams, "client"},
		{`{"jsonrpc":"2.0","id":4,"method":"a","params":{"client":9007199254740992}}`, `4`, codeInvalidParams, "client"},
		{`{"jsonrpc":"2.0","id":4,"method":"a","params":{` + many + `}}`, `4`, codeInvalidParams, ""},
		{`{"jsonrpc":"2.0","id":4,"method":"a",` + many + `}`, `null`, codeInvalidRequest, ""},
		{`{"jsonrpc":"2.0","id":4,"method":"a","params":{"client":7,"client":7}}`, `4`, numbers[chat.CodeUnknownField], "client"},
	} {
		shown := c.text[:min(len(c.text), 80)]
		m := readMessage([]byte(c.text))
		if len(m.requests) != 1 || m.requests[0].bad == nil {
			t.Errorf("%s: %+v", shown, m)
			continue
		}
		r := m.requests[0]
		if r.bad.Code != c.number || string(r.id) != c.id || r.bad.Data.Field != c.field || r.bad.Data.Message == "" {
			t.Errorf("%s: id %s, %+v", shown, r.id, r.bad)
		}
	}
}

func TestBatchesAreTakenApart(t *testing.T) {
	m := readMessage([]byte(`[{"jsonrpc":"2.0","id":1,"method":"a"}, 3, {"jsonrpc":"2.0","method":"b"}]`))
	if !m.batch || len(m.requests) != 3 || m.requests[0].method != "a" || m.requests[1].bad.Code != codeInvalidRequest || m.requests[2].id != nil {
		t.Errorf("%+v", m)
	}
	full := "[" + strings.TrimSuffix(strings.Repeat(`{"jsonrpc":"2.0","id":1,"method":"a"},`, MaxBatch), ",") + "]"
	if m := readMessage([]byte(full)); len(m.requests) != MaxBatch {
		t.Errorf("%d requests", len(m.requests))
	}
	if m := readMessage([]byte("[1," + full[1:])); len(m.requests) != 1 || m.batch || m.requests[0].bad.Data.Details["max"] != MaxBatch {
		t.Errorf("%+v", m)
	}
}

// A message of many small things is not taken apart to the last of them: that would take
// twenty times its size. Nor is a message kept for the sake of its id.
func TestReadingTakesLittleMemory(t *testing.T) {
	const size = 4 << 20
	for _, text := range []string{
		"[" + strings.Repeat("0,", size/2) + "0]",
		`{"jsonrpc":"2.0","id":1,"method":"a","params":{` + strings.Repeat(`"":0,`, size/5) + `"":0}}`,
		`{` + strings.Repeat(`"":0,`, size/5) + `"":0}`,
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		m := readMessage([]byte(text))
		runtime.ReadMemStats(&after)
		if m.requests[0].bad == nil {
			t.Errorf("%.40s was taken", text)
		}
		if took := after.TotalAlloc - before.TotalAlloc; took > 3*size {
			t.Errorf("%.40s: %d MB", text, took>>20)
		}
	}
	text := []byte(`{"jsonrpc":"2.0","id":7,"method":"a"}`)
	m := readMessage(text)
	clear(text)
	if string(m.requests[0].id) != "7" {
		t.Error("the id is a part of the message")
	}
}

// Each code has a number, and those that JSON-RPC knows have its own.
func TestCodesHaveNumbers(t *testing.T) {
	used := map[int]bool{}
	for _, c := range chat.CodeTable {
		if n := c.Number; used[n] || n == codeCancelled {
			t.Errorf("%s: the number %d is another's", c.Code, n)
		}
		used[c.Number] = true
		f := failureOf(chat.Errorf(c.Code, "x", "text"))
		if f.Code == 0 || f.Data.Code != c.Code || f.Data.Field != "x" {
			t.Errorf("%s: %+v", c.Code, f)
		}
	}
	if f := failureOf(fmt.Errorf("a secret")); f.Code != codeInternalError || strings.Contains(fmt.Sprint(f), "secret") {
		t.Errorf("%+v", f)
	}
}

// membersOf finds the same members as encoding/json, so that a request is never misread.
func FuzzRequest(f *testing.F) {
	for _, seed := range []string{
		`{"jsonrpc":"2.0","id":1,"method":"messages.send","params":{"client":5,"to":"zQ3","text":"\u00e9\\\""}}`,
		`[{"jsonrpc":"2.0","method":"x"},1,[],{"a":[{}]}]`, `{"a":-1.5e3,"b":[1,[2]],"a":null}`, ` {} `, `{"":{"":"}"}}`, `"x"`, `[[[`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		m := readMessage(text)
		if len(m.requests) == 0 || len(m.requests) > MaxBatch {
			t.Fatalf("%d requests", len(m.requests))
		}
		for _, r := range m.requests {
			if r.bad == nil && (!json.Valid([]byte(r.params)) || r.params[0] != '{' || r.id != nil && !json.Valid(r.id)) {
				t.Fatalf("%+v", r)
			}
		}
		var want map[string]json.RawMessage
		trimmed := bytes.TrimSpace(text)
		if json.Unmarshal(trimmed, &want) != nil || len(trimmed) == 0 || trimmed[0] != '{' {
			return
		}
		members, ok := membersOf(trimmed)
		if len(members) > maxMembers {
			return
		}
		got := map[string]json.RawMessage{}
		for _, m := range members {
			got[m.name] = m.value
		}
		if !ok || !reflect.DeepEqual(got, want) {
			t.Fatalf("%q: %q, not %q", text, got, want)
		}
	})
}
