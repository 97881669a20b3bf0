package chat

import (
	"errors"

	"libstatus1to1/chat/internal/parallel"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/datasync"
	"libstatus1to1/chat/wire"
)

// What came before: an envelope leaves a mark by its digest, a message of it one by its
// MVDS id unless it is in a history.

// lookForCopies looks in the store for marks of what was opened.
func (p *pass) lookForCopies(opened []*inbound) {
	var digests [][32]byte
	for _, m := range opened {
		if m != nil {
			digests = append(digests, m.digest)
		}
	}
	p.look(seenDigest, digests)
}

// look reads marks from the store. What cannot be read is read again, and the error
// told, when it is asked for.
func (p *pass) look(kind byte, ids [][32]byte) {
	names := make([][]byte, len(ids))
	for i, id := range ids {
		names[i] = seenKey(kind, id)
	}
	marks, err := p.c.getAll(tableSeen, names)
	if err != nil {
		return
	}
	for i, name := range names {
		p.found[string(name)] = marks[i]
	}
}

// getAll reads records on all cores; nil where there is none.
func (c *Client) getAll(table Table, names [][]byte) ([][]byte, error) {
	parts := (len(names) + getAtOnce - 1) / getAtOnce
	values, failures := make([][]byte, len(names)), make([]error, parts)
	parallel.Do(parts, func(part int) {
		failures[part] = c.store.View(func(tx Tx) (err error) {
			for i := part * getAtOnce; i < min(len(names), (part+1)*getAtOnce) && err == nil; i++ {
				values[i], err = tx.Get(table, names[i])
			}
			return err
		})
	})
	return values, errors.Join(failures...)
}

// getAtOnce is how many records are read in one transaction, which costs as much as
// reading one.
const getAtOnce = 16

// mark looks a mark up in this pass and in the store.
func (p *pass) mark(kind byte, id [32]byte) (mvds [][32]byte, found bool, err error) {
	name := string(seenKey(kind, id))
	if mvds, found = p.seen[name]; found {
		return mvds, true, nil
	}
	b, looked := p.found[name]
	if !looked {
		if err := p.c.store.View(func(tx Tx) (err error) { b, err = tx.Get(tableSeen, []byte(name)); return err }); err != nil {
			return nil, false, err
		}
	}
	if b == nil {
		return nil, false, nil
	}
	var rec wire.SeenRecord
	if err := decodeRecord(tableSeen, b, &rec); err != nil {
		return nil, false, err
	}
	mvds, err = idsOf(rec.GetMvdsIds())
	return mvds, true, err
}

// setMark marks an envelope with the messages it has brought.
func (p *pass) setMark(m *inbound, mvds [][32]byte) {
	p.seen[string(seenKey(seenDigest, m.digest))] = mvds
	p.do(func(t *txn) error { return t.remember(m.sender, seenDigest, m.digest, p.notRefused(mvds)) })
}

// knownAs is a message of an MVDS payload before it is opened.
type knownAs struct {
	mvds, id [32]byte // id is the message id
	stored   bool     // it is in a history
}

// body is an application message; known is the zero value if it came bare.
type body struct {
	bytes []byte
	known knownAs
}

// known computes the ids of messages and looks what came before: what is in a history
// has no mark of its own.
func (p *pass) known(m *inbound, messages []datasync.Message) ([]knownAs, error) {
	all, ids := make([]knownAs, len(messages)), make([][32]byte, len(messages))
	names := make([][]byte, len(messages))
	for i, sm := range messages {
		all[i] = knownAs{mvds: sm.ID(), id: message.ID(m.sender, sm.Body)}
		ids[i], names[i] = all[i].mvds, all[i].id[:]
	}
	p.look(seenMVDS, ids)
	stored, err := p.c.getAll(tableMessages, names)
	for i := range stored {
		all[i].stored = stored[i] != nil
	}
	return all, err
}
