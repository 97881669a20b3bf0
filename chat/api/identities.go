package api

import (
	"context"
	"slices"

	"libstatus1to1/chat"
	"libstatus1to1/chat/enum"
	"libstatus1to1/chat/identity"
	"libstatus1to1/chat/protocol/key"
)

// defaultWords is the length of a new seed phrase when none is asked for: 128
// bits, as the Status app makes them.
const defaultWords = 12

// phraseLengths are the lengths BIP39 allows.
var phraseLengths = []int{12, 15, 18, 21, 24}

// CreateIdentityParams are the parameters of identity.create.
type CreateIdentityParams struct {
	// Words is the number of words in the seed phrase: 12, 15, 18, 21 or 24. Default:
	// 12.
	Words *int `json:"words,omitempty" range:"12..24"`
	// Language is the word list of the seed phrase: "english" (the default, and the
	// only one the Status app can read), "chinese_simplified", "chinese_traditional",
	// "czech", "french", "italian", "japanese", "korean" or "spanish".
	Language enum.Language `json:"language,omitempty"`
	// DisplayName is the name other people see, at most 24 code points. It is sent
	// along with messages.
	DisplayName string `json:"display_name,omitempty"`
}

// CreateIdentityResult is the result of identity.create.
type CreateIdentityResult struct {
	// Identity is the new identity.
	Identity chat.IdentityInfo `json:"identity"`
	// Phrase is the seed phrase (BIP39). Anyone who has it can use the identity: ask
	// the user to write it down and keep it secret. identity.phrase shows it again.
	Phrase Secret `json:"phrase"`
}

// RestoreIdentityParams are the parameters of identity.restore.
type RestoreIdentityParams struct {
	// Phrase is the BIP39 seed phrase, in any BIP39 language. Upper and lower case and
	// the spacing between words do not matter.
	Phrase Secret `json:"phrase"`
	// Passphrase is the optional BIP39 passphrase; Status does not use one.
	Passphrase Secret `json:"passphrase,omitempty"`
	// DisplayName is the name other people see, at most 24 code points.
	DisplayName string `json:"display_name,omitempty"`
}

// ImportIdentityParams are the parameters of identity.import.
type ImportIdentityParams struct {
	// PrivateKey is the secp256k1 private chat key, 64 hex digits with or without 0x.
	PrivateKey PrivateKey `json:"private_key"`
	// DisplayName is the name other people see, at most 24 code points.
	DisplayName string `json:"display_name,omitempty"`
}

// SetDisplayNameParams are the parameters of identity.set_display_name.
type SetDisplayNameParams struct {
	// DisplayName is the new name, at most 24 code points; "" removes the name.
	DisplayName string `json:"display_name"`
}

var newIdentityErrors = stored(chat.CodeIdentityExists, chat.CodeEmpty, chat.CodeTooLong)

var identityMethods = []Method{
	method("identity.create", "Creates an identity from a new seed phrase.",
		newIdentityErrors, createIdentity),
	method("identity.restore", "Restores an identity from its seed phrase.",
		append([]chat.Code{chat.CodeBadPhrase}, newIdentityErrors...), restoreIdentity),
	method("identity.import", "Imports an identity by its private chat key.",
		append([]chat.Code{chat.CodeBadKey}, newIdentityErrors...), importIdentity),
	method("identity.get", "Returns the identity of this client.",
		stored(chat.CodeNoIdentity), getIdentity),
	method("identity.set_display_name", "Changes our display name.",
		stored(chat.CodeNoIdentity, chat.CodeEmpty, chat.CodeTooLong), setDisplayName),
}

func createIdentity(ctx context.Context, c *chat.Client, p CreateIdentityParams) (CreateIdentityResult, error) {
	words := defaultWords
	if p.Words != nil {
		words = *p.Words
	}
	if !slices.Contains(phraseLengths, words) {
		return CreateIdentityResult{}, chat.Errorf(chat.CodeBadParams, "words", "must be 12, 15, 18, 21 or 24")
	}
	language := identity.English
	if p.Language != "" {
		language = p.Language
	}
	info, phrase, err := c.CreateIdentityIn(ctx, words, language, p.DisplayName)
	if err != nil {
		return CreateIdentityResult{}, err
	}
	return CreateIdentityResult{Identity: info, Phrase: Secret(phrase.Words())}, nil
}

func restoreIdentity(ctx context.Context, c *chat.Client, p RestoreIdentityParams) (chat.IdentityInfo, error) {
	return c.RestoreIdentity(ctx, string(p.Phrase), string(p.Passphrase), p.DisplayName)
}

func importIdentity(ctx context.Context, c *chat.Client, p ImportIdentityParams) (chat.IdentityInfo, error) {
	return c.ImportIdentity(ctx, p.PrivateKey.Private, p.DisplayName)
}

func getIdentity(_ context.Context, c *chat.Client, _ Empty) (chat.IdentityInfo, error) {
	return c.Identity()
}

func setDisplayName(_ context.Context, c *chat.Client, p SetDisplayNameParams) (chat.IdentityInfo, error) {
	return c.SetDisplayName(p.DisplayName)
}

// orZero returns the key in an optional parameter, or the zero key if it was left out.
func orZero(k *Key) key.Public {
	if k == nil {
		return key.Public{}
	}
	return k.Public
}
