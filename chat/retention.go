package chat

import "time"

// seenUntil is the time from which on opened messages are remembered. A client that was
// away for weeks still has the pre-key from before, and keeps it for KeepSpent from now: a
// first message from it that was forgotten would open again.
func (c *Client) seenUntil(now time.Time) time.Time {
	until := now.Add(-keepSeen)
	if a := c.account_.Load(); a != nil {
		if k, ok := a.self.PreKeys.Oldest(); ok && k.Created.Before(until) {
			return k.Created
		}
	}
	return until
}
