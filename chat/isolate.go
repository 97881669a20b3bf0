package chat

import "libstatus1to1/chat/internal/ledger"

// What follows goes by the names of package ledger.

func passing(err error) bool { return ledger.Passing(err) }

func unstorable(err error) string { return ledger.Unstorable(err) }

func isolated[T any](all []T, run func([]T) error, drop func(T, error)) (done int, err error) {
	return ledger.Isolated(all, run, drop)
}
