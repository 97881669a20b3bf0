package chat

import (
	"time"

	"libstatus1to1/chat/internal/page"
)

// The engine's limits and defaults.
const (
	// DefaultPage and MaxPage bound one answer of a list: a page is read in one
	// transaction and must fit comfortably into one JSON text.
	DefaultPage = page.Default
	MaxPage     = page.Max
	// MaxSendBatch bounds the messages of one batch: past some dozens the write to
	// the disk is paid for, and other callers wait for the transaction.
	MaxSendBatch = 256
	// MaxClientRef is enough for a UUID with a prefix.
	MaxClientRef = 128
	// MaxName bounds contact names and display names, code points. Status
	// allows 24 for display names; names we give contacts may be longer.
	MaxName        = 100
	MaxDisplayName = 24
	// DefaultResendBase is status-go's wait before the first resend.
	DefaultResendBase = 27 * time.Second
	// DefaultAckDelay is status-go's datasync tick.
	DefaultAckDelay = 300 * time.Millisecond
	// DefaultContactCodeEvery is status-go's interval for publishing its contact code
	// again.
	DefaultContactCodeEvery = 6 * time.Hour
	// DefaultAdvertiseEvery is status-go's pause between two advertisements of the
	// bundle to one device.
	DefaultAdvertiseEvery = 2 * time.Hour
	// DefaultMaxEvents and DefaultMaxEventBytes bound the unacknowledged events. Most
	// have some 600 bytes; one with a long text has 25 KB.
	DefaultMaxEvents     = 20000
	DefaultMaxEventBytes = 32 << 20
)
