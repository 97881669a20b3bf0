package chat

// What becomes of a transaction that fails. When the store cannot be written at the
// moment, what it was to do is put off. Any other error is of something that it was to
// write: a record that is damaged or has grown too large, or a defect of ours. That
// would fail for ever, so it is found and left out, and the rest goes on.

// passing reports whether a transaction failed because the store cannot be written
// now, whatever is to be written.
func passing(err error) bool {
	switch CodeOf(err) {
	case CodeStoreIO, CodeStoreSuspended, CodeStoreLocked, CodeClosed:
		return true
	}
	return false
}

// unstorable is the reason under which is counted what cannot be stored.
func unstorable(err error) string {
	if code := CodeOf(err); code != CodeStoreCorrupt {
		return string(code)
	}
	return "store"
}

// isolated does run with all; if that fails because of one of them, with halves of
// them, down to the single ones, which are given to drop. It returns an error of the
// store, and how many come before those that it kept from being done.
func isolated[T any](all []T, run func([]T) error, drop func(T, error)) (done int, err error) {
	err = run(all)
	switch {
	case err == nil:
		return len(all), nil
	case passing(err):
		return 0, err
	case len(all) == 1:
		drop(all[0], err)
		return 1, nil
	}
	half := len(all) / 2
	if done, err = isolated(all[:half], run, drop); err != nil {
		return done, err
	}
	more, err := isolated(all[half:], run, drop)
	return half + more, err
}
