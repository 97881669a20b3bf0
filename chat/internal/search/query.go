package search

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/internal/page"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/text/words"
	"libstatus1to1/chat/wire"
)

// Request says what is searched for. Chat, From, After and Before may be left out.
type Request struct {
	Query words.Query
	// Chat is the id of a conversation. Without one, conversations that wait for an answer of
	// ours are left out.
	Chat []byte
	// From is the key of the author.
	From []byte
	// After and Before bound the clocks of messages, ms: at or after the one, before the
	// other.
	After, Before uint64
	page.Request
}

// Result is a page of what was found, newest first. It may have fewer messages than were
// asked for, even none, though there is a next one: reading a page has bounds.
type Result struct {
	page.Page[*wire.MessageRecord]
	// Complete is false while messages with a clock below Since, ms, may not be found yet.
	Complete bool
	Since    uint64
}

// ParseQuery reads a query; its errors say what is wrong with it.
func ParseQuery(s string) (words.Query, error) {
	q, err := words.ParseQuery(s)
	switch {
	case errors.Is(err, words.ErrEmpty):
		return q, port.Errorf(port.CodeEmpty, "query", "the query has no word to search for")
	case errors.Is(err, words.ErrTooLong):
		return q, port.Errorf(port.CodeTooLong, "query", "the query is longer than %d code points", words.MaxQuery).With("max", words.MaxQuery)
	case err != nil:
		return q, port.Errorf(port.CodeBadParams, "query", "the query is not valid UTF-8")
	}
	return q, nil
}

// Search finds messages.
func (x *Index) Search(r Request) (Result, error) {
	var out Result
	limit, err := r.Size()
	if err != nil {
		return out, err
	}
	cursor, err := parseCursor(r.Cursor)
	if err != nil {
		return out, err
	}
	if r.Before == 0 {
		r.Before = math.MaxUint64
	}
	if r.After >= r.Before {
		return out, port.Errorf(port.CodeBadParams, "before", "before must be later than after")
	}
	s := &finder{x: x, Request: r, limit: limit, cursor: cursor}
	err = x.Ledger.View(func(tx port.Tx) error {
		s.tx = tx
		if err := s.prepare(); err != nil {
			return err
		}
		return s.run()
	})
	if port.CodeOf(err) == port.CodeStoreCorrupt && !s.reading && x.spoil() {
		return Result{Page: page.Page[*wire.MessageRecord]{Items: []*wire.MessageRecord{}}, Since: math.MaxUint64}, nil
	}
	return s.Result, err
}

// Cursors are the place of the last message that was looked at: "<clock>-<id>".
func cursorOf(at port.Position) string { return fmt.Sprintf("%d-%x", at.Clock, at.ID) }

func parseCursor(cursor string) (*port.Position, error) {
	if cursor == "" {
		return nil, nil
	}
	var at port.Position
	clock, id, ok := strings.Cut(cursor, "-")
	b, err := hex.DecodeString(id)
	if !ok || err != nil || len(b) != len(at.ID) {
		return nil, page.BadCursor()
	}
	copy(at.ID[:], b)
	if _, err := fmt.Sscanf(clock, "%d", &at.Clock); err != nil || cursorOf(at) != cursor {
		return nil, page.BadCursor()
	}
	return &at, nil
}

// after is the place right after another one.
func after(at port.Position) port.Position {
	for i := len(at.ID) - 1; i >= 0; i-- {
		if at.ID[i]++; at.ID[i] != 0 {
			return at
		}
	}
	at.Clock++
	return at
}

// finder is one search in one transaction.
type finder struct {
	Request
	Result
	tx     port.Tx
	x      *Index
	limit  int
	cursor *port.Position
	terms  []words.Term // with those of chat and author

	closed []*wire.SearchSegmentRecord // not looked into yet, the one with the newest message first
	open   []source
	read   int // blocks
	texts  int
	// reading: a message is being read, and not the index.
	reading bool
	last    *port.Position // the place that was looked at last
}

