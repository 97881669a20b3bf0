// Package agree has the devices of one identity agree on what its user has said on any of
// them: about people, chats, the own profile, and questions that verify people.
//
// What they agree on is cut into subjects: one person, one chat, the profile. The state of a
// subject is joined from registers, each with a clock, so that devices that have heard the
// same have the same state, in whatever order it came, however often (chat/contact: Card).
// When a subject changes here, its whole state is sent to the other devices, and replaces
// earlier messages about it that they have not acknowledged yet. So nothing piles up for a
// device that is away, and what was lost is sent again with the next change. A device that is
// new, or was away for long, gets all subjects.
//
// How a subject is sent and joined is up to the engine: see Host.
//
// Spec: 62/STATUS-PAYLOADS leaves it out; the messages are those of deployed clients, which
// skip what this library adds to them.
package agree

import (
	"slices"
	"strings"
	"sync"
	"time"

	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/wire"
)

// tableAgreed has a record for each subject that has changed: Subject -> AgreedRecord.
const tableAgreed port.Table = "agreed"

// Subject names something that the devices agree on: its kind, then what names it among
// those of its kind.
type Subject string

// The kinds of subjects, as their first byte.
const (
	kindPerson   = 'p'
	kindChat     = 'c'
	kindQuestion = 'q'
	kindProfile  = 's'
	kindPicture  = 'i'
	// kindAll is no subject: it changes when all of them are to be sent.
	kindAll = 'a'
)

// The subjects that there are once.
const (
	Profile Subject = "s" // of the own identity, and the names of its devices
	Picture Subject = "i" // of the own profile
	all     Subject = "a"
)

// Person returns the subject of a person, by their compressed key.
func Person(key []byte) Subject { return Subject(kindPerson) + Subject(key) }

// Chat returns the subject of a conversation, by its id.
func Chat(id []byte) Subject { return Subject(kindChat) + Subject(id) }

// Question returns the subject of a verification question, by the name of its record.
func Question(name []byte) Subject { return Subject(kindQuestion) + Subject(name) }

// Of returns what names a subject among those of the kind of another one.
func (s Subject) Of(like func([]byte) Subject) (name []byte, ok bool) {
	prefix := string(like(nil))
	rest, ok := strings.CutPrefix(string(s), prefix)
	return []byte(rest), ok && rest != ""
}

// known reports whether a subject is of a kind that there is.
func (s Subject) known() bool {
	return s != "" && strings.IndexByte(string([]byte{kindPerson, kindChat, kindQuestion, kindProfile, kindPicture, kindAll}), s[0]) >= 0
}

const (
	// atOnce bounds the subjects that are sent in one round of the loop: each takes some
	// signatures.
	atOnce = 32
	// markedAtOnce bounds the subjects that one transaction marks when all are to be sent.
	markedAtOnce = 256
	// returnsEvery is the least time between two devices that come back and get the whole state:
	// how long one was away is only its own claim. What was sent to the others meanwhile still
	// waits for the second one, for longer than that.
	returnsEvery = 24 * time.Hour
)

// Letter is a message that tells of a subject.
type Letter struct {
	ID [32]byte
	// Slot: a letter takes back the one before it about the same subject in the same slot.
	Slot uint32
	// Enqueue has it delivered to the own devices.
	Enqueue func(*ledger.Tx) error
}

// Host connects the part with the engine around it; all fields are required.
type Host struct {
	Ledger *ledger.Ledger
	Log    port.Logger
	// Wake makes the loop look for work.
	Wake func()
	// Delay is the time that changes of a subject wait for others to go with.
	Delay time.Duration
	// Others reports whether there are other devices to tell.
	Others func() bool
	// Tell makes the messages that tell of a subject as it is now. It may change what told
	// says of the messages before.
	Tell func(s Subject, told *wire.AgreedRecord, now time.Time) ([]Letter, error)
	// Waits reports whether a message was not acknowledged by all devices yet, and Recall takes
	// one back.
	Waits  func(id [32]byte) bool
	Recall func(tx *ledger.Tx, id [32]byte) error
	// All lists the subjects of which there is something to tell.
	All func(port.Tx) ([]Subject, error)
}

