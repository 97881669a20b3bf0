package api

import (
	"context"

	"libstatus1to1/chat"
	"libstatus1to1/chat/enum"
	"libstatus1to1/chat/event"
)

// AddContactParams are the parameters of contacts.add.
type AddContactParams struct {
	// Key is the person's public key, in any accepted form.
	Key Key `json:"key"`
	// Name is the name you give this person, at most 100 code points.
	Name string `json:"name,omitempty"`
}

// SetKeyExchangeParams are the parameters of contacts.set_key_exchange.
type SetKeyExchangeParams struct {
	// Key is the person's public key, in any accepted form.
	Key Key `json:"key"`
	// KeyExchange is what protects our messages to them from now on: "x3dh" or "noise".
	KeyExchange enum.KeyExchange `json:"key_exchange"`
	// WhileWaiting says what becomes of messages to a device with which a Noise handshake is
	// pending: they "wait", as at first, or go by "x3dh". Left out, it stays as it is.
	WhileWaiting enum.WhileWaiting `json:"while_waiting,omitempty"`
}

// KeyParams name a person by public key.
type KeyParams struct {
	// Key is the person's public key, in any accepted form.
	Key Key `json:"key"`
}

// PageParams select one page of a list.
type PageParams struct {
	// Cursor is next of the previous page; "" or left out for the first page.
	Cursor string `json:"cursor,omitempty"`
	// Limit is the largest number of items to return. Default: 50.
	Limit int `json:"limit,omitempty" range:"1..200"`
}

// page converts p for the engine.
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
	method("contacts.add", "Adds a person to the address book or changes their name there. Nothing is sent to them: to ask somebody to be a contact, use contacts.request.",
		stored(chat.CodeNoIdentity, chat.CodeBadKey, chat.CodeSelf, chat.CodeEmpty, chat.CodeTooLong, chat.CodeBlocked), addContact),
	method("contacts.get", "Returns what is known about one person.",
		stored(chat.CodeNoIdentity, chat.CodeBadKey, chat.CodeNotFound), getContact),
	method("contacts.list", "Lists everybody known, including people who only wrote to us.",
		stored(chat.CodeNoIdentity, chat.CodeBadCursor), listContacts),
	method("contacts.set_key_exchange", "Chooses what protects our messages to a person: X3DH (53/WAKU2-X3DH), which the Status app knows, or Noise (35/WAKU2-NOISE). "+
		"With Noise, messages wait until their device has answered a handshake; a message that waits shows waiting = \"waiting_for_peer\". What they send is read by either. "+
		"A finished handshake of theirs changes x3dh to noise unless something was chosen here; nothing else changes it, and each change is a key_exchange_changed event.",
		aboutSomebody(chat.CodeNotFound, chat.CodeBlocked), setKeyExchange),
	method("contacts.remove", "Removes a person from the address book, withdraws our contact request or acceptance, and tells them so. The chat is kept, and the person stays known with added = false.",
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

func setKeyExchange(_ context.Context, c *chat.Client, p SetKeyExchangeParams) (event.Contact, error) {
	return c.SetKeyExchange(p.Key.Public, p.KeyExchange, p.WhileWaiting)
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