// source gives places of messages that may match, newest first.
type source interface {
	// place is the next one; ok is false at the end.
	place() (at port.Position, ok bool)
	next() error
	// sure tells that the messages match, and their texts need not be read.
	sure() bool
}

// prepare reads what there is to search in.
func (s *finder) prepare() error {
	state, ok, err := readState(s.tx)
	if err != nil {
		return err
	}
	switch {
	case !ok:
		s.Since = math.MaxUint64
	case state.GetMaking():
		s.Since = min(state.GetReachedClock(), math.MaxUint64-1) + 1 // of that clock not all may be there
	}
	s.Complete = ok && !state.GetMaking()
	if err := s.queue(); err != nil || !ok {
		return err
	}
	s.terms = s.Query.Terms()
	for kind, name := range map[string][]byte{termChat: s.Chat, termFrom: s.From} {
		if name == nil {
			continue
		}
		n, known, err := numberOf(s.tx, name)
		if err != nil || !known {
			return err // nothing in the segments is of there
		}
		s.terms = append(s.terms, words.Term{Text: nameTerm(kind, n)})
	}
	list, err := readSegments(s.tx)
	s.closed = slices.DeleteFunc(list, func(rec *wire.SearchSegmentRecord) bool {
		return rec.GetOldestClock() >= s.Before || rec.GetNewestClock() < s.After || s.cursor != nil && !oldestOf(rec).Before(*s.cursor)
	})
	slices.SortFunc(s.closed, func(a, b *wire.SearchSegmentRecord) int { return newestFirst(newestOf(a), newestOf(b)) })
	return err
}

// in reports whether a place is within the bounds of the search.
func (s *finder) in(at port.Position) bool {
	return at.Clock >= s.After && at.Clock < s.Before && (s.cursor == nil || at.Before(*s.cursor))
}

// queue opens what is in no segment yet.
func (s *finder) queue() error {
	var places []port.Position
	err := s.tx.Range(unindexed, 0, func(_ uint64, value []byte) (bool, error) {
		some, err := readPlaces(value)
		for _, at := range some {
			if s.in(at) {
				places = append(places, at)
			}
		}
		return true, err
	})
	if err != nil {
		return err
	}
	slices.SortFunc(places, newestFirst)
	places = slices.Compact(places)
	places = places[:min(len(places), s.x.bounds.texts+1)] // the page ends before the last of them
	s.open = append(s.open, &queueSource{places})
	return nil
}

// queueSource are the messages in the queue.
type queueSource struct{ places []port.Position }

func (q *queueSource) place() (at port.Position, ok bool) {
	if len(q.places) == 0 {
		return at, false
	}
	return q.places[0], true
}
func (q *queueSource) next() error { q.places = q.places[1:]; return nil }
func (q *queueSource) sure() bool  { return false }

// segmentSource are the messages of a segment that have the terms.
type segmentSource struct {
	*segment
	found ranks
	rank  int // the present one; -1 at the end
	end   int
	at    port.Position
	exact bool
}

func (s *segmentSource) place() (at port.Position, ok bool) { return s.at, s.rank >= 0 }
func (s *segmentSource) sure() bool                         { return s.exact }
func (s *segmentSource) next() error                        { return s.seek(s.rank + 1) }

// seek moves to the first message at or after a rank.
func (s *segmentSource) seek(rank int) error {
	s.rank = s.found.next(rank)
	if s.rank < 0 || s.rank >= s.end {
		s.rank = -1
		return nil
	}
	d, err := s.document(s.rank)
	s.at = d.at
	if err == nil && d.erased {
		return s.next() // its terms are gone, too
	}
	return err
}

// openNext looks into the next segment.
func (s *finder) openNext() error {
	rec := s.closed[0]
	s.closed = s.closed[1:]
	seg, err := openSegment(s.tx, rec)
	if err != nil {
		return err
	}
	defer func() { s.read += seg.read }()
	src := &segmentSource{segment: seg, exact: s.Query.Exact(), end: int(rec.GetDocuments())}
	from := 0
	if s.Before < math.MaxUint64 {
		from, err = seg.notAfter(s.Before - 1)
	}
	if err == nil && s.cursor != nil {
		rank, beforeErr := seg.before(*s.cursor)
		from, err = max(from, rank), beforeErr
	}
	if err == nil && s.After > 0 {
		src.end, err = seg.notAfter(s.After - 1)
	}
	if err != nil || from >= src.end {
		return err
	}
	if src.found, err = seg.all(s.terms); err != nil || src.found == nil {
		return err
	}
	if err := src.seek(from); err != nil || src.rank < 0 {
		return err
	}
	s.open = append(s.open, src)
	return nil
}

