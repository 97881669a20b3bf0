package chat

// SetSyncedAttachments makes syncs bring so many bytes of attachments, until the function that it
// returns is called.
func SetSyncedAttachments(bytes uint64) (restore func()) {
	before := syncedAttachments
	syncedAttachments = bytes
	return func() { syncedAttachments = before }
}
