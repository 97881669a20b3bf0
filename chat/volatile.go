package chat

import (
	"encoding/json"
	"slices"
	"strings"

	"libstatus1to1/chat/event"
)

// This file is about events of the network. They tell how things are now, are of no
// use after a restart, and anybody who can open a connection causes them: so they are
// not stored, have no number to acknowledge, and of what nobody has read yet only the
// latest is kept, a subject.

// maxStrangerEvents bounds the events of peers that connected to us by themselves. The
// oldest give way: network.status tells who is connected.
const maxStrangerEvents = 64

// The subjects of events of the network, for DeliveredEvent.subject. Peers other than
// static ones are strangers; their ids follow.
const (
	subjectNetwork  = "network"
	subjectStatic   = "static "
	subjectStranger = "stranger "
)

// pushLatest adds an event that is not stored, and takes away an unread one of the
// same subject.
func (s *eventStream) pushLatest(subject string, e event.Event, at int64) {
	data, err := json.Marshal(e)
	if err != nil {
		return // only strings, numbers and truth values in these events
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.volatile = slices.DeleteFunc(s.volatile, func(d DeliveredEvent) bool { return d.subject == subject })
	s.volatile = append(s.volatile, DeliveredEvent{Type: e.Type(), At: at, Data: data, subject: subject})
	s.boundStrangers()
	s.wake()
}

// boundStrangers drops the oldest events of strangers above their number; s.mu is held.
func (s *eventStream) boundStrangers() {
	stranger := func(d DeliveredEvent) bool { return strings.HasPrefix(d.subject, subjectStranger) }
	over := -maxStrangerEvents
	for _, d := range s.volatile {
		if stranger(d) {
			over++
		}
	}
	s.volatile = slices.DeleteFunc(s.volatile, func(d DeliveredEvent) bool {
		if over <= 0 || !stranger(d) {
			return false
		}
		over--
		return true
	})
}
