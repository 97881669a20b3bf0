package chat

import (
	"errors"

	"libstatus1to1/chat/wire"
)

// Marks of what came before. A pass looks for those of a batch at once.

// seenBefore drops an exact copy of a message that was opened, undecrypted, and
// has what it carried acknowledged again: our acknowledgement may be lost.
func (p *pass) seenBefore(m *inbound) (bool, error) {
	mvds, found, err := p.mark(seenDigest, m.digest)
	if err != nil || !found {
		return false, err
	}
	if len(mvds) > 0 && p.c.loop.repeats.allow(m.sender, p.now, p.c.settings.ResendBase) {
		p.do(func(t *txn) error { t.queueAcks(m.sender, mvds); return nil })
	}
	return true, dropped("duplicate")
}

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
	parallel(parts, func(part int) {
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

func (p *pass) setMark(kind byte, id [32]byte, mvds [][32]byte) {
	p.seen[string(seenKey(kind, id))] = mvds
	p.do(func(t *txn) error { return t.remember(kind, id, mvds) })
}
