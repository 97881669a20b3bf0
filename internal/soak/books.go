package soak

import (
	"fmt"
	"time"
)

// message is the record of one message. Times are those of the run.
type message struct {
	id        string
	accepted  time.Duration
	together  time.Duration // that both had been online until then
	received  bool
	took      time.Duration // until it was received
	tookAlong time.Duration // the same, of the time that both were online
	state     string
	failure   string
}

// books record the messages of one sender, by number from 1.
type books struct {
	sender   string
	messages []message
	faults   []string
}

// maxFaults bounds the faults that are reported of one sender: a run that goes wrong has many.
const maxFaults = 50

func (b *books) fault(format string, args ...any) {
	if len(b.faults) < maxFaults {
		b.faults = append(b.faults, b.sender+": "+fmt.Sprintf(format, args...))
	}
}

// text returns the text of message n.
func (b *books) text(n int) string { return fmt.Sprintf("%s %d", b.sender, n) }

// ref returns its client_ref.
func (b *books) ref(n int) string { return fmt.Sprintf("%s-%d", b.sender, n) }

// number reads a text of this sender; 0 is none of theirs.
func (b *books) number(text string) (n int) {
	if _, err := fmt.Sscanf(text, b.sender+" %d", &n); err != nil || b.text(n) != text {
		return 0
	}
	return n
}

// accept notes that messages.send has returned an id for number n. A number is accepted
// again after a crash, and must then have the same id.
func (b *books) accept(n int, id string, now time.Duration, p *presence) {
	switch {
	case n == len(b.messages)+1:
		b.messages = append(b.messages, message{id: id, accepted: now, together: p.total(now)})
	case n < 1 || n > len(b.messages):
		b.fault("number %d was accepted after number %d", n, len(b.messages))
	case b.messages[n-1].id != id:
		b.fault("number %d was accepted as %s and as %s", n, b.messages[n-1].id, id)
	}
}

// receive notes a message_received event of the other side that was not delivered before.
func (b *books) receive(text, id string, now time.Duration, p *presence) {
	n := b.number(text)
	if n < 1 {
		b.fault("%q was received", text)
		return
	}
	if n > len(b.messages) { // it was stored, but its sender died before it could say so
		b.accept(n, id, now, p)
	}
	if n > len(b.messages) {
		return
	}
	m := &b.messages[n-1]
	switch {
	case m.id != id:
		b.fault("number %d was received as %s; it was accepted as %s", n, id, m.id)
	case m.received:
		b.fault("number %d was received twice", n)
	default:
		m.received, m.took, m.tookAlong = true, now-m.accepted, p.total(now)-m.together
	}
}

// order of the states of a message. "stored" is skipped where there are no store nodes.
var order = map[string]int{"": 0, "queued": 1, "sent": 2, "stored": 3, "delivered": 4}

// changed notes a message_state event.
func (b *books) changed(ref, state, failure string) {
	var n int
	if _, err := fmt.Sscanf(ref, b.sender+"-%d", &n); err != nil || n < 1 {
		return // a message that this run did not send
	}
	if n > len(b.messages) {
		return // not accepted yet, for all we know: the answer follows, and so does its end
	}
	m := &b.messages[n-1]
	if failed := state == "failed"; !failed && m.state != "failed" && order[state] < order[m.state] {
		b.fault("number %d went from %s to %s", n, m.state, state)
	}
	m.state, m.failure = state, failure
}

// done reports whether all of a number of messages were received or have failed.
func (b *books) done(total int) bool {
	if len(b.messages) < total {
		return false
	}
	for i := range b.messages {
		if m := &b.messages[i]; !m.received && m.state != "failed" {
			return false
		}
	}
	return true
}

// entry is a message of a history.
type entry struct {
	ID, Text, State string
}

// compare checks the history of one of the two, newest first, against the books of one
// sender: each number once, in order, under its id.
func (b *books) compare(reader string, history []entry, total int) {
	want := total
	for _, e := range history {
		n := b.number(e.Text)
		if n == 0 {
			continue
		}
		for want > 0 && want <= len(b.messages) && n != want && b.messages[want-1].state == "failed" {
			want-- // it did not arrive, and its sender was told
		}
		if n != want {
			b.fault("%s has number %d where %d was to be", reader, n, want)
			return
		}
		if m := b.messages[n-1]; m.id != e.ID {
			b.fault("%s has number %d as %s; it was accepted as %s", reader, n, e.ID, m.id)
		}
		want--
	}
	for ; want > 0; want-- {
		if b.messages[want-1].state != "failed" {
			b.fault("%s lacks number %d and %d before it", reader, want, want-1)
			return
		}
	}
}

// ended checks the states that the sender's own history tells at the end.
func (b *books) ended(history []entry) {
	for _, e := range history {
		n := b.number(e.Text)
		if n < 1 || n > len(b.messages) {
			continue
		}
		if e.State != "delivered" && e.State != "failed" {
			b.fault("number %d is %s in the end", n, e.State)
		}
		if m := b.messages[n-1]; e.State == "failed" && m.received {
			b.fault("number %d arrived, and its sender was told that it failed", n)
		}
	}
}

// times returns how long each received message took: altogether, and of the time that
// both were online.
func (b *books) times() (all, along []time.Duration) {
	for _, m := range b.messages {
		if m.received {
			all, along = append(all, m.took), append(along, m.tookAlong)
		}
	}
	return all, along
}

// failed returns how many messages have failed.
func (b *books) failed() (n int) {
	for _, m := range b.messages {
		if m.state == "failed" {
			n++
		}
	}
	return n
}
