package chat

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"

	"libstatus1to1/chat/event"
	"libstatus1to1/chat/identity"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
)

// Chats lists the conversations, the one with the newest message first; not those of
// strangers who are to ask first.
func (c *Client) Chats(p PageRequest) (Page[event.Chat], error) { return c.listChats(p, false) }

// ChatRequests lists the conversations of strangers, who wait for an answer.
func (c *Client) ChatRequests(p PageRequest) (Page[event.Chat], error) { return c.listChats(p, true) }

func (c *Client) listChats(p PageRequest, requests bool) (Page[event.Chat], error) {
	if _, err := c.account(); err != nil {
		return Page[event.Chat]{}, err
	}
	var records []*wire.ChatRecord
	var page Page[*wire.ChatRecord]
	var chats []readChat
	out := Page[event.Chat]{Items: []event.Chat{}}
	err := c.store.View(func(tx Tx) error {
		err := tx.Each(tableChats, func(_, value []byte) error {
			rec := &wire.ChatRecord{}
			if err := decodeRecord(tableChats, value, rec); err != nil || !c.listed(rec, requests) {
				return err
			}
			records = append(records, rec)
			return nil
		})
		if err != nil {
			return err
		}
		slices.SortFunc(records, func(a, b *wire.ChatRecord) int { return cmp.Compare(chatPlace(a), chatPlace(b)) })
		if page, err = pageAfter(records, p, chatCursor, chatPlace); err != nil {
			return err
		}
		out.Next = page.Next
		for _, rec := range page.Items {
			chat, err := c.chatOf(tx, rec)
			if err != nil {
				return err
			}
			chats = append(chats, chat)
		}
		return nil
	})
	for i := 0; i < len(chats) && err == nil; i++ {
		err = c.finishChat(&chats[i])
		out.Items = append(out.Items, chats[i].Chat)
	}
	return out, err
}

// chatCursor matches what chatPlace gives. Until version 4 of the store there was a dash,
// and the key of a person: those cursors are refused.
var chatCursor = regexp.MustCompile(`^[0-9]{20}:([0-9a-f]{2})+$`)

// chatPlace sorts chats newest first, as a text.
func chatPlace(rec *wire.ChatRecord) string {
	return fmt.Sprintf("%020d:%x", ^rec.GetLastMessageClock(), rec.GetKey())
}

// Chat is the conversation with one person; one nobody wrote in is empty.
func (c *Client) Chat(k key.Public) (event.Chat, error) {
	if _, err := c.account(); err != nil {
		return event.Chat{}, err
	}
	var chat readChat
	err := c.store.View(func(tx Tx) error {
		rec := &wire.ChatRecord{Key: message.ConversationWith(k).Bytes()}
		if _, err := get(tx, tableChats, rec.GetKey(), rec); err != nil {
			return err
		}
		var err error
		chat, err = c.chatOf(tx, rec)
		return err
	})
	if err == nil {
		err = c.finishChat(&chat)
	}
	return chat.Chat, err
}

// readChat is a chat and the record of its last message, if it has one.
type readChat struct {
	event.Chat
	last *wire.MessageRecord
}

func (c *Client) finishChat(chat *readChat) error {
	if chat.last == nil {
		return nil
	}
	if err := c.sentStates(chat.last); err != nil {
		return err
	}
	m := messageOf(chat.last)
	chat.LastMessage = &m
	return nil
}

