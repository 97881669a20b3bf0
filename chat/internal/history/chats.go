package history

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"

	"libstatus1to1/chat/event"
	"libstatus1to1/chat/identity"
	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/internal/page"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/wire"
)

// Chats lists the conversations, the one with the newest message first: with requests
// those of strangers who wait for an answer, else the others; where strangers may write
// without asking, theirs too.
func (h *History) Chats(r page.Request, requests bool) (page.Page[event.Chat], error) {
	var records []*wire.ChatRecord
	var cut page.Page[*wire.ChatRecord]
	var chats []readChat
	err := h.Ledger.View(func(tx port.Tx) error {
		err := tx.Each(TableChats, func(_, value []byte) error {
			rec := &wire.ChatRecord{}
			if err := ledger.Decode(TableChats, value, rec); err != nil || !h.listed(rec, requests) {
				return err
			}
			records = append(records, rec)
			return nil
		})
		if err != nil {
			return err
		}
		slices.SortFunc(records, func(a, b *wire.ChatRecord) int { return cmp.Compare(chatPlace(a), chatPlace(b)) })
		if cut, err = page.After(records, r, chatCursor, chatPlace); err != nil {
			return err
		}
		for _, rec := range cut.Items {
			chat, err := h.chatOf(tx, rec)
			if err != nil {
				return err
			}
			chats = append(chats, chat)
		}
		return nil
	})
	out := page.Page[event.Chat]{Items: []event.Chat{}, Next: cut.Next}
	for i := 0; i < len(chats) && err == nil; i++ {
		err = h.finishChat(&chats[i])
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

// listed reports whether a conversation belongs into a list: that of the requests, or the
// plain one. Where strangers may write, theirs are in both; where they are to ask, or have
// and were blocked since, only among the requests.
func (h *History) listed(rec *wire.ChatRecord, requests bool) bool {
	if _, ok := message.ConversationID(rec.GetKey()).Person(); !ok {
		return !requests // it is reported as damaged when it is read
	}
	if len(rec.GetLastMessageId()) == 0 {
		return false // it has only messages of somebody blocked
	}
	if requests {
		return h.isRequest(rec)
	}
	return rec.GetWaiting() == 0 && !(h.AskFirst && h.isRequest(rec))
}

// isRequest reports whether a conversation is with a stranger who waits for an answer.
func (h *History) isRequest(rec *wire.ChatRecord) bool {
	k, ok := message.ConversationID(rec.GetKey()).Person()
	return ok && h.People.Stranger(k)
}

// OneChat returns one conversation; one nobody wrote in is empty.
func (h *History) OneChat(in message.ConversationID) (event.Chat, error) {
	var chat readChat
	err := h.Ledger.View(func(tx port.Tx) error {
		rec := &wire.ChatRecord{Key: in.Bytes()}
		if _, err := ledger.Get(tx, TableChats, rec.GetKey(), rec); err != nil {
			return err
		}
		var err error
		chat, err = h.chatOf(tx, rec)
		return err
	})
	if err == nil {
		err = h.finishChat(&chat)
	}
	return chat.Chat, err
}

// readChat is a conversation and the record of its last message, if it has one.
type readChat struct {
	event.Chat
	last *wire.MessageRecord
}

// finishChat adds the last message in the state that is known, which is asked for outside
// of the transaction.
func (h *History) finishChat(chat *readChat) error {
	if chat.last == nil {
		return nil
	}
	if err := h.overlayAll(chat.last); err != nil {
		return err
	}
	m := EventOf(chat.last)
	chat.LastMessage = &m
	return nil
}

func (h *History) chatOf(tx port.Tx, rec *wire.ChatRecord) (chat readChat, err error) {
	k, err := message.ConversationID(rec.GetKey()).Public()
	if err != nil {
		return chat, port.Errorf(port.CodeStoreCorrupt, "", "a chat does not read back")
	}
	chat.Chat = event.Chat{ChatID: k.Hex(), ChatKey: identity.FormatChatKey(k), Unread: rec.GetUnread(), Request: h.isRequest(rec), KeyExchange: h.People.KeyExchange(k)}
	if chat.Messages, err = tx.Count(rec.GetKey()); err != nil {
		return chat, err
	}
	if chat.Name, err = h.People.Name(tx, k); err != nil {
		return chat, err
	}
	if id := rec.GetLastMessageId(); id != nil {
		chat.last = &wire.MessageRecord{}
		if _, err := ledger.Get(tx, TableMessages, id, chat.last); err != nil {
			return chat, err
		}
	}
	return chat, nil
}
