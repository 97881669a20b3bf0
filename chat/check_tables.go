package chat

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/datasync"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/session"
	"libstatus1to1/chat/protocol/topic"
	"libstatus1to1/chat/wire"
)

// The walks of CheckStore, table by table.

// peers looks at the sessions and at the skipped keys, which have a table of
// their own.
func (in *inspection) peers() error {
	owned := map[string]bool{}
	err := in.each(tablePeers, func(name, value []byte) error {
		k, err := key.ParsePublic(name)
		if err != nil {
			in.tell(tablePeers, "a name is no key")
			return nil
		}
		var rec wire.PeerRecord
		if err := decodeRecord(tablePeers, value, &rec); err != nil {
			return err
		}
		p, err := session.FromRecord(k, &rec, func(name []byte) ([]byte, error) { return in.tx.Get(tableSkipped, name) })
		if err != nil {
			in.tell(tablePeers, "the sessions with a peer do not read back, or lack their skipped keys")
			return nil
		}
		for _, s := range p.Sessions {
			if s.Ratchet.SkippedLen() > 0 {
				owned[string(session.SkippedKey(k, s))] = true
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return in.each(tableSkipped, func(name, _ []byte) error {
		if !owned[string(name)] {
			in.tell(tableSkipped, "skipped keys belong to no session")
		}
		return nil
	})
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

// seen looks at the marks and the lists by which they are forgotten.
func (in *inspection) seen() error {
	marks, listed := 0, 0
	err := in.each(tableSeen, func(name, value []byte) error {
		marks++
		if len(name) != seenKeySize || name[0] != seenDigest && name[0] != seenMVDS && name[0] != seenElsewhere {
			in.tell(tableSeen, "a mark has no proper name")
		}
		var rec wire.SeenRecord
		if err := decodeRecord(tableSeen, value, &rec); err != nil {
			return err
		}
		_, err := idsOf(rec.GetMvdsIds())
		return err
	})
	if err != nil {
		return err
	}
	list := func(names []byte) error {
		for name := range slices.Chunk(names, seenKeySize) {
			found, err := in.holds(tableSeen, name)
			if err != nil {
				return err
			}
			if !found {
				in.tell(tableSeen, "a mark is missing")
			} else {
				listed++
			}
		}
		return nil
	}
	err = in.each(tableMarks, func(name, value []byte) error {
		var rec wire.MarksRecord
		if err := decodeRecord(tableMarks, value, &rec); err != nil {
			return err
		}
		if _, ok := chatName(rec.GetPeer()); !ok || len(name) != rowKeySize {
			in.tell(tableMarks, "marks are of nobody")
		}
		return list(rec.GetNames())
	})
	if err != nil {
		return err
	}
	err = in.tx.Range(queueSeen, 0, func(_ uint64, value []byte) (bool, error) {
		return true, errors.Join(list(value[min(8, len(value)):]), in.pause())
	})
	if err == nil && listed != marks {
		in.tell(tableSeen, "%d marks would never be forgotten", marks-listed)
	}
	return err
}

// topics looks at what we listen to.
func (in *inspection) topics() error {
	return in.each(tableTopics, func(name, value []byte) error {
		var rec wire.TopicRecord
		if err := decodeRecord(tableTopics, value, &rec); err != nil {
			return err
		}
		peer, err := key.ParsePublic(rec.GetPeer())
		_, topicErr := topic.ParseContentTopic(rec.GetContentTopic())
		if err != nil || topicErr != nil || len(rec.GetKey()) != len(key.Secret{}) || !bytes.Equal(name, topicKey(rec.GetKind(), peer)) {
			in.tell(tableTopics, "a topic does not read back")
		}
		return nil
	})
}

func (in *inspection) contacts() error {
	return in.each(tableContacts, func(name, value []byte) error {
		var rec wire.ContactRecord
		if err := decodeRecord(tableContacts, value, &rec); err != nil {
			return err
		}
		if _, ok := chatName(name); !ok || !bytes.Equal(name, rec.GetKey()) {
			in.tell(tableContacts, "a contact is not what its name says")
		}
		return nil
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
