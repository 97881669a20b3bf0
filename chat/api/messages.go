package api

import (
	"context"

	"libstatus1to1/chat"
	"libstatus1to1/chat/event"
)

// ListChatsParams is what chats.list takes.
type ListChatsParams struct {
	// Cursor is the next of the page before; "" or left out for the first page.
	Cursor string `json:"cursor,omitempty"`
	// Limit is how many items at most; 50 when left out.
	Limit int `json:"limit,omitempty" range:"1..200"`
	// Requests asks for the chats of strangers, who wait for an answer, instead.
	Requests bool `json:"requests,omitempty"`
}

// ChatsPage is one page of chats.list.
type ChatsPage struct {
	// Items are the chats.
	Items []event.Chat `json:"items"`
	// Next is the cursor of the next page, "" on the last one.
	Next string `json:"next"`
}

// MarkReadParams is what chats.mark_read takes.
type MarkReadParams struct {
	// Key is the other person's public key, in any accepted form.
	Key Key `json:"key"`
	// UpTo is the id of the newest message that was read; all when left out.
	UpTo *MessageID `json:"up_to,omitempty"`
}

// SendParams is what messages.send takes.
type SendParams struct {
	// To is the recipient's public key, in any accepted form.
	To Key `json:"to"`
	// Text is what is said: 1 to 4096 code points, not only blanks.
	Text string `json:"text"`
	// ClientRef makes a repeated call return the first message instead of sending
	// again: any text of at most 128 bytes the caller chooses, a UUID for example.
	ClientRef string `json:"client_ref,omitempty"`
}

// GetMessageParams is what messages.get takes.
type GetMessageParams struct {
	// MessageID is the id messages.send or an event gave.
	MessageID MessageID `json:"message_id"`
}

// RetryMessageParams is what messages.retry takes.
type RetryMessageParams struct {
	// MessageID is the id of a message whose state is "failed".
	MessageID MessageID `json:"message_id"`
}

// CancelMessageParams is what messages.cancel takes.
type CancelMessageParams struct {
	// MessageID is the id of a message of this client's that is not delivered.
	MessageID MessageID `json:"message_id"`
}

// CancelMessageResult is what messages.cancel gives.
type CancelMessageResult struct {
	// Message is the message as it is now: its state is "failed", its failure "cancelled".
	Message event.Message `json:"message"`
	// WentOut tells that the message was handed to the network before. It may arrive all
	// the same, and is "delivered" then; it is only not sent again.
	WentOut bool `json:"went_out"`
}

// ListMessagesParams is what messages.list takes.
type ListMessagesParams struct {
	// Key is the other person's public key, in any accepted form.
	Key Key `json:"key"`
	// Cursor is the next of the page before; "" or left out for the newest page.
	Cursor string `json:"cursor,omitempty"`
	// Limit is how many messages at most; 50 when left out.
	Limit int `json:"limit,omitempty" range:"1..200"`
}

// MessagesPage is one page of messages.list.
type MessagesPage struct {
	// Items are the messages, newest first.
	Items []event.Message `json:"items"`
	// Next is the cursor of the next, older page, "" on the last one.
	Next string `json:"next"`
}

var chatMethods = []Method{
	method("chats.list", "Lists the conversations, the one with the newest message first. With requests it lists those of strangers, whom we have not added, accepted, asked or written to. Where engine.strangers is \"request\" these are in no other list; with \"allow\" they are in both. A stranger can leave 100 messages and 64 KiB of text, and then ask to be a contact; further ones are not acknowledged, so that their sender repeats them, and they come when the stranger is accepted, added or written to. 1000 strangers are kept.",
		stored(chat.CodeNoIdentity, chat.CodeBadCursor), listChats),
	method("chats.get", "Tells about one conversation.",
		stored(chat.CodeNoIdentity, chat.CodeBadKey, chat.CodeNotFound), getChat),
	method("chats.mark_read", "Marks messages of a conversation as read.",
		stored(chat.CodeNoIdentity, chat.CodeBadKey, chat.CodeNotFound), markRead),
}

var messageMethods = []Method{
	method("messages.send", "Queues a text message. It returns when the message is stored; what becomes of it arrives as message_state events. While nobody acknowledges it, it is sent again after 27 s, and each time after twice as long; when its recipient is back, within seconds. After 20 days 12 hours it has failed as \"undeliverable\".",
		stored(chat.CodeNoIdentity, chat.CodeBadKey, chat.CodeSelf, chat.CodeEmpty, chat.CodeTooLong,
			chat.CodeTooLarge, chat.CodeTooMany, chat.CodeClientRefReused, chat.CodeBlocked), sendMessage),
	method("messages.send_batch", "Queues several text messages with one write to the disk. One that cannot be sent has its error in its place and holds up no other.",
		stored(chat.CodeNoIdentity, chat.CodeBadKey), sendBatch),
	method("messages.get", "Gives one message.",
		stored(chat.CodeNoIdentity, chat.CodeNotFound), getMessage),
	method("messages.retry", "Sends a failed message again under its message id: its state is \"queued\" then. What failed as \"undeliverable\" is also tried again by itself when its recipient is back.",
		stored(chat.CodeNoIdentity, chat.CodeNotFound, chat.CodeWrongState, chat.CodeBlocked), retryMessage),
	method("messages.cancel", "Ends the sending of a message that is not delivered, also that of a failed one which would be tried again.",
		stored(chat.CodeNoIdentity, chat.CodeNotFound, chat.CodeWrongState), cancelMessage),
	method("messages.list", "Lists the messages of a conversation, newest first.",
		stored(chat.CodeNoIdentity, chat.CodeBadKey, chat.CodeBadCursor), listMessages),
}

func listChats(_ context.Context, c *chat.Client, p ListChatsParams) (ChatsPage, error) {
	list := c.Chats
	if p.Requests {
		list = c.ChatRequests
	}
	page, err := list(chat.PageRequest{Cursor: p.Cursor, Limit: p.Limit})
	return ChatsPage{Items: filled(page.Items), Next: page.Next}, err
}

func getChat(_ context.Context, c *chat.Client, p KeyParams) (event.Chat, error) {
	return c.Chat(p.Key.Public)
}

func markRead(_ context.Context, c *chat.Client, p MarkReadParams) (event.Chat, error) {
	return c.MarkRead(p.Key.Public, (*[messageIDSize]byte)(p.UpTo))
}

func sendMessage(ctx context.Context, c *chat.Client, p SendParams) (event.Message, error) {
	return c.Send(ctx, chat.SendRequest{To: p.To.Public, Text: p.Text, ClientRef: p.ClientRef})
}

func getMessage(_ context.Context, c *chat.Client, p GetMessageParams) (event.Message, error) {
	return c.Message(p.MessageID)
}

func retryMessage(_ context.Context, c *chat.Client, p RetryMessageParams) (event.Message, error) {
	return c.Retry(p.MessageID)
}

func cancelMessage(_ context.Context, c *chat.Client, p CancelMessageParams) (CancelMessageResult, error) {
	m, wentOut, err := c.Cancel(p.MessageID)
	return CancelMessageResult{Message: m, WentOut: wentOut}, err
}

func listMessages(_ context.Context, c *chat.Client, p ListMessagesParams) (MessagesPage, error) {
	page, err := c.Messages(p.Key.Public, chat.PageRequest{Cursor: p.Cursor, Limit: p.Limit})
	return MessagesPage{Items: filled(page.Items), Next: page.Next}, err
}
