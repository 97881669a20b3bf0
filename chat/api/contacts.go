package api

import (
	"context"

	"libstatus1to1/chat"
	"libstatus1to1/chat/event"
)

// AddContactParams is what contacts.add takes.
type AddContactParams struct {
	// Key is their public key, in any accepted form.
	Key Key `json:"key"`
	// Name is ours for them, at most 100 code points.
	Name string `json:"name,omitempty"`
}

// KeyParams names a person by key.
type KeyParams struct {
	// Key is their public key, in any accepted form.
	Key Key `json:"key"`
}

// PageParams asks for one page of a list.
type PageParams struct {
	// Cursor is the next of the page before; "" or left out for the first page.
	Cursor string `json:"cursor,omitempty"`
	// Limit is how many items at most; 50 when left out.
	Limit int `json:"limit,omitempty" range:"1..200"`
}

// page is the engine's form of p.
func (p PageParams) page() chat.PageRequest {
	return chat.PageRequest{Cursor: p.Cursor, Limit: p.Limit}
}

// ContactsPage is one page of contacts.list.
type ContactsPage struct {
	// Items are the contacts.
	Items []event.Contact `json:"items"`
	// Next is the cursor of the next page, "" on the last one.
	Next string `json:"next"`
}

var contactMethods = []Method{
	method("contacts.add", "Puts somebody into the address book, or renames them. It asks them nothing: see contacts.request.",
		stored(chat.CodeNoIdentity, chat.CodeBadKey, chat.CodeSelf, chat.CodeEmpty, chat.CodeTooLong, chat.CodeBlocked), addContact),
	method("contacts.get", "Tells what is known about one person.",
		stored(chat.CodeNoIdentity, chat.CodeBadKey, chat.CodeNotFound), getContact),
	method("contacts.list", "Lists everybody we know, also those who only wrote to us.",
		stored(chat.CodeNoIdentity, chat.CodeBadCursor), listContacts),
	method("contacts.remove", "Takes a person out of the address book, and our request or acceptance back, which they are told. The chat stays, and they stay known, with added false.",
		aboutSomebody(chat.CodeNotFound), removeContact),
}

func addContact(_ context.Context, c *chat.Client, p AddContactParams) (event.Contact, error) {
	return c.AddContact(p.Key.Public, p.Name)
}

func getContact(_ context.Context, c *chat.Client, p KeyParams) (event.Contact, error) {
	return c.Contact(p.Key.Public)
}

func listContacts(_ context.Context, c *chat.Client, p PageParams) (ContactsPage, error) {
	page, err := c.Contacts(p.page())
	return ContactsPage{Items: filled(page.Items), Next: page.Next}, err
}

func removeContact(_ context.Context, c *chat.Client, p KeyParams) (Empty, error) {
	return Empty{}, c.RemoveContact(p.Key.Public)
}

// filled turns a nil list into an empty one, so that JSON has [] and not null.
func filled[T any](items []T) []T {
	if items == nil {
		return []T{}
	}
	return items
}
