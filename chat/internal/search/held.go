package search

import (
	"bytes"
	"sync"

	"libstatus1to1/chat/port"
	"libstatus1to1/chat/wire"
)

// said is the part of a message that the index takes.
type said struct {
	text       string
	chat, from []byte
}

func saidIn(rec *wire.MessageRecord) said {
	return said{text: rec.GetText(), chat: rec.GetChat(), from: rec.GetFrom()}
}

// held keeps in memory what messages in the queue say that were added in this run, so that a
// segment is made of them without reading them again. What it does not have is read.
//
// A message is held, and dropped when it is changed or removed, within the transaction: these
// run one after the other. So nothing is held of a message that a snapshot does not have any
// more. Its entry of the queue, whose number no other one gets once it is stored, tells it from
// the same message in a transaction that has failed.
type held struct {
	mu    sync.Mutex
	said  map[port.Position]heldMessage
	bytes int
}

type heldMessage struct {
	said
	seq uint64 // of its entry of the queue
}

// size is about what a message takes in memory.
func (m heldMessage) size() int {
	const beside = 256 // its place, names and the map
	return len(m.text) + beside
}

// hold holds a message, unless it says nothing or there is no room.
func (h *held) hold(at port.Position, seq uint64, what said) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.remove(at)
	m := heldMessage{what, seq}
	if what.text == "" || h.bytes+m.size() > maxHeld {
		return
	}
	if h.said == nil {
		h.said = map[port.Position]heldMessage{}
	}
	m.chat, m.from = bytes.Clone(m.chat), bytes.Clone(m.from)
	h.said[at] = m
	h.bytes += m.size()
}

// find returns what the message at a place of an entry says.
func (h *held) find(at port.Position, seq uint64) (what said, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	m, ok := h.said[at]
	return m.said, ok && m.seq == seq
}

// drop forgets a message that has changed.
func (h *held) drop(at port.Position) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.remove(at)
}

// dropUpTo forgets the messages of the entries up to a number.
func (h *held) dropUpTo(seq uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for at, m := range h.said {
		if m.seq <= seq {
			h.remove(at)
		}
	}
}

// forget forgets all.
func (h *held) forget() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.said, h.bytes = nil, 0
}

// remove forgets a message. mu is held.
func (h *held) remove(at port.Position) {
	if m, ok := h.said[at]; ok {
		h.bytes -= m.size()
		delete(h.said, at)
	}
}
