package chat

import (
	"encoding/hex"
	"encoding/json"
	"strings"

	"libstatus1to1/chat/internal/ledger"
)

// The walks of CheckStore, table by table.

// subject is what an event is about, as far as it can be looked up.
type subject struct {
	MessageID string `json:"message_id"`
	Message   *struct {
		ID string `json:"message_id"`
	} `json:"message"`
}

// events looks whether what an event reports is there. Of an application message
// that is not supported, the event is all there is.
func (in *inspection) events() error {
	return in.tx.Range(ledger.QueueEvents, 0, func(_ uint64, value []byte) (bool, error) {
		var stored ledger.StoredEvent
		var about subject
		if json.Unmarshal(value, &stored) != nil || json.Unmarshal(stored.Data, &about) != nil {
			in.report("queue " + string(ledger.QueueEvents) + ": an event does not read back")
			return true, in.pause()
		}
		id := about.MessageID
		if about.Message != nil {
			id = about.Message.ID
		}
		if id != "" && (stored.Type == "message_received" || stored.Type == "message_state") {
			name, err := hex.DecodeString(strings.TrimPrefix(id, "0x"))
			found := false
			if err == nil {
				if found, err = in.holds(tableMessages, name); err != nil {
					return false, err
				}
			}
			if !found {
				in.report("queue " + string(ledger.QueueEvents) + ": an event is about a message that is not there")
			}
		}
		return true, in.pause()
	})
}
