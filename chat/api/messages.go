package api

import (
	"context"

	"libstatus1to1/chat"
	"libstatus1to1/chat/enum"
	"libstatus1to1/chat/event"
)

// SendParams are the parameters of messages.send.
type SendParams struct {
	// To is the recipient's public key, in any accepted form.
	To Key `json:"to"`
	// Text is the text of the message: 1 to 4096 code points, not only white space. It is
	// left out with a sticker. One of emoji only makes a message of kind "emoji".
	Text string `json:"text,omitempty"`
	// Kind is "text", the default, or "status".
	Kind enum.SendKind `json:"kind,omitempty"`
	// ReplyTo is the id of the message of the same chat that this one answers.
	ReplyTo *MessageID `json:"reply_to,omitempty"`
	// Sticker is sent in place of a text.
	Sticker *StickerParams `json:"sticker,omitempty"`
	// Mentions are parts of the text, such as names, that name people. Each is replaced by @
	// and the person's key, as the Status app writes mentions; so the message that is
	// returned has another text. A text may also have them written that way already.
	Mentions []MentionParams `json:"mentions,omitempty"`
	// Previews are descriptions of links in the text, at most 5. The library opens no links: the
	// program has made them.
	Previews []PreviewParams `json:"previews,omitempty"`
	// ExpiresIn is the number of seconds after which the message is erased on both sides, at
	// most a year; 0 is never. Left out, the timer of the conversation says it (chats.timer).
	ExpiresIn *int64 `json:"expires_in,omitempty" range:"0..31536000"`
	// Attachments are one recording (AAC in ADTS frames, or AMR), or 1 to 10 pictures (JPEG,
	// PNG, GIF, WebP). Each picture is a message of its own with the same text, which may be
	// left out; several are an album, and the first of its messages is returned.
	Attachments []AttachmentParams `json:"attachments,omitempty"`
	// ClientRef makes it safe to repeat a call: with the same client_ref, the first
	// message is returned and nothing is sent again. The caller chooses the value, for
	// example a UUID; at most 128 bytes.
	ClientRef string `json:"client_ref,omitempty"`
}

// GetMessageParams are the parameters of messages.get.
type GetMessageParams struct {
	// MessageID is the id of the message, from messages.send or an event.
	MessageID MessageID `json:"message_id"`
}

// RetryMessageParams are the parameters of messages.retry.
type RetryMessageParams struct {
	// MessageID is the id of a message whose state is "failed".
	MessageID MessageID `json:"message_id"`
}

// CancelMessageParams are the parameters of messages.cancel.
type CancelMessageParams struct {
	// MessageID is the id of an outgoing message that is not delivered yet.
	MessageID MessageID `json:"message_id"`
}

// CancelMessageResult is the result of messages.cancel.
type CancelMessageResult struct {
	// Message is the cancelled message: its state is "failed", its failure "cancelled".
	Message event.Message `json:"message"`
	// WentOut is true if the message had already been published. It is not sent again,
	// but may still arrive; if it is acknowledged, its state becomes "delivered".
	WentOut bool `json:"went_out"`
}

// ListMessagesParams are the parameters of messages.list.
type ListMessagesParams struct {
	// Key is the other person's public key, in any accepted form.
	Key Key `json:"key"`
	// Cursor is next of the previous page; "" or left out for the newest messages.
	Cursor string `json:"cursor,omitempty"`
	// Limit is the largest number of messages to return. Default: 50.
	Limit int `json:"limit,omitempty" range:"1..200"`
}

// MessagesPage is one page of messages.list.
type MessagesPage struct {
	// Items are the messages, newest first.
	Items []event.Message `json:"items"`
	// Next is the cursor of the next page, with older messages; "" on the last page.
	Next string `json:"next"`
}

var messageMethods = []Method{
	limitedMethod("messages.send", "Queues a message: a text, one or several pictures, a recording or a sticker. The call returns as soon as the message is stored; message_state events report its progress. Until the message is acknowledged it is sent again, first after 27 s, then each time after twice as long, and within seconds when the recipient comes back online. Without an acknowledgement after 20 days 12 hours, it has failed as \"undeliverable\".",
		stored(chat.CodeNoIdentity, chat.CodeBadKey, chat.CodeSelf, chat.CodeEmpty, chat.CodeTooLong,
			chat.CodeTooLarge, chat.CodeTooMany, chat.CodeClientRefReused, chat.CodeBlocked, chat.CodeNotFound, chat.CodeBadAttachment, chat.CodeFileIO), MaxLargeRequest, sendMessage),
	method("messages.send_batch", "Queues several messages without attachments with a single write to the disk. A message that cannot be queued yields an error in its place and does not affect the others.",
		stored(chat.CodeNoIdentity, chat.CodeBadKey), sendBatch),
	method("messages.get", "Returns one message.",
		stored(chat.CodeNoIdentity, chat.CodeNotFound), getMessage),
	method("messages.album", "Returns the messages that show the pictures of one album, the given one among them; a message that is in none is returned alone.",
		stored(chat.CodeNoIdentity, chat.CodeNotFound), messageAlbum),
	method("messages.retry", "Sends a failed message again under the same message id and sets its state to \"queued\". Messages that failed as \"undeliverable\" are also sent again automatically when the recipient comes back online.",
		stored(chat.CodeNoIdentity, chat.CodeNotFound, chat.CodeWrongState, chat.CodeBlocked), retryMessage),
	method("messages.cancel", "Stops sending a message that is not delivered yet. This also applies to a failed message that would be sent again automatically.",
		stored(chat.CodeNoIdentity, chat.CodeNotFound, chat.CodeWrongState), cancelMessage),
	method("messages.list", "Lists the messages of a conversation, newest first.",
		stored(chat.CodeNoIdentity, chat.CodeBadKey, chat.CodeBadCursor), listMessages),
}

func sendMessage(ctx context.Context, c *client, p SendParams) (event.Message, error) {
	r := p.request()
	var err error
	if r.Attachments, err = p.files(); err != nil {
		return event.Message{}, err
	}
	return c.engine.Send(ctx, r)
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
