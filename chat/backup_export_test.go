package chat

// Tests make many backups: their passphrases cost next to nothing.
func init() { backupWork = 4 }