// all are the messages that have all of some terms; nil if none has. The rarest terms are
// looked at first, and where nothing is left, the others are not.
func (s *segment) all(terms []words.Term) (ranks, error) {
	blocks := func(t words.Term) int {
		from, to := s.blocksOf([]byte(t.Text), t.Prefix)
		return to - from
	}
	terms = slices.SortedFunc(slices.Values(terms), func(a, b words.Term) int { return blocks(a) - blocks(b) })
	var found ranks
	for _, t := range terms {
		set, err := s.ranksOf([]byte(t.Text), t.Prefix)
		if err != nil {
			return nil, err
		}
		if found != nil {
			set.keep(found)
		}
		if found = set; found.empty() {
			return nil, nil
		}
	}
	return found, nil
}

// run looks at one place after the other until the page is full.
func (s *finder) run() error {
	s.Items = []*wire.MessageRecord{}
	for {
		src, more, err := s.newest()
		if err != nil || !more {
			return err
		}
		if src == nil { // the bounds of a page are reached
			s.Next = cursorOf(after(newestOf(s.closed[0])))
			return nil
		}
		at, _ := src.place()
		if err := s.look(at, src.sure()); err != nil {
			return err
		}
		if s.Next != "" {
			return nil
		}
		if err := src.next(); err != nil {
			return err
		}
	}
}

// newest returns the source of the newest place that is left; nil if segments must be read
// to know it and the page may read no more. more is false if nothing is left.
func (s *finder) newest() (src source, more bool, err error) {
	for {
		s.open = slices.DeleteFunc(s.open, func(o source) bool { _, ok := o.place(); return !ok })
		src = nil
		var at port.Position
		for _, o := range s.open {
			if p, _ := o.place(); src == nil || at.Before(p) {
				src, at = o, p
			}
		}
		if len(s.closed) == 0 || src != nil && newestOf(s.closed[0]).Before(at) {
			return src, src != nil, nil
		}
		// What is before the cursor of this page only comes forward if something was read.
		next := after(newestOf(s.closed[0]))
		if s.read >= s.x.bounds.read && (s.cursor == nil || next.Before(*s.cursor)) {
			return nil, true, nil
		}
		if err := s.openNext(); err != nil {
			return nil, false, err
		}
	}
}

// look reads the message of a place and takes it if it matches. It ends the page if there are
// enough, or too many were read.
func (s *finder) look(at port.Position, sure bool) error {
	if s.texts >= s.x.bounds.texts {
		s.Next = cursorOf(*s.last)
		return nil
	}
	s.texts++
	if s.last != nil && *s.last == at {
		return nil // it is in the queue and in a segment
	}
	s.last = &at
	rec := &wire.MessageRecord{}
	s.reading = true
	found, err := ledger.Get(s.tx, s.x.Messages, at.ID[:], rec)
	if s.reading = err != nil; err != nil || !found || !s.matches(rec, sure) {
		return err
	}
	if len(s.Items) == s.limit {
		s.Next = cursorOf(placeOf(s.Items[s.limit-1]))
		return nil
	}
	s.Items = append(s.Items, rec)
	return nil
}

// matches reports whether a message is what was searched for.
func (s *finder) matches(rec *wire.MessageRecord, sure bool) bool {
	switch {
	case rec.GetRequest() && s.Chat == nil, s.x.Hidden(rec):
		return false
	case s.Chat != nil && !bytes.Equal(s.Chat, rec.GetChat()), s.From != nil && !bytes.Equal(s.From, rec.GetFrom()):
		return false
	}
	return sure || s.Query.Matches(textOf(rec))
}
