package store

import (
	"errors"
	"fmt"
	"runtime/debug"

	"libstatus1to1/chat/port"
)

// What a closure can be refused for; all are mistakes of the caller.
var (
	// ErrReadOnly is returned by every writing method of a View's Tx.
	ErrReadOnly error = port.Errorf(port.CodeInternal, "", "a View cannot write")
	// ErrTxDone is returned by every method of a Tx whose closure has returned.
	ErrTxDone error = port.Errorf(port.CodeInternal, "", "the transaction is over")
	// ErrWalked is returned for a write to a table that an Each is walking.
	ErrWalked error = port.Errorf(port.CodeInternal, "", "the table is being walked by Each")
)

// PanicError is the cause (errors.As) of the CodeInternal error that a panicking
// closure's caller gets. Its text holds neither the value nor the stack.
type PanicError struct {
	Value any
	Stack []byte
}

func (e *PanicError) Error() string { return "the closure panicked" }

// runClosure calls fn and turns its panic into an error.
func runClosure(fn func(port.Tx) error, tx port.Tx) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = port.Errorf(port.CodeInternal, "", "a transaction's closure panicked").
				Because(&PanicError{Value: v, Stack: debug.Stack()})
		}
	}()
	return fn(tx)
}

// guard runs bbolt code, which panics or faults on damaged pages, and reports
// that as damage found in what. The goroutine must have SetPanicOnFault.
func guard(what string, fn func()) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = corrupt("%s: a page cannot be read", what).Because(fmt.Errorf("bbolt panicked: %v", v))
		}
	}()
	fn()
	return nil
}

func corrupt(format string, args ...any) *port.Error {
	return port.Errorf(port.CodeStoreCorrupt, "", format, args...)
}

// misplaced is about a record that decrypts but is not what its place says.
func misplaced(what string) *port.Error {
	return corrupt("%s: a record is not what it should be", what)
}

func missing(what string) *port.Error { return corrupt("%s: records are missing", what) }

func ioError(doing string, cause error) *port.Error {
	return port.Errorf(port.CodeStoreIO, "", "%s failed", doing).BecauseOS(cause)
}

func pathError(message string, cause error) *port.Error {
	return port.Errorf(port.CodeStoreIO, "store.path", "%s", message).BecauseOS(cause)
}

func locked() *port.Error {
	return port.Errorf(port.CodeStoreLocked, "store.path", "another client or process has the store open")
}

// wrongPassphrase names what was given below prefix: the key or the passphrase.
func wrongPassphrase(prefix string, masterKey []byte) *port.Error {
	field := "passphrase"
	if len(masterKey) > 0 {
		field = "key"
	}
	return port.Errorf(port.CodeWrongPassphrase, prefix+field, "the passphrase or key does not open this store")
}

// asError keeps a *port.Error and makes CodeStoreIO of anything else.
func asError(doing string, err error) error {
	if err == nil {
		return nil
	}
	var e *port.Error
	if errors.As(err, &e) {
		return err
	}
	return ioError(doing, err)
}

// checkSize refuses records above maxRecord.
func checkSize(key, value []byte) error {
	if len(key)+len(value) > maxRecord {
		return port.Errorf(port.CodeTooLarge, "", "a record of the store is too large").With("max", maxRecord)
	}
	return nil
}
