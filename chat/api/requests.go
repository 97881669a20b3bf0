package api

import (
	"context"

	"libstatus1to1/chat"
	"libstatus1to1/chat/event"
)

// RequestContactParams are the parameters of contacts.request.
type RequestContactParams struct {
	// Key is their public key, in any accepted form.
	Key Key `json:"key"`
	// Text is the message sent with the request: 1 to 4096 code points.
	Text string `json:"text"`
}

// VerifyParams are the parameters of contacts.verify.
type VerifyParams struct {
	// Key is their public key, in any accepted form.
	Key Key `json:"key"`
	// SafetyNumber is the number shown on the other person's device, read out or typed
	// by a person: 60 digits. Spaces between them do not matter.
	SafetyNumber string `json:"safety_number"`
}

// AskParams are the parameters of contacts.ask.
type AskParams struct {
	// Key is their public key, in any accepted form.
	Key Key `json:"key"`
	// Question is a question that only this contact can answer, at most 280 bytes.
	Question string `json:"question"`
}

// AnswerParams are the parameters of contacts.answer.
type AnswerParams struct {
	// Key is their public key, in any accepted form.
	Key Key `json:"key"`
	// Answer is the answer to their question, at most 280 bytes.
	Answer string `json:"answer"`
}

// ConfirmAnswerParams are the parameters of contacts.confirm_answer.
type ConfirmAnswerParams struct {
	// Key is their public key, in any accepted form.
	Key Key `json:"key"`
	// Right is true if the answer is right.
	Right bool `json:"right"`
}

// Verifications is the result of contacts.verifications.
type Verifications struct {
	// Items are the latest question in each direction: ours first.
	Items []event.Verification `json:"items"`
}

// aboutSomebody lists the errors of every method about a person, with more in addition.
func aboutSomebody(more ...chat.Code) []chat.Code {
	return stored(append([]chat.Code{chat.CodeNoIdentity, chat.CodeBadKey, chat.CodeSelf, chat.CodeTooMany}, more...)...)
}

var requestMethods = []Method{
	method("contacts.request", "Asks a person to be a contact. Until they accept, the Status app does not show them our other messages.",
		aboutSomebody(chat.CodeEmpty, chat.CodeTooLong, chat.CodeTooLarge, chat.CodeBlocked, chat.CodeWrongState), requestContact),
	method("contacts.accept", "Accepts a person's contact request.",
		aboutSomebody(chat.CodeBlocked, chat.CodeWrongState), keyed((*chat.Client).AcceptContact)),
	method("contacts.decline", "Declines a person's contact request. They are not told.",
		aboutSomebody(chat.CodeWrongState), keyed((*chat.Client).DeclineContact)),
	method("contacts.retract", "Withdraws our contact request or acceptance. The person is told and stays in the address book.",
		aboutSomebody(chat.CodeWrongState), keyed((*chat.Client).RetractContact)),
	method("contacts.block", "Blocks a person: everything they send is ignored. They are not told.",
		aboutSomebody(), keyed((*chat.Client).BlockContact)),
	method("contacts.unblock", "Unblocks a person. They are not in the address book and no contact, as after contacts.remove; a verification is kept.",
		aboutSomebody(chat.CodeNotFound), keyed((*chat.Client).UnblockContact)),
	method("contacts.safety_number", "Returns the safety number, which two people compare to verify each other's key, and the Status link to the other person.",
		[]chat.Code{chat.CodeNoIdentity, chat.CodeBadKey, chat.CodeSelf}, keyed((*chat.Client).SafetyNumber)),
	method("contacts.verify", "Marks a person as verified, if the safety number they see is the same as ours.",
		aboutSomebody(chat.CodeNotVerified), verifyContact),
	method("contacts.unverify", "Removes the mark that a person is verified.",
		aboutSomebody(), keyed((*chat.Client).UnverifyContact)),
	method("contacts.ask", "Asks a contact a question that only they can answer, to verify them. It replaces our previous question to them.",
		aboutSomebody(chat.CodeEmpty, chat.CodeTooLong, chat.CodeWrongState), askContact),
	method("contacts.answer", "Answers a contact's question.",
		aboutSomebody(chat.CodeEmpty, chat.CodeTooLong, chat.CodeWrongState), answerContact),
	method("contacts.refuse_question", "Tells a contact that we will not answer their question.",
		aboutSomebody(chat.CodeWrongState), keyed((*chat.Client).RefuseQuestion)),
	method("contacts.cancel_question", "Withdraws our question to a contact.",
		aboutSomebody(chat.CodeWrongState), keyed((*chat.Client).CancelQuestion)),
	method("contacts.confirm_answer", "Tells whether a contact's answer was right. If it was, they are marked as verified. They are not told.",
		aboutSomebody(chat.CodeWrongState), confirmAnswer),
	method("contacts.verifications", "Lists the latest question in each direction between a person and us.",
		stored(chat.CodeNoIdentity, chat.CodeBadKey), listVerifications),
	method("contacts.picture", "Returns the profile picture a person has sent us.",
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
