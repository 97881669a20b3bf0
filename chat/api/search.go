package api

import (
	"context"

	"libstatus1to1/chat"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/protocol/key"
)

// SearchParams are the parameters of messages.search.
type SearchParams struct {
	// Query is what to look for, at most 1000 code points. A message is found if
	// it has all the words, in any order and case, with or without accents. The last word may
	// be the beginning of a longer one, and so may a word with a * at its end. Words in
	// quotation marks must follow each other. In Chinese, Japanese, Thai and other scripts
	// without spaces any part of a text is found.
	Query string `json:"query"`
	// Key is the public key of the person whose conversation is searched, in any accepted
	// form. Left out, all conversations but chat requests are.
	Key *Key `json:"key,omitempty"`
	// From is the public key of the author, in any accepted form: the other person's or our
	// own.
	From *Key `json:"from,omitempty"`
	// After is a time in ms: messages with an earlier clock are left out.
	After int64 `json:"after,omitempty" range:"0..9007199254740991"`
	// Before is a time in ms: messages with that clock or a later one are left out.
	Before int64 `json:"before,omitempty" range:"0..9007199254740991"`
	// Cursor is next of the previous page; "" or left out for the newest messages.
	Cursor string `json:"cursor,omitempty"`
	// Limit is the largest number of messages to return. Default: 50.
	Limit int `json:"limit,omitempty" range:"1..200"`
}

// SearchPage is one page of messages.search.
type SearchPage struct {
	// Items are the messages, newest first. There may be fewer than limit, or none, though
	// there is a next page: what is read for one page has bounds.
	Items []event.Message `json:"items"`
	// Next is the cursor of the next page, with older messages; "" on the last page.
	Next string `json:"next"`
	// People are up to 20 people whose name matches the query, on the first page of a search
	// with neither key nor from. Strangers are not among them.
	People []event.Contact `json:"people"`
	// Complete is false while the index is being made, as after an update of the library:
	// messages with a clock below since may not be found yet.
	Complete bool `json:"complete"`
	// Since is that time in ms; 0 if complete is true.
	Since int64 `json:"since"`
}

var searchMethods = []Method{
	method("messages.search", "Finds messages by the words in them, and people by their names. Deleted messages and earlier texts of edited ones are not found.",
		stored(chat.CodeNoIdentity, chat.CodeBadKey, chat.CodeBadCursor, chat.CodeEmpty, chat.CodeTooLong), searchMessages),
}

func searchMessages(_ context.Context, c *chat.Client, p SearchParams) (SearchPage, error) {
	page, err := c.Search(chat.SearchRequest{
		Query: p.Query, Chat: publicOf(p.Key), From: publicOf(p.From), After: uint64(p.After), Before: uint64(p.Before),
		PageRequest: chat.PageRequest{Cursor: p.Cursor, Limit: p.Limit},
	})
	out := SearchPage{Items: filled(page.Items), Next: page.Next, People: filled(page.People), Complete: page.Complete}
	if !page.Complete {
		out.Since = int64(page.Since)
	}
	return out, err
}

// publicOf returns the key of a parameter that may be left out.
func publicOf(k *Key) *key.Public {
	if k == nil {
		return nil
	}
	return &k.Public
}
