package ledger

import (
	"context"
	"errors"
	"fmt"

	"libstatus1to1/chat/port"
)

// Walk is one check of the whole store: each part reads its tables in it and reports what
// contradicts itself. Its snapshot is consistent, nobody is held up by it and nothing is
// changed.
type Walk struct {
	port.Tx
	ctx    context.Context
	report func(problem string)
	steps  int
}

// NewWalk begins a walk in tx that ends with ctx and calls report for each problem.
func NewWalk(ctx context.Context, tx port.Tx, report func(problem string)) *Walk {
	return &Walk{Tx: tx, ctx: ctx, report: report}
}

// Report reports a problem with a record of a table. It must name nobody.
func (w *Walk) Report(table port.Table, format string, args ...any) {
	w.report("table " + string(table) + ": " + fmt.Sprintf(format, args...))
}

// ReportQueue reports a problem with an entry of a queue. It must name nobody.
func (w *Walk) ReportQueue(queue port.Queue, format string, args ...any) {
	w.report("queue " + string(queue) + ": " + fmt.Sprintf(format, args...))
}

// pauseEvery is the number of records between two checks whether the walk should stop: few
// enough for a caller who waits, and many beside the cost of a check.
const pauseEvery = 256

// Pause fails when the caller has given up. Walks that do not use Each call it once a
// record.
func (w *Walk) Pause() error {
	if w.steps++; w.steps%pauseEvery != 0 {
		return nil
	}
	return w.ctx.Err()
}

// Each visits the records of a table. A record that does not read back is reported, and
// the walk goes on.
func (w *Walk) Each(table port.Table, visit func(name, value []byte) error) error {
	return w.Tx.Each(table, func(name, value []byte) error {
		return errors.Join(w.Corrupt(table, visit(name, value)), w.Pause())
	})
}

// Corrupt reports an error that is damage of a record, and returns one that is not.
func (w *Walk) Corrupt(table port.Table, err error) error {
	var e *port.Error
	if errors.As(err, &e) && e.Code == port.CodeStoreCorrupt {
		w.Report(table, "%s", e.Message)
		return nil
	}
	return err
}

// Holds reports whether a table has a record of that name.
func (w *Walk) Holds(table port.Table, name []byte) (bool, error) {
	b, err := w.Tx.Get(table, name)
	return b != nil, err
}
