package chat

import (
	"slices"
	"time"

	"libstatus1to1/chat/protocol/datasync"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/session"
)

// The waits between two sendings of a message grow to days. When somebody comes back,
// or we do, what waits is hurried: it goes at once, and a few times more soon after that
// in case something gets lost. Those sendings are beside the schedule, which goes on as
// it was: so a message is given up when it would have been, and nobody who never
// acknowledges it can have it sent for ever.

const (
	// hurryEvery, in waits of ResendBase, is how often at most a device that is heard
	// makes us hurry: a chatty one must not have everything sent at each word of its.
	hurryEvery = 10
	// maxHurries bounds how often that happens to one message.
	maxHurries = 8
	// heardSends is how often a hurried message is sent when somebody was heard: they are
	// there, so that only losses can keep it from them. backSends is that when we are back,
	// and they are perhaps not there.
	heardSends = 6
	backSends  = 3

	// Each time we are back takes one of backAtOnce tokens, of which one comes again in
	// backEvery waits of ResendBase, with the default one in 9 minutes: a network that
	// comes and goes must not have everything sent each time. Without one it waits.
	backAtOnce = 6
	backEvery  = 20
	// maxPeopleBack bounds the people we send to because we are back, those written to
	// last: each is an envelope, and the network carries everybody's.
	maxPeopleBack = 256
	// fewPeers: with so few peers one more may be the way to somebody; with more it says
	// nothing, and anybody can connect.
	fewPeers = 4

	// codeRepeats is how often the contact code is published again after that at our
	// return, a wait of codeAgain waits of ResendBase later: at first the peers may not
	// relay to others yet.
	codeRepeats = 1
	codeAgain   = 4
)

// hasten makes a row due now that was sent before and waits for its next time; times is
// how often it is to be sent soon.
func (r *outboxRow) hasten(now time.Time, times int) {
	if r.quick == 0 {
		r.scheduled = r.nextSend
	}
	r.nextSend, r.quick, r.quickSent = now, max(r.quick, times), 0
}

// waits reports whether a row can be hastened. Before its second sending the wait is
// short, and an acknowledgement may be on its way.
func (r *outboxRow) waits(now time.Time) bool {
	return r.attempt == 0 && r.sends > 1 && r.nextSend.After(now)
}

// sendsThen is how often a row was sent by its schedule once it is out again.
func (r *outboxRow) sendsThen() int {
	if r.quick > 0 {
		return r.sends
	}
	return r.sends + 1
}

// again is when a row that went out just now is due next, how often it is to be sent
// soon, and when it is due by its schedule.
func (c *Client) again(r outboxRow, now time.Time) (next time.Time, quick int, scheduled time.Time) {
	base := c.settings.ResendBase
	if r.quick == 0 {
		next = now.Add(datasync.Backoff(r.sends, base, c.rand))
		return next, 0, next
	}
	next = now.Add(datasync.Backoff(r.quickSent+1, base, c.rand))
	if r.quick > 1 && next.Before(r.scheduled) {
		return next, r.quick - 1, r.scheduled
	}
	if soon := now.Add(base); r.scheduled.Before(soon) {
		return soon, 0, soon
	}
	return r.scheduled, 0, r.scheduled
}

// hurry hastens what a device waits for that was heard; addressed tells that messages
// go to it. What another device has acknowledged waits for those that have not, and only
// if it would wait for longer than pause: the devices that have it see a message that is
// not for them, and may take it that their sender does not know them.
func (o *outbox) hurry(from device, addressed, own bool, now time.Time, pause time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, r := range o.byMVDS {
		if r.peer != from.peer || !r.waits(now) || r.hurries >= maxHurries {
			continue
		}
		if (own || r.delivered) && (!addressed || slices.Contains(r.acked, from.installation)) {
			continue
		}
		if r.delivered && r.nextSend.Sub(now) < pause {
			continue
		}
		r.hasten(now, heardSends)
		r.hurries++
	}
}

