package chat

import (
	"crypto/rand"
	"io"
)

// sealAll seals what was encrypted, on all cores: the largest part of sending to
// several people or devices. A source of randomness that was given to the client is
// read in order instead, so that a seeded run repeats itself. What cannot be sealed
// is put off; its ratchet steps are lost, which does no harm.
func (c *Client) sealAll(a *account, attempts []*attempt) []*attempt {
	failures := make([]error, len(attempts))
	seal := func(i int) {
		if at := attempts[i]; at.unsealed != nil {
			failures[i] = c.seal(a, at, at.unsealed, at.negotiated)
			at.unsealed = nil
		}
	}
	if c.rand == io.Reader(rand.Reader) {
		parallel(len(attempts), seal)
	} else {
		for i := range attempts {
			seal(i)
		}
	}
	var sealed []*attempt
	for i, at := range attempts {
		if failures[i] == nil {
			sealed = append(sealed, at)
			continue
		}
		c.postpone(at.peer, c.outbox.copies(at.rows), "sealing failed", failures[i])
	}
	return sealed
}
