package archive

import (
	"bytes"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
)

// The stages of the walk over a store. People come before what was said, so that whoever
// merges knows who is blocked and who is a stranger before the first message. What comes
// during the walk is exported at its end: it may belong to a chat that was passed already. The
// bytes of attachments come last, when all messages that name them are there.
const (
	stageIdentity = iota
	stagePeople
	stageVerifications
	stageChats
	stageMessages
	stageLate
	stageAttachments
	stageEnd
)

const (
	// readAtOnce is the number of places of a chat that are read at a time.
	readAtOnce = 64
	// lateWindow is how far before the beginning of the walk, by its clock, a message may have
	// been written that came during it: as long as senders repeat (20 days), with room.
	lateWindow = 30 * 24 * time.Hour
	// maxRead bounds the messages that are read for a batch, also if none of them is to be
	// told.
	maxRead = 4096
)

// Source makes an archive of a store while that is in use. It keeps nothing but lists of
// names: the memory it takes does not grow with the history. Its methods must not be called
// at the same time.
type Source struct {
	o Origin
	// names are those of the records of the present stage, sorted.
	stage uint32
	names [][]byte
}

// NewSource returns the source of a store.
func NewSource(o Origin) *Source { return &Source{o: o, stage: stageEnd} }

// Count returns what an archive made now would hold. It reads no message.
func (s *Source) Count() (total Counts, err error) {
	err = s.o.View(func(tx port.Tx) error {
		people, err := s.namesOf(tx, stagePeople)
		if err != nil {
			return err
		}
		questions, err := s.namesOf(tx, stageVerifications)
		if err != nil {
			return err
		}
		chats, err := s.namesOf(tx, stageChats)
		if err != nil {
			return err
		}
		total = Counts{People: uint64(len(people)), Verifications: uint64(len(questions)), Chats: uint64(len(chats))}
		for _, name := range chats {
			messages, err := tx.Count(name)
			if err != nil {
				return err
			}
			var chat wire.ChatRecord
			if _, err := ledger.Get(tx, s.o.Chats, name, &chat); err != nil && port.CodeOf(err) != port.CodeStoreCorrupt {
				return err
			}
			total.Messages += messages - min(messages, chat.GetHidden())
		}
		attachments, chunks, err := s.o.Attachments(tx)
		total.Attachments, total.chunks = uint64(len(attachments)), chunks
		return err
	})
	return total, err
}

// Next returns the batch at a cursor: nil is the beginning, any other one the Next of a
// batch, which may be of an earlier run. Error for other bytes: CodeBadCursor.
func (s *Source) Next(cursor []byte) (Batch, error) {
	at := &wire.ArchiveCursor{BeganAt: s.o.Now()}
	if cursor != nil {
		at = &wire.ArchiveCursor{}
		if err := proto.Unmarshal(cursor, at); err != nil || at.GetStage() >= stageEnd || len(at.GetId()) != 0 && len(at.GetId()) != len(port.Position{}.ID) {
			return Batch{}, port.Errorf(port.CodeBadCursor, "", "this is not a cursor of an archive")
		}
	}
	identity, err := s.o.Identity()
	if err != nil {
		return Batch{}, err
	}
	private, err := key.ParsePrivate(identity.GetPrivateKey())
	if err != nil {
		return Batch{}, port.Errorf(port.CodeStoreCorrupt, "", "the identity key does not read back")
	}
	w := &walk{Source: s, at: at, identity: identity, batch: &wire.ArchiveBatch{Owner: private.Public().Compressed()}}
	if err := s.o.View(w.fill); err != nil {
		return Batch{}, err
	}
	return w.finish()
}

// namesOf lists the records of a stage, sorted.
func (s *Source) namesOf(tx port.Tx, stage uint32) (names [][]byte, err error) {
	if stage == stageAttachments {
		names, _, err = s.o.Attachments(tx)
		return names, err
	}
	table := map[uint32]port.Table{
		stagePeople: s.o.Contacts, stageVerifications: s.o.Verifications, stageChats: s.o.Chats, stageMessages: s.o.Chats, stageLate: s.o.Chats,
	}[stage]
	err = tx.Each(table, func(name, _ []byte) error {
		names = append(names, slices.Clone(name))
		return nil
	})
	if err == nil && stage == stagePeople {
		err = tx.Each(s.o.Topics, func(name, _ []byte) error {
			if k, ok := s.o.NegotiatedWith(name); ok && !s.o.Self(k) {
				names = append(names, k[:])
			}
			return nil
		})
	}
	slices.SortFunc(names, bytes.Compare)
	return slices.CompactFunc(names, bytes.Equal), err
}

