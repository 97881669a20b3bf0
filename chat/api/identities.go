package api

import (
	"context"
	"slices"

	"libstatus1to1/chat"
	"libstatus1to1/chat/identity"
	"libstatus1to1/chat/protocol/key"
)

// defaultWords is the length of a new seed phrase when none is asked for: 128
// bits, as the Status app makes them.
const defaultWords = 12

// phraseLengths are the lengths BIP39 allows.
var phraseLengths = []int{12, 15, 18, 21, 24}

// CreateIdentityParams is what identity.create takes.
type CreateIdentityParams struct {
	// Words is the length of the seed phrase: 12 (default), 15, 18, 21 or 24.
	Words *int `json:"words,omitempty" range:"12..24"`
	// Language is that of the phrase: "english" (default; the Status app reads no
	// other), "chinese_simplified", "chinese_traditional", "czech", "french",
	// "italian", "japanese", "korean" or "spanish".
	Language string `json:"language,omitempty"`
	// DisplayName is what we call ourselves, at most 24 code points. It travels
	// with messages.
	DisplayName string `json:"display_name,omitempty"`
}

// CreateIdentityResult is what identity.create gives.
type CreateIdentityResult struct {
	// Identity is the new identity.
	Identity chat.IdentityInfo `json:"identity"`
	// Phrase is the seed phrase (BIP39). Whoever has it has the identity: have the
	// user write it down. identity.phrase shows it again.
	Phrase Secret `json:"phrase"`
}

// RestoreIdentityParams is what identity.restore takes.
type RestoreIdentityParams struct {
	// Phrase is the BIP39 seed phrase, in any of its languages; case and spaces
	// between words do not matter.
	Phrase Secret `json:"phrase"`
	// Passphrase is the optional BIP39 passphrase; Status does not use one.
	Passphrase Secret `json:"passphrase,omitempty"`
	// DisplayName is what we call ourselves, at most 24 code points.
	DisplayName string `json:"display_name,omitempty"`
}

// ImportIdentityParams is what identity.import takes.
type ImportIdentityParams struct {
	// PrivateKey is the secp256k1 chat key, 0x and 64 hex digits.
	PrivateKey PrivateKey `json:"private_key"`
	// DisplayName is what we call ourselves, at most 24 code points.
	DisplayName string `json:"display_name,omitempty"`
}

// SetDisplayNameParams is what identity.set_display_name takes.
type SetDisplayNameParams struct {
	// DisplayName is the new name, at most 24 code points; "" for none.
	DisplayName string `json:"display_name"`
}

var newIdentityErrors = stored(chat.CodeIdentityExists, chat.CodeEmpty, chat.CodeTooLong)

var identityMethods = []Method{
	method("identity.create", "Makes a new identity from a fresh seed phrase.",
		newIdentityErrors, createIdentity),
	method("identity.restore", "Restores an identity from its seed phrase.",
		append([]chat.Code{chat.CodeBadPhrase}, newIdentityErrors...), restoreIdentity),
	method("identity.import", "Takes over an identity whose private chat key is known.",
		append([]chat.Code{chat.CodeBadKey}, newIdentityErrors...), importIdentity),
	method("identity.get", "Tells who this client speaks for.",
		stored(chat.CodeNoIdentity), getIdentity),
	method("identity.set_display_name", "Changes what we call ourselves.",
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
		language = identity.Language(p.Language)
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

// orZero is the key in an optional parameter, or the zero key.
func orZero(k *Key) key.Public {
	if k == nil {
		return key.Public{}
	}
	return k.Public
}
