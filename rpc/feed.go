package rpc

import (
	"context"
	"time"

	"libstatus1to1/chat"
	"libstatus1to1/chat/event"
)

// feed sends the events of a client until the stream has ended. A stored event that finds the
// window full while the client closes is not sent: it comes again after the next open.
func (s *Server) feed(c *clientState) {
	defer close(c.fed)
	for last := false; !last; {
		c.window.wait()
		e, err := s.registry.WaitEvent(context.Background(), c.handle)
		if e != nil {
			s.sendEvent(c, e)
		}
		last = isLast(e, err)
		if err != nil && !last {
			time.Sleep(readAgain)
		}
	}
}

// isLast reports whether no event comes after this answer.
func isLast(e *chat.DeliveredEvent, err error) bool {
	if code := chat.CodeOf(err); code == chat.CodeClosed || code == chat.CodeBadClient {
		return true
	}
	return e != nil && e.Type == event.Closed{}.Type()
}

// sendEvent writes one event.
func (s *Server) sendEvent(c *clientState, e *chat.DeliveredEvent) {
	text, err := encode(notification{"2.0", "event", eventParams{c.handle, *e}})
	if err != nil {
		s.log.Error("an event cannot be written as JSON", "client", c.handle, "type", e.Type)
		return
	}
	if e.Seq == 0 || c.window.take(e.Seq, len(text)) {
		s.out.write(text)
	}
}
