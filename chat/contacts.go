package chat

import (
	"bytes"
	"cmp"
	"regexp"
	"slices"

	"libstatus1to1/chat/contact"
	"libstatus1to1/chat/enum"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/identity"
	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/internal/page"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
)

// AddContact puts a person into the address book under a name of ours ("" for
// none) and listens for their contact code. Adding again changes the name.
func (c *Client) AddContact(k key.Public, name string) (event.Contact, error) {
	a, err := c.account()
	if err != nil {
		return event.Contact{}, err
	}
	if k == a.public {
		return event.Contact{}, Errorf(CodeSelf, "key", "this is the identity itself")
	}
	if name, err = cleanName("name", name, MaxName); err != nil {
		return event.Contact{}, err
	}
	routes, err := c.contactRoutes(a, k)
	if err != nil {
		return event.Contact{}, err
	}
	clock, err := c.ownClock(a, c.now(), 0)
	if err != nil {
		return event.Contact{}, err
	}
	err = c.update(func(t *txn) error {
		for _, r := range routes {
			if err := r.store(t); err != nil {
				return err
			}
		}
		t.After(func() { c.listen(routes...) })
		if rec, err := contactRecord(t, k); err != nil || rec.GetBlockedAt() != 0 {
			return cmp.Or(err, notBlocked(rec, "key"))
		}
		return t.changeOwn(k, clock, func(rec *wire.ContactRecord) bool {
			changed := !rec.GetAdded() || rec.GetName() != name
			rec.Added, rec.Name = true, name
			return changed
		})
	})
	if err != nil {
		return event.Contact{}, err
	}
	return c.Contact(k)
}

// contactRoutes returns the topics of a contact that we do not listen to yet.
func (c *Client) contactRoutes(a *account, k key.Public) ([]route, error) {
	var routes []route
	negotiated, known, err := c.negotiatedRoute(a, k)
	if err != nil {
		return nil, err
	}
	if !known {
		routes = append(routes, negotiated)
	}
	if r, known := c.contactCodeRoute(k); !known {
		routes = append(routes, r)
	}
	return routes, nil
}

// Contact returns the stored record of one person.
func (c *Client) Contact(k key.Public) (event.Contact, error) {
	if _, err := c.account(); err != nil {
		return event.Contact{}, err
	}
	var rec wire.ContactRecord
	found, err := c.ledger.Get(tableContacts, k.Compressed(), &rec)
	if err != nil {
		return event.Contact{}, err
	}
	if !found {
		return event.Contact{}, Errorf(CodeNotFound, "key", "nobody with this key is known")
	}
	return c.contactNow(&rec), nil
}

// Contacts lists everybody we know, added or not, by key.
func (c *Client) Contacts(p PageRequest) (Page[event.Contact], error) {
	if _, err := c.account(); err != nil {
		return Page[event.Contact]{}, err
	}
	var all []event.Contact
	err := c.ledger.View(func(tx Tx) error {
		return tx.Each(tableContacts, func(_, value []byte) error {
			var rec wire.ContactRecord
			if err := ledger.Decode(tableContacts, value, &rec); err != nil {
				return err
			}
			all = append(all, c.contactNow(&rec))
			return nil
		})
	})
	if err != nil {
		return Page[event.Contact]{}, err
	}
	slices.SortFunc(all, func(a, b event.Contact) int { return cmp.Compare(a.PublicKey, b.PublicKey) })
	return page.After(all, p, contactCursor, func(e event.Contact) string { return e.PublicKey })
}

// contactCursor is a public key, 0x04...
var contactCursor = regexp.MustCompile(`^0x04[0-9a-f]{128}$`)

