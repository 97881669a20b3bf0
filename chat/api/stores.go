package api

import (
	"context"

	"libstatus1to1/chat"
)

// AckParams are the parameters of events.ack.
type AckParams struct {
	// UpTo is the highest seq to acknowledge: that event and all before it are
	// acknowledged.
	UpTo int64 `json:"up_to" range:"0..9007199254740991"`
}

// ChangePassphraseParams are the parameters of store.change_passphrase.
type ChangePassphraseParams struct {
	// Passphrase is the present passphrase of the store.
	Passphrase Secret `json:"passphrase"`
	// NewPassphrase is the new passphrase of the store; not empty.
	NewPassphrase Secret `json:"new_passphrase"`
}

var storeMethods = []Method{
	method("events.ack", "Acknowledges events: they are not delivered again after the next open.",
		storeErrors, ackEvents),
	method("store.info", "Returns the kind and the size of the store.", nil, storeInfo),
	method("store.check", "Reads the whole store and reports damage.", storeErrors, checkStore),
	method("store.suspend", "Releases the store's file and lock, before a phone goes to sleep or a backup is made. Until store.resume, calls that need the store fail with store_suspended, and stored events are not delivered.",
		[]chat.Code{chat.CodeStoreIO}, suspendStore),
	method("store.resume", "Opens and locks the store's file again after store.suspend. If the file was changed in the meantime, the call fails with store_corrupt: close the client and open it again.",
		[]chat.Code{chat.CodeStoreIO, chat.CodeStoreCorrupt, chat.CodeStoreLocked, chat.CodeWrongPassphrase}, resumeStore),
	method("store.change_passphrase", "Changes the passphrase of the store. When the call succeeds, the old passphrase opens nothing in the file any more; earlier copies of the file still open with it. If the call fails with details.changed, the new passphrase is already the valid one, and the next open finishes the change.",
		stored(chat.CodeWrongPassphrase), changePassphrase),
	method("store.export", "Writes a backup: one encrypted file with the identity, people, chats and history, and nothing that belongs to this device alone, given the passphrase or key of the store. The store stays in use meanwhile.",
		stored(chat.CodeNoIdentity, chat.CodeWrongPassphrase, chat.CodeFileIO), exportStore),
	method("store.import", "Merges a backup into this store. A store without an identity becomes a new device of the one in the backup; in one that has it, what is missing is added and of what both have the newer stays. It can be called again, also after it was interrupted. Messages that come with it have no events: read the chats again when the call returns.",
		stored(chat.CodeWrongPassphrase, chat.CodeBadArchive, chat.CodeIdentityExists, chat.CodeFileIO), importStore),
	clientMethod("diagnostics.get", "Returns counters and queue lengths for troubleshooting.", storeErrors, diagnostics),
}

func ackEvents(_ context.Context, c *chat.Client, p AckParams) (Empty, error) {
	return Empty{}, c.AckEvents(uint64(p.UpTo))
}

func storeInfo(_ context.Context, c *chat.Client, _ Empty) (chat.StoreInfo, error) {
	return c.StoreInfo(), nil
}

func checkStore(ctx context.Context, c *chat.Client, _ Empty) (chat.StoreCheck, error) {
	check, err := c.CheckStore(ctx)
	check.Problems = filled(check.Problems)
	return check, err
}

func suspendStore(_ context.Context, c *chat.Client, _ Empty) (Empty, error) {
	return Empty{}, c.SuspendStore()
}

func resumeStore(_ context.Context, c *chat.Client, _ Empty) (Empty, error) {
	return Empty{}, c.ResumeStore()
}

func changePassphrase(_ context.Context, c *chat.Client, p ChangePassphraseParams) (Empty, error) {
	return Empty{}, c.ChangePassphrase(string(p.Passphrase), string(p.NewPassphrase))
}