// walk makes one batch.
type walk struct {
	*Source
	at       *wire.ArchiveCursor
	identity *wire.IdentityRecord
	batch    *wire.ArchiveBatch
	size     int
	read     int
	counts   Counts
	damaged  uint64
}

// finish encodes the batch.
func (w *walk) finish() (b Batch, err error) {
	w.batch.Last = w.at.GetStage() == stageEnd
	w.at.Items += uint64(len(w.batch.GetItems()))
	b.Late = w.at.GetStage() == stageLate && w.at.GetName() == nil
	b.Items, b.Counts, b.Damaged = w.at.GetItems(), w.counts, w.damaged
	if b.Data, err = proto.Marshal(w.batch); err != nil || w.batch.GetLast() {
		return b, err
	}
	b.Next, err = proto.Marshal(w.at)
	return b, err
}

// full reports whether the batch is complete.
func (w *walk) full() bool { return w.size >= BatchBytes || w.read >= maxRead }

// skip counts a record that is damaged: what is whole is told all the same.
func (w *walk) skip(err error) error {
	if err == nil {
		return nil
	}
	if port.CodeOf(err) != port.CodeStoreCorrupt {
		return err
	}
	w.damaged++
	return nil
}

// add puts an item into the batch.
func (w *walk) add(item *wire.ArchiveItem, count *uint64) {
	carryItem(item)
	w.batch.Items = append(w.batch.Items, item)
	w.size += proto.Size(item)
	if count != nil {
		*count++
	}
}

// fill tells what follows the cursor until the batch is full.
func (w *walk) fill(tx port.Tx) error {
	if w.at.GetStage() == stageIdentity {
		w.add(&wire.ArchiveItem{Item: &wire.ArchiveItem_Identity{Identity: proto.CloneOf(w.identity)}}, nil)
		w.at.Stage = stagePeople
	}
	for w.at.GetStage() < stageEnd && !w.full() {
		name, found, err := w.next(tx)
		if err != nil {
			return err
		}
		if !found {
			w.at.Stage, w.at.Name = w.at.GetStage()+1, nil
			if w.at.GetStage() == stageLate {
				return nil // Batch.Late
			}
			continue
		}
		if err := w.tell(tx, name); err != nil {
			return err
		}
	}
	return nil
}

// next finds the record to tell: the first after the cursor, or the chat in which the last
// batch ended.
func (w *walk) next(tx port.Tx) (name []byte, found bool, err error) {
	if w.Source.stage != w.at.GetStage() {
		if w.names, err = w.namesOf(tx, w.at.GetStage()); err != nil {
			return nil, false, err
		}
		w.Source.stage = w.at.GetStage()
	}
	if len(w.at.GetId()) != 0 {
		return w.at.GetName(), true, nil
	}
	i, same := slices.BinarySearchFunc(w.names, w.at.GetName(), bytes.Compare)
	if same {
		i++
	}
	if i == len(w.names) {
		return nil, false, nil
	}
	return w.names[i], true, nil
}

// tell adds a record, or the messages of a chat, and moves the cursor behind it.
func (w *walk) tell(tx port.Tx, name []byte) (err error) {
	switch w.at.GetStage() {
	case stagePeople:
		err = w.person(tx, name)
	case stageVerifications:
		rec := &wire.VerificationRecord{}
		var found bool
		if found, err = ledger.Get(tx, w.o.Verifications, name, rec); found {
			w.add(&wire.ArchiveItem{Item: &wire.ArchiveItem_Verification{Verification: rec}}, &w.counts.Verifications)
		}
	case stageChats:
		rec := &wire.ChatRecord{}
		var found bool
		if found, err = ledger.Get(tx, w.o.Chats, name, rec); found {
			w.add(&wire.ArchiveItem{Item: &wire.ArchiveItem_Chat{Chat: rec}}, &w.counts.Chats)
		}
	case stageAttachments:
		return w.attachment(tx, name)
	default:
		return w.messages(tx, name)
	}
	w.at.Name = name
	return w.skip(err)
}