// Agree is the part of the engine described above.
type Agree struct {
	host Host

	mu  sync.Mutex
	due map[Subject]uint64 // what is to be told, with its number of changes
	at  time.Time          // when; zero if it is not known yet
	// returned is the last time that everything was sent because a device came back.
	returned time.Time
}

// New makes the part; nothing is due before Load.
func New(host Host) *Agree { return &Agree{host: host, due: map[Subject]uint64{}} }

// Load reads what is due.
func (a *Agree) Load(tx port.Tx) error {
	due := map[Subject]uint64{}
	err := tx.Each(tableAgreed, func(name, value []byte) error {
		var rec wire.AgreedRecord
		if err := ledger.Decode(tableAgreed, value, &rec); err != nil {
			return err
		}
		if rec.GetChanges() != rec.GetTold() {
			due[Subject(name)] = rec.GetChanges()
		}
		return nil
	})
	a.mu.Lock()
	defer a.mu.Unlock()
	a.due = due
	return err
}

// Changed notes that a subject has changed here, so that it is sent to the other devices.
// Without any there is nothing to note: a new device gets everything.
func (a *Agree) Changed(tx *ledger.Tx, s Subject) error {
	if !a.host.Others() {
		return nil
	}
	return a.change(tx, s)
}

// TellAll has all subjects sent to the other devices.
func (a *Agree) TellAll(tx *ledger.Tx) error { return a.change(tx, all) }

// TellReturned is TellAll because a device has come back after a long time.
func (a *Agree) TellReturned(tx *ledger.Tx, now time.Time) error {
	a.mu.Lock()
	recently := !a.returned.IsZero() && now.Sub(a.returned) < returnsEvery
	a.mu.Unlock()
	if recently {
		return nil
	}
	tx.After(func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.returned = now
	})
	return a.TellAll(tx)
}

func (a *Agree) change(tx *ledger.Tx, s Subject) error {
	var rec wire.AgreedRecord
	if _, err := ledger.Get(tx, tableAgreed, []byte(s), &rec); err != nil {
		return err
	}
	rec.Changes++
	changes := rec.GetChanges()
	tx.After(func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.due[s] = max(a.due[s], changes)
		a.host.Wake()
	})
	return ledger.Put(tx, tableAgreed, []byte(s), &rec)
}

// Due returns the time at which something is to be sent.
func (a *Agree) Due(t *ledger.Turn) time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case len(a.due) == 0:
		return time.Time{}
	case a.at.IsZero():
		return t.Now // to set the time
	}
	return a.at
}

// ShiftClock follows a clock that was set back.
func (a *Agree) ShiftClock(_ *ledger.Turn, by time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, at := range []*time.Time{&a.at, &a.returned} {
		if !at.IsZero() {
			*at = at.Add(by)
		}
	}
}

// Work tells of the subjects that are due.
func (a *Agree) Work(t *ledger.Turn) error {
	subjects := a.takeDue(t.Now)
	if len(subjects) == 0 {
		return nil
	}
	if !a.host.Others() {
		return a.nobody(subjects)
	}
	if subjects[0] == all {
		return a.markAll()
	}
	return a.tell(subjects, t.Now)
}

// takeDue returns the next subjects to be sent, in an order that is always the same; all
// comes before the others.
func (a *Agree) takeDue(now time.Time) (subjects []Subject) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.due) == 0 {
		return nil
	}
	if a.at.IsZero() {
		a.at = now.Add(a.host.Delay)
	}
	if now.Before(a.at) {
		return nil
	}
	for s := range a.due {
		subjects = append(subjects, s)
	}
	slices.Sort(subjects)
	if len(subjects) <= atOnce {
		a.at = time.Time{}
	}
	return subjects[:min(len(subjects), atOnce)]
}

// nobody forgets what is due: there is no other device.
func (a *Agree) nobody(subjects []Subject) error {
	return a.host.Ledger.Update(func(tx *ledger.Tx) error {
		for _, s := range subjects {
			if err := a.told(tx, s, func(rec *wire.AgreedRecord) error { rec.Told = rec.GetChanges(); return nil }); err != nil {
				return err
			}
		}
		return nil
	})
}

