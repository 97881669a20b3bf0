package archive

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
)

// Sink merges one archive into a store. Its batches are merged one after the other.
type Sink struct {
	t Target
	// shown: a batch had the key of the identity in it. Whoever makes an archive has that key,
	// and nobody else can: what an archive says is signed by nobody.
	shown bool
}

// NewSink returns a sink of a store, for one archive.
func NewSink(t Target) *Sink { return &Sink{t: t, shown: t.FromOwnDevice} }

// Merge merges a batch: what is not there is added, of what is there the newer wins, and
// nobody ceases by an archive to be verified or blocked. It can be repeated. An item that
// is not valid is left out and counted. Errors: CodeIdentityExists for the archive of another
// identity, CodeBadArchive for what is not a batch and for an archive that does not begin with
// the key of its identity, and those of the store; then nothing of the
// batch was merged, except that the identity may have been adopted.
func (s *Sink) Merge(data []byte) (Merged, error) {
	batch, owner, err := decode(data)
	if err != nil {
		return Merged{}, err
	}
	if here, found := s.t.Owner(); found && here != owner {
		return Merged{}, port.Errorf(port.CodeIdentityExists, "", "this store has another identity than the archive")
	}
	m := &merge{Sink: s, owner: owner, Merged: Merged{Last: batch.GetLast()}}
	for _, item := range batch.GetItems() {
		carryItem(item)
		if err := m.check(item); err != nil {
			m.refuse(err)
			continue
		}
		m.items = append(m.items, item)
	}
	if !s.shown {
		return Merged{}, withoutIdentity()
	}
	if err := m.people(); err != nil {
		return Merged{}, err
	}
	if _, found := s.t.Owner(); !found {
		return Merged{}, withoutIdentity()
	}
	if m.said || m.Last {
		if err := s.t.Begin(); err != nil {
			return Merged{}, err
		}
	}
	if len(m.items) == 0 && m.routes == nil {
		return m.Merged, nil
	}
	if err := m.transact(); err != nil {
		return Merged{}, err
	}
	return m.Merged, nil
}

func withoutIdentity() *port.Error {
	return port.Errorf(port.CodeBadArchive, "", "the archive does not begin with its identity").With("cause", "damaged")
}

// decode reads a batch.
func decode(data []byte) (*wire.ArchiveBatch, key.Public, error) {
	batch := &wire.ArchiveBatch{}
	if len(data) > MaxBatch || proto.Unmarshal(data, batch) != nil {
		return nil, key.Public{}, port.Errorf(port.CodeBadArchive, "", "this is not a part of an archive").With("cause", "damaged")
	}
	owner, err := key.ParsePublic(batch.GetOwner())
	if err != nil || len(batch.GetOwner()) != key.CompressedSize {
		return nil, key.Public{}, port.Errorf(port.CodeBadArchive, "", "the archive does not name its identity").With("cause", "damaged")
	}
	return batch, owner, nil
}

// merge is one batch on its way into the store.
type merge struct {
	*Sink
	owner key.Public
	items []*wire.ArchiveItem // the valid ones
	// said: there is a chat or a message in the batch. They come after all people.
	said   bool
	routes func(*ledger.Tx) error
	Merged
}

// refuse counts an item that is not valid.
func (m *merge) refuse(why error) {
	if m.Refused++; m.Cause == "" {
		m.Cause = why.Error()
	}
}

// check looks at one item by itself.
func (m *merge) check(item *wire.ArchiveItem) error {
	var kind string
	var err error
	switch it := item.GetItem().(type) {
	case *wire.ArchiveItem_Identity:
		kind, err = "identity", m.validIdentity(it.Identity, m.owner)
		m.shown = m.shown || isKeyOf(it.Identity, m.owner)
	case *wire.ArchiveItem_Person:
		kind = "person"
		if _, err = person("key", it.Person.GetKey(), m.owner); err == nil && it.Person.GetContact() != nil {
			err = m.validContact(it.Person.GetContact(), it.Person.GetKey())
		}
		err = first(err, validPicture(it.Person.GetPicture()))
	case *wire.ArchiveItem_Verification:
		kind, err = "verification", m.validQuestion(it.Verification, m.owner)
	case *wire.ArchiveItem_Chat:
		kind, err = "chat", validChat(it.Chat, m.owner)
		m.said = true
	case *wire.ArchiveItem_Message:
		kind, err = "message", m.validMessage(it.Message, m.owner)
		m.said = true
	case *wire.ArchiveItem_Chunk:
		kind, err = "attachment", m.t.Chunk(it.Chunk)
		m.said = true
	default:
		kind, err = "item", bad("kind", "is not known to this version")
	}
	if err != nil {
		return fmt.Errorf("%s: %w", kind, err)
	}
	return nil
}

