package ledger

import "libstatus1to1/chat/port"

// Handling a transaction that fails. If the store cannot be written at the moment, its work
// is postponed. Any other error is about something that it was to write: a record that is
// damaged or has grown too large, or a defect of ours. That would fail for ever, so it is
// found and left out, and the rest goes on.

// Passing reports whether a transaction failed because the store cannot be written now,
// whatever is to be written.
func Passing(err error) bool {
	switch port.CodeOf(err) {
	case port.CodeStoreIO, port.CodeStoreSuspended, port.CodeStoreLocked, port.CodeClosed:
		return true
	}
	return false
}

// Unstorable is the reason under which something is counted that cannot be stored.
func Unstorable(err error) string {
	if code := port.CodeOf(err); code != port.CodeStoreCorrupt {
		return string(code)
	}
	return "store"
}

// Isolated calls run with all; if that fails because of one of them, with halves of them,
// down to single ones, which are given to drop. It returns a Passing error, and how many
// come before those that it kept from being done.
func Isolated[T any](all []T, run func([]T) error, drop func(T, error)) (done int, err error) {
	err = run(all)
	switch {
	case err == nil:
		return len(all), nil
	case Passing(err):
		return 0, err
	case len(all) == 1:
		drop(all[0], err)
		return 1, nil
	}
	half := len(all) / 2
	if done, err = Isolated(all[:half], run, drop); err != nil {
		return done, err
	}
	more, err := Isolated(all[half:], run, drop)
	return half + more, err
}
