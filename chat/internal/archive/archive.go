// Package archive makes a portable copy of what a store knows and merges such a copy into
// another store: the identity and its profile, people with the state of their requests and
// the trust in them, verifications, conversations, messages. A backup file and a new device
// get the same archive.
//
// What belongs to one device alone is never in it: sessions, pre-keys, Noise keys, the
// installation id, what waits to be sent. Whoever merges an archive is a new installation
// of the identity (54/WAKU2-X3DH-SESSIONS, "Account recovery"). fields.go says of each field
// of a record whether it is carried.
//
// [Source] reads a store batch after batch; a cursor that can be stored says where it
// is. [Sink] merges batches. A batch can be merged again, and they can come in any order.
package archive

import (
	"cmp"

	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
)

const (
	// BatchBytes is the size at which a batch is complete. A batch is read and merged in a
	// transaction each, which holds up no other for long.
	BatchBytes = 64 << 10
	// MaxBatch bounds an encoded batch: BatchBytes and the largest item, a person with a
	// picture.
	MaxBatch = BatchBytes + maxItem
	// maxItem bounds an encoded item that comes after others: a picture (message.MaxPicture) or a
	// text (message.MaxTextLength code points), and what is beside them. A chunk of an
	// attachment, of 64 KiB and its name, begins a batch.
	maxItem = 64 << 10
)

// Counts are the numbers of things in an archive, or in a part of it.
type Counts struct {
	People, Verifications, Chats, Messages, Attachments uint64
	// chunks are those of the attachments.
	chunks uint64
}

// Batch is a part of an archive, as Source.Next returns it.
type Batch struct {
	// Data is the encoded batch, for Sink.Merge: at most MaxBatch bytes.
	Data []byte
	// Next is the cursor at which the next batch begins; nil after the last one.
	Next []byte
	// Late: what came during the walk is next. The later it is read, the more there is of it.
	Late bool
	// Items is the number of items in this batch and those before it; beside the sum of
	// Counts it says how far the walk is.
	Items uint64
	// Counts are the numbers of things in this batch.
	Counts Counts
	// Damaged is the number of records that did not read back, and are not in it.
	Damaged uint64
}

// Tables are the tables of people in the store.
type Tables struct {
	Contacts, Pictures, Verifications, Topics, Chats port.Table
}

// Origin is the store that an archive is made of.
type Origin struct {
	Tables
	View func(func(port.Tx) error) error
	// Identity returns the record of the identity; an error if there is none.
	Identity func() (*wire.IdentityRecord, error)
	// Message returns a message in its current state.
	Message func(tx port.Tx, id [32]byte) (rec *wire.MessageRecord, found bool, err error)
	// NegotiatedWith returns whose topic a record of the table of topics is, if it is one that
	// both sides write on.
	NegotiatedWith func(name []byte) (k key.Compact, ok bool)
	// NegotiatedName is the name of that record.
	NegotiatedName func(k key.Compact) []byte
	// Self reports whether a key is that of the identity.
	Self func(k key.Compact) bool
	// Attachments lists the attachments to be carried, in their order, and how many chunks they
	// have together. Chunk returns one of their chunks, nil behind the last one.
	Attachments func(tx port.Tx) (names [][]byte, chunks uint64, err error)
	Chunk       func(tx port.Tx, name []byte, number uint32) (*wire.ArchiveChunk, error)
	// Now is the time in ms.
	Now func() int64
}

