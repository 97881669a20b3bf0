package chat

import (
	"cmp"
	"context"
	"errors"
	"io"

	"libstatus1to1/chat/contact"
	"libstatus1to1/chat/enum"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/internal/archive"
	"libstatus1to1/chat/internal/attachments"
	"libstatus1to1/chat/internal/history"
	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/internal/parallel"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
)

// Archives: what package archive needs of the engine, and backups. docs/backup.md has the
// format of the file.

// BackupCounts are the numbers of things in a backup.
type BackupCounts struct {
	// People are those in the address book and those who have written or were written to.
	People        uint64 `json:"people"`
	Verifications uint64 `json:"verifications"`
	Chats         uint64 `json:"chats"`
	Messages      uint64 `json:"messages"`
	// Attachments are pictures and recordings.
	Attachments uint64 `json:"attachments"`
}

func countsOf(c archive.Counts) BackupCounts {
	return BackupCounts{People: c.People, Verifications: c.Verifications, Chats: c.Chats, Messages: c.Messages, Attachments: c.Attachments}
}

// Exported describes a backup that was made.
type Exported struct {
	Contents BackupCounts `json:"contents"`
	// Damaged is the number of records that the store could not read. They are not in it.
	Damaged uint64 `json:"damaged"`
}

// Imported says what a backup brought.
type Imported struct {
	Identity IdentityInfo `json:"identity"`
	// NewIdentity is true if the store had no identity before.
	NewIdentity bool `json:"new_identity"`
	// MadeAt is when the backup was made, ms since 1970.
	MadeAt int64 `json:"made_at"`
	// New is what was not here.
	New BackupCounts `json:"new"`
	// Known is what was here. Of each the newer is kept.
	Known BackupCounts `json:"known"`
	// Refused is the number of things that were left out because they are not valid, and
	// RefusedCause what is wrong with the first.
	Refused      uint64 `json:"refused"`
	RefusedCause string `json:"refused_cause,omitempty"`
}

// backupWork is the cost of a passphrase; tests make it less.
var backupWork = archive.WorkFactor

// ExportBackup writes a backup to w, encrypted with a passphrase: identity, people with the
// trust in them, chats and history, and nothing that belongs to this device alone. What
// changes meanwhile may be in it or not. by opens the store: a backup shows the seed phrase
// to whoever knows its passphrase. Errors: CodeNoIdentity, CodeBadParams for an empty passphrase,
// CodeWrongPassphrase for one that does not open the store, those of the store, and that of w.
func (c *Client) ExportBackup(ctx context.Context, w io.Writer, by Credentials, passphrase, library string) (Exported, error) {
	a, err := c.account()
	if err != nil {
		return Exported{}, err
	}
	if passphrase == "" {
		return Exported{}, Errorf(CodeBadParams, "passphrase", "the passphrase is empty")
	}
	if err := c.ledger.Store.Authenticate(by.Passphrase, by.Key); err != nil {
		if refused := (*Error)(nil); errors.As(err, &refused) && refused.Code == CodeWrongPassphrase {
			refused.Field = "store." + refused.Field
		}
		return Exported{}, err
	}
	header := &wire.ArchiveHeader{MadeAt: c.now().UnixMilli(), Library: library, Owner: a.public.Compressed()}
	counts, damaged, err := archive.WriteFile(ctx, w, c.archiveSource(0), header, passphrase, backupWork, c.backupProgress(enum.BackupExport))
	return Exported{countsOf(counts), damaged}, err
}

// backupProgress returns a function that reports progress in steps.
func (c *Client) backupProgress(action enum.BackupAction) archive.Progress {
	before := uint64(0)
	return func(done, total uint64) {
		const steps = 20
		if step := max(1, total/steps); before/step == done/step && done != total || done == before {
			return
		}
		before = done
		c.ledger.Events.PushLatest(ledger.SubjectProgress+string(action), event.BackupProgress{Action: action, Done: done, Total: total}, c.now().UnixMilli())
	}
}

