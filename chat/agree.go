package chat

import (
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/contact"
	"libstatus1to1/chat/internal/agree"
	"libstatus1to1/chat/internal/history"
	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/session"
	"libstatus1to1/chat/wire"
)

// Own devices agree on what the user has said on any of them: package agree decides what is
// told when; here it hears of changes (agreed), and of devices that are to be told
// everything (meetDevices). What is told is made in agree_tell.go, and what comes in from
// another device is in receive_agree.go.

// awayAfter is the silence of a device of ours after which it, and this one, are told
// everything: what waited for it may have been given up.
const awayAfter = 3 * 24 * time.Hour

// newAgree makes the part.
func (c *Client) newAgree() *agree.Agree {
	return agree.New(agree.Host{
		Ledger: c.ledger, Log: c.log, Wake: c.kick, Delay: c.settings.AckDelay,
		Others: func() bool { a := c.self.Load(); return a != nil && len(a.others) > 0 },
		Tell:   c.tell, All: c.everySubject,
		Waits:  func(id [32]byte) bool { return len(c.outbox.RecipientsOf(id)) > 0 },
		Recall: func(tx *ledger.Tx, id [32]byte) error { _, err := c.outbox.Cancel(tx, id); return err },
	})
}

// agreed notes a change by the user of this device, of which the other ones are to be told.
func (t *txn) agreed(s agree.Subject) error { return t.c.agree.Changed(t.Tx, s) }

// chatChanged is called by the history when the user has changed something about a chat here.
func (c *Client) chatChanged(tx *ledger.Tx, change history.Change) error {
	if k, ok := change.In.Person(); ok && change.Cause == history.CauseMuted { // which the Status app learns with the person
		if err := c.agree.Changed(tx, agree.Person(k[:])); err != nil {
			return err
		}
	}
	return c.agree.Changed(tx, agree.Chat(change.In.Bytes()))
}

// agreedPerson is agreed for what is known of somebody.
func (t *txn) agreedPerson(k key.Public) error { return t.agreed(agree.Person(k.Compressed())) }

// ownClock draws the clock of something that the user says on this device: the next one of
// the chat with ourselves, and later than after, which it replaces.
func (c *Client) ownClock(a *account, now time.Time, after uint64) (uint64, error) {
	next, err := c.history.NextClock(message.ConversationWith(a.public), now)
	return max(next, after+1), err
}

// tellOwn has a message delivered to the other devices of ours, if there are any.
func (t *txn) tellOwn(typ wire.ApplicationMetadataMessage_Type, m proto.Message, clock uint64) error {
	a := t.c.self.Load()
	if len(a.others) == 0 {
		return nil
	}
	out, err := t.c.sign(a, a.public, typ, m, clock, t.c.now())
	if err != nil {
		return err
	}
	return t.enqueue(out)
}

// meetDevices has everything told when a device of ours is addressed from now on, or is heard
// again after a long time.
func (t *txn) meetDevices(before, after session.Peer) error {
	if !t.c.isSelf(after.Identity.Compact()) {
		return nil
	}
	known := installationIDs(before.Active())
	for _, in := range after.Active() {
		was, _ := before.Find(in.ID)
		if !slices.Contains(known, in.ID) || in.Activity-was.Activity > awayAfter.Nanoseconds() {
			return t.c.agree.TellAll(t.Tx)
		}
	}
	return nil
}

// stamp gives what the user has changed of a person the next clock. It reports whether that is
// anything that the other devices are to be told.
func (c *Client) stamp(a *account, before, rec *wire.ContactRecord) (said bool, err error) {
	if proto.Equal(before, rec) {
		return false, nil
	}
	clock, err := c.ownClock(a, c.now(), 0)
	if err != nil {
		return false, err
	}
	return contact.Stamp(before, rec, clock), nil
}

// changeOwn is changeContact for a change by the user of this device, at clock.
func (t *txn) changeOwn(k key.Public, clock uint64, change func(*wire.ContactRecord) bool) error {
	said := false
	err := t.changeContact(k, func(rec *wire.ContactRecord) bool {
		before := proto.CloneOf(rec)
		if !change(rec) {
			return false
		}
		said = contact.Stamp(before, rec, clock)
		return true
	})
	if err != nil || !said {
		return err
	}
	return t.agreedPerson(k)
}

// everySubject lists what a device is told that knows nothing yet.
func (c *Client) everySubject(tx Tx) ([]agree.Subject, error) {
	subjects := []agree.Subject{agree.Profile, agree.Picture}
	for table, subject := range map[Table]func([]byte) agree.Subject{
		tableContacts: agree.Person, tableVerifications: agree.Question, history.TableChats: agree.Chat,
	} {
		err := tx.Each(table, func(name, value []byte) error {
			if table == tableContacts && !worthTelling(value) || table == history.TableChats && !chatWorthTelling(value) {
				return nil
			}
			subjects = append(subjects, subject(slices.Clone(name)))
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	slices.Sort(subjects)
	return subjects, nil
}

// worthTelling reports whether there is something about a person that the user has said, or
// that they have asked. Each device hears of strangers by itself.
func worthTelling(record []byte) bool {
	var rec wire.ContactRecord
	if ledger.Decode(tableContacts, record, &rec) != nil {
		return false // store.check reports it
	}
	return rec.GetWrittenTo() || requestOf(&rec) != (contact.Request{}) || contact.CardOf(&rec).Latest() > 0
}

// stamp gives the parts of the profile that differ from those before a clock, and returns what
// the other devices are to be told.
func (a *account) stamp(before *account, clock uint64) (subjects []agree.Subject) {
	if a.displayName != before.displayName {
		a.clocks.name = clock
	}
	if a.bio != before.bio {
		a.clocks.bio = clock
	}
	if a.colour != before.colour {
		a.clocks.colour = clock
	}
	if a.clocks != before.clocks {
		subjects = append(subjects, agree.Profile)
	}
	if !proto.Equal(a.picture, before.picture) {
		a.clocks.picture = clock
		subjects = append(subjects, agree.Picture)
	}
	return subjects
}

// chatWorthTelling is worthTelling for a chat.
func chatWorthTelling(record []byte) bool {
	var rec wire.ChatRecord
	return ledger.Decode(history.TableChats, record, &rec) == nil && agree.ChatOf(&rec) != nil
}
