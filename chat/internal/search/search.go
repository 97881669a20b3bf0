// Package search keeps the index of what was said, and searches it: by words, phrases and
// beginnings of words (package words), by conversation, author and time.
//
// The index is made of segments of up to 16,384 messages, newest first; the number of a
// message in its segment is its rank. A segment has blocks of documents (clock and id of
// each message) and blocks of terms (each with the ranks of its messages), which are
// records of one ordinary table. Their keys are hashed by the store and nearly all have one
// size: what the file shows is how many there are. A transaction that adds messages only
// notes them in a queue, and a search reads what is there as texts. 256 of the queue become a
// segment, eight segments of a size become one of the next. All of that is one transaction
// each, so there is no state between.
//
// A message that is changed or removed is taken out of the index in the transaction that does
// so, and none of its terms stays behind.
//
//	search.go   the part, and what it learns of messages
//	work.go     work in the background: segments out of the queue, merging, rebuilding
//	held.go     what the messages in the queue say
//	newest.go   all messages, newest first
//	segment.go  reading a segment
//	write.go    making one
//	remove.go   taking messages out of one
//	blocks.go   the form of blocks
//	query.go    searching
//	check.go    what must hold
package search

import (
	"bytes"
	"encoding/binary"
	"sync/atomic"
	"time"

	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/text/words"
	"libstatus1to1/chat/wire"
)

// The table and the queue of the part.
const (
	// table holds the records of the index: see the functions below.
	table port.Table = "search"
	// unindexed holds the places of messages that are in no segment yet, placeSize bytes each.
	unindexed port.Queue = "unindexed"
)

// The keys of the records in table.
var (
	keyState    = []byte("s") // SearchStateRecord
	keySegments = []byte("d") // SearchSegmentsRecord
)

func keyRoot(segment uint32) []byte { return binary.BigEndian.AppendUint32([]byte("r"), segment) } // SearchRootRecord

func keyDocuments(segment uint32, block int) []byte { // blocks.go
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32([]byte("m"), segment), uint32(block))
}

func keyTerms(segment uint32, block int) []byte { // blocks.go
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32([]byte("t"), segment), uint32(block))
}

func keyName(name []byte) []byte { return append([]byte("n"), name...) } // its number, 4 bytes

// version names the form of the records here and the terms of a text.
const version = "1 " + words.Version

// Options are the arguments of New; all fields are required.
type Options struct {
	Ledger *ledger.Ledger
	Now    func() time.Time
	Log    port.Logger
	// Messages and Chats are the tables of the history.
	Messages, Chats port.Table
	// Hidden reports whether a stored message is to be treated as if it were not there.
	Hidden func(rec *wire.MessageRecord) bool
	// Wake has the loop look for work.
	Wake func()
}

// Index is the part. Watch and Search may be called from any goroutine.
type Index struct {
	Options
	bounds bounds
	queued atomic.Int64 // places in the queue, about
	look   atomic.Bool  // there may be work beside that on the queue
	// spoiled: the index did not read back; anew: it is to be rebuilt for that; broken: that
	// did not help, and the index is not used.
	spoiled, anew, broken atomic.Bool
	newest                *newest // the walk while the index is made; nil if it is to begin
	held                  held
}

// New makes the part.
func New(o Options) *Index { return &Index{Options: o, bounds: usual} }

// Load counts what waits in the queue. It is called again when the store was away.
func (x *Index) Load(tx port.Tx) error {
	x.held.forget()
	n := 0
	err := tx.Range(unindexed, 0, func(_ uint64, value []byte) (bool, error) {
		n += len(value) / placeSize
		return true, nil
	})
	x.queued.Store(int64(n))
	x.look.Store(true)
	return err
}

// Due is now if there is work.
func (x *Index) Due(t *ledger.Turn) time.Time {
	if x.broken.Load() || !x.look.Load() && x.queued.Load() < int64(x.bounds.documents) {
		return time.Time{}
	}
	return t.Now
}

// Care has nothing to look after.
func (x *Index) Care(*ledger.Turn) {}

