package attachments

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/enum"
	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/media"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
	"libstatus1to1/internal/vectors"
	"libstatus1to1/store"
)

const tableMessages port.Table = "messages"

// house is the part with a store and a history that only has messages.
type house struct {
	*Attachments
	t     *testing.T
	lock  ledger.Lock
	woken int
}

type quiet struct{}

func (quiet) Log(string, string, ...any) {}

func newHouse(t *testing.T) *house {
	t.Helper()
	s := store.Memory()
	t.Cleanup(func() { _ = s.Close() })
	l := ledger.New(ledger.Options{
		Store: s, Now: time.Now, MaxEvents: 1 << 20, MaxEventBytes: 1 << 30,
		Stranger: func(key.Compact) bool { return false }, Blocked: func(key.Compact) bool { return false },
		Withheld: func() {}, Panicked: func(value any, _ []byte) string { t.Errorf("a panic: %v", value); return "" },
	})
	if err := l.Load(); err != nil {
		t.Fatal(err)
	}
	h := &house{t: t}
	h.restart(l)
	return h
}

func (h *house) restart(l *ledger.Ledger) {
	h.t.Helper()
	h.Attachments = New(Options{Ledger: l, Messages: h, Log: quiet{}, Wake: func() { h.woken++ }})
	if err := l.View(h.Load); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) Record(tx port.Tx, id [32]byte) (*wire.MessageRecord, bool, error) {
	rec := &wire.MessageRecord{}
	found, err := ledger.Get(tx, tableMessages, id[:], rec)
	return rec, found, err
}

func (h *house) Change(tx *ledger.Tx, id [32]byte, _ enum.MessageChange, fn func(*wire.MessageRecord) bool) (bool, error) {
	rec, found, err := h.Record(tx, id)
	if err != nil || !found {
		return false, err
	}
	before := proto.CloneOf(rec)
	if !fn(rec) {
		return true, nil
	}
	return true, errors.Join(ledger.Put(tx, tableMessages, id[:], rec), h.Watch(tx, before, rec))
}

func (h *house) update(fn func(*ledger.Tx) error) {
	h.t.Helper()
	if err := h.Ledger.Update(fn); err != nil {
		h.t.Fatal(err)
	}
}

// saying is the record of a message with an attachment.
func saying(number byte, data []byte) *wire.MessageRecord {
	mid := [32]byte{number}
	id := ID(mid, data)
	return &wire.MessageRecord{
		Id: mid[:], Chat: []byte("chat"), From: []byte("somebody"), Clock: uint64(number),
		Attachments: []*wire.MessageAttachmentRecord{{Id: id[:], Kind: Image, Size: uint64(len(data)), Mime: "image/gif", State: Stored}},
	}
}

func idOf(rec *wire.MessageRecord) [32]byte { return [32]byte(rec.GetAttachments()[0].GetId()) }

// add stores a message as the history does, and its bytes.
func (h *house) add(rec *wire.MessageRecord, data []byte) {
	h.t.Helper()
	h.update(func(tx *ledger.Tx) error {
		return errors.Join(ledger.Put(tx, tableMessages, rec.GetId(), rec), h.Watch(tx, nil, rec), h.Put(tx, idOf(rec), data))
	})
}

// remove removes a message.
func (h *house) remove(rec *wire.MessageRecord) {
	h.t.Helper()
	h.update(func(tx *ledger.Tx) error {
		return errors.Join(tx.Delete(tableMessages, rec.GetId()), h.Watch(tx, rec, nil))
	})
}

func (h *house) read(id [32]byte, offset uint64, limit int) (p Part, err error) {
	err = h.Ledger.View(func(tx port.Tx) error {
		p, err = h.Read(tx, id, offset, limit)
		return err
	})
	return p, err
}

// work does all that is due, and returns how many turns that took.
func (h *house) work() (turns int) {
	h.t.Helper()
	for {
		turn := h.lock.Begin(func() (time.Time, bool) { return time.Unix(1, 0), true })
		due := h.Due(turn)
		err := h.Work(turn)
		turn.End()
		if err != nil {
			h.t.Fatal(err)
		}
		if due.IsZero() {
			return turns
		}
		turns++
	}
}

