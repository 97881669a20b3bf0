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

// SetProfileParams is what profile.set takes. What is left out stays as it is.
type SetProfileParams struct {
	// DisplayName is what we call ourselves, at most 24 code points. The Status app
	// shows names of 5 to 24 letters a to z, digits, spaces, _ and -.
	DisplayName *string `json:"display_name,omitempty"`
	// Bio is what we say about ourselves, at most 240 code points.
	Bio *string `json:"bio,omitempty"`
	// Color is the accent colour in the Status app; 4 (blue) if never set.
	Color *int `json:"color,omitempty" range:"0..17"`
	// Picture is a JPEG, PNG, GIF or WebP of at most 38400 bytes and 1024 pixels a
	// side; the app makes them square, 240 pixels. Only contacts get it. "" takes it
	// away.
	Picture *PictureBytes `json:"picture,omitempty"`
}

// CredentialsParams is what opens the store, for methods that ask for it again.
type CredentialsParams struct {
	// Passphrase is that of the store; leave it out for a store in memory.
	Passphrase Secret `json:"passphrase,omitempty"`
	// Key is the key of a store that was made with one.
	Key *StoreKey `json:"key,omitempty"`
}

func (p CredentialsParams) credentials() chat.Credentials {
	by := chat.Credentials{Passphrase: string(p.Passphrase)}
	if p.Key != nil {
		by.Key = p.Key.Bytes()
	}
	return by
}

// PhraseParams is what identity.phrase takes.
type PhraseParams struct {
	// Passphrase is that of the store; leave it out for a store in memory.
	Passphrase Secret `json:"passphrase,omitempty"`
	// Key is the key of a store that was made with one.
	Key *StoreKey `json:"key,omitempty"`
	// Forget erases the phrase from the store: it is shown for the last time.
	Forget bool `json:"forget,omitempty"`
}

// PhraseResult is what identity.phrase gives.
type PhraseResult struct {
	// Phrase is the seed phrase.
	Phrase Secret `json:"phrase"`
}

var profileMethods = []Method{
	method("identity.phrase", "Shows the seed phrase to who can open the store.",
		stored(chat.CodeNoIdentity, chat.CodeWrongPassphrase, chat.CodeNotFound), showPhrase),
	method("identity.delete", "Destroys the identity and all that is stored: the keys are erased, the file is overwritten and removed, and so are copies that a migration has left beside it. The client is closed then.",
		stored(chat.CodeNoIdentity, chat.CodeWrongPassphrase, chat.CodeStoreLocked), deleteIdentity),
	method("profile.get", "Tells how we present ourselves, and the Status link to us.",
		stored(chat.CodeNoIdentity), getProfile),
	method("profile.set", "Changes how we present ourselves.",
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
