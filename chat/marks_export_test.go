package chat

import (
	"encoding/binary"

	"libstatus1to1/chat/protocol/key"
)

// The bounds of marks.
const (
	MaxMarks         = maxMarks
	MaxStrangerMarks = maxStrangerMarks
	MaxMarksTogether = maxMarksTogether
)

// Mark marks envelopes of somebody, from a number on, as many a transaction as a batch
// has.
func (c *Client) Mark(of key.Public, from, n int) error {
	defer c.beginTurn().End()
	for done := 0; done < n; {
		err := c.update(func(t *txn) error {
			for range min(maxBatch, n-done) {
				if err := t.remember(of, seenDigest, numberedDigest(from+done), nil); err != nil {
					return err
				}
				done++
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Marked reports whether such an envelope is marked.
func (c *Client) Marked(number int) (marked bool, err error) {
	err = c.ledger.View(func(tx Tx) error {
		b, err := tx.Get(tableSeen, seenKey(seenDigest, numberedDigest(number)))
		marked = b != nil
		return err
	})
	return marked, err
}

func numberedDigest(number int) (digest [32]byte) {
	binary.BigEndian.PutUint64(digest[:], uint64(number))
	return digest
}

// ExpiredMarks returns how many marks of erased messages there are, and how many are counted.
func (c *Client) ExpiredMarks() (there, counted int, err error) {
	defer c.beginTurn().End()
	err = c.update(func(t *txn) error {
		if err := t.loadMarks(); err != nil {
			return err
		}
		counted = c.marks.expired
		return t.Each(tableSeen, func(name, _ []byte) error { there += countKind(seenExpired, name); return nil })
	})
	return there, counted, err
}