// records counts the records of a table.
func (h *house) records(table port.Table) (n int) {
	h.t.Helper()
	err := h.Ledger.View(func(tx port.Tx) error {
		return tx.Each(table, func([]byte, []byte) error { n++; return nil })
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return n
}

// checked reports what contradicts itself.
func (h *house) checked() (problems []string) {
	h.t.Helper()
	err := h.Ledger.View(func(tx port.Tx) error {
		return h.Check(ledger.NewWalk(context.Background(), tx, func(p string) { problems = append(problems, p) }))
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return problems
}

func random(size int) []byte {
	b := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{byte(size), byte(size >> 8)}).Read(b)
	return b
}

func TestBytesAreReadInParts(t *testing.T) {
	h := newHouse(t)
	for i, size := range []int{1, ChunkBytes - 1, ChunkBytes, ChunkBytes + 1, 3*ChunkBytes + 17} {
		data := random(size)
		rec := saying(byte(i), data)
		h.add(rec, data)
		for _, step := range []int{7777, ChunkBytes, ChunkBytes + 1, 10 * ChunkBytes} {
			var got []byte
			for len(got) < size {
				p, err := h.read(idOf(rec), uint64(len(got)), step)
				if err != nil || p.Size != uint64(size) || p.Message != [32]byte(rec.GetId()) || len(p.Data) != min(step, size-len(got)) {
					t.Fatalf("%d bytes of %d at %d: %v", len(p.Data), p.Size, len(got), err)
				}
				got = append(got, p.Data...)
			}
			if !bytes.Equal(got, data) {
				t.Fatalf("%d bytes in parts of %d are others", size, step)
			}
		}
		for _, offset := range []uint64{uint64(size), uint64(size) + 1, 1 << 62} {
			if p, err := h.read(idOf(rec), offset, 10); err != nil || len(p.Data) != 0 {
				t.Errorf("%d bytes behind the end, %v", len(p.Data), err)
			}
		}
	}
	if _, err := h.read([32]byte{9}, 0, 1); port.CodeOf(err) != port.CodeNotFound {
		t.Errorf("%v", err)
	}
	if problems := h.checked(); problems != nil {
		t.Error(problems)
	}
}

// What no message names any more cannot be read from that transaction on, and its bytes go in
// slices, also after a crash in between.
func TestBytesGoWithTheirMessage(t *testing.T) {
	h := newHouse(t)
	data := random(100 * ChunkBytes)
	first, second := saying(1, data), saying(2, random(10))
	h.add(first, data)
	h.add(second, random(10))
	h.woken = 0
	h.remove(first)
	if _, err := h.read(idOf(first), 0, 1); port.CodeOf(err) != port.CodeNotFound || h.woken == 0 {
		t.Errorf("%v, woken %d times", err, h.woken)
	}
	turn := h.lock.Begin(func() (time.Time, bool) { return time.Unix(1, 0), true })
	if err := h.Work(turn); err != nil {
		t.Fatal(err)
	}
	turn.End()
	if n := h.records(tableChunks); n != 101-eraseAtOnce {
		t.Errorf("%d chunks are left after a turn", n)
	}
	if problems := h.checked(); problems != nil {
		t.Error(problems)
	}
	h.restart(h.Ledger)
	if turns := h.work(); turns != 3 || h.records(tableChunks) != 1 || h.records(tableErasures) != 0 {
		t.Errorf("after %d turns there are %d chunks", turns, h.records(tableChunks))
	}
	if p, err := h.read(idOf(second), 0, 100); err != nil || len(p.Data) != 10 {
		t.Errorf("the other message has lost its bytes: %v", err)
	}
	h.update(func(tx *ledger.Tx) error { // an edit leaves it, a deletion does not
		edited, deleted := proto.CloneOf(second), proto.CloneOf(second)
		deleted.Attachments = nil
		return errors.Join(h.Watch(tx, second, edited), ledger.Put(tx, tableMessages, second.GetId(), deleted), h.Watch(tx, edited, deleted))
	})
	h.work()
	if n := h.records(tableChunks) + h.records(tableAttachments); n != 0 {
		t.Errorf("%d records are left", n)
	}
}

// An attachment that comes back while it is being erased is whole.
func TestErasedBytesComeBack(t *testing.T) {
	h := newHouse(t)
	data := random(40 * ChunkBytes)
	rec := saying(1, data)
	h.add(rec, data)
	h.remove(rec)
	turn := h.lock.Begin(func() (time.Time, bool) { return time.Unix(1, 0), true })
	if err := h.Work(turn); err != nil {
		t.Fatal(err)
	}
	turn.End()
	h.add(rec, data)
	h.work()
	if p, err := h.read(idOf(rec), 0, len(data)); err != nil || !bytes.Equal(p.Data, data) {
		t.Errorf("%d bytes, %v", len(p.Data), err)
	}
	if problems := h.checked(); problems != nil {
		t.Error(problems)
	}
}

// Bytes of a message that was deleted before it came, and bytes that are not as many as the
// message says, are not kept.
func TestBytesOfNothingAreNotKept(t *testing.T) {
	h := newHouse(t)
	rec := saying(1, random(10))
	h.update(func(tx *ledger.Tx) error { return h.Put(tx, idOf(rec), random(10)) })
	h.add(rec, random(11))
	if n := h.records(tableChunks); n != 0 {
		t.Errorf("%d chunks", n)
	}
	if _, err := h.read(idOf(rec), 0, 1); port.CodeOf(err) != port.CodeNotFound {
		t.Error(err)
	}
}

func TestAlbumsAreOfOneAuthor(t *testing.T) {
	h := newHouse(t)
	member := func(number byte, from string) *wire.MessageRecord {
		rec := saying(number, random(10))
		rec.From, rec.Album = []byte(from), "a"
		h.add(rec, random(10))
		return rec
	}
	mine, other, third := member(1, "alice"), member(2, "alice"), member(3, "bob")
	album := func(rec *wire.MessageRecord) (ids [][32]byte) {
		err := h.Ledger.View(func(tx port.Tx) (err error) { ids, err = Album(tx, rec); return err })
		if err != nil {
			t.Fatal(err)
		}
		return ids
	}
	if got := album(mine); !slices.Equal(got, [][32]byte{{1}, {2}}) {
		t.Errorf("%v", got)
	}
	if got := album(third); !slices.Equal(got, [][32]byte{{3}}) {
		t.Errorf("%v", got)
	}
	h.remove(other)
	if got := album(mine); !slices.Equal(got, [][32]byte{{1}}) {
		t.Errorf("%v", got)
	}
	for i := range byte(100) {
		member(10+i, "alice")
	}
	if got := album(mine); len(got) != MaxAlbum {
		t.Errorf("an album of %d", len(got))
	}
	if got := album(saying(200, random(10))); len(got) != 1 {
		t.Errorf("%v", got)
	}
}

// carried returns the chunks of the attachments of a house as an archive has them.
func (h *house) carried(most uint64) (chunks []*wire.ArchiveChunk) {
	h.t.Helper()
	err := h.Ledger.View(func(tx port.Tx) error {
		names, count, err := Carried(tx, most)
		if err != nil {
			return err
		}
		for _, name := range names {
			for n := uint32(0); ; n++ {
				c, err := Chunk(tx, name, n)
				if err != nil {
					return err
				}
				if c == nil {
					break
				}
				chunks = append(chunks, c)
			}
		}
		if uint64(len(chunks)) != count {
			h.t.Errorf("%d chunks are announced, there are %d", count, len(chunks))
		}
		return nil
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return chunks
}

// merge merges a chunk.
func (h *house) merge(c *wire.ArchiveChunk) (fresh bool) {
	h.t.Helper()
	h.update(func(tx *ledger.Tx) (err error) { fresh, _, err = h.Merge(tx, c); return err })
	return fresh
}

// without is a message as an archive has it: the bytes are still to come.
func (h *house) without(rec *wire.MessageRecord) {
	h.t.Helper()
	rec = proto.CloneOf(rec)
	if err := Carry(rec.GetAttachments()[0]); err != nil {
		h.t.Fatal(err)
	}
	h.update(func(tx *ledger.Tx) error {
		return errors.Join(ledger.Put(tx, tableMessages, rec.GetId(), rec), h.Watch(tx, nil, rec))
	})
}

func (h *house) state(rec *wire.MessageRecord) string {
	h.t.Helper()
	var got *wire.MessageRecord
	if err := h.Ledger.View(func(tx port.Tx) (err error) { got, _, err = h.Record(tx, [32]byte(rec.GetId())); return err }); err != nil {
		h.t.Fatal(err)
	}
	return got.GetAttachments()[0].GetState()
}

var gifBytes = []byte("GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;")

func TestArchivesCarryBytes(t *testing.T) {
	from, to := newHouse(t), newHouse(t)
	first, second, third := saying(1, random(3*ChunkBytes+5)), saying(2, gifBytes), saying(3, random(ChunkBytes))
	from.add(first, random(3*ChunkBytes+5))
	from.add(second, gifBytes)
	from.add(third, random(ChunkBytes))
	chunks := from.carried(0)
	if len(chunks) != 6 || !bytes.Equal(chunks[0].GetAttachmentId(), third.GetAttachments()[0].GetId()) {
		t.Fatalf("%d chunks, not the newest first", len(chunks))
	}
	if got := from.carried(ChunkBytes + 100); len(got) != 2 {
		t.Errorf("%d chunks within a bound", len(got))
	}
	for _, c := range chunks { // before their messages they are of nothing
		if err := CheckChunk(c); err != nil || to.merge(c) {
			t.Errorf("a chunk of no message: %v", err)
		}
	}
	for _, rec := range []*wire.MessageRecord{first, second, third} {
		to.without(rec)
		if to.state(rec) != Missing {
			t.Error("bytes that have not come are there")
		}
	}
	whole := 0
	for range 2 { // again is fine
		for _, c := range chunks {
			if to.merge(c) {
				whole++
			}
		}
	}
	if whole != 3 || to.state(first) != Unchecked || to.state(second) != Stored {
		t.Errorf("%d came whole, %s, %s", whole, to.state(first), to.state(second))
	}
	for rec, data := range map[*wire.MessageRecord][]byte{first: random(3*ChunkBytes + 5), second: gifBytes, third: random(ChunkBytes)} {
		if p, err := to.read(idOf(rec), 0, 1<<20); err != nil || !bytes.Equal(p.Data, data) {
			t.Errorf("%d bytes of %d: %v", len(p.Data), len(data), err)
		}
	}
	if problems := to.checked(); problems != nil {
		t.Error(problems)
	}
}

// Chunks that are others than the name of the attachment says are not kept, and the right ones
// are taken afterwards.
func TestForgedChunksAreNotKept(t *testing.T) {
	from, to := newHouse(t), newHouse(t)
	rec := saying(1, random(2*ChunkBytes))
	from.add(rec, random(2*ChunkBytes))
	to.without(rec)
	chunks := from.carried(0)
	forged := proto.CloneOf(chunks[0])
	forged.Data[5] ^= 1
	short := proto.CloneOf(chunks[0])
	short.Data = short.Data[:10]
	for _, c := range []*wire.ArchiveChunk{chunks[1], short, forged, chunks[1]} {
		if to.merge(c) {
			t.Error("forged bytes are taken")
		}
	}
	if _, err := to.read(idOf(rec), 0, 1); port.CodeOf(err) != port.CodeNotFound || to.records(tableChunks) != 0 {
		t.Errorf("%d chunks of forged bytes, %v", to.records(tableChunks), err)
	}
	if to.merge(chunks[0]) || !to.merge(chunks[1]) {
		t.Error("the right bytes are not taken")
	}
	for name, c := range map[string]*wire.ArchiveChunk{
		"empty": {AttachmentId: chunks[0].GetAttachmentId()}, "no id": {Data: []byte{1}},
		"long":  {AttachmentId: chunks[0].GetAttachmentId(), Data: make([]byte, ChunkBytes+1)},
		"great": {AttachmentId: chunks[0].GetAttachmentId(), Data: []byte{1}, Number: 1 << 31},
	} {
		if CheckChunk(c) == nil {
			t.Errorf("%s: a chunk", name)
		}
	}
}

func TestCarriedAttachmentsAreChecked(t *testing.T) {
	good := func() *wire.MessageAttachmentRecord {
		return &wire.MessageAttachmentRecord{Id: make([]byte, 32), Kind: Image, Size: 1, Mime: "image/png", State: Stored, Name: "../../etc/passwd\x00\u202e", Thumbnail: []byte("no picture")}
	}
	at := good()
	if err := Carry(at); err != nil || at.GetState() != Missing || at.GetThumbnail() != nil || at.GetName() != ".._.._etc_passwd_" {
		t.Errorf("%v, %v", at, err)
	}
	for name, spoil := range map[string]func(*wire.MessageAttachmentRecord){
		"id":       func(a *wire.MessageAttachmentRecord) { a.Id = []byte{1} },
		"kind":     func(a *wire.MessageAttachmentRecord) { a.Kind = "film" },
		"nothing":  func(a *wire.MessageAttachmentRecord) { a.Size = 0 },
		"size":     func(a *wire.MessageAttachmentRecord) { a.Size = MaxBytes + 1 },
		"type":     func(a *wire.MessageAttachmentRecord) { a.Mime = "text/html" },
		"width":    func(a *wire.MessageAttachmentRecord) { a.Width = 1 << 31 },
		"blurhash": func(a *wire.MessageAttachmentRecord) { a.Blurhash = string(make([]byte, media.MaxBlurhash+1)) },
	} {
		at := good()
		if spoil(at); Carry(at) == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

// What contradicts itself is found.
func TestCheckFindsDamage(t *testing.T) {
	for name, damage := range map[string]func(tx *ledger.Tx, id [32]byte) error{
		"a chunk is missing": func(tx *ledger.Tx, id [32]byte) error { return tx.Delete(tableChunks, chunkName(id, 1)) },
		"a chunk of nothing": func(tx *ledger.Tx, id [32]byte) error {
			return tx.Put(tableChunks, chunkName([32]byte{7}, 0), []byte{1})
		},
		"a chunk too many":  func(tx *ledger.Tx, id [32]byte) error { return tx.Put(tableChunks, chunkName(id, 3), []byte{1}) },
		"an odd chunk":      func(tx *ledger.Tx, id [32]byte) error { return tx.Put(tableChunks, []byte("x"), []byte{1}) },
		"of no message":     func(tx *ledger.Tx, id [32]byte) error { return tx.Delete(tableMessages, (&[32]byte{1})[:]) },
		"an odd attachment": func(tx *ledger.Tx, id [32]byte) error { return tx.Put(tableAttachments, []byte("x"), nil) },
		"more than there are": func(tx *ledger.Tx, id [32]byte) error {
			return ledger.Put(tx, tableAttachments, id[:], &wire.AttachmentRecord{MessageId: id[:], Chunks: 9})
		},
	} {
		h := newHouse(t)
		rec := saying(1, random(3*ChunkBytes))
		h.add(rec, random(3*ChunkBytes))
		h.update(func(tx *ledger.Tx) error { return damage(tx, idOf(rec)) })
		if h.checked() == nil {
			t.Errorf("%s: nothing is found", name)
		}
	}
}

func FuzzDescribe(f *testing.F) {
	f.Add(gifBytes, uint32(4), "album", uint32(3), true)
	f.Add([]byte("#!AMR\n\x3c"), uint32(2), "", uint32(0), false)
	f.Fuzz(func(t *testing.T, data []byte, format uint32, album string, count uint32, image bool) {
		cm := &wire.ChatMessage{ContentType: wire.ChatMessage_IMAGE, Payload: &wire.ChatMessage_Image{Image: &wire.ImageMessage{
			Payload: data, Format: wire.ImageFormat(format), AlbumId: album, AlbumImagesCount: count, Width: count, Height: count,
		}}}
		if !image {
			cm = &wire.ChatMessage{ContentType: wire.ChatMessage_AUDIO, Payload: &wire.ChatMessage_Audio{Audio: &wire.AudioMessage{
				Payload: data, Type: wire.AudioMessage_AudioType(format), DurationMs: uint64(count) << 20,
			}}}
		}
		rec := &wire.MessageRecord{Id: make([]byte, 32)}
		got := Describe(rec, cm)
		if (len(data) == 0) != (got == nil) || len(rec.GetAlbum()) > MaxAlbumID || rec.GetAlbumCount() > MaxAlbum {
			t.Fatalf("%v", rec)
		}
		for _, at := range rec.GetAttachments() {
			if at.GetState() == Stored && (at.GetKind() == Image) != (at.GetWidth() > 0) {
				t.Fatalf("%v", at)
			}
			if err := Carry(at); len(data) <= MaxBytes && err != nil {
				t.Fatalf("%v cannot be carried: %v", at, err)
			}
		}
	})
}

// What a deployed client has sent: a picture and a recording.
func TestVectorMedia(t *testing.T) {
	var file struct {
		Messages []struct{ Payload string }
	}
	vectors.Read(t, "application.json", &file)
	for number, want := range map[int]*wire.MessageAttachmentRecord{
		24: {Kind: Image, Mime: "image/jpeg", Size: 2231, Width: 96, Height: 64, State: Stored},
		26: {Kind: Audio, Mime: "audio/aac", Size: 2004, DurationMs: 1000, State: Stored},
	} {
		payload, err := hex.DecodeString(file.Messages[number].Payload)
		if err != nil {
			t.Fatal(err)
		}
		cm := &wire.ChatMessage{}
		if err := proto.Unmarshal(payload, cm); err != nil {
			t.Fatal(err)
		}
		rec := &wire.MessageRecord{Id: make([]byte, 32)}
		data := Describe(rec, cm)
		got := rec.GetAttachments()[0]
		id := ID([32]byte{}, data)
		want.Id, want.Name = id[:], got.GetName()
		if !proto.Equal(got, want) {
			t.Errorf("message %d: %v, not %v", number, got, want)
		}
		if number == 24 && (rec.GetAlbum() != "a" || rec.GetAlbumCount() != 1) {
			t.Errorf("the album %q of %d", rec.GetAlbum(), rec.GetAlbumCount())
		}
		if _, _, err := media.PreviewOf(data); (err == nil) != (number == 24) {
			t.Errorf("message %d: %v", number, err)
		}
	}
}
