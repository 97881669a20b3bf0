package chat

import (
	"errors"

	"libstatus1to1/chat/event"
	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/internal/linking"
)

// Pairing of devices and transfers between them: package linking does the work.

// Names and bounds of package linking that callers use.
type (
	// PairingID names a pairing on this device; random.
	PairingID = linking.PairingID
	// TransferID names a transfer on this device: pairing, direction, and the id that its
	// sender chose.
	TransferID = linking.TransferID
	// TransferPart is one answer of ReadTransfer.
	TransferPart = linking.TransferPart
)

// Bounds of pairings and transfers; package linking says why.
const (
	MaxPairings         = linking.MaxPairings
	MaxPaired           = linking.MaxPaired
	MaxTransferBytes    = linking.MaxTransferBytes
	MaxOutgoing         = linking.MaxOutgoing
	MaxIncoming         = linking.MaxIncoming
	MaxReceivedBytes    = linking.MaxReceivedBytes
	MaxReceivedOfDevice = linking.MaxReceivedOfDevice
	MaxRead             = linking.MaxRead
)

// newLinking makes the part; the ledger must be open.
func (c *Client) newLinking() *linking.Linking {
	return linking.New(linking.Host{
		Ledger: c.ledger, Topics: c.net, Rand: c.rand, Log: c.log,
		Publish: c.publishLinking,
		Self:    c.pairedSelf,
		Drop:    c.counters.drop,
		Stored:  func() { c.loop.storePause.End() },
		Wake:    c.kick,
	})
}

// linkingSelf returns our identity in the form that linking needs.
func linkingSelf(a *account) linking.Self {
	return linking.Self{Identity: a.self.Identity, Public: a.public, InstallationID: a.self.InstallationID}
}

// pairedSelf returns the identity that we show to a paired device: our own, or the provisional
// one while there is none.
func (c *Client) pairedSelf() (linking.Self, error) {
	a, err := c.account()
	if provisional := c.self.provisional.Load(); CodeOf(err) == CodeNoIdentity && provisional != nil {
		return *provisional, nil
	}
	if err != nil {
		return linking.Self{}, err
	}
	return linkingSelf(a), nil
}

// publishLinking publishes an envelope. After a failure of the network there are no turns
// that are online for a while.
func (c *Client) publishLinking(e Envelope) error {
	if c.loop.networkPause.Lasts(c.now()) {
		return ErrNoPeers // something else has failed to go out since the turn began
	}
	err := c.publish(e)
	if err != nil && !errors.Is(err, ErrTooLarge) {
		c.log.Log("info", "publishing failed", "error", err.Error())
		c.loop.networkPause.Failed(c.now())
	}
	return err
}

// acceptLinking gives the envelopes of pairings and their sessions to linking, and returns
// the others: none after the store has failed, since it is tried again with all of them.
func (c *Client) acceptLinking(t *ledger.Turn, batch []Envelope) []Envelope {
	rest, err := c.linking.Accept(t, batch)
	if err != nil {
		c.storeFailed(err)
		c.loop.unstored = rest
		return nil
	}
	return rest
}

// inTurn runs call with the engine's lock.
func inTurn[T any](c *Client, call func(*ledger.Turn) (T, error)) (result T, err error) {
	err = c.exclusive(func(t *ledger.Turn) (err error) {
		result, err = call(t)
		return err
	})
	return result, err
}

// StartPairing shows an invitation. asks: this device asks to be paired with the one that
// scans it (WakuPairing); otherwise it is the other way round (WakuPairing2). A device
// without an identity can be paired, too, and get one by SyncDevice of the other. Errors:
// CodeTooMany, CodeNoIdentity while an identity is being imported.
func (c *Client) StartPairing(asks bool) (event.Pairing, error) {
	if err := c.ensureSelf(); err != nil {
		return event.Pairing{}, err
	}
	return inTurn(c, func(t *ledger.Turn) (event.Pairing, error) { return c.linking.Start(t, asks) })
}

