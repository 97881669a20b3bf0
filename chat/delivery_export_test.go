package chat

// HoldTransaction runs during in a transaction that then looks which events are unread.
func (c *Client) HoldTransaction(during func()) error {
	return c.update(func(*txn) error {
		during()
		c.events.FirstUnread()
		return nil
	})
}

// GiveUpAcknowledged has a message acknowledged by an installation that no bundle names,
// then given up after its last attempt, and then tried again for the return of its
// recipient.
func (c *Client) GiveUpAcknowledged(id [32]byte) error {
	c.busy.Lock()
	defer c.busy.Unlock()
	row := func() outboxRow { return c.outbox.rowsOf(id)[0] }
	peer, err := c.peer(row().peer)
	if err != nil {
		return err
	}
	by := newAcknowledger(peer, "made up")
	for _, step := range []func(*txn) error{
		func(t *txn) error { return t.acknowledged(by, [][32]byte{row().mvds}) },
		func(t *txn) error { return t.fail(row(), CodeUndeliverable) },
		func(t *txn) error { return t.reviveForReturn(id) },
	} {
		if err := c.update(step); err != nil {
			return err
		}
	}
	return nil
}
