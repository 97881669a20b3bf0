package api

import (
	"context"
	"time"

	"libstatus1to1/chat"
	"libstatus1to1/chat/event"
)

// Diagnostics are counters and queue lengths for troubleshooting. None of them shows
// who talks to whom.
type Diagnostics struct {
	// Received counts the envelopes that arrived on our topics.
	Received uint64 `json:"received"`
	// Dropped counts the received envelopes that had no effect, by reason.
	Dropped map[string]uint64 `json:"dropped"`
	// Sent counts messages published for the first time.
	Sent uint64 `json:"sent"`
	// Resent counts messages published again.
	Resent uint64 `json:"resent"`
	// Incoming is the number of received envelopes that are not processed yet.
	Incoming int `json:"incoming"`
	// Outbox is the number of messages waiting to be published or acknowledged.
	Outbox int `json:"outbox"`
	// EventsWaiting is the number of stored events that are not acknowledged.
	EventsWaiting uint64 `json:"events_waiting"`
	// EventsUnread is the number of events, without log events, that no next_event call
	// or callback has received yet.
	EventsUnread uint64 `json:"events_unread"`
	// LogLinesWaiting is the number of log events that are not read yet.
	LogLinesWaiting int `json:"log_lines_waiting"`
	// Goroutines is the number of goroutines in the process, of all clients together.
	Goroutines int `json:"goroutines"`
	// ClientsOpen is the number of clients in the process that are open or closing.
	ClientsOpen int `json:"clients_open"`
	// ClientsUnread is the number of closed clients with events that nobody has read.
	// Only the last few closed clients are kept.
	ClientsUnread int `json:"clients_unread"`
	// OpenMS is the time since the client was opened, in ms.
	OpenMS int64 `json:"open_ms"`
	// LoopWakeups counts how often the engine looked for work since then. While it is idle,
	// that is a few times an hour in light mode and every five seconds in relay mode.
	LoopWakeups uint64 `json:"loop_wakeups"`
	// Traffic counts the bytes and wake-ups of the network node since then. Left out for a
	// network that does not count them.
	Traffic *Traffic `json:"traffic,omitempty"`
	// StringsHeld is the number of strings returned by the library and not yet freed by
	// the program.
	StringsHeld int64 `json:"strings_held"`
	// CatchUp is the state of fetching what was missed from store nodes; left out for a
	// network that has none.
	CatchUp *event.CatchUp `json:"catch_up,omitempty"`
}

// Traffic counts the bytes that the sockets of a network node carried, without the headers
// of TCP and IP, and how often it woke up.
type Traffic struct {
	// BytesIn counts the bytes received.
	BytesIn uint64 `json:"bytes_in"`
	// BytesOut counts the bytes sent.
	BytesOut uint64 `json:"bytes_out"`
	// Wakeups counts how often something arrived, was sent or was due after two seconds in
	// which nothing had been.
	Wakeups uint64 `json:"wakeups"`
	// BytesPerHour is the mean of both directions since the client was opened.
	BytesPerHour uint64 `json:"bytes_per_hour"`
	// WakeupsPerHour is the mean of wakeups since the client was opened.
	WakeupsPerHour uint64 `json:"wakeups_per_hour"`
}

// perHour adds the means of an hour to the traffic of the time that has passed.
func perHour(t chat.Traffic, passed time.Duration) *Traffic {
	hours := max(passed, time.Second).Hours()
	return &Traffic{BytesIn: t.BytesIn, BytesOut: t.BytesOut, Wakeups: t.Wakeups,
		BytesPerHour: uint64(float64(t.BytesIn+t.BytesOut) / hours), WakeupsPerHour: uint64(float64(t.Wakeups) / hours)}
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
		CatchUp: of.CatchUp,
	}
	d.OpenMS, d.LoopWakeups = of.Open.Milliseconds(), of.LoopWakeups
	if of.Traffic != nil {
		d.Traffic = perHour(*of.Traffic, of.Open)
	}
	d.ClientsOpen, d.ClientsUnread, d.StringsHeld = c.registry.counts()
	if c.log != nil && c.log.events != nil {
		d.LogLinesWaiting = c.log.events.len()
	}
	return d, nil
}
