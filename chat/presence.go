package chat

import (
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/enum"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/text"
	"libstatus1to1/chat/wire"
)

// Presence: how people say that they want to be seen. Ours is published only if the program
// asked for it, in the clear on the topic of our contact code, where everybody who knows our
// key can read it. Spec: 62/STATUS-PAYLOADS leaves it out; deployed.

const (
	// presenceAgain is the interval at which a presence other than automatic is repeated, for
	// those who were away.
	presenceAgain = 24 * time.Hour
	// presenceStored is how old the stored presence of somebody may be who says the same again
	// and again: it is there for the time after a restart, and to know old ones.
	presenceStored = time.Hour
)

// presences are what people said last, ourselves included.
type presences struct {
	mu   sync.Mutex
	last map[key.Compact]*wire.PresenceRecord // later than in the records of contacts
	own  *wire.PresenceRecord                 // status 0: nothing is published
	next time.Time                            // when ours is to be published; the lock of the engine guards it
}

// seen is the presence of somebody: the later of what the record says and what is in memory.
func (p *presences) seen(rec *wire.ContactRecord) *wire.PresenceRecord {
	p.mu.Lock()
	defer p.mu.Unlock()
	if last := p.last[key.Compact(rec.GetKey())]; last.GetClock() > rec.GetPresence().GetClock() {
		return last
	}
	return rec.GetPresence()
}

// set stores the status of somebody, and reports whether it is their latest one.
func (p *presences) set(k key.Compact, said *wire.PresenceRecord) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.last[k].GetClock() >= said.GetClock() {
		return false
	}
	if p.last == nil {
		p.last = map[key.Compact]*wire.PresenceRecord{}
	}
	p.last[k] = said
	return true
}

func (p *presences) ours() *wire.PresenceRecord {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.own
}

func (p *presences) setOurs(said *wire.PresenceRecord) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.own = said
}

// load reads ours, and forgets what is known of others in memory.
func (p *presences) load(tx Tx) error {
	rec := &wire.PresenceRecord{}
	_, err := ledger.Get(tx, tableMeta, metaPresence, rec)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last, p.own, p.next = nil, rec, time.Time{}
	return err
}

// presenceOf shows a presence; nil if there is none.
func presenceOf(p *wire.PresenceRecord) *event.Presence {
	status := wire.StatusUpdate_StatusType(p.GetStatus())
	if message.PresenceName(status) == "" {
		return nil
	}
	return &event.Presence{
		Status: enum.PresenceStatus(message.PresenceName(status)), Text: p.GetText(), At: message.ClockMillis(p.GetClock()),
		OnlineUntil: message.OnlineUntil(status, p.GetClock()),
	}
}

// contactNow is contactOf with the presence that is only in memory.
func (c *Client) contactNow(rec *wire.ContactRecord) event.Contact {
	out := contactOf(rec)
	out.Presence = presenceOf(c.people.presences.seen(rec))
	return out
}

// Presence returns our own presence; nil if it is not published.
func (c *Client) Presence() (*event.Presence, error) {
	if _, err := c.account(); err != nil {
		return nil, err
	}
	return presenceOf(c.people.presences.ours()), nil
}

// PresenceOff is the status of SetPresence that ends the publishing.
const PresenceOff = "off"

// SetPresence publishes how we are to be seen, now and again and again, until it is PresenceOff.
func (c *Client) SetPresence(status, said string) (*event.Presence, error) {
	kind, ok := message.ParsePresence(status)
	if !ok && status != PresenceOff {
		return nil, Errorf(CodeBadParams, "status", "the status must be off, automatic, always_online, do_not_disturb or inactive")
	}
	said, err := cleanName("text", said, message.MaxPresenceText)
	if err != nil {
		return nil, err
	}
	if status == PresenceOff && said != "" {
		return nil, Errorf(CodeBadParams, "text", "there is no text without a status")
	}
	if _, err := c.account(); err != nil {
		return nil, err
	}
	err = c.exclusive(func(t *ledger.Turn) error {
		rec := &wire.PresenceRecord{Status: int32(kind), Text: said, Clock: c.presenceClock(t.Now)}
		if err := c.update(func(t *txn) error { return ledger.Put(t, tableMeta, metaPresence, rec) }); err != nil {
			return err
		}
		c.people.presences.setOurs(rec)
		c.people.presences.next = t.Now
		return nil
	})
	if err != nil {
		return nil, err
	}
	c.kick()
	return c.Presence()
}

// presenceClock is the clock of our next StatusUpdate, in seconds.
func (c *Client) presenceClock(now time.Time) uint64 {
	return max(uint64(max(0, now.Unix())), c.people.presences.ours().GetClock()+1)
}

