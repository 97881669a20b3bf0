package chat

import (
	"slices"
	"time"

	"libstatus1to1/chat/event"
	"libstatus1to1/chat/internal/catchup"
	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/protocol/key"
)

// Fetching what was missed from store nodes: package catchup does the work.

// origin tells live envelopes from those that somebody has kept.
type origin int

const (
	live origin = iota // the network, as they were published
	// archived: store nodes, or the program of an external network, which may have had them
	// for weeks, and forget them once they are taken.
	archived
)

// signOfLife is the age up to which a message from a store node counts as a sign that its
// sender is online. Anybody can set the timestamp of an envelope: at worst, waiting messages
// are sent once too often.
const signOfLife = 2 * time.Minute

// newCatchUp makes the part; the ledger and the history must be open.
func (c *Client) newCatchUp(stepped bool) *catchup.CatchUp {
	archive, _ := c.net.(port.Archive)
	return catchup.New(catchup.Options{
		Ledger: c.ledger, Archive: archive, Now: c.now, Log: c.log, Wake: c.kick, Stepped: stepped,
		Topics:  c.topicsToFetch,
		Deliver: c.receiveArchived,
		Emit: func(subject string, e event.Event) {
			c.ledger.Events.PushLatest(subject, e, c.now().UnixMilli())
		},
		Panicked: func(value any, stack []byte) { c.Fail("catching up", value, stack) },
	})
}

// CatchUp asks the store nodes soon for what was missed.
func (c *Client) CatchUp() error {
	if err := c.checkOpen(); err != nil {
		return err
	}
	c.catchUp.Missed(time.Time{})
	return nil
}

// topicsToFetch lists the stored routes' topics, the partitioned one, and those of Noise sessions. Those of people
// whose contact code is only awaited are not among them: an old one says nothing.
func (c *Client) topicsToFetch() ([]catchup.Topic, error) {
	active, err := c.history.LastClocks()
	if err != nil {
		return nil, err
	}
	all := c.routes.toFetch(active)
	for t, k := range c.noise.ContentTopics() {
		all = append(all, catchup.Topic{Name: t, Class: catchup.Negotiated, Active: active[k.Compact()]})
	}
	return all, nil
}

// toFetch lists the topics of the routes that are known: each once, with the most important
// of its reasons.
func (r *routes) toFetch(active map[key.Compact]uint64) []catchup.Topic {
	r.mu.RLock()
	defer r.mu.RUnlock()
	index := make(map[string]int, len(r.known))
	all := make([]catchup.Topic, 0, len(r.known))
	for _, route := range r.known {
		t := catchup.Topic{Name: route.contentTopic(), Class: route.kind.rule().class, Active: active[route.peer], Closed: !route.opens()}
		if at, found := index[t.Name]; !found {
			index[t.Name] = len(all)
			all = append(all, t)
		} else {
			all[at].Class = min(all[at].Class, t.Class)
			all[at].Active = max(all[at].Active, t.Active)
			all[at].Closed = all[at].Closed || t.Closed
		}
	}
	return all
}

// receiveArchived puts envelopes of store nodes into the receiving pipeline, and returns
// when they are stored.
func (c *Client) receiveArchived(batch []Envelope) error {
	defer c.kick() // acknowledgements may be due
	c.counters.received.Add(uint64(len(batch)))
	return c.withKeys(batch, func(batch []Envelope) error {
		return c.exclusive(func(t *ledger.Turn) error {
			switch {
			case c.life.closed.Load():
				return Errorf(CodeClosed, "", "the client is closed")
			case c.loop.paused.Load():
				return Errorf(CodeStoreSuspended, "", "the store is suspended")
			case c.loop.storePause.Lasts(t.Now):
				return Errorf(CodeStoreIO, "", "the store has just failed")
			}
			_, err := c.receive(batch, archived)
			return err
		})
	})
}

// withKeys has receive handle envelopes that are not to be held, since nobody sends them again:
// at once those whose keys are there, then the others. It derives on the goroutine of its
// caller, which must not hold up the loop.
func (c *Client) withKeys(batch []Envelope, receive func([]Envelope) error) error {
	var open, closed []Envelope
	for _, e := range batch {
		if c.routes.closed(e.ContentTopic) {
			closed = append(closed, e)
		} else {
			open = append(open, e)
		}
	}
	if len(open) > 0 {
		if err := receive(open); err != nil {
			return err
		}
	}
	if len(closed) == 0 {
		return nil
	}
	for _, e := range closed {
		c.deriveOn(e.ContentTopic)
	}
	return receive(closed)
}

// closed reports whether a key of a content topic is missing.
func (r *routes) closed(contentTopic string) bool {
	return slices.ContainsFunc(r.on(contentTopic), func(r route) bool { return !r.opens() })
}

// cannotRead notes an error of the store that passes, so that the cursor of the topic does not
// move and the batch is fetched, or delivered, again: nobody sends again what a store node has.
func (p *pass) cannotRead(err error) {
	if p.from == archived && ledger.Passing(err) {
		p.unread = err
	}
}

// concluded counts an envelope that has no effect, by its reason. One that may have an
// effect when it comes again, because a limit is not reached any more or what it builds on
// has come, is not known to catch-up: it is fetched again for as long as it is asked about.
func (p *pass) concluded(e Envelope, err error) {
	if err != nil {
		reason := reasonOf(err)
		p.cannotRead(err)
		p.c.counters.drop(reason)
		p.c.log.Log("debug", "envelope dropped", "reason", reason)
		if slices.Contains([]string{"strangers_rate", "strangers_full", "segments_full", "session", "error"}, reason) {
			return
		}
	}
	p.known = append(p.known, e)
}
