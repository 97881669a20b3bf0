package api

import (
	"encoding/json"
	"fmt"
	"testing"
)

func TestSendBatchMethod(t *testing.T) {
	r := newTestRegistry()
	h := openTest(t, r, memoryConfig)
	must(t, r.Call(h, "identity.create", `{}`))
	to := "zQ3shYSHp7GoiXaauJMnDcjwU2yNjdzpXLosAWapPS4CFxc11"
	response := r.Call(h, "messages.send_batch", fmt.Sprintf(
		`{"messages":[{"to":%q,"text":"one"},{"to":%q,"text":" "},{"to":%q,"text":"three","client_ref":"r"}]}`, to, to, to))
	var result struct {
		Items []map[string]json.RawMessage
	}
	if err := json.Unmarshal(must(t, response), &result); err != nil || len(result.Items) != 3 {
		t.Fatalf("%s: %v", response, err)
	}
	for i, want := range []string{"message", "error", "message"} {
		if item := result.Items[i]; len(item) != 1 || item[want] == nil {
			t.Errorf("item %d is %v, want only %s", i, item, want)
		}
	}
	var body ErrorBody
	if err := json.Unmarshal(result.Items[1]["error"], &body); err != nil || body.Code != "empty" || body.Field != "text" || body.Category != "message" {
		t.Errorf("error body %+v, %v", body, err)
	}
	wrong := decodeAnswer(t, r.Call(h, "messages.send_batch", `{"messages":[{"to":"nobody","text":"x"}]}`))
	if wrong.OK || wrong.Error.Code != "bad_key" || wrong.Error.Field != "messages[0].to" {
		t.Errorf("a key that is none: %+v", wrong)
	}
}
