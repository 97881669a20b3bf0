package chat

import (
	"bytes"
	"runtime/debug"
)

// watchedStore is the store of a client with its closures watched: adapters turn
// the panic of a closure into an error, which alone would leave the client open.
// Here it closes the client, as a panic anywhere else does.
type watchedStore struct {
	Store
	client *Client
}

// View implements Store.
func (s watchedStore) View(fn func(Tx) error) error { return s.watch(s.Store.View, fn) }

// Update implements Store.
func (s watchedStore) Update(fn func(Tx) error) error { return s.watch(s.Store.Update, fn) }

func (s watchedStore) watch(run func(func(Tx) error) error, fn func(Tx) error) error {
	var value any
	var stack []byte
	err := run(func(tx Tx) (err error) {
		defer func() {
			if value = recover(); value != nil {
				stack = debug.Stack()
				err = Errorf(CodeInternal, "", "a transaction's closure panicked")
			}
		}()
		return fn(tx)
	})
	if value == nil {
		return err
	}
	return Errorf(CodeInternal, "", "a defect of the library; the client was closed").
		With("report_id", s.client.Fail("transaction", value, stack))
}

// withoutArguments is a stack as debug.Stack prints it, less the arguments of its
// functions: their words may be bytes of a key.
func withoutArguments(stack []byte) []byte {
	lines := bytes.Split(stack, []byte("\n"))
	for i, line := range lines {
		if open := bytes.LastIndexByte(line, '('); open > 0 && line[0] != '\t' && bytes.HasSuffix(line, []byte(")")) {
			lines[i] = append(bytes.Clone(line[:open]), "(...)"...)
		}
	}
	return bytes.Join(lines, []byte("\n"))
}
