package chat

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"strings"

	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/datasync"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/topic"
	"libstatus1to1/chat/wire"
)

// The walks of CheckStore, table by table.

// messages looks at each message by itself and counts them by chat.
func (in *inspection) messages() error {
	return in.each(tableMessages, func(name, value []byte) error {
		var m wire.MessageRecord
		if err := decodeRecord(tableMessages, value, &m); err != nil {
			return err
		}
		chat, ok := key.ParseCompact(m.GetChat())
		if !ok || !isID(name) || !bytes.Equal(name, m.GetId()) {
			in.tell(tableMessages, "a message is not what its name says")
			return nil
		}
		if _, known := rank[m.GetState()]; !known && m.GetState() != stateReceived {
			in.tell(tableMessages, "a message is in no known state")
		}
		in.placed[chat]++
		return nil
	})
}

// chats looks at the histories.
func (in *inspection) chats() error {
	err := in.each(tableChats, func(name, value []byte) error {
		var rec wire.ChatRecord
		if err := decodeRecord(tableChats, value, &rec); err != nil {
			return err
		}
		chat, ok := key.ParseCompact(name)
		if !ok || !bytes.Equal(name, rec.GetKey()) {
			in.tell(tableChats, "a chat is not what its name says")
			return nil
		}
		places, err := in.history(&rec)
		if err == nil && places != in.placed[chat] {
			in.tell(tableChats, "a chat has %d messages, its history %d places", in.placed[chat], places)
		}
		delete(in.placed, chat)
		return err
	})
	for range in.placed {
		in.tell(tableMessages, "messages are in no chat")
	}
	return err
}

// history walks the places of one chat and returns how many there are.
func (in *inspection) history(rec *wire.ChatRecord) (places uint64, err error) {
	var unread, newest uint64
	lastFound := len(rec.GetLastMessageId()) == 0
	for before := (*Position)(nil); ; {
		page, err := in.tx.Page(rec.GetKey(), before, readAtOnce)
		if err != nil {
			return places, err
		}
		for _, at := range page {
			places++
			newest = max(newest, at.Clock)
			var m wire.MessageRecord
			found, err := get(in.tx, tableMessages, at.ID[:], &m)
			if err != nil {
				return places, err
			}
			if !found || m.GetClock() != at.Clock || !bytes.Equal(m.GetChat(), rec.GetKey()) {
				in.tell(tableChats, "a place of a history has no message, or another one")
			}
			if found && !m.GetRead() {
				unread++
			}
			lastFound = lastFound || bytes.Equal(at.ID[:], rec.GetLastMessageId()) && at.Clock == rec.GetLastMessageClock()
			if err := in.pause(); err != nil {
				return places, err
			}
		}
		if len(page) < readAtOnce {
			break
		}
		before = &page[len(page)-1]
	}
	if unread != rec.GetUnread() {
		in.tell(tableChats, "a chat counts %d unread messages, there are %d", rec.GetUnread(), unread)
	}
	if !lastFound || places > 0 && (len(rec.GetLastMessageId()) == 0 || rec.GetLastMessageClock() != newest) {
		in.tell(tableChats, "the last message of a chat is not its newest one")
	}
	if rec.GetClock() < newest {
		in.tell(tableChats, "the clock of a chat is behind its messages")
	}
	return places, nil
}

// outbox looks at the rows: what they are to send must give the ids they have.
func (in *inspection) outbox() error {
	return in.each(tableOutbox, func(name, value []byte) error {
		var rec wire.OutboxRecord
		if err := decodeRecord(tableOutbox, value, &rec); err != nil {
			return err
		}
		if len(name) != rowKeySize {
			in.tell(tableOutbox, "a row has no number")
			return nil
		}
		row, err := rowFromRecord(&rec, binary.BigEndian.Uint64(name))
		if err != nil {
			return err
		}
		return in.rowMessage(row, &rec)
	})
}

// rowMessage looks whether a row has its message, and the ids that follow from it.
// Only texts are in the history.
func (in *inspection) rowMessage(row *outboxRow, rec *wire.OutboxRecord) error {
	if in.own == nil {
		in.tell(tableOutbox, "a row waits, and there is no identity to send it")
		return nil
	}
	sync := datasync.Message{GroupID: datasync.GroupID(in.own.public, row.peer), Timestamp: rec.GetMvdsTimestamp(), Body: rec.GetApplication()}
	app, err := message.Unwrap(rec.GetApplication())
	if err != nil || app.Signer != in.own.public || message.ID(in.own.public, rec.GetApplication()) != row.id || sync.ID() != row.mvds {
		in.tell(tableOutbox, "the ids of a row do not follow from what it sends")
		return nil
	}
	if app.Type != wire.ApplicationMetadataMessage_CHAT_MESSAGE {
		return nil
	}
	found, err := in.holds(tableMessages, row.id[:])
	if err == nil && !found {
		in.tell(tableOutbox, "a row has no message")
	}
	return err
}

// attempts looks at the ciphertexts that are not out, and at what is left of others
// whose rows wait. Of the former a row may be gone, when it was acknowledged meanwhile.
func (in *inspection) attempts() error {
	taken := map[uint64]bool{}
	return in.each(tableAttempts, func(name, value []byte) error {
		at, rec, err := attemptFromRecord(value)
		if err != nil {
			return err
		}
		if !bytes.Equal(name, attemptKey(at.id)) {
			in.tell(tableAttempts, "an attempt is not what its name says")
		}
		out := len(at.payload) == 0
		if out && len(rec.GetRows()) == 0 {
			in.tell(tableAttempts, "an attempt has nothing to send and nothing to wait for")
		}
		if _, err := topic.ParseContentTopic(at.contentTopic); err != nil && !out {
			in.tell(tableAttempts, "an attempt has no topic")
		}
		for _, row := range rec.GetRows() {
			if taken[row.GetRow()] {
				in.tell(tableAttempts, "a row is in two attempts")
			}
			taken[row.GetRow()] = true
			found, err := in.holds(tableOutbox, rowKey(row.GetRow()))
			if err != nil {
				return err
			}
			if out && !found {
				in.tell(tableAttempts, "an attempt waits for a row that is gone")
			}
		}
		return nil
	})
}

// acks looks at the acknowledgements that wait: their receiver has sent something.
func (in *inspection) acks() error {
	return in.each(tableAcks, func(name, value []byte) error {
		var rec wire.AcksRecord
		if err := decodeRecord(tableAcks, value, &rec); err != nil {
			return err
		}
		if _, err := idsOf(rec.GetMvdsIds()); err != nil {
			return err
		}
		found, err := in.holds(tablePeers, name)
		if err == nil && !found {
			in.tell(tableAcks, "acknowledgements are for nobody")
		}
		return err
	})
}

func (in *inspection) clientRefs() error {
	return in.each(tableClientRefs, func(name, value []byte) error {
		var ref wire.ClientRefRecord
		if err := decodeRecord(tableClientRefs, value, &ref); err != nil {
			return err
		}
		var m wire.MessageRecord
		found, err := get(in.tx, tableMessages, ref.GetMessageId(), &m)
		if err == nil && (!found || m.GetClientRef() != string(name)) {
			in.tell(tableClientRefs, "a client_ref points to no message, or to another one")
		}
		return err
	})
}

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
