package api

import (
	"context"

	"libstatus1to1/chat"
	"libstatus1to1/chat/event"
)

// ListChatsParams are the parameters of chats.list.
type ListChatsParams struct {
	// Cursor is next of the previous page; "" or left out for the first page.
	Cursor string `json:"cursor,omitempty"`
	// Limit is the largest number of items to return. Default: 50.
	Limit int `json:"limit,omitempty" range:"1..200"`
	// Requests selects the chat requests, chats of strangers that wait for an answer,
	// instead of the chats.
	Requests bool `json:"requests,omitempty"`
	// Archived selects the archived ones of them instead of those that are not archived.
	Archived bool `json:"archived,omitempty"`
}

// ChatsPage is one page of chats.list.
type ChatsPage struct {
	// Items are the chats.
	Items []event.Chat `json:"items"`
	// Next is the cursor of the next page, "" on the last one.
	Next string `json:"next"`
}

// MarkReadParams are the parameters of chats.mark_read.
type MarkReadParams struct {
	// Key is the other person's public key, in any accepted form.
	Key Key `json:"key"`
	// UpTo is the id of the newest message that was read. Left out, all messages are
	// marked as read.
	UpTo *MessageID `json:"up_to,omitempty"`
}

// MuteParams are the parameters of chats.mute.
type MuteParams struct {
	// Key is the other person's public key, in any accepted form.
	Key Key `json:"key"`
	// Muted is true to mute the chat, and false to end that.
	Muted bool `json:"muted"`
	// Until is the time at which it is no longer muted, in ms since 1970; 0 or left out is
	// never.
	Until int64 `json:"until,omitempty"`
}

// ArchiveParams are the parameters of chats.archive.
type ArchiveParams struct {
	// Key is the other person's public key, in any accepted form.
	Key Key `json:"key"`
	// Archived is true to archive the chat, and false to take it out of the archive.
	Archived bool `json:"archived"`
}

// DraftParams are the parameters of chats.draft.
type DraftParams struct {
	// Key is the other person's public key, in any accepted form.
	Key Key `json:"key"`
	// Text is the draft: at most 8192 code points; "" is none.
	Text string `json:"text"`
}

var chatMethods = []Method{
	method("chats.list", "Lists the conversations, the one with the newest message first. With requests set, it lists the chat requests instead: conversations with strangers, people we have not added, accepted, asked to be a contact or written to. If engine.strangers is \"request\", chat requests are listed only there; if it is \"allow\", they are in both lists. One stranger can leave up to 100 messages and 64 KiB of texts, pictures and recordings, and a contact request after that. Further messages are refused without an acknowledgement, so that the sender repeats them and they arrive once the stranger is accepted, added or written to. At most 1000 strangers are kept. Archived chats are listed only with archived set, and stay archived when something new comes. A chat that was deleted is listed again when something new comes.",
		stored(chat.CodeNoIdentity, chat.CodeBadCursor), listChats),
	method("chats.get", "Returns one conversation. It also has the draft of one that nobody wrote in yet.",
		stored(chat.CodeNoIdentity, chat.CodeBadKey, chat.CodeNotFound), getChat),
	method("chats.mark_read", "Marks messages of a conversation as read, and ends chats.mark_unread. A message that comes later and was written before what is marked is unread all the same, unless this identity has other devices: what one of them has read counts as read on all.",
		stored(chat.CodeNoIdentity, chat.CodeBadKey, chat.CodeSelf, chat.CodeNotFound), markRead),
	method("chats.mark_unread", "Marks a conversation as unread, to come back to it. It sets marked_unread of the chat and changes no message.",
		stored(chat.CodeNoIdentity, chat.CodeBadKey, chat.CodeSelf), markUnread),
	method("chats.mute", "Mutes a conversation, or ends that. Its messages and events come as before: it is up to the program to be quiet about a chat whose muted is true.",
		stored(chat.CodeNoIdentity, chat.CodeBadKey, chat.CodeSelf), muteChat),
	method("chats.archive", "Archives a conversation, or takes it out of the archive.",
		stored(chat.CodeNoIdentity, chat.CodeBadKey, chat.CodeSelf), archiveChat),
	method("chats.draft", "Keeps a text that is not sent yet with its conversation. Sending a message does not change it.",
		stored(chat.CodeNoIdentity, chat.CodeBadKey, chat.CodeSelf, chat.CodeTooLong), draftChat),
	method("chats.clear", "Erases all messages of a conversation on the devices of this identity; the other person keeps theirs. What is not delivered yet is no longer sent. The chat is empty when the call returns. Its messages are erased from the store right after that, also across restarts; clearing of the chat is the number of those left, and a chat_changed event tells when many are erased. A message that was written before the newest one and comes later does not appear.",
		stored(chat.CodeNoIdentity, chat.CodeBadKey, chat.CodeSelf), clearChat),
	method("chats.delete", "Does what chats.clear does, drops the draft, and takes the conversation off the list until something new comes.",
		stored(chat.CodeNoIdentity, chat.CodeBadKey, chat.CodeSelf), deleteChat),
}

func listChats(_ context.Context, c *chat.Client, p ListChatsParams) (ChatsPage, error) {
	page, err := c.ListChats(chat.PageRequest{Cursor: p.Cursor, Limit: p.Limit}, chat.Selection{Requests: p.Requests, Archived: p.Archived})
	return ChatsPage{Items: filled(page.Items), Next: page.Next}, err
}

func getChat(_ context.Context, c *chat.Client, p KeyParams) (event.Chat, error) {
	return c.Chat(p.Key.Public)
}

func markRead(_ context.Context, c *chat.Client, p MarkReadParams) (event.Chat, error) {
	return c.MarkRead(p.Key.Public, (*[messageIDSize]byte)(p.UpTo))
}

func markUnread(_ context.Context, c *chat.Client, p KeyParams) (event.Chat, error) {
	return c.MarkUnread(p.Key.Public)
}

func muteChat(_ context.Context, c *chat.Client, p MuteParams) (event.Chat, error) {
	return c.MuteChat(p.Key.Public, p.Muted, p.Until)
}

func archiveChat(_ context.Context, c *chat.Client, p ArchiveParams) (event.Chat, error) {
	return c.ArchiveChat(p.Key.Public, p.Archived)
}

func draftChat(_ context.Context, c *chat.Client, p DraftParams) (event.Chat, error) {
	return c.SetDraft(p.Key.Public, p.Text)
}

func clearChat(_ context.Context, c *chat.Client, p KeyParams) (event.Chat, error) {
	return c.ClearChat(p.Key.Public)
}

func deleteChat(_ context.Context, c *chat.Client, p KeyParams) (event.Chat, error) {
	return c.DeleteChat(p.Key.Public)
}
