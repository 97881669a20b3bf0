package store

import (
	"slices"

	"libstatus1to1/chat/port"
)

// A search for the place of a late position reads some dozen records, and what the commit
// has pending must reach bbolt before. Late positions come in runs, an envelope's
// messages for one, so the batch keeps what it has seen of the history where the last one went.

const (
	// spotReach is the number of entries that are read one by one beyond a spot: about what
	// a search costs.
	spotReach = 16

	// spotSize bounds the entries of a spot: some envelopes of messages.
	spotSize = 512

	// runShare is the part of the free labels that each of a run of positions takes, so
	// that some hundred fit where taking halves would leave room for 20.
	runShare = 16
)

// spot is the part of a history that a batch knows.
type spot struct {
	newest placed
	// near are neighbours as the history has them, the oldest first, none between them left out.
	near   []placed
	oldest bool   // near begins with the oldest position of all
	latest uint64 // the label that a late position was given last; 0: none
}

// spot returns the known part of a history, read if need be; nil if it is empty.
func (t *fileTx) spot(id bucketID) (*spot, error) {
	if s := t.batch.spots[id]; s != nil {
		return s, nil
	}
	c, err := t.history(id)
	if err != nil || c == nil {
		return nil, err
	}
	newest, ok, err := c.last()
	if err != nil || !ok {
		return nil, err
	}
	s := &spot{newest: newest, near: []placed{newest}}
	t.batch.spots[id] = s
	return s, nil
}

// reach extends near until p is within it, or begins it anew where p is.
func (s *spot) reach(t *fileTx, id bucketID, p port.Position) error {
	first, last := s.near[0], s.near[len(s.near)-1]
	below := !s.oldest && compare(p, first.position) < 0
	if !below && (compare(p, last.position) <= 0 || compare(last.position, p) < 0 && last == s.newest) {
		return nil
	}
	c, err := t.history(id)
	if err != nil || c == nil {
		return err
	}
	if below && len(s.near)+spotReach <= spotSize {
		if reached, err := s.reachDown(c, p); err != nil || reached {
			return err
		}
	}
	low, high, err := c.neighbours(p)
	if err != nil {
		return err
	}
	s.near, s.oldest = s.near[:0], low == nil
	for _, e := range []*placed{low, high} {
		if e != nil {
			s.near = append(s.near, *e)
		}
	}
	return nil
}

// reachDown reads what comes before near, up to spotReach entries.
func (s *spot) reachDown(c *historyCursor, p port.Position) (reached bool, err error) {
	if _, _, err := c.from(s.near[0].label); err != nil {
		return false, err
	}
	var more []placed
	for len(more) < spotReach && !reached {
		e, ok, err := c.prev()
		if err != nil {
			return false, err
		}
		if !ok {
			s.oldest, reached = true, true
			break
		}
		more = append(more, e)
		reached = compare(e.position, p) <= 0
	}
	slices.Reverse(more)
	s.near = append(more, s.near...)
	return reached, nil
}

// find gives the neighbours of p, which is within near: the newest before it and the oldest that
// is not; nil at the ends of the history.
func (s *spot) find(p port.Position) (at int, low, high *placed) {
	at, _ = slices.BinarySearchFunc(s.near, p, func(e placed, p port.Position) int { return compare(e.position, p) })
	if at > 0 {
		low = &s.near[at-1]
	}
	if at < len(s.near) {
		high = &s.near[at]
	}
	return at, low, high
}

// between is a label between two neighbours that leaves room where the next of a run would come.
func (s *spot) between(low, high *placed) (label uint64, ok bool) {
	label, ok = between(low, high)
	if !ok || low == nil || high == nil {
		return label, ok
	}
	share := (high.label - low.label) / runShare
	switch {
	case share == 0:
	case low.label == s.latest:
		label = low.label + share
	case high.label == s.latest:
		label = high.label - share
	}
	return label, ok
}

// add notes the position that was placed at index at of near.
func (s *spot) add(at int, p placed) {
	if len(s.near) >= spotSize { // the half that is further away goes
		half := len(s.near) / 2
		if at >= half {
			s.near, at, s.oldest = slices.Delete(s.near, 0, half), at-half, false
		} else {
			s.near = s.near[:half]
		}
	}
	s.near = slices.Insert(s.near, at, p)
}

// addNewest notes a position that comes after all others.
func (s *spot) addNewest(p placed) {
	if s.near[len(s.near)-1] == s.newest {
		s.add(len(s.near), p)
	}
	s.newest = p
}
