package api

import (
	"context"
	"encoding/base64"

	"libstatus1to1/chat"
	"libstatus1to1/chat/protocol/key"
)

// PictureBytes is a picture in a request: standard base64, "" for none.
type PictureBytes struct{ bytes []byte }

func (b *PictureBytes) setText(s string) *chat.Error {
	raw, err := base64.StdEncoding.Strict().DecodeString(s)
	if err != nil || len(s) != base64.StdEncoding.EncodedLen(len(raw)) {
		return chat.Errorf(chat.CodeBadParams, "", "must be standard base64")
	}
	b.bytes = raw
	return nil
}

// SetProfileParams are the parameters of profile.set. Fields that are left out stay
// unchanged.
type SetProfileParams struct {
	// DisplayName is the name other people see, at most 24 code points. The Status app
	// only shows names of 5 to 24 characters: letters a to z, digits, spaces, _ and -.
	DisplayName *string `json:"display_name,omitempty"`
	// Bio is a text about ourselves, at most 240 code points.
	Bio *string `json:"bio,omitempty"`
	// Color is the accent colour in the Status app, 4 (blue) at first.
	Color *int `json:"color,omitempty" range:"0..17"`
	// Picture is a JPEG, PNG, GIF or WebP image of at most 38400 bytes and 1024 pixels
	// a side. The Status app's own pictures are squares of 240 pixels. Only contacts
	// receive it. "" removes the picture.
	Picture *PictureBytes `json:"picture,omitempty"`
}

// CredentialsParams are the credentials of the store, for methods that ask for them
// again.
type CredentialsParams struct {
	// Passphrase is the passphrase of the store. Leave it out for a memory store.
	Passphrase Secret `json:"passphrase,omitempty"`
	// Key is the key of a store that was created with a key.
	Key *StoreKey `json:"key,omitempty"`
}

func (p CredentialsParams) credentials() chat.Credentials {
	by := chat.Credentials{Passphrase: string(p.Passphrase)}
	if p.Key != nil {
		by.Key = p.Key.Bytes()
	}
	return by
}

// PhraseParams are the parameters of identity.phrase.
type PhraseParams struct {
	// Passphrase is the passphrase of the store. Leave it out for a memory store.
	Passphrase Secret `json:"passphrase,omitempty"`
	// Key is the key of a store that was created with a key.
	Key *StoreKey `json:"key,omitempty"`
	// Forget erases the phrase from the store after returning it: it cannot be shown
	// again.
	Forget bool `json:"forget,omitempty"`
}

// PhraseResult is the result of identity.phrase.
type PhraseResult struct {
	// Phrase is the seed phrase.
	Phrase Secret `json:"phrase"`
}

var profileMethods = []Method{
	method("identity.phrase", "Returns the seed phrase, given the passphrase or key of the store.",
		stored(chat.CodeNoIdentity, chat.CodeWrongPassphrase, chat.CodeNotFound), showPhrase),
	method("identity.delete", "Destroys the identity and everything stored: the keys are erased, and the file and any copies a migration has left beside it are overwritten and removed. The client is then closed.",
		stored(chat.CodeNoIdentity, chat.CodeWrongPassphrase, chat.CodeStoreLocked), deleteIdentity),
	method("profile.get", "Returns our profile and the Status link to it.",
		stored(chat.CodeNoIdentity), getProfile),
	method("profile.set", "Changes our profile.",
		stored(chat.CodeNoIdentity, chat.CodeEmpty, chat.CodeTooLong, chat.CodeBadPicture), setProfile),
}

func showPhrase(_ context.Context, c *chat.Client, p PhraseParams) (PhraseResult, error) {
	phrase, err := c.Phrase(CredentialsParams{p.Passphrase, p.Key}.credentials(), p.Forget)
	if err != nil {
		return PhraseResult{}, err
	}
	return PhraseResult{Phrase: Secret(phrase.Words())}, nil
}

func deleteIdentity(_ context.Context, c *chat.Client, p CredentialsParams) (Empty, error) {
	return Empty{}, c.DeleteIdentity(p.credentials())
}

func getProfile(_ context.Context, c *chat.Client, _ Empty) (chat.Profile, error) {
	return c.Profile()
}

func setProfile(_ context.Context, c *chat.Client, p SetProfileParams) (chat.Profile, error) {
	change := chat.ProfileChange{DisplayName: p.DisplayName, Bio: p.Bio, Color: p.Color}
	if p.Picture != nil {
		change.Picture = &p.Picture.bytes
	}
	return c.SetProfile(change)
}

// keyed makes a method of a function of the engine that takes a key.
func keyed[R any](f func(*chat.Client, key.Public) (R, error)) func(context.Context, *chat.Client, KeyParams) (R, error) {
	return func(_ context.Context, c *chat.Client, p KeyParams) (R, error) { return f(c, p.Key.Public) }
}
