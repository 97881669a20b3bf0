package ledger

import (
	"bytes"
	"runtime/debug"

	"libstatus1to1/chat/port"
)

// watchedStore is the store of a client with its closures watched: adapters turn
// the panic of a closure into an error, which alone would leave the client open.
// Here it closes the client, as a panic anywhere else does.
type watchedStore struct {
	port.Store
	panicked func(value any, stack []byte) (reportID string)
	arrivals *arrivals
}

// View implements port.Store.
func (s watchedStore) View(fn func(port.Tx) error) error { return s.watch(s.Store.View, fn) }

// Update implements port.Store.
func (s watchedStore) Update(fn func(port.Tx) error) error {
	return s.watch(s.Store.Update, func(tx port.Tx) error { return fn(followingTx{tx, s.arrivals}) })
}

func (s watchedStore) watch(run func(func(port.Tx) error) error, fn func(port.Tx) error) error {
	var value any
	var stack []byte
	err := run(func(tx port.Tx) (err error) {
		defer func() {
			if value = recover(); value != nil {
				stack = debug.Stack()
				err = port.Errorf(port.CodeInternal, "", "a transaction's closure panicked")
			}
		}()
		return fn(tx)
	})
	if value == nil {
		return err
	}
	return port.Errorf(port.CodeInternal, "", "a defect of the library; the client was closed").
		With("report_id", s.panicked(value, stack))
}

// WithoutArguments returns a stack as debug.Stack prints it, less the arguments of its
// functions: their words may be bytes of a key.
func WithoutArguments(stack []byte) []byte {
	lines := bytes.Split(stack, []byte("\n"))
	for i, line := range lines {
		if open := bytes.LastIndexByte(line, '('); open > 0 && line[0] != '\t' && bytes.HasSuffix(line, []byte(")")) {
			lines[i] = append(bytes.Clone(line[:open]), "(...)"...)
		}
	}
	return bytes.Join(lines, []byte("\n"))
}
