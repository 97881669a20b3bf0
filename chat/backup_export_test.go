package chat

import "libstatus1to1/chat/internal/archive"

// Tests make many backups: their passphrases cost next to nothing.
func init() { backupWork = 4 }

// CostlyBackups makes backups as programs do, until it is undone.
func CostlyBackups() (undo func()) {
	before := backupWork
	backupWork = archive.WorkFactor
	return func() { backupWork = before }
}
