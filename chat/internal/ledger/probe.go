package ledger

// The points at which Options.Probe is called. A crash test ends its process
// there; in production there is no probe. It is called on the goroutine that got
// to the point, may be called from several at once, and must not call the client.
const (
	// ProbeBeforeCommit: a transaction has written all it writes and is not durable.
	ProbeBeforeCommit = "before commit"
	// ProbeBeforePublish: attempts are durable and none of them is out.
	ProbeBeforePublish = "after commit before publish"
	// ProbeBeforeMark: an attempt is out and the store does not know it.
	ProbeBeforeMark = "after publish before mark"
)

// ProbePoints lists them.
var ProbePoints = []string{ProbeBeforeCommit, ProbeBeforePublish, ProbeBeforeMark}