// placeOf is where a message stands in its conversation.
func placeOf(rec *wire.MessageRecord) port.Position {
	return port.Position{Clock: rec.GetClock(), ID: [32]byte(rec.GetId())}
}

// textOf returns the text by which a message is found, "" if it has none. The id of zeros
// marks erased documents. No message has it, but an archive may claim one that does.
func textOf(rec *wire.MessageRecord) string {
	if rec.GetDeletion() != nil || bytes.Equal(rec.GetId(), make([]byte, 32)) {
		return ""
	}
	return rec.GetText()
}

// changesOf is the key of ledger.Local for what a transaction changes in the index.
type changesOf struct{}

// changes are the messages of a transaction that the index learns of at its end.
type changes struct {
	added   []byte // their places
	said    []said // what they say
	removed []removal
}

// Watch learns that a message is added (before is nil), changed, or removed (after is nil).
func (x *Index) Watch(tx *ledger.Tx, before, after *wire.MessageRecord) error {
	had, has := textOf(before), textOf(after)
	if had == has && (before == nil || after == nil || placeOf(before) == placeOf(after)) {
		return nil
	}
	c, first := ledger.Local[changes](tx, changesOf{})
	if first {
		tx.AtEnd(func() error { return x.apply(tx, c) })
	}
	if had != "" {
		c.removed = append(c.removed, removal{at: placeOf(before), text: had, chat: before.GetChat(), from: before.GetFrom()})
	}
	if has != "" {
		c.added = appendPlace(c.added, placeOf(after))
		c.said = append(c.said, saidIn(after))
	}
	return nil
}

// apply writes what a transaction changes. A message that was already in a segment is taken
// out of it, and one that is still in the queue is read when its turn comes.
func (x *Index) apply(tx *ledger.Tx, c *changes) error {
	if len(c.removed) > 0 {
		if err := x.removeAll(tx, c.removed); err != nil {
			return err
		}
		tx.After(func() { x.look.Store(true) })
	}
	n := len(c.added) / placeSize
	for added, what := c.added, c.said; len(added) > 0; {
		some := min(len(what), placesInEntry)
		seq, err := tx.Append(unindexed, added[:some*placeSize])
		if err != nil {
			return err
		}
		for i := range some {
			x.held.hold(readPlace(added[i*placeSize:]), seq, what[i])
		}
		added, what = added[some*placeSize:], what[some:]
	}
	for _, r := range c.removed { // last: it may have been added before in this transaction
		x.held.drop(r.at)
	}
	tx.After(func() {
		if x.queued.Add(int64(n)) >= int64(x.bounds.documents) {
			x.Wake()
		}
	})
	return nil
}

// state reads how far the index has come; ok is false if it is of another version, or there is
// none.
func readState(tx port.Tx) (rec *wire.SearchStateRecord, ok bool, err error) {
	rec = &wire.SearchStateRecord{}
	found, err := ledger.Get(tx, table, keyState, rec)
	return rec, found && err == nil && rec.GetVersion() == version, err
}

// readSegments reads the list of segments.
func readSegments(tx port.Tx) ([]*wire.SearchSegmentRecord, error) {
	var rec wire.SearchSegmentsRecord
	if err := getPadded(tx, keySegments, &rec); err != nil {
		return nil, err
	}
	return rec.GetSegments(), nil
}

func newestOf(s *wire.SearchSegmentRecord) port.Position {
	return port.Position{Clock: s.GetNewestClock(), ID: id32(s.GetNewestId())}
}

func oldestOf(s *wire.SearchSegmentRecord) port.Position {
	return port.Position{Clock: s.GetOldestClock(), ID: id32(s.GetOldestId())}
}

// id32 is an id of a record of ours; what has another length is read as well as it goes.
func id32(b []byte) (id [32]byte) {
	copy(id[:], b)
	return id
}

// covers reports whether a place is between the newest and the oldest of a segment.
func covers(s *wire.SearchSegmentRecord, at port.Position) bool {
	return !newestOf(s).Before(at) && !at.Before(oldestOf(s))
}
