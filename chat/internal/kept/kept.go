// Package kept keeps the application messages that this version of the library cannot read,
// whole and as they were signed, so that a later one can read them again. What can be shown of
// them is in the history; here is what that was made of.
package kept

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"
	"time"

	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
)

// The tables of the part.
const (
	table       port.Table = "kept"        // message id -> KeptRecord
	tablePeople port.Table = "kept_people" // compressed key -> KeptListRecord
)

// What is kept of one person; past it the oldest goes. Few people send what nobody can read,
// and who does so by the million shall not fill the disk.
const (
	MaxMessages = 256
	MaxBytes    = 4 << 20
)

const (
	// atOnce bounds the messages that are read again in one turn, and bytesAtOnce their size.
	atOnce      = 32
	bytesAtOnce = 4 << 20
)

// metaVersion is the name in ledger.TableMeta of the version of kinds by which all that is
// kept was last read, 8 bytes.
var metaVersion = []byte("kinds_version")

// Options are needed to make a Kept; all fields are required.
type Options struct {
	Ledger *ledger.Ledger
	// Version numbers the kinds that this version reads.
	Version uint64
	// Reread reads messages again, oldest first. What of them can be read now it takes from
	// here with Drop.
	Reread func(t *ledger.Turn, batch []*wire.KeptRecord) error
}

// Kept is the part.
type Kept struct {
	Options
	// again are the ids of the messages that this version has not tried to read yet.
	again [][]byte
	// due: an earlier version has tried last.
	due bool
}

// New makes the part of a store.
func New(o Options) *Kept { return &Kept{Options: o} }

// Keep keeps a message within the bounds of who signed it. One that is larger than all that
// may be kept of a person is not kept.
func (k *Kept) Keep(tx *ledger.Tx, rec *wire.KeptRecord) error {
	size := len(rec.GetApplication())
	if size > MaxBytes {
		return nil
	}
	var list wire.KeptListRecord
	if _, err := ledger.Get(tx, tablePeople, rec.GetFrom(), &list); err != nil {
		return err
	}
	if slices.ContainsFunc(list.GetEntries(), is(rec.GetId())) {
		return nil
	}
	if !k.due {
		if err := k.noteVersion(tx); err != nil {
			return err
		}
	}
	list.Entries = append(list.GetEntries(), &wire.KeptEntryRecord{Id: rec.GetId(), Size: uint32(size)})
	total := 0
	for _, e := range list.GetEntries() {
		total += int(e.GetSize())
	}
	for len(list.GetEntries()) > MaxMessages || total > MaxBytes {
		oldest := list.GetEntries()[0]
		if err := tx.Delete(table, oldest.GetId()); err != nil {
			return err
		}
		total -= int(oldest.GetSize())
		list.Entries = list.GetEntries()[1:]
	}
	if err := ledger.Put(tx, tablePeople, rec.GetFrom(), &list); err != nil {
		return err
	}
	return ledger.Put(tx, table, rec.GetId(), rec)
}

// noteVersion notes that this version could not read what is kept.
func (k *Kept) noteVersion(tx *ledger.Tx) error {
	now := binary.BigEndian.AppendUint64(nil, k.Version)
	if b, err := tx.Get(ledger.TableMeta, metaVersion); err != nil || bytes.Equal(b, now) {
		return err
	}
	return tx.Put(ledger.TableMeta, metaVersion, now)
}

// Drop forgets a message; one that is not kept is fine.
func (k *Kept) Drop(tx *ledger.Tx, id []byte) error {
	var rec wire.KeptRecord
	found, err := ledger.Get(tx, table, id, &rec)
	if err != nil || !found {
		return err
	}
	var list wire.KeptListRecord
	if _, err := ledger.Get(tx, tablePeople, rec.GetFrom(), &list); err != nil {
		return err
	}
	list.Entries = slices.DeleteFunc(list.GetEntries(), is(id))
	if len(list.GetEntries()) == 0 {
		err = tx.Delete(tablePeople, rec.GetFrom())
	} else {
		err = ledger.Put(tx, tablePeople, rec.GetFrom(), &list)
	}
	return cmp.Or(err, tx.Delete(table, id))
}

