package ledger

import (
	"encoding/json"
	"slices"
	"strings"

	"libstatus1to1/chat/event"
)

// This file is about events of the network, and of who is there. They describe the present, are
// of no use after a restart, and anybody who can open a connection causes them. So they are not stored,
// have no number to acknowledge, and of the unread ones only the latest of each subject is
// kept.

// maxStrangerEvents bounds the events of peers that connected to us by themselves. The
// oldest give way: network.status lists the connected peers anyway.
const maxStrangerEvents = 64

// maxProgressEvents bounds the events of messages that are on their way, of which there are
// few at a time. The oldest give way.
const maxProgressEvents = 64

// maxPresenceEvents bounds the events of people who say how they want to be seen. The oldest
// give way: contacts.list has all.
const maxPresenceEvents = 256

// The subjects of events of the network. Peers other than static ones are strangers; the
// id of the peer follows, or of the envelope, or of the message that makes progress.
const (
	SubjectNetwork  = "network"
	SubjectTopics   = "topics"
	SubjectStatic   = "static "
	SubjectStranger = "stranger "
	SubjectEnvelope = "envelope " // whoever asks for envelopes to be published bounds their number
	SubjectProgress = "progress "
	SubjectPresence = "presence " // the key of the person follows
)

// maxVolatile bounds the events that are not stored: log lines nobody reads go.
const maxVolatile = 1000

// volatileEvent is an event that is not stored. Of those with the same subject only the
// latest is kept; "" is a subject that each has for itself.
type volatileEvent struct {
	event.Delivered
	subject string
}

// Push adds an event that is not stored.
func (s *Stream) Push(e event.Event, at int64) {
	data, err := json.Marshal(e)
	if err != nil {
		return // only strings and numbers in the events that are not stored
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || len(s.volatile) >= maxVolatile {
		return
	}
	s.volatile = append(s.volatile, volatileEvent{Delivered: event.Delivered{Type: e.Type(), At: at, Data: data}})
	s.wake()
}

// PushLatest adds an event that is not stored, and removes an unread one of the same
// subject.
func (s *Stream) PushLatest(subject string, e event.Event, at int64) {
	data, err := json.Marshal(e)
	if err != nil {
		return // only strings, numbers and truth values in these events
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.volatile = slices.DeleteFunc(s.volatile, func(d volatileEvent) bool { return d.subject == subject })
	s.volatile = append(s.volatile, volatileEvent{event.Delivered{Type: e.Type(), At: at, Data: data}, subject})
	s.bound(SubjectStranger, maxStrangerEvents)
	s.bound(SubjectProgress, maxProgressEvents)
	s.bound(SubjectPresence, maxPresenceEvents)
	s.wake()
}

// progressSteps is the number of events that a message on its way causes, about.
const progressSteps = 20

// PushProgress adds an event of a message that is on its way, if its Done has reached another
// of the progressSteps since before, or Total.
func (s *Stream) PushProgress(before int, e event.MessageProgress, at int64) {
	if step := max(1, e.Total/progressSteps); before/step == e.Done/step && e.Done != e.Total {
		return
	}
	s.PushLatest(SubjectProgress+e.MessageID+e.TransferID, e, at)
}

// Withdraw removes the event of a subject, if it is unread.
func (s *Stream) Withdraw(subject string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.volatile = slices.DeleteFunc(s.volatile, func(d volatileEvent) bool { return d.subject == subject })
	s.reportWaiting()
}

// bound drops the oldest events of a kind of subjects above their number; s.mu is held.
func (s *Stream) bound(subjects string, most int) {
	of := func(d volatileEvent) bool { return strings.HasPrefix(d.subject, subjects) }
	over := -most
	for _, d := range s.volatile {
		if of(d) {
			over++
		}
	}
	s.volatile = slices.DeleteFunc(s.volatile, func(d volatileEvent) bool {
		if over <= 0 || !of(d) {
			return false
		}
		over--
		return true
	})
}