// ImportBackup merges a backup into this store: with its identity if there is none, as a new
// device of it. What is here stays; of what both have the newer is kept, and nobody ceases to be
// verified or blocked. It can be repeated, also after it was interrupted. A file that is not
// whole changes nothing, unless partial takes what comes before the damage. Errors:
// CodeWrongPassphrase, CodeBadArchive with details.cause and details.offset,
// CodeIdentityExists for the backup of another identity, those of the store, and CodeFileIO
// if r cannot be read.
func (c *Client) ImportBackup(ctx context.Context, r io.ReadSeeker, passphrase string, partial bool) (Imported, error) {
	if err := c.checkOpen(); err != nil {
		return Imported{}, err
	}
	if passphrase == "" {
		return Imported{}, Errorf(CodeBadParams, "passphrase", "the passphrase is empty")
	}
	file, err := archive.OpenFile(r, passphrase)
	if err != nil {
		return Imported{}, err
	}
	if !partial {
		if err := file.Verify(ctx); err != nil {
			return Imported{}, err
		}
	}
	result, err := c.importFile(ctx, file)
	result.MadeAt = file.Header.GetMadeAt()
	if id, idErr := c.Identity(); idErr == nil {
		result.Identity = id
	}
	if damage := (*Error)(nil); errors.As(err, &damage) && partial && damage.Code == CodeBadArchive {
		err = damage.With("messages", result.New.Messages).With("people", result.New.People)
	}
	return result, err
}

// importFile merges a file that was opened.
func (c *Client) importFile(ctx context.Context, file *archive.File) (Imported, error) {
	sink, report := c.archiveSink(), c.backupProgress(enum.BackupImport)
	var all archive.Merged
	err := file.Batches(ctx, func(data []byte) (bool, error) {
		m, err := sink.Merge(data)
		all.Add(m)
		total := max(file.Header.GetItems(), 1)
		report(min(all.New.Sum()+all.Known.Sum(), total), total)
		return m.Last, err
	})
	// Also after an error: an identity that was adopted is that of this store.
	err = errors.Join(err, c.beginAdopted())
	if c.hasOtherDevices() { // what it brought is news to them as well
		err = errors.Join(err, c.update(func(t *txn) error { return c.agree.TellAll(t.Tx) }))
	}
	return Imported{
		NewIdentity: all.Adopted, New: countsOf(all.New), Known: countsOf(all.Known),
		Refused: all.Refused, RefusedCause: all.Cause,
	}, err
}

// archiveTables are the tables that archives are made of and merged into.
var archiveTables = archive.Tables{
	Contacts: tableContacts, Pictures: tablePictures, Verifications: tableVerifications, Topics: tableTopics, Chats: history.TableChats,
}

// archiveSource makes archives of this store, with the newest attachments of so many bytes
// together; 0 is all of them.
func (c *Client) archiveSource(attached uint64) *archive.Source {
	return archive.NewSource(archive.Origin{
		Tables: archiveTables, View: c.ledger.View, Message: c.history.Record, Self: c.isSelf,
		Now:         func() int64 { return c.now().UnixMilli() },
		Attachments: func(tx Tx) ([][]byte, uint64, error) { return attachments.Carried(tx, attached) }, Chunk: attachments.Chunk,
		Identity: func() (*wire.IdentityRecord, error) {
			a, err := c.account()
			if err != nil {
				return nil, err
			}
			return a.record(), nil
		},
		NegotiatedName: func(k key.Compact) []byte { return routeName{topicNegotiated, k}.recordKey() },
		NegotiatedWith: func(name []byte) (key.Compact, bool) {
			kind := len(topicNegotiated)
			if len(name) != kind+key.CompressedSize || topicKind(name[:kind]) != topicNegotiated {
				return key.Compact{}, false
			}
			return key.Compact(name[kind:]), true
		},
	})
}

// archiveSink merges archives into this store.
func (c *Client) archiveSink() *archive.Sink { return archive.NewSink(c.archiveTarget()) }

