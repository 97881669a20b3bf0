package api

import (
	"context"

	"libstatus1to1/chat"
	"libstatus1to1/chat/event"
)

// RequestContactParams is what contacts.request takes.
type RequestContactParams struct {
	// Key is their public key, in any accepted form.
	Key Key `json:"key"`
	// Text is what they read with the request: 1 to 4096 code points.
	Text string `json:"text"`
}

// VerifyParams is what contacts.verify takes.
type VerifyParams struct {
	// Key is their public key, in any accepted form.
	Key Key `json:"key"`
	// SafetyNumber is the number the other side sees, read out or typed by a person:
	// 60 digits, spaces between them do not matter.
	SafetyNumber string `json:"safety_number"`
}

// AskParams is what contacts.ask takes.
type AskParams struct {
	// Key is their public key, in any accepted form.
	Key Key `json:"key"`
	// Question is something only they can answer, at most 280 bytes.
	Question string `json:"question"`
}

// AnswerParams is what contacts.answer takes.
type AnswerParams struct {
	// Key is their public key, in any accepted form.
	Key Key `json:"key"`
	// Answer is the answer to their question, at most 280 bytes.
	Answer string `json:"answer"`
}

// ConfirmAnswerParams is what contacts.confirm_answer takes.
type ConfirmAnswerParams struct {
	// Key is their public key, in any accepted form.
	Key Key `json:"key"`
	// Right is whether the answer was right.
	Right bool `json:"right"`
}

// Verifications is what contacts.verifications gives.
type Verifications struct {
	// Items are the last question each way: ours first.
	Items []event.Verification `json:"items"`
}

// aboutSomebody are the errors of every method about a person.
func aboutSomebody(more ...chat.Code) []chat.Code {
	return stored(append([]chat.Code{chat.CodeNoIdentity, chat.CodeBadKey, chat.CodeSelf, chat.CodeTooMany}, more...)...)
}

var requestMethods = []Method{
	method("contacts.request", "Asks somebody to be a contact. Until they accept, the Status app shows them nothing else of ours.",
		aboutSomebody(chat.CodeEmpty, chat.CodeTooLong, chat.CodeTooLarge, chat.CodeBlocked, chat.CodeWrongState), requestContact),
	method("contacts.accept", "Accepts somebody's request to be a contact.",
		aboutSomebody(chat.CodeBlocked, chat.CodeWrongState), keyed((*chat.Client).AcceptContact)),
	method("contacts.decline", "Declines somebody's request. They are not told.",
		aboutSomebody(chat.CodeWrongState), keyed((*chat.Client).DeclineContact)),
	method("contacts.retract", "Takes our request, or our acceptance, back. They are told, and stay in the address book.",
		aboutSomebody(chat.CodeWrongState), keyed((*chat.Client).RetractContact)),
	method("contacts.block", "Hears nothing of somebody any more. They cannot tell.",
		aboutSomebody(), keyed((*chat.Client).BlockContact)),
	method("contacts.unblock", "Hears somebody again, as a stranger.",
		aboutSomebody(chat.CodeNotFound), keyed((*chat.Client).UnblockContact)),
	method("contacts.safety_number", "Gives what two people compare to make sure of each other's key, and the Status link to them.",
		[]chat.Code{chat.CodeNoIdentity, chat.CodeBadKey, chat.CodeSelf}, keyed((*chat.Client).SafetyNumber)),
	method("contacts.verify", "Marks somebody as verified, if the safety number they see is ours.",
		aboutSomebody(chat.CodeNotVerified), verifyContact),
	method("contacts.unverify", "Takes the mark of being verified away.",
		aboutSomebody(), keyed((*chat.Client).UnverifyContact)),
	method("contacts.ask", "Asks a contact a question only they can answer. It takes the place of the last one.",
		aboutSomebody(chat.CodeEmpty, chat.CodeTooLong, chat.CodeWrongState), askContact),
	method("contacts.answer", "Answers the question of a contact.",
		aboutSomebody(chat.CodeEmpty, chat.CodeTooLong, chat.CodeWrongState), answerContact),
	method("contacts.refuse_question", "Tells a contact that we do not answer their question.",
		aboutSomebody(chat.CodeWrongState), keyed((*chat.Client).RefuseQuestion)),
	method("contacts.cancel_question", "Takes our question to a contact back.",
		aboutSomebody(chat.CodeWrongState), keyed((*chat.Client).CancelQuestion)),
	method("contacts.confirm_answer", "Says whether a contact's answer was right; if it was, they are verified. They are not told.",
		aboutSomebody(chat.CodeWrongState), confirmAnswer),
	method("contacts.verifications", "Lists the last question each way between a person and us.",
		stored(chat.CodeNoIdentity, chat.CodeBadKey), listVerifications),
	method("contacts.picture", "Gives the picture somebody has shown us.",
		stored(chat.CodeNoIdentity, chat.CodeBadKey, chat.CodeNotFound), keyed((*chat.Client).ContactPicture)),
}

func requestContact(ctx context.Context, c *chat.Client, p RequestContactParams) (event.Message, error) {
	return c.RequestContact(ctx, p.Key.Public, p.Text)
}

func verifyContact(_ context.Context, c *chat.Client, p VerifyParams) (event.Contact, error) {
	return c.VerifyContact(p.Key.Public, p.SafetyNumber)
}

func askContact(_ context.Context, c *chat.Client, p AskParams) (event.Verification, error) {
	return c.AskContact(p.Key.Public, p.Question)
}

func answerContact(_ context.Context, c *chat.Client, p AnswerParams) (event.Verification, error) {
	return c.AnswerContact(p.Key.Public, p.Answer)
}

func confirmAnswer(_ context.Context, c *chat.Client, p ConfirmAnswerParams) (event.Verification, error) {
	return c.ConfirmAnswer(p.Key.Public, p.Right)
}

func listVerifications(_ context.Context, c *chat.Client, p KeyParams) (Verifications, error) {
	items, err := c.Verifications(p.Key.Public)
	return Verifications{Items: filled(items)}, err
}