// ScanPairing answers the invitation of another device. Space and line breaks around and
// in it are ignored. As with StartPairing, no identity is needed. Errors:
// CodeBadInvitation, CodeTooMany, CodeNoIdentity while an identity is being imported.
func (c *Client) ScanPairing(invitation string) (event.Pairing, error) {
	if err := c.ensureSelf(); err != nil {
		return event.Pairing{}, err
	}
	return inTurn(c, func(t *ledger.Turn) (event.Pairing, error) { return c.linking.Scan(t, invitation) })
}

// ConfirmPairing is the user's answer whether both devices show the same authcode. A no
// ends the pairing on both sides. Errors: CodeNotFound, CodePairingState.
func (c *Client) ConfirmPairing(id PairingID, same bool) (event.Pairing, error) {
	return inTurn(c, func(t *ledger.Turn) (event.Pairing, error) { return c.linking.Confirm(t, id, same) })
}

// CancelPairing gives up a pairing that is under way, and tells the other side. Errors:
// CodeNotFound, CodePairingState.
func (c *Client) CancelPairing(id PairingID) (event.Pairing, error) {
	return inTurn(c, func(t *ledger.Turn) (event.Pairing, error) { return c.linking.Cancel(t, id) })
}

// DiscardPairing ends a pairing and tells the other device, and takes it off the list with
// its transfers and what was received. Errors: CodeNotFound, and CodePairingState while it
// is under way.
func (c *Client) DiscardPairing(id PairingID) error {
	return c.exclusive(func(t *ledger.Turn) error { return c.linking.Discard(t, id) })
}

// Pairings lists the pairings, oldest first.
func (c *Client) Pairings() ([]event.Pairing, error) { return inTurn(c, c.linking.List) }

// Pairing describes one pairing. Error: CodeNotFound.
func (c *Client) Pairing(id PairingID) (event.Pairing, error) {
	return inTurn(c, func(t *ledger.Turn) (event.Pairing, error) { return c.linking.Get(t, id) })
}

// SendToPaired sends bytes under a name to a paired device. It returns when they are
// stored. Errors: CodeNotFound, CodePairingState, CodeTransferTooLarge, CodeTooLong,
// CodeBadParams, CodeTooMany.
func (c *Client) SendToPaired(id PairingID, name string, data []byte) (event.Transfer, error) {
	offer, err := c.linking.NewOffer(name, data)
	if err != nil {
		return event.Transfer{}, err
	}
	return inTurn(c, func(t *ledger.Turn) (event.Transfer, error) { return c.linking.Send(t, id, offer, data) })
}

// Transfers lists the transfers with a device, oldest first. Error: CodeNotFound.
func (c *Client) Transfers(id PairingID) ([]event.Transfer, error) {
	return inTurn(c, func(t *ledger.Turn) ([]event.Transfer, error) { return c.linking.Transfers(t, id) })
}

// ReadTransfer gives up to limit bytes (0: MaxRead) of an incoming transfer that is done,
// from offset on. Errors: CodeNotFound, CodePairingState before it is done, CodeBadParams.
func (c *Client) ReadTransfer(id TransferID, offset uint64, limit int) (TransferPart, error) {
	return inTurn(c, func(t *ledger.Turn) (TransferPart, error) { return c.linking.Read(t, id, offset, limit) })
}

// CancelTransfer gives up a running transfer, and tells the other device. Errors:
// CodeNotFound, CodePairingState.
func (c *Client) CancelTransfer(id TransferID) (event.Transfer, error) {
	return inTurn(c, func(t *ledger.Turn) (event.Transfer, error) { return c.linking.CancelTransfer(t, id) })
}

// DiscardTransfer takes a transfer that is over off the list, with its bytes. Errors:
// CodeNotFound, CodePairingState.
func (c *Client) DiscardTransfer(id TransferID) error {
	return c.exclusive(func(t *ledger.Turn) error { return c.linking.DiscardTransfer(t, id) })
}