// release makes due what was held for somebody.
func (o *outbox) release(peer key.Public, now time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, r := range o.byMVDS {
		if r.peer == peer && r.attempt == 0 && r.nextSend.After(now) {
			r.nextSend, r.sends, r.quick = now, min(r.sends, 1), 0
		}
	}
}

// unanswered are the people whom something was sent more than once, those written to
// last first.
func (o *outbox) unanswered() []key.Public {
	o.mu.Lock()
	defer o.mu.Unlock()
	latest := map[key.Public]*outboxRow{}
	for _, r := range o.byMVDS {
		if l := latest[r.peer]; r.sends > 1 && (l == nil || byClock(l, r) < 0) {
			latest[r.peer] = r
		}
	}
	rows := make([]*outboxRow, 0, len(latest))
	for _, r := range latest {
		rows = append(rows, r)
	}
	slices.SortFunc(rows, func(a, b *outboxRow) int { return byClock(b, a) })
	people := make([]key.Public, len(rows))
	for i, r := range rows {
		people[i] = r.peer
	}
	return people
}

// hastenFor hastens what waits for people.
func (o *outbox) hastenFor(people []key.Public, now time.Time) {
	wanted := map[key.Public]bool{}
	for _, k := range people {
		wanted[k] = true
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, r := range o.byMVDS {
		if wanted[r.peer] && r.waits(now) {
			r.hasten(now, backSends)
		}
	}
}

// device is an installation of an identity.
type device struct {
	peer         key.Public
	installation string
}

// heard tells that a device is there: it has sent something that is opened for the first
// time, or a bundle that is newer than all before. In the loop, after a commit.
func (c *Client) heard(from device) {
	now := c.now()
	if h := c.loop.holds[from.peer]; h != nil {
		*h = hold{next: now}
		c.outbox.release(from.peer, now)
		if p := c.loop.acks[from.peer]; p != nil {
			p.due = now
		}
	}
	pause := hurryEvery * c.settings.ResendBase
	if last, ok := c.loop.heard.Get(from); ok && within(pause, last.UnixMilli(), now) {
		return
	}
	c.loop.heard.Add(from, now)
	if c.loop.failed.of(from.peer) {
		c.loop.returned[from.peer] = true
	}
	a := c.self.Load()
	p, err := c.peer(from.peer)
	if err != nil || a == nil {
		return
	}
	addressed := slices.Contains(installationIDs(p.Active()), from.installation)
	c.outbox.hurry(from, addressed, from.peer == a.public, now, pause)
}

// newer reports whether a message taught a bundle of the installation it came from that
// was signed later than all we had: old ones, which anybody can send again, are no news.
func newer(before, after session.Peer, installation string) bool {
	was, _ := before.Find(installation)
	is, found := after.Find(installation)
	return found && is.Activity > was.Activity
}

// returning is our own coming back: that the network is there again, the machine has
// slept, its clock was set, or one of few peers has connected.
type returning struct {
	happened bool
	used     int // tokens
	since    time.Time
}

// next is when there is a token.
func (r *returning) next(base time.Duration) time.Time {
	if r.used < backAtOnce {
		return time.Time{}
	}
	return r.since.Add(backEvery * base)
}

// take takes a token, if there is one.
func (r *returning) take(now time.Time, base time.Duration) bool {
	if fresh := int(now.Sub(r.since) / (backEvery * base)); fresh > 0 || now.Before(r.since) {
		r.used, r.since = max(0, r.used-max(fresh, 0)), now
	}
	if r.used >= backAtOnce {
		return false
	}
	r.used++
	return true
}

// comeBack hurries what waits after we were away, and publishes our contact code, by
// which others see that we are there. In the loop.
func (c *Client) comeBack() {
	now := c.now()
	if !c.loop.back.happened || !c.online.is() || !c.loop.back.take(now, c.settings.ResendBase) {
		return
	}
	c.loop.back.happened = false
	people := c.outbox.unanswered()
	c.outbox.hastenFor(people[:min(len(people), maxPeopleBack)], now)
	c.sessions.code.repeats = codeRepeats
	c.codeSoon()
}