// publishPresence publishes our presence when it is due. It is a step of the loop.
func (c *Client) publishPresence(t *ledger.Turn) {
	p := &c.people.presences
	a, err := c.account()
	if err != nil || !t.Online || !c.presencePublished() || t.Now.Before(p.next) {
		return
	}
	rec := proto.CloneOf(p.ours())
	rec.Clock = c.presenceClock(t.Now)
	automatic := rec.GetStatus() == int32(wire.StatusUpdate_AUTOMATIC)
	p.next = t.Now.Add(presenceAgain)
	if automatic {
		p.next = t.Now.Add(message.PresenceEvery)
	}
	if err := c.publishStatus(a, rec, automatic); err != nil {
		c.log.Log("debug", "presence not published", "error", err.Error())
		p.next = t.Now.Add(contactCodeRetry)
		return
	}
	p.setOurs(rec)
}

// presencePublished reports whether our presence is to be published now and again.
func (c *Client) presencePublished() bool {
	a := c.self.Load()
	return a != nil && !a.dropped && c.people.presences.ours().GetStatus() != 0
}

// publishStatus publishes a StatusUpdate. One that is to be repeated soon is not for store
// nodes.
func (c *Client) publishStatus(a *account, rec *wire.PresenceRecord, ephemeral bool) error {
	return c.publishInClear(a, wire.ApplicationMetadataMessage_STATUS_UPDATE, message.NewPresence(rec), ephemeral)
}

// presence accepts a StatusUpdate. It returns false for one that is to come again, because its
// clock is too far ahead.
func (p *pass) presence(m *inbound, app message.Application) bool {
	said, err := message.DecodePresence(app.Payload)
	if err != nil {
		p.c.counters.drop("presence")
		return true
	}
	if p.presenceAhead(m, said) {
		p.c.counters.drop("contact_clock")
		return false
	}
	from := m.sender
	p.do(func(t *txn) error {
		if from == p.a.public {
			return t.ownPresence(said)
		}
		return t.presenceOf(from, said)
	})
	return true
}

// presenceAhead reports whether a StatusUpdate has a clock that is too far ahead.
func (p *pass) presenceAhead(m *inbound, said *wire.PresenceRecord) bool {
	clock := uint64(message.ClockMillis(said.GetClock()))
	return clock > message.LatestClock(p.now) && clock > message.LatestClock(p.judged(m))
}

// ignorePresence refuses of somebody blocked what presence would refuse.
func (p *pass) ignorePresence(am *applicationMessage) {
	if !am.authentic || am.app.Type != wire.ApplicationMetadataMessage_STATUS_UPDATE {
		return
	}
	if said, err := message.DecodePresence(am.app.Payload); err == nil && p.presenceAhead(am.from, said) {
		p.refuse(am.body)
	}
}

// presenceOf stores the status of a contact, if it is their latest one. That of strangers is
// ignored.
func (t *txn) presenceOf(k key.Public, said *wire.PresenceRecord) error {
	s, _ := t.c.people.contacts.get(k)
	if !t.c.people.contacts.hears(k) || !s.added && !s.request.Added() {
		t.c.counters.drop("presence")
		return nil
	}
	rec, err := contactRecord(t, k)
	if err != nil || said.GetClock() <= t.c.people.presences.seen(rec).GetClock() {
		return err
	}
	old := rec.GetPresence()
	again := old.GetStatus() == said.GetStatus() && old.GetText() == said.GetText()
	if !again || said.GetClock()-old.GetClock() >= uint64(presenceStored/time.Second) {
		rec.Presence = said
		if err := t.putContact(k, rec); err != nil {
			return err
		}
	}
	t.After(func() {
		if t.c.people.presences.set(k.Compact(), said) {
			t.c.reportPresence(k, said)
		}
	})
	return nil
}

// ownPresence takes over the status that another device of ours publishes, if we publish one
// at all: the latest one counts on all devices.
func (t *txn) ownPresence(said *wire.PresenceRecord) error {
	own := t.c.people.presences.ours()
	if own.GetStatus() == 0 || said.GetClock() <= own.GetClock() {
		return nil
	}
	if err := ledger.Put(t, tableMeta, metaPresence, said); err != nil {
		return err
	}
	t.After(func() {
		if said.GetClock() > t.c.people.presences.ours().GetClock() {
			t.c.people.presences.setOurs(said)
			t.c.reportPresence(t.c.self.Load().public, said)
		}
	})
	return nil
}

func (c *Client) reportPresence(k key.Public, said *wire.PresenceRecord) {
	e := event.PresenceChanged{PublicKey: k.Hex(), Presence: *presenceOf(said)}
	c.ledger.Events.PushLatest(ledger.SubjectPresence+e.PublicKey, e, c.now().UnixMilli())
}

// validPresence reports whether a stored presence is one.
func validPresence(p *wire.PresenceRecord) bool {
	return p.GetStatus() == 0 || presenceOf(p) != nil && p.GetText() == text.Shown(p.GetText(), message.MaxPresenceText, text.Name)
}