// archiveTarget is this store for archives that are merged into it.
func (c *Client) archiveTarget() archive.Target {
	return archive.Target{
		Tables: archiveTables,
		// What was edited or deleted elsewhere leaves our outbox, which takes the lock.
		Update: func(f func(*ledger.Tx) error) error {
			return c.exclusive(func(*ledger.Turn) error { return c.ledger.Update(f) })
		},
		MaxName: MaxName, MaxDisplayName: MaxDisplayName, Verified: contact.Ways,
		MessageState: history.ValidState,
		LatestClock:  func() uint64 { return message.LatestClock(c.now().Add(history.MaxEnvelopeAhead)) },
		QuestionState: func(state string) bool {
			_, known := verificationSteps[verificationState(state)]
			return known && state != ""
		},
		QuestionFollows: func(state, later string) bool { return verificationState(state).leadsTo(verificationState(later)) },
		Owner:           c.archiveOwner, Adopt: c.adopt, Begin: c.beginAdopted, Routes: c.archiveRoutes, Room: c.roomForArchived,
		PutContact:       func(tx *ledger.Tx, k key.Public, rec *wire.ContactRecord) error { return c.txn(tx).putArchived(k, rec) },
		VerificationName: verificationName,
		PutVerification: func(tx *ledger.Tx, rec *wire.VerificationRecord) error {
			if c.self.Load() == nil {
				return ledger.Put(tx, tableVerifications, verificationName(rec), rec)
			}
			return c.txn(tx).putVerification(verificationName(rec), rec)
		},
		MergeChat: func(tx *ledger.Tx, rec *wire.ChatRecord) (bool, error) {
			fresh, err := c.history.MergeChat(tx, rec)
			return fresh, errors.Join(err, c.mergeTimer(tx, rec))
		},
		Attachment: attachments.Carry, Chunk: attachments.CheckChunk, MergeChunk: c.attachments.Merge,
		MergeMessage: func(tx *ledger.Tx, rec *wire.MessageRecord) (bool, error) {
			if over, err := c.isOver(tx, rec); over || err != nil {
				return false, err
			}
			who, _ := message.ConversationID(rec.GetChat()).Person()
			return c.history.Merge(tx, rec, !rec.GetOutgoing() && c.people.contacts.stranger(who))
		},
	}
}

// putArchived stores what is known of a person after an archive. Before the client works as
// an identity that was adopted there is nobody to be told.
func (t *txn) putArchived(k key.Public, rec *wire.ContactRecord) error {
	before, _ := t.c.people.contacts.get(k)
	contact.Bound(rec, message.LatestClock(t.c.now()))
	if err := t.putContact(k, rec); err != nil || t.c.self.Load() == nil {
		return err
	}
	if before.added && !rec.GetAdded() {
		if err := t.stopListening(k); err != nil {
			return err
		}
	}
	return t.Emit(event.ContactChanged{Contact: contactOf(rec)})
}

// leftBehind reports whether the record of a message is one of an archive whose message was
// still waiting on another device of ours: when that device sends it, its copy is news.
func leftBehind(record []byte) bool {
	var rec wire.MessageRecord
	return ledger.Decode(tableMessages, record, &rec) == nil && history.LeftBehind(&rec)
}

// verificationName names the record of a question.
func verificationName(rec *wire.VerificationRecord) []byte {
	direction := byte(askedUs)
	if rec.GetOutgoing() {
		direction = askedThem
	}
	return append(append([]byte(nil), rec.GetPeer()...), direction)
}

// leadsTo reports whether a question in state s may come to be in another one, in any
// number of steps.
func (s verificationState) leadsTo(later verificationState) bool {
	for _, next := range verificationSteps[s] {
		if next == later || next.leadsTo(later) {
			return true
		}
	}
	return false
}

// archiveOwner is the identity of the store, also one that has not begun.
func (c *Client) archiveOwner() (key.Public, bool) {
	if a := c.archiveAccount(); a != nil {
		return a.public, true
	}
	return key.Public{}, false
}

// archiveAccount is our account, also one that has not begun.
func (c *Client) archiveAccount() *account {
	c.self.becoming.Lock()
	defer c.self.becoming.Unlock()
	if c.self.adopted != nil {
		return c.self.adopted
	}
	return c.self.Load()
}

// adopt makes the identity of an archive that of a store without one, as a new device of it.
// Of the identity that is there the profile changes, if that of the archive is newer.
func (c *Client) adopt(rec *wire.IdentityRecord) (adopted bool, err error) {
	c.self.becoming.Lock()
	defer c.self.becoming.Unlock()
	k, err := key.ParsePrivate(rec.GetPrivateKey())
	if err != nil {
		return false, Errorf(CodeBadArchive, "", "the identity key does not read back")
	}
	a := c.self.Load()
	switch { // another call may have made an identity since the archive was looked at
	case cmp.Or(a, c.self.adopted) == nil:
	case cmp.Or(a, c.self.adopted).public != k.Public():
		return false, Errorf(CodeIdentityExists, "", "this store has another identity than the archive")
	case a != nil:
		return false, c.takeProfile(rec)
	default:
		return false, nil
	}
	c.boundProfile(rec)
	if a, err = c.makeAccount(k, func(a *account) { a.phrase = rec.GetPhrase(); a.fill(rec) }); err != nil {
		return false, err
	}
	c.self.adopted = a
	return true, nil
}

