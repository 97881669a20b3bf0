package api

import "context"

// Diagnostics are counters and queue lengths, for people who look into trouble.
// None tells who talks to whom.
type Diagnostics struct {
	// Received counts envelopes on our topics.
	Received uint64 `json:"received"`
	// Dropped counts those without effect, by reason.
	Dropped map[string]uint64 `json:"dropped"`
	// Sent counts messages published for the first time.
	Sent uint64 `json:"sent"`
	// Resent counts those published again.
	Resent uint64 `json:"resent"`
	// Incoming is how many envelopes wait to be opened.
	Incoming int `json:"incoming"`
	// Outbox is how many messages wait for publishing or an acknowledgement.
	Outbox int `json:"outbox"`
	// EventsWaiting is how many stored events are not acknowledged.
	EventsWaiting uint64 `json:"events_waiting"`
	// EventsUnread is how many events wait for next_event or a callback, log
	// events apart.
	EventsUnread uint64 `json:"events_unread"`
	// LogLinesWaiting is how many log events wait to be read.
	LogLinesWaiting int `json:"log_lines_waiting"`
	// Goroutines is how many the process has, of all clients together.
	Goroutines int `json:"goroutines"`
	// ClientsOpen is how many clients the process has, those closing included.
	ClientsOpen int `json:"clients_open"`
	// ClientsUnread is how many closed ones have events nobody has read; only the
	// last few are kept.
	ClientsUnread int `json:"clients_unread"`
	// StringsHeld is how many strings of the library the program has not freed.
	StringsHeld int64 `json:"strings_held"`
}

func diagnostics(_ context.Context, c *client, _ Empty) (Diagnostics, error) {
	of, err := c.engine.Diagnostics()
	if err != nil {
		return Diagnostics{}, err
	}
	d := Diagnostics{
		Received: of.Received, Dropped: of.Dropped, Sent: of.Sent, Resent: of.Resent,
		Incoming: of.Incoming, Outbox: of.Outbox,
		EventsWaiting: of.EventsWaiting, EventsUnread: of.EventsUnread, Goroutines: of.Goroutines,
	}
	d.ClientsOpen, d.ClientsUnread, d.StringsHeld = c.registry.counts()
	if c.log != nil && c.log.events != nil {
		d.LogLinesWaiting = c.log.events.len()
	}
	return d, nil
}
