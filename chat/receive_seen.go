package chat

import (
	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/datasync"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
)

// What a pass asks of the marks of what has been seen, and the marks it sets: see seen.go.

// lookForCopies looks up, for a whole batch at once, whether envelopes came before. What
// cannot be read is read again by findMark, which returns the error.
func (p *pass) lookForCopies(opened []*inbound) {
	marks := make([][]byte, len(opened))
	err := p.c.ledger.ReadAll(len(opened), func(tx Tx, i int) (err error) {
		if m := opened[i]; m != nil {
			marks[i], err = tx.Get(tableSeen, seenKey(seenDigest, m.digest))
		}
		return err
	})
	if err != nil {
		return
	}
	for i, m := range opened {
		if m != nil {
			p.found[string(seenKey(seenDigest, m.digest))] = marks[i]
		}
	}
}

// findMark looks up a mark: among those that this pass sets, then in the store.
func (p *pass) findMark(kind byte, id [32]byte) (mvds [][32]byte, found bool, err error) {
	name := string(seenKey(kind, id))
	if mvds, found = p.seen[name]; found {
		return mvds, true, nil
	}
	b, looked := p.found[name]
	if !looked {
		if err := p.c.ledger.View(func(tx Tx) (err error) { b, err = tx.Get(tableSeen, []byte(name)); return err }); err != nil {
			return nil, false, err
		}
	}
	if b == nil {
		return nil, false, nil
	}
	var rec wire.SeenRecord
	if err := ledger.Decode(tableSeen, b, &rec); err != nil {
		return nil, false, err
	}
	mvds, err = ledger.IDs(rec.GetMvdsIds())
	return mvds, true, err
}

// setMark marks an envelope as seen, together with the MVDS ids of its messages, so that a
// copy of it has them acknowledged again.
func (p *pass) setMark(m *inbound, mvds [][32]byte) {
	p.mark(m.digest, m.sender, mvds)
	if m.set != [32]byte{} { // so that the segments that were not needed cost nothing
		p.mark(m.set, m.sender, mvds)
	}
}

func (p *pass) mark(digest [32]byte, sender key.Public, mvds [][32]byte) {
	p.seen[string(seenKey(seenDigest, digest))] = mvds
	p.do(func(t *txn) error { return t.remember(sender, seenDigest, digest, p.notRefused(mvds)) })
}

// knownAs identifies a message of an MVDS payload before it is opened.
type knownAs struct {
	mvds, id [32]byte // id is the message id
	stored   bool     // it is in a history
}

// body is an application message; known is the zero value if it came without MVDS.
type body struct {
	bytes []byte
	known knownAs
}

// lookUpMessages computes the ids of messages and looks up which came before, on all cores. A
// message in a history has no mark of its own: the history is its mark.
func (p *pass) lookUpMessages(m *inbound, messages []datasync.Message) ([]knownAs, error) {
	all, marks, unread := make([]knownAs, len(messages)), make([][]byte, len(messages)), make([]error, len(messages))
	err := p.c.ledger.ReadAll(len(messages), func(tx Tx, i int) error {
		known := &all[i]
		*known = knownAs{mvds: messages[i].ID(), id: message.ID(m.sender, messages[i].Body)}
		marks[i], unread[i] = tx.Get(tableSeen, seenKey(seenMVDS, known.mvds))
		stored, err := tx.Get(tableMessages, known.id[:])
		known.stored = stored != nil && !(m.sender == p.a.public && leftBehind(stored))
		return err
	})
	for i := range marks {
		if unread[i] == nil && err == nil { // else findMark reads it again, and returns the error
			p.found[string(seenKey(seenMVDS, all[i].mvds))] = marks[i]
		}
	}
	return all, err
}
