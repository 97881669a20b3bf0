package chat

import (
	"cmp"
	"slices"
	"sync"

	"libstatus1to1/chat/event"
	"libstatus1to1/chat/internal/history"
	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/internal/search"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/text/words"
	"libstatus1to1/chat/wire"
)

// Searching in what was said, and among the names of people. The index of messages is in
// internal/search; names are few enough to be compared one by one.

// SearchRequest says what is searched for; all but Query may be left out.
type SearchRequest struct {
	// Query has words, of which the last may be the beginning of one, and phrases in quotation
	// marks.
	Query string
	// Chat is the person whose conversation is searched. Without one, the requests of
	// strangers are left out.
	Chat *key.Public
	// From is the author.
	From *key.Public
	// After and Before bound the clocks of messages, ms; 0 is no bound.
	After, Before uint64
	PageRequest
}

// SearchPage is a page of what was found, newest first. It may have fewer messages than were
// asked for though there is a next one: what is read for a page has bounds.
type SearchPage struct {
	Page[event.Message]
	// People are those whose name matches, on the first page of a search that is bound to
	// nobody.
	People []event.Contact
	// Complete is false while older messages may not be found yet: those with a clock below
	// Since, ms.
	Complete bool
	Since    uint64
}

// maxPeopleFound bounds the people of a page: who looks for one of more adds a letter.
const maxPeopleFound = 20

func (c *Client) newIndex() *search.Index {
	x := search.New(search.Options{
		Ledger: c.ledger, Now: c.now, Log: c.log, Messages: history.TableMessages, Chats: history.TableChats,
		Hidden: c.history.Cleared, Wake: c.kick,
	})
	c.history.Watch(x.Watch)
	return x
}

// Search finds messages, and people by their names.
func (c *Client) Search(r SearchRequest) (SearchPage, error) {
	var out SearchPage
	if _, err := c.account(); err != nil {
		return out, err
	}
	q, err := search.ParseQuery(r.Query)
	if err != nil {
		return out, err
	}
	in := search.Request{Query: q, After: r.After, Before: r.Before, Request: r.PageRequest}
	if r.Chat != nil {
		in.Chat = message.ConversationWith(*r.Chat).Bytes()
	}
	if r.From != nil {
		in.From = r.From.Compressed()
	}
	found, err := c.index.Search(in)
	if err != nil {
		return out, err
	}
	out.Next, out.Complete, out.Since = found.Next, found.Complete, min(found.Since, history.Millis(c.now()))
	if out.Items, err = c.history.Shown(found.Items); err != nil {
		return SearchPage{}, err
	}
	if r.Chat == nil && r.From == nil && r.Cursor == "" {
		out.People, err = c.peopleNamed(q)
	}
	return out, err
}

// peopleNamed returns the people whose name matches a query, by name. Strangers are among the
// requests only.
func (c *Client) peopleNamed(q words.Query) ([]event.Contact, error) {
	if err := c.people.names.load(c); err != nil {
		return nil, err
	}
	var all []event.Contact
	err := c.ledger.View(func(tx Tx) error {
		for _, who := range c.people.names.matching(q) {
			if c.people.contacts.stranger(who) {
				continue
			}
			var rec wire.ContactRecord
			if found, err := ledger.Get(tx, tableContacts, who[:], &rec); err != nil || !found {
				return err
			}
			if all = append(all, contactOf(&rec)); len(all) >= maxPeopleFound {
				break
			}
		}
		return nil
	})
	return all, err
}

// names are what a person is called: by us, and by themselves.
type names struct {
	shown     string // what sorts them
	ours, own words.Text
	write     uint64
}

// namesOf returns the names in the record of a person.
func namesOf(rec *wire.ContactRecord) names {
	return names{
		shown: cmp.Or(rec.GetName(), rec.GetDisplayName()), ours: words.Read(rec.GetName()), own: words.Read(rec.GetDisplayName()),
	}
}

// nameList holds the names of all people, once somebody has searched: a search that read their
// records would take longer than the rest of it. A change is seen after its transaction.
type nameList struct {
	mu     sync.RWMutex
	loaded bool
	people map[key.Compact]names
}

// set changes the names of a person, unless a later write of their record has done so.
func (l *nameList) set(who key.Compact, n names, write uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if old, known := l.people[who]; known && old.write > write {
		return
	}
	if l.people == nil {
		l.people = map[key.Compact]names{}
	}
	n.write = write
	l.people[who] = n
}

// load reads the names from the store, if that was not done yet. What was set meanwhile is
// later.
func (l *nameList) load(c *Client) error {
	l.mu.RLock()
	loaded := l.loaded
	l.mu.RUnlock()
	if loaded {
		return nil
	}
	read := map[key.Compact]names{}
	err := c.ledger.View(func(tx Tx) error {
		return tx.Each(tableContacts, func(name, value []byte) error {
			var rec wire.ContactRecord
			if err := ledger.Decode(tableContacts, value, &rec); err != nil {
				return err
			}
			if len(name) == key.CompressedSize {
				read[key.Compact(name)] = namesOf(&rec)
			}
			return nil
		})
	})
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for who, n := range l.people {
		read[who] = n
	}
	l.people, l.loaded = read, true
	return nil
}

// matching lists the people with a name that matches, by the name that is shown.
func (l *nameList) matching(q words.Query) []key.Compact {
	l.mu.RLock()
	defer l.mu.RUnlock()
	var found []key.Compact
	for who, n := range l.people {
		if q.MatchesName(n.ours) || q.MatchesName(n.own) {
			found = append(found, who)
		}
	}
	slices.SortFunc(found, func(a, b key.Compact) int {
		return cmp.Or(cmp.Compare(l.people[a].shown, l.people[b].shown), cmp.Compare(string(a[:]), string(b[:])))
	})
	return found
}