// Target is the store that archives are merged into.
type Target struct {
	Tables
	Update func(func(*ledger.Tx) error) error
	// FromOwnDevice: the archives come from a device that has shown to be one of the identity.
	// Any other archive begins with the key of its identity.
	FromOwnDevice bool
	// MaxName and MaxDisplayName bound names, code points.
	MaxName, MaxDisplayName int
	// Verified are the ways in which somebody is verified.
	Verified []string
	// LatestClock is the latest Lamport clock that is believed now, ms.
	LatestClock func() uint64
	// MessageState reports whether a message is in a state that it can be in.
	MessageState func(*wire.MessageRecord) bool
	// QuestionState reports whether there is such a state of a question, and QuestionFollows
	// whether one may come after another.
	QuestionState   func(state string) bool
	QuestionFollows func(state, later string) bool

	// Owner returns the identity of the store, also one that was adopted and has not begun.
	Owner func() (k key.Public, found bool)
	// Adopt takes the identity of an archive: it becomes that of a store without one, and its
	// profile that of one that is there if it is newer. adopted reports the former. The client
	// begins to work with Begin.
	Adopt func(*wire.IdentityRecord) (adopted bool, err error)
	// Begin ends the merging of people: a client that has adopted an identity works from then
	// on. It may be called again.
	Begin func() error
	// Routes derives the topics of people, before a transaction, since each takes some 12 ms; the
	// function it returns stores those that are missing.
	Routes func(people []Person) (store func(*ledger.Tx) error, err error)
	// Room reports whether a person may be kept: one who is known, is no stranger, or for whom
	// there is room among the strangers, beside so many new ones. stranger reports whether they
	// are one here.
	Room func(k key.Public, rec *wire.ContactRecord, besides int) (room, stranger bool)
	// PutContact stores a merged record of a person and reports it.
	PutContact func(tx *ledger.Tx, k key.Public, rec *wire.ContactRecord) error
	// PutVerification stores a question and reports it.
	PutVerification func(tx *ledger.Tx, rec *wire.VerificationRecord) error
	// VerificationName is the name of the record of a question.
	VerificationName func(*wire.VerificationRecord) []byte
	// MergeChat raises the clock of a conversation. fresh says that it was not there.
	MergeChat func(tx *ledger.Tx, rec *wire.ChatRecord) (fresh bool, err error)
	// MergeMessage stores a message that is not there, or brings one that is there to the
	// further state. fresh says that it was not there.
	MergeMessage func(tx *ledger.Tx, rec *wire.MessageRecord) (fresh bool, err error)
	// Attachment checks what a message says of an attachment, whose bytes are still to come.
	Attachment func(*wire.MessageAttachmentRecord) error
	// Chunk checks a chunk, and MergeChunk stores it. fresh says that an attachment is whole by
	// it, and known, of the first chunk of one, that it was whole before.
	Chunk      func(*wire.ArchiveChunk) error
	MergeChunk func(tx *ledger.Tx, c *wire.ArchiveChunk) (fresh, known bool, err error)
}

// Person is somebody whose topics are needed.
type Person struct {
	Key               key.Public
	Added, Negotiated bool
}

// Merged says what a batch changed.
type Merged struct {
	// Adopted says that the identity is a new one of this store.
	Adopted bool
	// New are the things that were not there; Known those that were, changed or not.
	New, Known Counts
	// Refused is the number of items that are not valid, Cause what is wrong with the first.
	Refused uint64
	Cause   string
	// Last says that the archive ends with this batch.
	Last bool
}

// Add adds what another batch changed.
func (m *Merged) Add(o Merged) {
	m.Adopted, m.Last = m.Adopted || o.Adopted, m.Last || o.Last
	m.New.add(o.New)
	m.Known.add(o.Known)
	m.Refused += o.Refused
	m.Cause = cmp.Or(m.Cause, o.Cause)
}

func (c *Counts) add(o Counts) {
	c.People, c.Verifications, c.Chats, c.Messages = c.People+o.People, c.Verifications+o.Verifications, c.Chats+o.Chats, c.Messages+o.Messages
	c.Attachments, c.chunks = c.Attachments+o.Attachments, c.chunks+o.chunks
}

// Sum is the number of items, beside the identity.
func (c Counts) Sum() uint64 { return c.People + c.Verifications + c.Chats + c.Messages + c.chunks }
