// Package port declares the interfaces between the engine and its adapters: the store,
// the network, the time and the log, and the errors that cross them. Adapters import
// this package and nothing else of the engine: package store (bbolt and memory),
// chat/waku, chat/memnet and chat/external (networks).
//
// Errors that cross a port, and the engine's own, are an *Error with a Code.
package port

import (
	"bytes"
	"cmp"
	"context"

	"libstatus1to1/chat/enum"
)

// Table names one kind of record of the store: an unordered map from a key to a
// value. Each part of the engine names its own.
type Table string

// Numbered reports whether the name begins with #. The keys of such a table are 8-byte
// numbers that rise with time: an adapter may show them, and can keep records together
// that were written together.
func (t Table) Numbered() bool { return len(t) > 0 && t[0] == '#' }

// Store is the port to the data that survives a restart. All of it is confidential: an
// adapter that keeps it on disk encrypts values and hides keys.
//
// Update runs fn in a write transaction. It returns after the transaction is durable,
// or with fn's error and nothing changed. Many goroutines may call it at once. The
// adapter may put several closures into one commit, but each sees the writes of those
// before it, and a failing one leaves no trace. fn must only read and write: no
// cryptography, no network, no other transaction. fn runs once.
//
// View runs fn on a consistent snapshot; writing in it is an error.
type Store interface {
	View(fn func(Tx) error) error
	Update(fn func(Tx) error) error
	// Check walks the whole store and calls report for each damaged or
	// impossible record. It returns how many records it read.
	Check(ctx context.Context, report func(problem string)) (records int, err error)
	// Suspend waits for running transactions and releases the file and its
	// lock; until Resume every transaction fails with CodeStoreSuspended.
	Suspend() error
	Resume() error
	// ChangePassphrase re-wraps the data key, and returns when the old passphrase
	// opens nothing of the store any more. A memory store ignores it.
	ChangePassphrase(old, new string) error
	// Authenticate reports whether the passphrase, or the key, is the one that
	// opens the store: CodeWrongPassphrase if not. A memory store takes any.
	Authenticate(passphrase string, key []byte) error
	// Destroy closes the store for good, erases its keys and removes its file.
	Destroy() error
	// Info describes the store for people: kind, path, size, schema version.
	Info() StoreInfo
	// Close waits for running transactions and releases everything. Idempotent.
	Close() error
}

// StoreInfo describes the store. Path is left out for a memory store.
type StoreInfo struct {
	Kind          enum.StoreKind `json:"kind"`           // "file" or "memory"
	Path          string         `json:"path,omitempty"` // of the bbolt file
	SizeBytes     int64          `json:"size_bytes"`
	SchemaVersion int            `json:"schema_version"`
}

// Queue names a list whose entries get rising numbers and leave from the front.
type Queue string

// Position places a message in the history of a chat: by Lamport clock, then id.
type Position struct {
	Clock uint64
	ID    [32]byte
}

// Before reports whether p comes before o in a history.
func (p Position) Before(o Position) bool {
	return cmp.Or(cmp.Compare(p.Clock, o.Clock), bytes.Compare(p.ID[:], o.ID[:])) < 0
}

// Tx is one transaction of a Store. Byte slices handed out belong to the caller;
// slices handed in are copied. A Tx is dead when its closure returns.
type Tx interface {
	// Get returns nil when there is no such record.
	Get(t Table, key []byte) ([]byte, error)
	Put(t Table, key, value []byte) error
	// Delete of a missing record is fine.
	Delete(t Table, key []byte) error
	// Each visits every record of t in no particular order. fn must not write
	// to t. An error from fn ends the walk and is returned.
	Each(t Table, fn func(key, value []byte) error) error

	// Append adds value to q under the next number. Numbers start at 1, rise by
	// one and are never used twice, not even after Trim and a restart.
	Append(q Queue, value []byte) (seq uint64, err error)
	// Range visits entries of q in rising order, beginning with the first whose
	// number is at least from, until fn returns an error or false.
	Range(q Queue, from uint64, fn func(seq uint64, value []byte) (more bool, err error)) error
	// Trim drops all entries of q up to and including upTo.
	Trim(q Queue, upTo uint64) error
	// Bounds tells the lowest number held and the last number given out
	// (first > last when q is empty).
	Bounds(q Queue) (first, last uint64, err error)

	// Insert puts p into the history named chat, which stays sorted by
	// (Clock, ID). It reports false when p is there already.
	Insert(chat []byte, p Position) (added bool, err error)
	// Remove takes p out of the history named chat. That it is not there is fine.
	Remove(chat []byte, p Position) error
	// Page lists up to limit positions of a history, newest first. before is
	// exclusive; nil starts at the newest.
	Page(chat []byte, before *Position, limit int) ([]Position, error)
	// Count returns the number of positions in the history named chat.
	Count(chat []byte) (uint64, error)
	// DropHistory removes the history named chat.
	DropHistory(chat []byte) error
}