// markAll marks all subjects as changed. After a crash it begins again.
func (a *Agree) markAll() error {
	var list []Subject
	if err := a.host.Ledger.View(func(tx port.Tx) (err error) { list, err = a.host.All(tx); return err }); err != nil {
		return err
	}
	for some := range slices.Chunk(list, markedAtOnce) {
		err := a.host.Ledger.Update(func(tx *ledger.Tx) error {
			for _, s := range some {
				if err := a.change(tx, s); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return a.nobody([]Subject{all})
}

// tell tells of subjects.
func (a *Agree) tell(subjects []Subject, now time.Time) error {
	type telling struct {
		subject Subject
		record  wire.AgreedRecord
		letters []Letter
	}
	var list []*telling
	for _, s := range subjects {
		one := &telling{subject: s}
		_, err := a.host.Ledger.Get(tableAgreed, []byte(s), &one.record)
		if err == nil {
			one.letters, err = a.host.Tell(s, &one.record, now)
		}
		switch {
		case err != nil && ledger.Passing(err):
			return err
		case err != nil: // of this one nothing can be told, and the others must not wait for it
			a.host.Log.Log("warn", "own devices cannot be told of something", "code", string(port.CodeOf(err)))
		}
		list = append(list, one)
	}
	return a.host.Ledger.Update(func(tx *ledger.Tx) error {
		for _, one := range list {
			err := a.told(tx, one.subject, func(rec *wire.AgreedRecord) error { return a.replace(tx, rec, &one.record, one.letters) })
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// replace has new messages delivered in the place of the earlier ones. made is the record
// from which they were made: changes since then are still to be sent.
func (a *Agree) replace(tx *ledger.Tx, rec, made *wire.AgreedRecord, letters []Letter) error {
	for _, l := range letters {
		i := slices.IndexFunc(rec.GetMessages(), func(m *wire.AgreedMessageRecord) bool { return m.GetSlot() == l.Slot })
		if i < 0 {
			rec.Messages, i = append(rec.GetMessages(), &wire.AgreedMessageRecord{Slot: l.Slot}), len(rec.GetMessages())
		}
		switch before := rec.GetMessages()[i]; {
		case string(before.GetId()) == string(l.ID[:]) && a.host.Waits(l.ID):
			continue // the same again: it is still on its way, also to devices that are new
		case len(before.GetId()) == len(l.ID):
			if err := a.host.Recall(tx, [32]byte(before.GetId())); err != nil {
				return err
			}
		}
		if err := l.Enqueue(tx); err != nil {
			return err
		}
		rec.Messages[i].Id = l.ID[:]
	}
	rec.Told = made.GetChanges()
	rec.ReadClock, rec.ClearedClock, rec.DeletedClock = made.GetReadClock(), made.GetClearedClock(), made.GetDeletedClock()
	return nil
}

// told changes the stored record of a subject, and its state in memory.
func (a *Agree) told(tx *ledger.Tx, s Subject, change func(*wire.AgreedRecord) error) error {
	var rec wire.AgreedRecord
	if _, err := ledger.Get(tx, tableAgreed, []byte(s), &rec); err != nil {
		return err
	}
	if err := change(&rec); err != nil {
		return err
	}
	told := rec.GetTold()
	tx.After(func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		if a.due[s] <= told {
			delete(a.due, s)
		}
	})
	return ledger.Put(tx, tableAgreed, []byte(s), &rec)
}

// Care has nothing to look after: there is one record a subject.
func (a *Agree) Care(*ledger.Turn) {}

// Check reports what contradicts itself in the records.
func (a *Agree) Check(w *ledger.Walk) error {
	return w.Each(tableAgreed, func(name, value []byte) error {
		var rec wire.AgreedRecord
		if err := ledger.Decode(tableAgreed, value, &rec); err != nil {
			return err
		}
		if !Subject(name).known() || rec.GetTold() > rec.GetChanges() {
			w.Report(tableAgreed, "something that devices agree on is in no state that it can be in")
		}
		return nil
	})
}
