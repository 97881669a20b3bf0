package search

import (
	"container/heap"

	"libstatus1to1/chat/port"
)

// newest walks over the messages of all conversations, newest first. What is added while it
// walks may be left out: it waits in the queue.
type newest struct {
	chats port.Table
	from  port.Position // the walk is before this place
	// listed: names holds those of the conversations that are still to be looked at.
	listed bool
	names  [][]byte
	heads  heads
	back   []port.Position // were taken, and come first
}

func newNewest(chats port.Table, from port.Position) *newest {
	return &newest{chats: chats, from: from}
}

// load looks for the newest messages of some conversations, and reports whether all have been
// looked at.
func (n *newest) load(tx port.Tx) (ready bool, err error) {
	if !n.listed {
		err := tx.Each(n.chats, func(name, _ []byte) error {
			n.names = append(n.names, name)
			return nil
		})
		if err != nil {
			return false, err
		}
		n.listed = true
	}
	some := min(len(n.names), chatsAtOnce)
	for _, name := range n.names[:some] {
		h := &head{name: name}
		if err := h.read(tx, n.from, 1); err != nil {
			return false, err
		}
		if len(h.places) > 0 {
			heap.Push(&n.heads, h)
		}
	}
	n.names = n.names[some:]
	return len(n.names) == 0, nil
}

// take returns the next places; none at the end.
func (n *newest) take(tx port.Tx, limit int) ([]port.Position, error) {
	some := min(limit, len(n.back))
	places := n.back[:some:some]
	n.back = n.back[some:]
	for len(places) < limit && len(n.heads) > 0 {
		h := n.heads[0]
		at := h.places[0]
		if h.places = h.places[1:]; len(h.places) == 0 {
			if err := h.read(tx, at, pagedAtOnce); err != nil {
				return nil, err
			}
		}
		if len(h.places) == 0 {
			heap.Pop(&n.heads)
		} else {
			heap.Fix(&n.heads, 0)
		}
		places = append(places, at)
	}
	return places, nil
}

// putBack gives places back that were taken last.
func (n *newest) putBack(places []port.Position) {
	n.back = append(append([]port.Position{}, places...), n.back...)
}

// head is a conversation with its next places.
type head struct {
	name   []byte
	places []port.Position
}

// read reads the places before another one.
func (h *head) read(tx port.Tx, before port.Position, limit int) (err error) {
	h.places, err = tx.Page(h.name, &before, limit)
	return err
}

// heads is a heap of conversations, that with the newest place first.
type heads []*head

func (h heads) Len() int           { return len(h) }
func (h heads) Less(a, b int) bool { return h[b].places[0].Before(h[a].places[0]) }
func (h heads) Swap(a, b int)      { h[a], h[b] = h[b], h[a] }
func (h *heads) Push(v any)        { *h = append(*h, v.(*head)) }
func (h *heads) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}
