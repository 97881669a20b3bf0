package api

import (
	"context"

	"libstatus1to1/chat"
)

// AckParams is what events.ack takes.
type AckParams struct {
	// UpTo acknowledges every event whose seq is this or lower.
	UpTo int64 `json:"up_to" range:"0..9007199254740991"`
}

// ChangePassphraseParams is what store.change_passphrase takes.
type ChangePassphraseParams struct {
	// Old is the passphrase that opens the store now.
	Old Secret `json:"old"`
	// New is the one that shall open it from now on; not empty.
	New Secret `json:"new"`
}

var storeMethods = []Method{
	method("events.ack", "Acknowledges events: they are not delivered again after the next open.",
		storeErrors, ackEvents),
	method("store.info", "Tells what the store is and how large.", nil, storeInfo),
	method("store.check", "Reads the whole store and reports damage.", storeErrors, checkStore),
	method("store.suspend", "Releases the store's file and lock, for a phone going to sleep or for a backup. Until store.resume, calls that need it fail, and events wait.",
		[]chat.Code{chat.CodeStoreIO}, suspendStore),
	method("store.resume", "Takes the store's file and lock again. If the file was changed meanwhile this fails with store_corrupt: close the client, and open it anew.",
		[]chat.Code{chat.CodeStoreIO, chat.CodeStoreCorrupt, chat.CodeStoreLocked, chat.CodeWrongPassphrase}, resumeStore),
	method("store.change_passphrase", "Changes the passphrase. When it returns, nothing is left in the file that the old one opens; copies of the file made before are another matter. If it fails with details.changed, the new passphrase counts already, and that is made up for at the next open.",
		stored(chat.CodeWrongPassphrase), changePassphrase),
	clientMethod("diagnostics.get", "Gives counters and queue lengths, for people who look into trouble.", storeErrors, diagnostics),
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
	return Empty{}, c.ChangePassphrase(string(p.Old), string(p.New))
}
