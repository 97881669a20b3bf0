package chat

import (
	"slices"
	"time"

	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/internal/outbox"
	"libstatus1to1/chat/protocol/key"
)

// Coming back online. When we do, waiting messages go at once (package outbox) and our
// contact code is published, by which others see that we are there. To notice the return of
// others we listen for the contact codes of people whom messages wait for, also if they are
// not in the address book: in memory only, and as long as messages wait. Nobody can observe
// that, because a relay node gets everything of its shard.

const (
	// fewPeers: with so few peers one more may be the way to somebody; with more it says
	// nothing, and anybody can connect.
	fewPeers = 4

	// codeRepeats is the number of times the contact code is published again after the one
	// at our return, each codeAgain waits of ResendBase later: at first the peers may not
	// relay to others yet.
	codeRepeats = 1
	codeAgain   = 4

	// maxAwaited bounds the people we listen for, preferring those written to last: each
	// costs 10 ms of CPU to begin with, and a look at every envelope on its topic.
	maxAwaited = 256
	// awaitedAtOnce and awaitedPause bound how much of that is done in a row.
	awaitedAtOnce = 8
	awaitedPause  = time.Second
)

// awaited schedules the look for people whose contact codes we listen for.
type awaited struct {
	next time.Time
	more bool // there is something to do then
}

// comeBack makes what waits and our contact code due after we were away.
func (c *Client) comeBack(t *ledger.Turn) {
	if c.outbox.ComeBack(t) {
		c.sessions.code.repeats = codeRepeats
		c.codeSoon()
	}
}

// awaitCodes listens for the contact codes of people whom messages wait for, and no longer
// for others. The caller holds the engine's lock.
func (c *Client) awaitCodes() {
	now := c.now()
	if !c.sessions.awaited.more || now.Before(c.sessions.awaited.next) {
		return
	}
	c.sessions.awaited.more, c.sessions.awaited.next = false, now.Add(c.settings.ResendBase)
	wanted := c.awaited()
	for _, r := range c.routes.stopAwaiting(wanted) {
		if err := c.net.Unsubscribe(r.contentTopic()); err != nil {
			c.log.Log("warn", "unsubscribing failed", "kind", string(r.kind), "error", err.Error())
		}
	}
	begun := 0
	for _, k := range wanted {
		r, known := c.contactCodeRoute(k)
		if _, awaited := c.routes.awaits(k); known || awaited {
			continue
		}
		if begun++; begun > awaitedAtOnce {
			c.sessions.awaited.more, c.sessions.awaited.next = true, now.Add(awaitedPause)
			return
		}
		c.routes.await(r)
		c.subscribe([]string{r.contentTopic()})
	}
}

// awaited returns the people to listen for, without the blocked ones.
func (c *Client) awaited() []key.Public {
	all := slices.DeleteFunc(c.outbox.Awaited(), func(k key.Public) bool {
		s, _ := c.people.contacts.get(k)
		return s.blocked
	})
	return all[:min(len(all), maxAwaited)]
}

// await adds the contact code of somebody whose route is not known.
func (r *routes) await(n route) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.find(n.name()) != nil {
		return
	}
	if r.awaited == nil {
		r.awaited = map[key.Compact]*listed{}
	}
	l := &listed{route: n}
	r.awaited[n.peer] = l
	r.link(l)
}

// awaits returns the route of somebody whose contact code is awaited.
func (r *routes) awaits(k key.Public) (route, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if l := r.awaited[k.Compact()]; l != nil {
		return l.route, true
	}
	return route{}, false
}

// stopAwaiting forgets the people who are not in wanted. It returns the routes whose topic
// is not needed any more.
func (r *routes) stopAwaiting(wanted []key.Public) (unused []route) {
	r.mu.Lock()
	defer r.mu.Unlock()
	keep := map[key.Compact]bool{}
	for _, k := range wanted {
		keep[k.Compact()] = true
	}
	for k, l := range r.awaited {
		if keep[k] {
			continue
		}
		delete(r.awaited, k)
		if r.unlink(l) {
			unused = append(unused, l.route)
		}
	}
	return unused
}

// heard notes that a device is online, if its message is a recent one.
func (p *pass) heard(m *inbound, installation string, news bool) {
	if p.from == archived && p.now.Sub(m.at) > signOfLife {
		return // it was online
	}
	if news {
		p.do(func(t *txn) error {
			t.After(func() { t.c.outbox.Heard(outbox.Device{Peer: m.sender, Installation: installation}) })
			return nil
		})
	}
}
