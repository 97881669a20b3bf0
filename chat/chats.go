package chat

import (
	"unicode/utf8"

	"libstatus1to1/chat/event"
	"libstatus1to1/chat/internal/history"
	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
)

// The calls about whole conversations. What they do is in internal/history.

// MaxDraft limits a draft, in code points.
const MaxDraft = message.MaxDraft

// Selection says which conversations are listed.
type Selection = history.Selection

// Chats lists the conversations, the one with the newest message first; not those of
// strangers who are to ask first, and not those in the archive.
func (c *Client) Chats(p PageRequest) (Page[event.Chat], error) {
	return c.ListChats(p, Selection{})
}

// ChatRequests lists the conversations of strangers, who wait for an answer.
func (c *Client) ChatRequests(p PageRequest) (Page[event.Chat], error) {
	return c.ListChats(p, Selection{Requests: true})
}

// ListChats lists conversations, the one with the newest message first.
func (c *Client) ListChats(p PageRequest, which Selection) (Page[event.Chat], error) {
	if _, err := c.account(); err != nil {
		return Page[event.Chat]{}, err
	}
	return c.history.Chats(p, which)
}

// Chat is the conversation with one person; one nobody wrote in is empty.
func (c *Client) Chat(k key.Public) (event.Chat, error) {
	if _, err := c.account(); err != nil {
		return event.Chat{}, err
	}
	return c.history.OneChat(message.ConversationWith(k))
}

// MarkRead marks the messages of a chat as read, up to and including the message upTo in the
// order of the chat, or all when it is nil. It ends MarkUnread.
func (c *Client) MarkRead(k key.Public, upTo *[32]byte) (event.Chat, error) {
	return c.changeChat(k, func(in message.ConversationID) (event.Chat, error) { return c.history.MarkRead(in, upTo) })
}

// MarkUnread marks a chat as unread, to come back to it; its messages stay read.
func (c *Client) MarkUnread(k key.Public) (event.Chat, error) {
	return c.changeChat(k, c.history.MarkUnread)
}

// MuteChat mutes a chat until a time in ms, 0 for ever, or no longer.
func (c *Client) MuteChat(k key.Public, muted bool, until int64) (event.Chat, error) {
	if until < 0 || until > history.MaxTime || until > 0 && !muted {
		return event.Chat{}, Errorf(CodeBadParams, "until", "until must be a time in ms since 1970, and 0 if the chat is not muted")
	}
	return c.changeChat(k, func(in message.ConversationID) (event.Chat, error) { return c.history.Mute(in, muted, until) })
}

// ArchiveChat archives a chat, or takes it out of the archive.
func (c *Client) ArchiveChat(k key.Public, archived bool) (event.Chat, error) {
	return c.changeChat(k, func(in message.ConversationID) (event.Chat, error) { return c.history.Archive(in, archived) })
}

// SetDraft keeps a text that is not sent yet with its chat; "" is none.
func (c *Client) SetDraft(k key.Public, text string) (event.Chat, error) {
	switch n := utf8.RuneCountInString(text); {
	case !utf8.ValidString(text):
		return event.Chat{}, Errorf(CodeBadParams, "text", "the text is not valid UTF-8")
	case n > MaxDraft:
		return event.Chat{}, Errorf(CodeTooLong, "text", "the draft has %d code points, %d are allowed", n, MaxDraft).With("max", MaxDraft)
	}
	return c.changeChat(k, func(in message.ConversationID) (event.Chat, error) { return c.history.Draft(in, text) })
}

// ClearChat erases the messages of a chat. They are not shown any more when it returns, and
// are erased after that.
func (c *Client) ClearChat(k key.Public) (event.Chat, error) {
	defer c.kick()
	return c.changeChat(k, c.history.Clear)
}

// DeleteChat erases a chat: its messages, its draft, and that it is listed. Something new in
// it lists it again.
func (c *Client) DeleteChat(k key.Public) (event.Chat, error) {
	defer c.kick()
	return c.changeChat(k, c.history.Delete)
}

// changeChat runs a call about the conversation with somebody else.
func (c *Client) changeChat(k key.Public, f func(message.ConversationID) (event.Chat, error)) (event.Chat, error) {
	a, err := c.account()
	if err != nil {
		return event.Chat{}, err
	}
	if k == a.public {
		return event.Chat{}, Errorf(CodeSelf, "key", "this is the identity itself")
	}
	return f(message.ConversationWith(k))
}

// isGone reports whether a message is not shown, whenever it comes: its chat was cleared up
// to its clock or a later one, or it was erased itself.
func (t *txn) isGone(rec *wire.MessageRecord, lamport uint64) (bool, error) {
	gone, err := t.c.history.Gone(t.Tx, rec.GetChat(), lamport)
	if err != nil || gone {
		return gone, err
	}
	if err := t.loadMarks(); err != nil || t.c.marks.expired == 0 {
		return false, err
	}
	return expired(t, rec.GetId())
}

// rememberErased marks a message whose clock was too far ahead of our time, so that it does
// not come back when it is repeated.
func (c *Client) rememberErased(tx *ledger.Tx, rec *wire.MessageRecord) error {
	from, err := key.ParsePublic(rec.GetFrom())
	if err != nil {
		return err
	}
	return c.txn(tx).markExpired(from, [32]byte(rec.GetId()))
}
