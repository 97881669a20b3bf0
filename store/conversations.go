package store

import (
	"bytes"

	bolt "go.etcd.io/bbolt"
	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/port"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
)

// Until version 3 a conversation had the compressed key of the other person for a name.
// Since version 4 it has an id, a byte for its kind and then bytes, so that there can be
// conversations with more than one person. What is in this file must not change with the
// engine: it says what was true when version 4 came.

// personKind begins the id of a conversation with one person.
const personKind = 1

// movedAtOnce bounds the records that one part of the migration reads and writes: few
// enough for the memory of a telephone, with the longest texts too, and enough that the
// fsync of each part is a small share of its time.
const movedAtOnce = 2048

// conversationIDs is migration 3 to 4: histories, messages and the records of chats get
// the ids of their conversations.
func conversationIDs(tx *bolt.Tx, c *crypt) error {
	m := &mover{batch: newBatchIn(tx, c, &room{}), left: movedAtOnce}
	phases := []func(from []byte) (next []byte, err error){m.histories, m.messages, m.chats}
	// What was done so far: the number of the phase, then where it stopped.
	done, err := m.progress()
	if err != nil {
		return err
	}
	phase, from := 0, []byte(nil)
	if len(done) > 0 {
		phase = int(done[0])
	}
	if len(done) > 1 {
		from = done[1:]
	}
	for ; phase < len(phases) && m.left > 0; phase++ {
		if from, err = phases[phase](from); err != nil {
			return err
		}
		if from != nil {
			break
		}
	}
	if _, err := m.flush(); err != nil {
		return err
	}
	if phase == len(phases) {
		return nil
	}
	if err := m.setProgress(append([]byte{byte(phase)}, from...)); err != nil {
		return err
	}
	return errMore
}

// mover is one part of the migration. Its methods begin after the place that the part
// before stopped at, nil for the beginning, and tell where they stop; nil at the end.
type mover struct {
	*batch
	left int // records that this part may still read
}

// idOfPerson is the id of the conversation that had a name; ok is false if it has one.
func idOfPerson(name []byte) (id []byte, ok bool) {
	if len(name) != key.CompressedSize || name[0] != 2 && name[0] != 3 {
		return nil, false
	}
	return append([]byte{personKind}, name...), true
}

// histories moves the positions of each history to the bucket of its new name, under
// the labels that they have. Its place is the old bucket and the last label moved.
func (m *mover) histories(from []byte) (next []byte, err error) {
	c, err := m.cursor("index", indexBucket)
	if err != nil || c == nil {
		return nil, err
	}
	var label []byte
	if len(from) > hashedSize {
		label = from[hashedSize:]
	}
	plain, err := c.seek(from[:min(len(from), hashedSize)])
	for ; c.key != nil && err == nil; plain, err = c.move((*bolt.Cursor).Next) {
		e, ok := decodeEntry(plain)
		if !ok {
			return nil, misplaced("index")
		}
		id, old := idOfPerson([]byte(e.name))
		if e.kind != kindHistory || !old {
			continue
		}
		if label, err = m.history(bucketID(c.key), e, string(id), label); err != nil {
			return nil, err
		}
		if label != nil || m.left <= 0 {
			return append(bytes.Clone(c.key), label...), nil
		}
	}
	return nil, err
}

// history moves one history, from the label after on. When it is moved, the old one goes.
func (m *mover) history(from bucketID, e entry, name string, after []byte) (last []byte, err error) {
	if after == nil {
		if err := m.fresh(from, e); err != nil { // the new bucket vouches for what is moved
			return nil, err
		}
	}
	to, moved, err := m.lookup(kindHistory, name)
	if err != nil {
		return nil, err
	}
	c, err := m.cursor(e.what(), from)
	if err != nil {
		return nil, err
	}
	if c == nil {
		return nil, missing(e.what())
	}
	plain, err := c.seek(after)
	if err == nil && after != nil && bytes.Equal(c.key, after) {
		plain, err = c.move((*bolt.Cursor).Next)
	}
	for ; c.key != nil && err == nil && m.left > 0; plain, err = c.move((*bolt.Cursor).Next) {
		if err := m.do(step{act: actPut, fresh: true, rises: true, id: to, key: c.key, value: plain}); err != nil {
			return nil, err
		}
		moved.last, moved.gone = moved.last+1, false
		last = c.key
		m.left--
	}
	m.set(to, moved)
	if err != nil || c.key != nil {
		return last, err
	}
	if moved.last != e.last {
		return nil, missing(e.what())
	}
	m.set(from, emptyEntry(kindHistory, e.name))
	m.left--
	return nil, m.do(step{act: actDrop, id: from})
}

// messages writes the id of its conversation into each message.
func (m *mover) messages(from []byte) (next []byte, err error) {
	return m.records("messages", from, func(id bucketID, diskKey, name, value []byte) error {
		var rec wire.MessageRecord
		if proto.Unmarshal(value, &rec) != nil {
			return nil // damaged before: whoever reads it is told
		}
		conversation, old := idOfPerson(rec.GetChat())
		if !old {
			return nil
		}
		rec.Chat = conversation
		return m.put(id, diskKey, name, &rec)
	})
}

// chats puts each record of a chat under the id of its conversation.
func (m *mover) chats(from []byte) (next []byte, err error) {
	return m.records("chats", from, func(id bucketID, diskKey, name, value []byte) error {
		conversation, old := idOfPerson(name)
		var rec wire.ChatRecord
		if !old || proto.Unmarshal(value, &rec) != nil {
			return nil
		}
		if bytes.Equal(rec.GetKey(), name) {
			rec.Key = conversation
		}
		if err := m.do(step{act: actDelete, id: id, key: diskKey}); err != nil {
			return err
		}
		return m.put(id, m.crypt.recordKey(id, "chats", conversation), conversation, &rec)
	})
}

func (m *mover) put(id bucketID, diskKey, name []byte, rec proto.Message) error {
	value, err := proto.Marshal(rec)
	if err != nil {
		return err
	}
	return m.do(step{act: actPut, id: id, key: diskKey, value: packRecord(name, value)})
}

// records visits the records of a table in the order of their disk keys. What visit
// writes appears in the table when the part is done; records that were changed already
// may come again.
func (m *mover) records(table port.Table, from []byte, visit func(id bucketID, diskKey, name, value []byte) error) (next []byte, err error) {
	id, e, err := m.lookup(kindTable, string(table))
	if err != nil {
		return nil, err
	}
	c, err := m.cursor(e.what(), id)
	if err != nil || c == nil {
		return nil, err
	}
	plain, err := c.seek(from)
	if err == nil && from != nil && bytes.Equal(c.key, from) {
		plain, err = c.move((*bolt.Cursor).Next)
	}
	for ; c.key != nil && err == nil; plain, err = c.move((*bolt.Cursor).Next) {
		name, value, ok := unpackRecord(plain)
		if !ok {
			return nil, misplaced(e.what())
		}
		if err := visit(id, c.key, name, value); err != nil {
			return nil, err
		}
		if m.left--; m.left <= 0 || m.bytes > maxBatchBytes {
			return c.key, nil
		}
	}
	return nil, err
}
