package api

import (
	"context"

	"libstatus1to1/chat"
	"libstatus1to1/chat/event"
)

// EditMessageParams are the parameters of messages.edit.
type EditMessageParams struct {
	// MessageID is the id of a message of ours.
	MessageID MessageID `json:"message_id"`
	// Text is the whole new text: 1 to 4096 code points, not only white space.
	Text string `json:"text"`
}

// DeleteMessageParams are the parameters of messages.delete.
type DeleteMessageParams struct {
	// MessageID is the id of the message.
	MessageID MessageID `json:"message_id"`
	// ForEveryone deletes a message of ours for the other person, too. Left out, it is deleted
	// on the devices of this identity only, whoever wrote it.
	ForEveryone bool `json:"for_everyone,omitempty"`
}

// ReactParams are the parameters of messages.react.
type ReactParams struct {
	// MessageID is the id of the message.
	MessageID MessageID `json:"message_id"`
	// Emoji is one emoji.
	Emoji string `json:"emoji"`
	// Retract takes the reaction back.
	Retract bool `json:"retract,omitempty"`
}

// PinParams are the parameters of messages.pin.
type PinParams struct {
	// MessageID is the id of the message.
	MessageID MessageID `json:"message_id"`
	// Pinned is false to unpin it.
	Pinned bool `json:"pinned"`
}

// actionErrors are the errors of the calls that do something to a message.
var actionErrors = []chat.Code{chat.CodeNoIdentity, chat.CodeNotFound, chat.CodeWrongState, chat.CodeBlocked}

var actionMethods = []Method{
	method("messages.edit", "Replaces the text of a message of ours of kind \"text\", \"emoji\", \"status\" or \"image\" for both people, and returns it. The pictures of an album have one text, so all of them get it. Of several edits the latest counts. Editing a message to the text it has changes nothing.",
		stored(append(actionErrors, chat.CodeEmpty, chat.CodeTooLong, chat.CodeTooLarge)...), editMessage),
	method("messages.delete", "Deletes a message, and all others of its album by the same author, and returns what is left of it: its times, and deleted. With for_everyone it must be a message of ours and no contact request, and the other person is asked to delete it. Without, a message of ours that is not delivered yet is still sent, and its text is in the store until then. It cannot be undone. Deleting a message a second time changes nothing.",
		stored(actionErrors...), deleteMessage),
	method("messages.react", "Adds an emoji to a message of the chat, or retracts it, and returns the message. Each person may add several; a message has at most 20 different ones. Status apps from before 2026 show six of them only.",
		stored(append(actionErrors, chat.CodeTooMany)...), reactToMessage),
	method("messages.pin", "Pins a message of the chat for both people, or unpins it, and returns the message. Each may also unpin what the other has pinned.",
		stored(actionErrors...), pinMessage),
}

func editMessage(ctx context.Context, c *chat.Client, p EditMessageParams) (event.Message, error) {
	return c.EditMessage(ctx, p.MessageID, p.Text)
}

func deleteMessage(ctx context.Context, c *chat.Client, p DeleteMessageParams) (event.Message, error) {
	return c.DeleteMessage(ctx, p.MessageID, p.ForEveryone)
}

func reactToMessage(ctx context.Context, c *chat.Client, p ReactParams) (event.Message, error) {
	return c.React(ctx, p.MessageID, p.Emoji, p.Retract)
}

func pinMessage(ctx context.Context, c *chat.Client, p PinParams) (event.Message, error) {
	return c.Pin(ctx, p.MessageID, p.Pinned)
}