func is(id []byte) func(*wire.KeptEntryRecord) bool {
	return func(e *wire.KeptEntryRecord) bool { return bytes.Equal(e.GetId(), id) }
}

// Load finds out whether there is something to read again.
func (k *Kept) Load(tx port.Tx) error {
	b, err := tx.Get(ledger.TableMeta, metaVersion)
	if err != nil {
		return err
	}
	k.again, k.due = nil, false
	if len(b) == 8 && binary.BigEndian.Uint64(b) == k.Version {
		return nil
	}
	var all []*wire.KeptRecord
	err = tx.Each(table, func(_, value []byte) error {
		rec := &wire.KeptRecord{}
		if err := ledger.Decode(table, value, rec); err != nil {
			return err
		}
		all = append(all, &wire.KeptRecord{Id: rec.GetId(), At: rec.GetAt()})
		return nil
	})
	slices.SortFunc(all, func(a, b *wire.KeptRecord) int {
		return cmp.Or(cmp.Compare(a.GetAt(), b.GetAt()), bytes.Compare(a.GetId(), b.GetId()))
	})
	for _, rec := range all {
		k.again = append(k.again, rec.GetId())
	}
	k.due = len(k.again) > 0
	return err
}

// Work reads some more messages again.
func (k *Kept) Work(t *ledger.Turn) error {
	if !k.due {
		return nil
	}
	batch, n, err := k.next()
	if err != nil {
		return err
	}
	if len(batch) > 0 {
		if err := k.Reread(t, batch); ledger.Passing(err) {
			return err // otherwise one of them can never be stored: they stay as they are
		}
	}
	if k.again = k.again[n:]; len(k.again) > 0 {
		return nil
	}
	if err = k.Ledger.Update(k.noteVersion); err == nil {
		k.again, k.due = nil, false
	}
	return err
}

// next reads the next messages, and tells how many of the ids that takes.
func (k *Kept) next() (batch []*wire.KeptRecord, n int, err error) {
	err = k.Ledger.View(func(tx port.Tx) error {
		for size := 0; n < min(len(k.again), atOnce) && size < bytesAtOnce; n++ {
			var rec wire.KeptRecord
			found, err := ledger.Get(tx, table, k.again[n], &rec)
			if err != nil {
				return err
			}
			if found { // not dropped meanwhile
				batch = append(batch, &rec)
				size += len(rec.GetApplication())
			}
		}
		return nil
	})
	return batch, n, err
}

// Due is at once while there is something to read again.
func (k *Kept) Due(t *ledger.Turn) time.Time {
	if k.due {
		return t.Now
	}
	return time.Time{}
}

// Care has nothing to look after.
func (k *Kept) Care(*ledger.Turn) {}

// Check reports messages that are in no list, and lists that have others.
func (k *Kept) Check(w *ledger.Walk) error {
	err := w.Each(table, func(name, value []byte) error {
		var rec wire.KeptRecord
		if err := ledger.Decode(table, value, &rec); err != nil {
			return err
		}
		var list wire.KeptListRecord
		if _, err := ledger.Get(w.Tx, tablePeople, rec.GetFrom(), &list); err != nil {
			return err
		}
		if !bytes.Equal(name, rec.GetId()) || !slices.ContainsFunc(list.GetEntries(), is(name)) {
			w.Report(table, "a message is not what its name says, or in the list of nobody")
		}
		return nil
	})
	if err != nil {
		return err
	}
	return w.Each(tablePeople, func(name, value []byte) error {
		var list wire.KeptListRecord
		if err := ledger.Decode(tablePeople, value, &list); err != nil {
			return err
		}
		if len(name) != key.CompressedSize || len(list.GetEntries()) > MaxMessages {
			w.Report(tablePeople, "a list is of nobody, or too long")
		}
		for _, e := range list.GetEntries() {
			var rec wire.KeptRecord
			found, err := ledger.Get(w.Tx, table, e.GetId(), &rec)
			if err != nil {
				return err
			}
			if !found || !bytes.Equal(rec.GetFrom(), name) || len(rec.GetApplication()) != int(e.GetSize()) {
				w.Report(tablePeople, "a list has a message that is not kept, or of somebody else")
			}
		}
		return nil
	})
}
