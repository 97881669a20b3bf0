package expiry

import (
	"encoding/binary"
	"time"

	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/wire"
)

// A message that is written while the clock of the machine is a year ahead would be erased a
// year late once the clock is right. No message can have been written in the future: if one
// says so, the clock has been set back since, and its timer starts again now. All messages
// are checked when the clock is seen to go back, in this run or since the last one.

const (
	// minBack is the step back of the clock from which on it counts: smaller ones are
	// corrections by the daemons that keep it right.
	minBack = 2 * time.Second
)

// metaSeen is the name in ledger.TableMeta of the time at which the list was last looked
// after, ms, 8 bytes.
var metaSeen = []byte("expiry_seen")

// anew is the state of the walk over the list.
type anew struct {
	walking bool
	before  *port.Position // where it goes on; nil at the beginning
}

func (a *anew) begin() { *a = anew{walking: true} }

// load begins a walk if the clock is behind what it was in the last run.
func (a *anew) load(tx port.Tx, now time.Time) error {
	b, err := tx.Get(ledger.TableMeta, metaSeen)
	if err != nil || len(b) != 8 {
		return err
	}
	if seen := time.UnixMilli(int64(binary.BigEndian.Uint64(b))); now.Before(seen.Add(-minBack)) {
		a.begin()
	}
	return nil
}

// ShiftClock begins a walk when the clock was set back.
func (e *Expiry) ShiftClock(_ *ledger.Turn, by time.Duration) {
	if by <= -minBack {
		e.anew.begin()
	}
}

// Care notes the time, if there is a message that will expire.
func (e *Expiry) Care(t *ledger.Turn) {
	if e.Due(t).IsZero() {
		return
	}
	err := e.Ledger.Update(func(tx *ledger.Tx) error {
		return tx.Put(ledger.TableMeta, metaSeen, binary.BigEndian.AppendUint64(nil, uint64(max(0, t.Now.UnixMilli()))))
	})
	if err != nil {
		e.Log.Log("warn", "noting the time failed", "code", string(port.CodeOf(err)))
	}
}

// walk looks at some more messages, if it is under way.
func (e *Expiry) walk(t *ledger.Turn) error {
	if !e.anew.walking {
		return nil
	}
	var places, late []port.Position
	err := e.Ledger.View(func(tx port.Tx) (err error) {
		if places, err = tx.Page(list, e.anew.before, atOnce); err != nil {
			return err
		}
		for _, at := range places {
			rec, found, err := e.Record(tx, at.ID)
			if err != nil {
				return err
			}
			if found && fromFuture(rec, t.Now) {
				late = append(late, at)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if len(late) > 0 {
		if _, err := ledger.Isolated(late, func(some []port.Position) error { return e.beginAnew(some, t.Now) }, e.giveUp); err != nil {
			return err
		}
	}
	if len(places) < atOnce {
		e.anew = anew{}
		return nil
	}
	e.anew.before = &places[len(places)-1]
	return nil
}

// fromFuture reports whether the timer of a message started after now.
func fromFuture(rec *wire.MessageRecord, now time.Time) bool {
	return rec.GetExpiresAt()-int64(rec.GetExpiresIn())*1000 > now.Add(minBack).UnixMilli()
}

// beginAnew starts the timers of messages again, from now.
func (e *Expiry) beginAnew(places []port.Position, now time.Time) error {
	return e.Ledger.Update(func(tx *ledger.Tx) error {
		for _, at := range places {
			err := e.Retime(tx, at.ID, func(rec *wire.MessageRecord) bool {
				if !fromFuture(rec, now) {
					return false
				}
				rec.ExpiresAt = now.UnixMilli() + int64(rec.GetExpiresIn())*1000
				return true
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
}
