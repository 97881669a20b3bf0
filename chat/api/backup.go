package api

import (
	"context"
	"io"

	"libstatus1to1/chat"
	"libstatus1to1/store"
)

// ExportParams are the parameters of store.export.
type ExportParams struct {
	// Path is the file to write. It is written as <path>.part, and renamed when it is complete.
	Path string `json:"path"`
	// Passphrase encrypts the file. Whoever has the file and the passphrase has the identity
	// and all messages.
	Passphrase Secret `json:"passphrase"`
	// Store is the passphrase or key of the store, as for identity.phrase: a backup has the
	// seed phrase in it. Leave it out for a memory store.
	Store *CredentialsParams `json:"store,omitempty"`
	// Replace: true replaces an earlier backup at this path. A file of another kind is never
	// replaced. Default: false.
	Replace bool `json:"replace,omitempty"`
}

// ImportParams are the parameters of store.import.
type ImportParams struct {
	// Path is a file that store.export has written.
	Path string `json:"path"`
	// Passphrase is the one it was written with.
	Passphrase Secret `json:"passphrase"`
	// Partial takes from a damaged or truncated file what comes before the damage. The call
	// still fails with bad_archive, and details.messages and details.people say how many were
	// new. Without it such a file changes nothing.
	Partial bool `json:"partial,omitempty"`
}

// backupIntro begins each file in age's format.
const backupIntro = "age-encryption.org/v1\n"

func exportStore(ctx context.Context, c *chat.Client, p ExportParams) (result chat.Exported, err error) {
	var by chat.Credentials
	if p.Store != nil {
		by = p.Store.credentials()
	}
	err = store.WriteFile(p.Path, p.Replace, backupIntro, func(w io.Writer) error {
		result, err = c.ExportBackup(ctx, w, by, string(p.Passphrase), Version)
		return err
	})
	return result, err
}

func importStore(ctx context.Context, c *chat.Client, p ImportParams) (chat.Imported, error) {
	if p.Path == "" {
		return chat.Imported{}, chat.Errorf(chat.CodeBadParams, "path", "the path is empty")
	}
	f, err := store.OpenFile(p.Path)
	if err != nil {
		return chat.Imported{}, err
	}
	defer f.Close()
	return c.ImportBackup(ctx, f, string(p.Passphrase), p.Partial)
}