// fill takes the profile of a record.
func (a *account) fill(rec *wire.IdentityRecord) {
	a.displayName, a.bio, a.colour = rec.GetDisplayName(), rec.GetBio(), rec.GetColour()
	a.picture, a.profileClock, a.keyUID = rec.GetPicture(), rec.GetProfileClock(), rec.GetKeyUid()
	a.clocks = profileClocks{rec.GetDisplayNameClock(), rec.GetBioClock(), rec.GetColourClock(), rec.GetPictureClock()}
}

// boundProfile brings the clocks of a profile in an archive to what is believed now.
func (c *Client) boundProfile(rec *wire.IdentityRecord) {
	latest := message.LatestClock(c.now())
	for _, clock := range []*uint64{&rec.ProfileClock, &rec.DisplayNameClock, &rec.BioClock, &rec.ColourClock, &rec.PictureClock} {
		*clock = min(*clock, latest)
	}
}

// takeProfile takes a profile that is newer than ours, but for the parts that were chosen later
// here. Others have it already, by its clock.
func (c *Client) takeProfile(rec *wire.IdentityRecord) error {
	defer c.beginTurn().End() // the loop must not replace the account meanwhile
	a := c.self.Load()
	c.boundProfile(rec)
	if rec.GetProfileClock() <= a.profileClock {
		return nil
	}
	next := *a
	next.profileClock = rec.GetProfileClock()
	if rec.GetDisplayNameClock() >= a.clocks.name {
		next.displayName, next.clocks.name = rec.GetDisplayName(), rec.GetDisplayNameClock()
	}
	if rec.GetBioClock() >= a.clocks.bio {
		next.bio, next.clocks.bio = rec.GetBio(), rec.GetBioClock()
	}
	if rec.GetColourClock() >= a.clocks.colour {
		next.colour, next.clocks.colour = rec.GetColour(), rec.GetColourClock()
	}
	if rec.GetPictureClock() >= a.clocks.picture {
		next.picture, next.clocks.picture = rec.GetPicture(), rec.GetPictureClock()
	}
	if err := c.update(func(t *txn) error { return ledger.Put(t, tableMeta, metaIdentity, next.record()) }); err != nil {
		return err
	}
	c.self.Store(&next)
	c.codeSoon()
	return nil
}

// beginAdopted begins to work as an identity that was adopted.
func (c *Client) beginAdopted() error {
	c.self.becoming.Lock()
	defer c.self.becoming.Unlock()
	if c.self.adopted == nil {
		return nil
	}
	if err := c.become(c.self.adopted); err != nil {
		return err
	}
	c.self.adopted = nil
	return nil
}

// roomForArchived implements Room of archive.Target.
func (c *Client) roomForArchived(k key.Public, rec *wire.ContactRecord, besides int) (room, stranger bool) {
	_, known := c.people.contacts.get(k)
	stranger = !known && standingOf(rec).stranger()
	return !stranger || c.people.contacts.roomFor(besides), stranger
}

// archiveRoutes implements Routes of archive.Target.
func (c *Client) archiveRoutes(people []archive.Person) (func(*ledger.Tx) error, error) {
	a := c.archiveAccount()
	routes, failures := make([][]route, len(people)), make([]error, len(people))
	parallel.Do(len(people), func(i int) {
		p := people[i]
		if p.Negotiated || p.Added {
			r, known, err := c.negotiatedRoute(a, p.Key)
			if failures[i] = err; err == nil && !known {
				routes[i] = append(routes[i], r)
			}
		}
		if r, known := c.contactCodeRoute(p.Key); p.Added && !known {
			routes[i] = append(routes[i], r)
		}
	})
	if err := errors.Join(failures...); err != nil {
		return nil, err
	}
	return func(tx *ledger.Tx) error {
		t := c.txn(tx)
		for _, rs := range routes {
			for _, r := range rs {
				if err := r.store(t); err != nil {
					return err
				}
			}
			t.After(func() {
				if c.self.Load() != nil { // else become reads them
					c.listen(rs...)
				}
			})
		}
		return nil
	}, nil
}
