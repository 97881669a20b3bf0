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

// Selection says which conversations are listed: with Requests those of strangers who wait
// for an answer, else the others; where strangers may write without asking, theirs too. Of
// these, with Archived those in the archive, else the others.
type Selection struct {
	Requests, Archived bool
}

// Chats lists conversations, the one with the newest message first.
func (h *History) Chats(r page.Request, which Selection) (page.Page[event.Chat], error) {
	var records []*wire.ChatRecord
	var cut page.Page[*wire.ChatRecord]
	var chats []readChat
	err := h.Ledger.View(func(tx port.Tx) error {
		err := tx.Each(TableChats, func(_, value []byte) error {
			rec := &wire.ChatRecord{}
			if err := ledger.Decode(TableChats, value, rec); err != nil || !h.listed(rec, which) {
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

// newest is the clock by which a conversation is listed: that of its newest message, also if
// that was cleared, on this device or another one.
func newest(rec *wire.ChatRecord) uint64 {
	return max(rec.GetLastMessageClock(), rec.GetClearedClock())
}

// chatPlace sorts chats newest first, as a text.
func chatPlace(rec *wire.ChatRecord) string {
	return fmt.Sprintf("%020d:%x", ^newest(rec), rec.GetKey())
}

// listed reports whether a conversation belongs into a list. Where strangers may write,
// theirs are among the requests and the others; where they are to ask, or have and were
// blocked since, only among the requests.
func (h *History) listed(rec *wire.ChatRecord, which Selection) bool {
	if _, ok := message.ConversationID(rec.GetKey()).Person(); !ok {
		return which == Selection{} // it is reported as damaged when it is read
	}
	if len(rec.GetLastMessageId()) == 0 && newest(rec) <= rec.GetDeletedClock() {
		return false // it was deleted, or nothing of it was ever shown
	}
	if rec.GetMarks().GetArchived() != which.Archived {
		return false
	}
	if which.Requests {
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
	chat.Chat = h.marked(rec)
	chat.ChatID, chat.ChatKey, chat.Request, chat.KeyExchange = k.Hex(), identity.FormatChatKey(k), h.isRequest(rec), h.People.KeyExchange(k)
	if chat.Messages, err = tx.Count(rec.GetKey()); err != nil {
		return chat, err
	}
	chat.Messages -= min(chat.Messages, rec.GetHidden())
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

// marked returns the event form of a conversation, as far as its own record has it.
func (h *History) marked(rec *wire.ChatRecord) event.Chat {
	m := rec.GetMarks()
	chat := event.Chat{
		Unread: rec.GetUnread(), Mentions: rec.GetMentions(), MarkedUnread: isMarkedUnread(rec), Archived: m.GetArchived(), Draft: m.GetDraft(),
		Clearing: rec.GetHidden(), ExpiresIn: int64(rec.GetExpiresIn()),
	}
	if until := m.GetMutedUntil(); m.GetMuted() && (until == 0 || until > h.Now().UnixMilli()) {
		chat.Muted, chat.MutedUntil = true, until
	}
	return chat
}
