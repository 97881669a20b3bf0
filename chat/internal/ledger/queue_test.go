package ledger

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"libstatus1to1/chat/event"
)

// TestStoredEvents: what the short way of reading an event takes, it reads as
// encoding/json does.
func TestStoredEvents(t *testing.T) {
	made := encodeEvent("message_state", 1_800_000_000_000, []byte(`{"a":"},\"data\":{"}`))
	if e, ok := decodeEvent(made); !ok || e.Type != "message_state" || e.At != 1_800_000_000_000 || string(e.Data) != `{"a":"},\"data\":{"}` {
		t.Fatalf("%s reads as %+v, %v", made, e, ok)
	}
	if e, ok := decodeEvent(encodeEvent("empty", -5, []byte("{}"))); !ok || e.At != -5 || string(e.Data) != "{}" {
		t.Fatalf("an empty event reads as %+v, %v", e, ok)
	}
	for _, other := range []string{
		"", "{}", `{"type":"`, `{"type":"x","at":`, `{"type":"x","at":1,"data":{`, `{"type":"x","at":1,"data":[]}`, `{"type":"x","at":1,"data":{]`,
		`{"type":"x","at":y,"data":{}}`, `{"type":"a\"b","at":1,"data":{}}`, `{"at":1,"type":"x","data":{}}`, ` {"type":"x","at":1,"data":{}}`,
	} {
		if e, ok := decodeEvent([]byte(other)); ok {
			t.Errorf("%s reads as %+v", other, e)
		}
	}
}

// FuzzStoredEvent holds the short way against encoding/json.
func FuzzStoredEvent(f *testing.F) {
	f.Add([]byte(`{"type":"x","at":1,"data":{"y":2}}`))
	f.Add([]byte(`{"type":"x","at":1,"data":{}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		short, ok := decodeEvent(b)
		var whole StoredEvent
		if !ok || !utf8.Valid(b) || !json.Valid(short.Data) || json.Unmarshal(b, &whole) != nil {
			return
		}
		if short.Type != whole.Type || short.At != whole.At || !bytes.Equal(short.Data, whole.Data) {
			t.Errorf("%s reads as %+v and as %+v", b, short, whole)
		}
	})
}

// Every event with the key of a person is known to be about them: it counts in their
// share, and is silent once they are blocked.
func TestEventsNameTheirPerson(t *testing.T) {
	ours := map[string]bool{"message_state": true, "contact_removed": true, "presence_changed": true} // of what we do, or not stored
	for _, e := range event.All {
		data, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		about := strings.Contains(string(data), `"public_key":`) || strings.Contains(string(data), `"from":`)
		if about && !ours[e.Type()] && eventNames[e.Type()] == "" {
			t.Errorf("nobody is known to be behind %s", e.Type())
		}
	}
}
