package history

import (
	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
)

// LastClocks returns the clock of the newest message with each person.
func (h *History) LastClocks() (map[key.Compact]uint64, error) {
	clocks := map[key.Compact]uint64{}
	err := h.Ledger.View(func(tx port.Tx) error {
		return tx.Each(TableChats, func(_, value []byte) error {
			var rec wire.ChatRecord
			if err := ledger.Decode(TableChats, value, &rec); err != nil {
				return err
			}
			if k, ok := message.ConversationID(rec.GetKey()).Person(); ok {
				clocks[k] = rec.GetLastMessageClock()
			}
			return nil
		})
	})
	return clocks, err
}
