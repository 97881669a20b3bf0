package store

import (
	"strings"
	"testing"

	"libstatus1to1/chat/port"
)

// TestImpossible writes, with the right keys, what a defect of this package could
// write, and looks whether Check and the reading methods notice.
func TestImpossible(t *testing.T) {
	each := func(tx port.Tx) error { return tx.Each("t", func(_, _ []byte) error { return nil }) }
	rang := func(tx port.Tx) error {
		return tx.Range("q", 0, func(uint64, []byte) (bool, error) { return true, nil })
	}
	for name, c := range map[string]struct {
		write func(*fileTx) error
		want  string                 // in Check's report
		read  func(tx port.Tx) error // notices too, or nil
	}{
		"record under another key": {func(f *fileTx) error {
			id := f.crypt.bucket(kindTable, "t")
			k := f.crypt.recordKey(id, "t", []byte{0, 1})
			return f.batch.do(step{act: actPut, id: id, key: k, value: packRecord([]byte("other"), nil)})
		}, "table t: a record is not what it should be", each},
		"record without head": {func(f *fileTx) error {
			id := f.crypt.bucket(kindTable, "t")
			k := f.crypt.recordKey(id, "t", []byte{0, 1})
			return f.batch.do(step{act: actPut, id: id, key: k, value: []byte{200}})
		}, "table t: a record is not what it should be", func(tx port.Tx) error { _, err := tx.Get("t", []byte{0, 1}); return err }},
		"wrong count": {func(f *fileTx) error {
			id, e, err := f.entry(kindTable, "t")
			e.last++
			f.batch.set(id, e)
			return touch(f, err)
		}, "table t: records are missing", each},
		"gap in a queue": {func(f *fileTx) error {
			id := f.crypt.bucket(kindQueue, "q")
			return f.batch.do(step{act: actDelete, id: id, key: number(100)})
		}, "queue q: records are missing", rang},
		"queue longer than known": {func(f *fileTx) error {
			id, e, err := f.entry(kindQueue, "q")
			e.last -= 5
			f.batch.set(id, e)
			return touch(f, err)
		}, "queue q: records are missing", nil},
		"positions out of order": {func(f *fileTx) error {
			id, e, err := f.entry(kindHistory, "chat with bob")
			if err != nil {
				return err
			}
			e.last++
			f.batch.set(id, e)
			return f.place(id, placed{1<<64 - 5, pos(0, 0)}, false)
		}, "a history: the order is broken", nil},
		"bucket not in the index": {func(f *fileTx) error {
			return f.batch.do(step{act: actPut, id: "0123456789abcdef", key: []byte("k"), value: []byte("v")})
		}, "index: a record is missing", nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := newFile(t)
			fill(s)
			s.sound()
			s.update(func(tx port.Tx) { s.must(c.write(tx.(*fileTx))) })
			var problems []string
			if _, err := s.Check(t.Context(), func(p string) { problems = append(problems, p) }); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(strings.Join(problems, "\n"), c.want) {
				t.Errorf("Check says %q, want %q", problems, c.want)
			}
			if c.read != nil {
				wantCode(t, s.View(c.read), port.CodeStoreCorrupt)
			}
		})
	}
}

// touch makes sure that the batch has a step, so that it is committed.
func touch(f *fileTx, err error) error {
	if err != nil {
		return err
	}
	return f.Put("touched", nil, nil)
}