// person adds what is known of somebody.
func (w *walk) person(tx port.Tx, name []byte) error {
	p := &wire.ArchivePerson{Key: name, Contact: &wire.ContactRecord{}, Picture: &wire.PictureRecord{}}
	found, err := ledger.Get(tx, w.o.Contacts, name, p.Contact)
	if err != nil {
		return err
	}
	if !found {
		p.Contact = nil
	}
	if found, err = ledger.Get(tx, w.o.Pictures, name, p.Picture); err != nil {
		return err
	}
	if !found {
		p.Picture = nil
	}
	if k, ok := key.ParseCompact(name); ok {
		b, err := tx.Get(w.o.Topics, w.o.NegotiatedName(k))
		if err != nil {
			return err
		}
		p.Negotiated = b != nil
	}
	w.add(&wire.ArchiveItem{Item: &wire.ArchiveItem_Person{Person: p}}, &w.counts.People)
	return nil
}

// messages adds the messages of a chat that belong to the stage, newest first. If the batch is
// full before the end of them, the cursor stays in the chat.
func (w *walk) messages(tx port.Tx, chat []byte) error {
	var before *port.Position
	if len(w.at.GetId()) != 0 {
		before = &port.Position{Clock: w.at.GetClock(), ID: [32]byte(w.at.GetId())}
	}
	w.at.Name = chat
	least, err := w.least(tx, chat)
	if err != nil {
		return err
	}
	for {
		positions, err := tx.Page(chat, before, readAtOnce)
		if err != nil {
			return err
		}
		for i := range positions {
			if positions[i].Clock < least {
				positions = positions[:i]
				break
			}
			if err := w.skip(w.message(tx, positions[i])); err != nil {
				return err
			}
			before = &positions[i]
			if w.full() {
				w.at.Clock, w.at.Id = before.Clock, before.ID[:]
				return nil
			}
		}
		if len(positions) < readAtOnce {
			w.at.Clock, w.at.Id = 0, nil
			return nil
		}
	}
}

// least returns the clock down to which messages of a chat are exported in the stage. Those
// that were cleared are not, though some may still be there.
func (w *walk) least(tx port.Tx, chat []byte) (uint64, error) {
	var rec wire.ChatRecord
	if _, err := ledger.Get(tx, w.o.Chats, chat, &rec); err != nil && port.CodeOf(err) != port.CodeStoreCorrupt {
		return 0, err
	}
	least := rec.GetClearedClock() + 1
	if w.at.GetStage() == stageLate {
		least = max(least, w.late())
	}
	return least, nil
}

// late is the clock down to which the last stage looks for messages.
func (w *walk) late() uint64 { return uint64(max(0, w.at.GetBeganAt()-lateWindow.Milliseconds())) }

// message adds one message, if it belongs to the stage: to the last one, if it is here since
// the walk began.
func (w *walk) message(tx port.Tx, at port.Position) error {
	w.read++
	rec, found, err := w.o.Message(tx, at.ID)
	if err != nil {
		return err
	}
	if !found {
		return port.Errorf(port.CodeStoreCorrupt, "", "a message of the history is missing")
	}
	here := rec.GetReceivedAt()
	if rec.GetOutgoing() {
		here = max(here, rec.GetSentAt())
	}
	if came := here >= w.at.GetBeganAt() && at.Clock >= w.late(); came == (w.at.GetStage() == stageLate) {
		w.add(&wire.ArchiveItem{Item: &wire.ArchiveItem_Message{Message: rec}}, &w.counts.Messages)
	}
	return nil
}

// attachment adds the chunks of an attachment. If the batch is full before the end of them, the
// cursor stays there, with the number of the next chunk as its clock. One that was erased
// during the walk ends early; whoever merges has not all of it then, and knows.
func (w *walk) attachment(tx port.Tx, name []byte) error {
	number := uint32(0)
	if len(w.at.GetId()) != 0 {
		number = uint32(w.at.GetClock())
	}
	w.at.Name, w.at.Clock, w.at.Id = name, 0, nil
	for ; ; number++ {
		c, err := w.o.Chunk(tx, name, number)
		if err != nil || c == nil {
			return w.skip(err)
		}
		if w.size > 0 && w.size+len(c.GetData()) > BatchBytes {
			w.at.Clock, w.at.Id, w.size = uint64(number), c.GetAttachmentId(), BatchBytes // nothing fits any more
			return nil
		}
		if number == 0 {
			w.counts.Attachments++
		}
		w.add(&wire.ArchiveItem{Item: &wire.ArchiveItem_Chunk{Chunk: c}}, &w.counts.chunks)
	}
}
