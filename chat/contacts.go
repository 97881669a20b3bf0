package chat

import (
	"cmp"
	"regexp"
	"slices"

	"libstatus1to1/chat/event"
	"libstatus1to1/chat/internal/page"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/topic"
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
	var contact event.Contact
	err = c.update(func(t *txn) error {
		for _, r := range routes {
			if err := r.store(t); err != nil {
				return err
			}
		}
		t.then(func() { c.listen(routes...) })
		if rec, err := contactRecord(t, k); err != nil || rec.GetBlockedAt() != 0 {
			return cmp.Or(err, notBlocked(rec, "key"))
		}
		return t.changeContact(k, func(rec *wire.ContactRecord) bool {
			changed := !rec.GetAdded() || rec.GetName() != name
			if !rec.GetAdded() {
				rec.Added, rec.AddedAt = true, c.now().UnixMilli()
			}
			rec.Name = name
			contact = contactOf(rec)
			return changed
		})
	})
	return contact, err
}

// contactRoutes are the topics of a contact we do not listen to yet.
func (c *Client) contactRoutes(a *account, k key.Public) ([]route, error) {
	var routes []route
	negotiated, known, err := c.negotiatedRoute(a, k)
	if err != nil {
		return nil, err
	}
	if !known {
		routes = append(routes, negotiated)
	}
	if _, known := c.routes.get(topicContactCode, k); !known {
		routes = append(routes, c.deriveTopic(topicContactCode, k, topic.ContactCode(k)))
	}
	return routes, nil
}

// Contact is what we know of one person.
func (c *Client) Contact(k key.Public) (event.Contact, error) {
	if _, err := c.account(); err != nil {
		return event.Contact{}, err
	}
	var rec wire.ContactRecord
	found, err := c.record(tableContacts, k.Compressed(), &rec)
	if err != nil {
		return event.Contact{}, err
	}
	if !found {
		return event.Contact{}, Errorf(CodeNotFound, "key", "nobody with this key is known")
	}
	return contactOf(&rec), nil
}

// Contacts lists everybody we know, added or not, by key.
func (c *Client) Contacts(p PageRequest) (Page[event.Contact], error) {
	if _, err := c.account(); err != nil {
		return Page[event.Contact]{}, err
	}
	var all []event.Contact
	err := c.store.View(func(tx Tx) error {
		return tx.Each(tableContacts, func(_, value []byte) error {
			var rec wire.ContactRecord
			if err := decodeRecord(tableContacts, value, &rec); err != nil {
				return err
			}
			all = append(all, contactOf(&rec))
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