func (c *Client) chatOf(tx Tx, rec *wire.ChatRecord) (chat readChat, err error) {
	k, err := message.ConversationID(rec.GetKey()).Public()
	if err != nil {
		return chat, Errorf(CodeStoreCorrupt, "", "a chat does not read back")
	}
	chat.Chat = event.Chat{ChatID: k.Hex(), ChatKey: identity.FormatChatKey(k), Unread: rec.GetUnread(), Request: c.isRequest(rec)}
	if chat.Messages, err = tx.Count(rec.GetKey()); err != nil {
		return chat, err
	}
	var contact wire.ContactRecord
	if _, err := get(tx, tableContacts, k.Compressed(), &contact); err != nil {
		return chat, err
	}
	chat.Name = cmp.Or(contact.GetName(), contact.GetDisplayName())
	if id := rec.GetLastMessageId(); id != nil {
		chat.last = &wire.MessageRecord{}
		if _, err := get(tx, tableMessages, id, chat.last); err != nil {
			return chat, err
		}
	}
	return chat, nil
}

// readAtOnce is how many positions are read at a time when marking as read.
const readAtOnce = 200

// MarkRead marks the messages of a chat as read, up to and including the message
// upTo in the order of the chat, or all when it is nil.
func (c *Client) MarkRead(k key.Public, upTo *[32]byte) (event.Chat, error) {
	if _, err := c.account(); err != nil {
		return event.Chat{}, err
	}
	name := message.ConversationWith(k).Bytes()
	err := c.update(func(t *txn) error {
		from, err := t.positionAfter(name, upTo)
		if err != nil {
			return err
		}
		var rec wire.ChatRecord
		found, err := get(t, tableChats, name, &rec)
		if err != nil || !found || rec.GetUnread() == 0 {
			return err
		}
		later, err := t.unreadAfter(rec.GetKey(), from)
		if err != nil {
			return err
		}
		if err := t.markReadFrom(&rec, from, later); err != nil {
			return err
		}
		return put(t, tableChats, rec.GetKey(), &rec)
	})
	if err != nil {
		return event.Chat{}, err
	}
	return c.Chat(k)
}

// positionAfter is the position just above message id in its chat, so that a page
// before it begins with the message; nil for the newest.
func (t *txn) positionAfter(chat []byte, id *[32]byte) (*Position, error) {
	if id == nil {
		return nil, nil
	}
	var m wire.MessageRecord
	found, err := get(t, tableMessages, id[:], &m)
	if err != nil {
		return nil, err
	}
	if !found || !slices.Equal(m.GetChat(), chat) {
		return nil, Errorf(CodeNotFound, "up_to", "there is no such message in this chat")
	}
	p := Position{Clock: m.GetClock(), ID: *id}
	for i := len(p.ID) - 1; i >= 0; i-- {
		if p.ID[i]++; p.ID[i] != 0 {
			return &p, nil
		}
	}
	p.Clock++
	return &p, nil
}

// unreadAfter is how many unread messages are at or after a position; none after nil.
func (t *txn) unreadAfter(chat []byte, from *Position) (unread uint64, err error) {
	if from == nil {
		return 0, nil
	}
	for before := (*Position)(nil); ; {
		positions, err := t.Page(chat, before, readAtOnce)
		if err != nil || len(positions) == 0 {
			return unread, err
		}
		for _, at := range positions {
			if at.Before(*from) {
				return unread, nil
			}
			var m wire.MessageRecord
			if _, err := get(t, tableMessages, at.ID[:], &m); err != nil {
				return unread, err
			}
			if !m.GetRead() {
				unread++
			}
		}
		before = &positions[len(positions)-1]
	}
}

// markReadFrom goes back from a position until only the later ones are unread.
func (t *txn) markReadFrom(rec *wire.ChatRecord, from *Position, later uint64) error {
	for rec.GetUnread() > later {
		positions, err := t.Page(rec.GetKey(), from, readAtOnce)
		if err != nil || len(positions) == 0 {
			return err
		}
		for _, at := range positions {
			var m wire.MessageRecord
			if _, err := get(t, tableMessages, at.ID[:], &m); err != nil {
				return err
			}
			if m.GetRead() {
				continue
			}
			m.Read = true
			rec.Unread--
			if err := put(t, tableMessages, at.ID[:], &m); err != nil {
				return err
			}
		}
		from = &positions[len(positions)-1]
	}
	return nil
}