// people does what is to be done before the transaction: it adopts the identity, and derives the
// topics of people.
func (m *merge) people() error {
	var all []Person
	kept, strangers := m.items[:0], 0
	for _, item := range m.items {
		if rec := item.GetIdentity(); rec != nil {
			adopted, err := m.t.Adopt(rec)
			if err != nil {
				return err
			}
			m.Adopted = m.Adopted || adopted
		}
		p := item.GetPerson()
		if p == nil {
			kept = append(kept, item)
			continue
		}
		k, err := key.ParsePublic(p.GetKey())
		if err != nil {
			return err // it was parsed before
		}
		room, stranger := m.t.Room(k, p.GetContact(), strangers)
		if !room {
			m.refuse(errors.New("person: there are too many strangers"))
			continue
		}
		if stranger {
			strangers++
		}
		kept = append(kept, item)
		if p.GetNegotiated() || p.GetContact().GetAdded() {
			all = append(all, Person{Key: k, Added: p.GetContact().GetAdded(), Negotiated: p.GetNegotiated()})
		}
	}
	m.items = kept
	return m.topics(all)
}

// topics derives the topics of people.
func (m *merge) topics(people []Person) (err error) {
	if len(people) > 0 {
		m.routes, err = m.t.Routes(people)
	}
	return err
}

// transact merges the items in one transaction. An item with a record here that is damaged
// is left out, and the others go on.
func (m *merge) transact() error {
	if m.routes != nil {
		if err := m.t.Update(m.routes); err != nil {
			return err
		}
	}
	_, err := ledger.Isolated(m.items, func(items []*wire.ArchiveItem) error {
		before := m.Merged
		err := m.t.Update(func(tx *ledger.Tx) error {
			for _, item := range items {
				if err := m.storeItem(tx, item); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			m.Merged = before
		}
		return err
	}, func(_ *wire.ArchiveItem, why error) { m.refuse(why) })
	return err
}

func (m *merge) storeItem(tx *ledger.Tx, item *wire.ArchiveItem) error {
	count := func(of func(*Counts) *uint64, fresh bool) {
		if fresh {
			*of(&m.New)++
		} else {
			*of(&m.Known)++
		}
	}
	switch it := item.GetItem().(type) {
	case *wire.ArchiveItem_Person:
		return m.storePerson(tx, it.Person)
	case *wire.ArchiveItem_Verification:
		fresh, err := m.storeQuestion(tx, it.Verification)
		count(func(c *Counts) *uint64 { return &c.Verifications }, fresh)
		return err
	case *wire.ArchiveItem_Chat:
		fresh, err := m.t.MergeChat(tx, it.Chat)
		count(func(c *Counts) *uint64 { return &c.Chats }, fresh)
		return err
	case *wire.ArchiveItem_Message:
		fresh, err := m.t.MergeMessage(tx, it.Message)
		count(func(c *Counts) *uint64 { return &c.Messages }, fresh)
		return err
	case *wire.ArchiveItem_Chunk:
		fresh, known, err := m.t.MergeChunk(tx, it.Chunk)
		if m.Known.chunks++; fresh {
			m.New.Attachments++
		} else if known {
			m.Known.Attachments++
		}
		return err
	}
	return nil
}

// storePerson merges what is known of somebody.
func (m *merge) storePerson(tx *ledger.Tx, p *wire.ArchivePerson) error {
	k, err := key.ParsePublic(p.GetKey())
	if err != nil {
		return err
	}
	came := p.GetContact()
	if came == nil { // whose topic we listen to has a record
		came = &wire.ContactRecord{Key: p.GetKey()}
	}
	have := &wire.ContactRecord{}
	known, err := ledger.Get(tx, m.t.Contacts, p.GetKey(), have)
	if err != nil {
		return err
	}
	next := mergeContact(have, came)
	if known {
		m.Known.People++
	} else {
		m.New.People++
	}
	if pic := p.GetPicture(); pic != nil && (have.GetPictureFormat() == 0 || came.GetProfileClock() > have.GetProfileClock()) {
		next.PictureFormat = pic.GetFormat()
		if err := ledger.Put(tx, m.t.Pictures, p.GetKey(), pic); err != nil {
			return err
		}
	}
	if known && proto.Equal(have, next) {
		return nil
	}
	return m.t.PutContact(tx, k, next)
}

// storeQuestion merges a verification.
func (m *merge) storeQuestion(tx *ledger.Tx, rec *wire.VerificationRecord) (fresh bool, err error) {
	have := &wire.VerificationRecord{}
	known, err := ledger.Get(tx, m.t.Verifications, m.t.VerificationName(rec), have)
	if err != nil || known && !laterQuestion(have, rec, m.t.QuestionFollows) {
		return false, err
	}
	return !known, m.t.PutVerification(tx, rec)
}
