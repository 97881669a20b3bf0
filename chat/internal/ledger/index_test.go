package ledger

import (
	"encoding/json"
	"strings"
	"testing"

	"libstatus1to1/chat/event"
)

// Every event with the key of a person is known to be about them: it counts in their
// share, and is silent once they are blocked.
func TestEventsNameTheirPerson(t *testing.T) {
	ours := map[string]bool{"message_state": true, "contact_removed": true} // of what we do
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
