// Package attachments keeps the bytes of pictures and recordings, in chunks, and which
// messages make an album. What a message says of them, with thumbnail and blurhash, is in
// the record of the message.
//
// An attachment is named by the hash of its message and its bytes: so it has the same id on
// all devices, and what an archive brings can be checked. It goes with its message: package
// history tells of each message that is added, changed or removed (Watch), and what the
// message names no more is unreadable from that transaction on. Its chunks are erased after
// it, some at a time.
//
//	attachments.go  tables, the part
//	chunks.go       putting and reading bytes
//	watch.go        what goes with a message
//	describe.go     what a message says of its attachments
//	album.go        albums
//	carry.go        attachments in archives
//	check.go        what contradicts itself
package attachments

import (
	"crypto/sha256"
	"sync"
	"time"

	"libstatus1to1/chat/enum"
	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/wire"
)

// The tables of the part.
const (
	tableAttachments port.Table = "attachments"         // attachment id -> AttachmentRecord
	tableChunks      port.Table = "attachment_chunks"   // attachment id + number, 4 bytes -> bytes
	tableErasures    port.Table = "attachment_erasures" // attachment id -> AttachmentErasureRecord
	tableAlbums      port.Table = "albums"              // hash of chat, author, album id -> AlbumRecord
)

// The limits of the part, each with its reason.
const (
	// ChunkBytes is the size of a chunk: so much is read, sealed and erased at a time.
	ChunkBytes = 64 << 10
	// MaxBytes bounds an attachment: more than the segments of a message hold.
	MaxBytes = 32 << 20
	// eraseAtOnce is how many chunks are erased in a transaction: some milliseconds.
	eraseAtOnce = 32
)

// What the state of an attachment can be.
const (
	Stored    = "stored"    // its bytes are here
	Unchecked = "unchecked" // they are here, and are not what the message says
	Missing   = "missing"   // they are not here, or not all
)

// The kinds of attachments.
const (
	Image = "image"
	Audio = "audio"
)

// Messages is the history, as far as attachments change messages.
type Messages interface {
	Record(tx port.Tx, id [32]byte) (rec *wire.MessageRecord, found bool, err error)
	Change(tx *ledger.Tx, id [32]byte, cause enum.MessageChange, fn func(rec *wire.MessageRecord) (changed bool)) (found bool, err error)
}

// Options are the arguments of New; all fields are required.
type Options struct {
	Ledger   *ledger.Ledger
	Messages Messages
	// Wake makes the loop look for work.
	Wake func()
	Log  port.Logger
}

// Attachments is the part described above.
type Attachments struct {
	Options
	mu sync.Mutex
	// erasing are the attachments whose chunks are to be erased, as far as this run knows; the
	// store knows how many chunks each has.
	erasing map[[32]byte]bool
}

// New returns the part.
func New(o Options) *Attachments { return &Attachments{Options: o, erasing: map[[32]byte]bool{}} }

// ID names an attachment of a message.
func ID(message [32]byte, data []byte) (id [32]byte) {
	h := sha256.New()
	h.Write(message[:])
	h.Write(data)
	h.Sum(id[:0])
	return id
}

// Load reads what the last run has not erased.
func (a *Attachments) Load(tx port.Tx) error {
	return tx.Each(tableErasures, func(name, _ []byte) error {
		if len(name) != 32 {
			return port.Errorf(port.CodeStoreCorrupt, "", "an erasure of an attachment does not read back")
		}
		a.mu.Lock()
		defer a.mu.Unlock()
		a.erasing[[32]byte(name)] = true
		return nil
	})
}

// one returns an attachment to be erased.
func (a *Attachments) one() (id [32]byte, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for id := range a.erasing {
		return id, true
	}
	return id, false
}

// Work erases some chunks.
func (a *Attachments) Work(*ledger.Turn) error {
	id, ok := a.one()
	if !ok {
		return nil
	}
	return a.Ledger.Update(func(tx *ledger.Tx) error {
		var rec wire.AttachmentErasureRecord
		if _, err := ledger.Get(tx, tableErasures, id[:], &rec); err != nil {
			return err
		}
		left, err := eraseChunks(tx, id, rec.GetChunks(), eraseAtOnce)
		if err != nil {
			return err
		}
		if left > 0 {
			return ledger.Put(tx, tableErasures, id[:], &wire.AttachmentErasureRecord{Chunks: left})
		}
		tx.After(func() {
			a.mu.Lock()
			defer a.mu.Unlock()
			delete(a.erasing, id)
		})
		return tx.Delete(tableErasures, id[:])
	})
}

// Due is now while there is something to erase.
func (a *Attachments) Due(t *ledger.Turn) time.Time {
	if _, ok := a.one(); ok {
		return t.Now
	}
	return time.Time{}
}

// Care has nothing to look after: what is to be erased is in a table, and done by Work.
func (a *Attachments) Care(*ledger.Turn) {}
