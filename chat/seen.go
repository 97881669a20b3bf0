package chat

import (
	"crypto/sha256"
	"errors"

	"libstatus1to1/chat/internal/parallel"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/datasync"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/x3dh"
	"libstatus1to1/chat/wire"
)

// Marks of what has been seen, for deduplication: an envelope leaves one under its digest, a
// message in it one under its MVDS id, unless it is in a history. How many marks are kept,
// and for how long, is marks.go.

// Marks of what was seen are kept as a ring a person: of each only so many, the oldest
// are forgotten for the newest, and all of them after keepSeen. What is forgotten and
// comes again is nothing new either: a message is known by its history, a state by its
// clock, and a ciphertext does not open twice.
const (
	// keepSeen is how long opened messages are remembered: longer than the pre-keys
	// that could open them again.
	keepSeen = x3dh.KeepSpent + x3dh.RotateAfter
	// maxMarks is how much is kept of one person, a unit for each id: a thousand
	// envelopes a day for keepSeen, some 5 MB.
	maxMarks = 32 << 10
	// maxStrangerMarks is that of a stranger, or of somebody blocked: what they may
	// leave with us, sent a few times.
	maxStrangerMarks = 4 * MaxStrangerMessages
	// maxStrangerRepeats is how many ids the mark of one envelope of theirs holds, to be
	// acknowledged again when a copy of it comes.
	maxStrangerRepeats = 32
	// maxMarksTogether bounds what is forgotten together.
	maxMarksTogether = 256
	// forgetAtOnce bounds how many marks are forgotten for their age in one transaction.
	forgetAtOnce = 5000
)

// seenKeySize is the size of the keys of tableSeen.
const seenKeySize = 1 + 32

// seenKey names a mark: its kind, then the id of what was seen.
func seenKey(kind byte, id [32]byte) []byte { return append([]byte{kind}, id[:]...) }

// lookForCopies looks up, for a whole batch at once, whether envelopes came before.
func (p *pass) lookForCopies(opened []*inbound) {
	var digests [][32]byte
	for _, m := range opened {
		if m != nil {
			digests = append(digests, m.digest)
		}
	}
	p.lookUpMarks(seenDigest, digests)
}

// look reads marks from the store ahead of their use. One that cannot be read is
// read again, and its error returned, when it is asked for.
func (p *pass) lookUpMarks(kind byte, ids [][32]byte) {
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

// mark looks a mark up: among those that this pass makes, then in the store.
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

// setMark marks an envelope, and notes with it the messages it brought: a copy of it has
// them acknowledged again.
func (p *pass) setMark(m *inbound, mvds [][32]byte) {
	p.seen[string(seenKey(seenDigest, m.digest))] = mvds
	p.do(func(t *txn) error { return t.remember(m.sender, seenDigest, m.digest, p.notRefused(mvds)) })
}

// knownAs identifies a message of an MVDS payload before it is opened.
type knownAs struct {
	mvds, id [32]byte // id is the message id
	stored   bool     // it is in a history
}

// body is an application message; known is the zero value if it came bare.
type body struct {
	bytes []byte
	known knownAs
}

// known computes the ids of messages and looks up which came before. What is in a
// history has no mark of its own.
func (p *pass) lookUpMessages(m *inbound, messages []datasync.Message) ([]knownAs, error) {
	all, ids := make([]knownAs, len(messages)), make([][32]byte, len(messages))
	names := make([][]byte, len(messages))
	for i, sm := range messages {
		all[i] = knownAs{mvds: sm.ID(), id: message.ID(m.sender, sm.Body)}
		ids[i], names[i] = all[i].mvds, all[i].id[:]
	}
	p.lookUpMarks(seenMVDS, ids)
	stored, err := p.c.getAll(tableMessages, names)
	for i := range stored {
		all[i].stored = stored[i] != nil
	}
	return all, err
}

// remember marks something that somebody has sent as seen, under a name of a kind.
func (t *txn) remember(of key.Public, kind byte, id [32]byte, mvds [][32]byte) error {
	who := of.Compact()
	if s, _ := t.c.people.contacts.of(who); !s.familiar() && t.marksOf(who) == maxStrangerMarks {
		mvds = mvds[:min(len(mvds), maxStrangerRepeats)]
	}
	rec := &wire.SeenRecord{}
	for _, m := range mvds {
		rec.MvdsIds = append(rec.MvdsIds, m[:])
	}
	name := seenKey(kind, id)
	t.list(who, name, 1+len(mvds))
	return put(t, tableSeen, name, rec)
}

// rememberSent notes the MVDS id of a message that is in no outbox, or no longer: its
// acknowledgement may still come. A message that fails for the second time is noted
// already, and a second entry would be forgotten at another time than the first.
func (t *txn) rememberSent(mvds, id [32]byte) error {
	old, err := t.Get(tableSeen, seenKey(seenElsewhere, mvds))
	if err != nil || old != nil {
		return err
	}
	return t.remember(t.c.self.Load().public, seenElsewhere, mvds, [][32]byte{id})
}

// digest names a ProtocolMessage: an exact copy has the same.
func digest(protocolMessage []byte, sender key.Public) [32]byte {
	return sha256.Sum256(append(sender.Compressed(), protocolMessage...))
}