// contactOf returns a record as hosts see it.
func contactOf(rec *wire.ContactRecord) event.Contact {
	r := requestOf(rec)
	out := event.Contact{
		Name: rec.GetName(), DisplayName: rec.GetDisplayName(), Added: rec.GetAdded(), AddedAt: rec.GetAddedAt(),
		Trust: r.Level(rec.GetVerifiedAt() != 0, rec.GetBlockedAt() != 0), Request: enum.RequestState(r.Name()),
		VerifiedBy: enum.VerifiedBy(rec.GetVerifiedBy()), VerifiedAt: rec.GetVerifiedAt(), BlockedAt: rec.GetBlockedAt(),
		Untrustworthy: rec.GetUntrustworthy(), Presence: presenceOf(rec.GetPresence()), Bio: rec.GetBio(), HasPicture: rec.GetPictureFormat() != 0, KeyExchange: exchangeOf(rec).name(),
	}
	if exchangeOf(rec).noise {
		out.WhileWaiting = enum.WhileWaiting(cmp.Or(rec.GetWhileWaiting(), string(WhileWaitingWait)))
	}
	if rec.GetRequestId() != nil {
		out.RequestID = event.Hex(rec.GetRequestId())
	}
	if k, err := key.ParsePublic(rec.GetKey()); err == nil {
		out.PublicKey, out.ChatKey = k.Hex(), identity.FormatChatKey(k)
	}
	return out
}

// contactRecord reads the record of a person, an empty one if nothing is known of them.
func contactRecord(r reader, k key.Public) (*wire.ContactRecord, error) {
	rec := &wire.ContactRecord{}
	_, err := read(r, tableContacts, k.Compressed(), rec)
	rec.Key = k.Compressed()
	return rec, err
}

// putContact stores a record; the contact list has it once it is durable.
func (t *txn) putContact(k key.Public, rec *wire.ContactRecord) error {
	s := standingOf(rec)
	// Transactions run one after the other, but their callers may update the list in
	// another order. By this number the list knows the later record.
	s.write = t.c.people.contacts.writes.Add(1)
	t.After(func() {
		t.c.people.contacts.set(k.Compact(), s)
		t.c.people.names.set(k.Compact(), namesOf(rec), s.write)
	})
	if s.blocked {
		// Messages of theirs may follow in the same commit, before the list has this.
		t.c.people.contacts.silence(k.Compact(), true)
		t.Otherwise(func() { t.c.people.contacts.silence(k.Compact(), false) })
	}
	if before, known := t.c.people.contacts.get(k); known && before.stranger() && !s.stranger() && !s.blocked {
		// They are a stranger no more: their messages that waited are reported now.
		rec.UnaskedChanges = 0
		if err := t.c.history.Release(t.Tx, message.ConversationWith(k)); err != nil {
			return err
		}
	}
	return ledger.Put(t, tableContacts, k.Compressed(), rec)
}

// changeContact changes or makes the record of a person and emits it, unless
// change says that there is nothing to do.
func (t *txn) changeContact(k key.Public, change func(*wire.ContactRecord) bool) error {
	var rec wire.ContactRecord
	if _, err := ledger.Get(t, tableContacts, k.Compressed(), &rec); err != nil {
		return err
	}
	rec.Key = k.Compressed()
	if !change(&rec) {
		return nil
	}
	if err := t.putContact(k, &rec); err != nil {
		return err
	}
	return t.Emit(event.ContactChanged{Contact: contactOf(&rec)})
}

// contacts looks at the records of people: what names them, whether their contact
// requests are in a state that can be, and whether a picture that is announced is there.
func (in *inspection) contacts() error {
	return in.Each(tableContacts, func(name, value []byte) error {
		var rec wire.ContactRecord
		if err := ledger.Decode(tableContacts, value, &rec); err != nil {
			return err
		}
		if _, ok := key.ParseCompact(name); !ok || !bytes.Equal(name, rec.GetKey()) {
			in.Report(tableContacts, "a contact is not what its name says")
		}
		if _, err := contact.ParsePropagated(uint64(rec.GetLocalState()), rec.GetLocalClock(),
			uint64(rec.GetRemoteState()), rec.GetRemoteClock(), contact.MaxClock); err != nil {
			in.Report(tableContacts, "the contact requests of a contact are in no state")
		}
		if !validPresence(rec.GetPresence()) {
			in.Report(tableContacts, "the presence of a contact is none")
		}
		if rec.GetPictureFormat() == 0 {
			return nil
		}
		found, err := in.Holds(tablePictures, rec.GetKey())
		if err == nil && !found {
			in.Report(tableContacts, "the picture of a contact is missing")
		}
		return err
	})
}
