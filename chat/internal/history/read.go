package history

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"libstatus1to1/chat/event"
	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/internal/page"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/wire"
)

// Message returns one message by its id, with the devices it is still being sent to.
// CodeNotFound if there is none.
func (h *History) Message(id [32]byte) (event.Message, error) {
	var rec wire.MessageRecord
	found, err := h.Ledger.Get(TableMessages, id[:], &rec)
	if err != nil {
		return event.Message{}, err
	}
	if !found || h.Cleared(&rec) {
		return event.Message{}, port.Errorf(port.CodeNotFound, "message_id", "there is no message with this id")
	}
	if err := h.overlayAll(&rec); err != nil {
		return event.Message{}, err
	}
	m := EventOf(&rec)
	awaited, err := h.Outbox.Awaited(id)
	for _, d := range awaited {
		has := func(o event.MessageDevice) bool { return o.Installation == d.Installation && o.Own == d.Own }
		if !slices.ContainsFunc(m.Devices, has) {
			m.Devices = append(m.Devices, d)
		}
	}
	return m, err
}

// Messages lists a conversation, newest first by (clock, id). One nobody wrote in is
// empty.
func (h *History) Messages(in message.ConversationID, r page.Request) (page.Page[event.Message], error) {
	var p page.Page[event.Message]
	limit, err := r.Size()
	if err != nil {
		return p, err
	}
	before, err := parsePosition(r.Cursor)
	if err != nil {
		return p, err
	}
	var records []*wire.MessageRecord
	err = h.Ledger.View(func(tx port.Tx) error {
		records, p.Next, err = messagesBefore(tx, in.Bytes(), before, limit, h.clearing.upTo(in))
		return err
	})
	if err == nil {
		p.Items, err = h.Shown(records)
	}
	if err != nil {
		return page.Page[event.Message]{}, err
	}
	return p, nil
}

// Shown returns messages whose records were just read as programs see them, without those
// that were cleared and are still to be erased.
func (h *History) Shown(records []*wire.MessageRecord) ([]event.Message, error) {
	if err := h.overlayAll(records...); err != nil {
		return nil, err
	}
	all := make([]event.Message, 0, len(records))
	for _, rec := range records {
		if !h.Cleared(rec) {
			all = append(all, EventOf(rec))
		}
	}
	return all, nil
}

// messagesBefore reads up to limit messages that are not cleared, newest first, and the
// cursor of what is left.
func messagesBefore(tx port.Tx, in []byte, before *port.Position, limit int, cleared uint64) (records []*wire.MessageRecord, next string, err error) {
	positions, err := tx.Page(in, before, limit+1)
	if err != nil {
		return nil, "", err
	}
	if i := slices.IndexFunc(positions, func(at port.Position) bool { return at.Clock <= cleared }); i >= 0 {
		positions = positions[:i]
	}
	if len(positions) > limit {
		positions = positions[:limit]
		next = positionCursor(positions[limit-1])
	}
	for _, at := range positions {
		rec := &wire.MessageRecord{}
		found, err := ledger.Get(tx, TableMessages, at.ID[:], rec)
		if err != nil {
			return nil, "", err
		}
		if !found {
			return nil, "", port.Errorf(port.CodeStoreCorrupt, "", "a message of the history is missing")
		}
		records = append(records, rec)
	}
	return records, next, nil
}

// Cursors of histories are the position of the last item: "<clock>-<id>".
func positionCursor(p port.Position) string { return fmt.Sprintf("%d-%x", p.Clock, p.ID) }

func parsePosition(cursor string) (*port.Position, error) {
	if cursor == "" {
		return nil, nil
	}
	var p port.Position
	bad := page.BadCursor()
	clock, id, ok := strings.Cut(cursor, "-")
	if !ok || len(id) != hex.EncodedLen(len(p.ID)) {
		return nil, bad
	}
	if _, err := hex.Decode(p.ID[:], []byte(id)); err != nil {
		return nil, bad
	}
	if _, err := fmt.Sscanf(clock, "%d", &p.Clock); err != nil || fmt.Sprint(p.Clock) != clock {
		return nil, bad
	}
	return &p, nil
}
