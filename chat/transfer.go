package chat

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"unicode/utf8"

	"libstatus1to1/chat/event"
	"libstatus1to1/chat/protocol/noise/pairing"
	"libstatus1to1/chat/text"
)

// Use-cases of the secure transfer (43/WAKU2-DEVICE-PAIRING): bytes to and from a paired
// device. They are in the store from the call until the other side has them, or until they
// are discarded here.

// TransferID names a transfer on this device: its pairing, direction and the id its sender
// chose.
type TransferID [transferNameSize]byte

// TransferPart is what ReadTransfer gives.
type TransferPart struct {
	Data []byte
	Next uint64 // offset behind Data
	Size uint64 // of the whole
}

// SendToPaired sends bytes under a name to a paired device. It returns when they are
// stored. Errors: CodeNotFound, CodePairingState, CodeTransferTooLarge, CodeTooLong,
// CodeBadParams, CodeTooMany.
func (c *Client) SendToPaired(id PairingID, name string, data []byte) (event.Transfer, error) {
	if err := c.checkTransfer(name, data); err != nil {
		return event.Transfer{}, err
	}
	offer := pairing.Offer{Name: name, Total: uint64(len(data)), Hash: sha256.Sum256(data)}
	return c.stepTransfer(func(p *noisePass) (*transferEntry, error) {
		e, err := p.find(id)
		if err != nil {
			return nil, err
		}
		if e.state != pairingPaired {
			return nil, wrongPoint(e)
		}
		if p.unfinished(id, true) >= MaxOutgoing {
			return nil, Errorf(CodeTooMany, "", "%d transfers to this device are under way", MaxOutgoing).With("max", MaxOutgoing)
		}
		sender, err := pairing.NewSender(offer, c.rand)
		if err != nil {
			return nil, err
		}
		t := &transferEntry{
			name: transferName{id, true, sender.ID()}, sender: sender, createdAt: p.now, movedAt: p.now,
		}
		if !p.makeRoom(id) {
			return nil, Errorf(CodeTooMany, "", "%d transfers with this device are listed: discard some", maxTransfers).With("max", maxTransfers)
		}
		p.keepTransfer(t)
		p.storeBytes(t.name, 0, data)
		if e.next.IsZero() || !e.proven {
			e.next = p.now
			p.note(e)
		}
		return t, nil
	})
}

func (c *Client) checkTransfer(name string, data []byte) error {
	switch {
	case !utf8.ValidString(name):
		return Errorf(CodeBadParams, "name", "the name is not valid UTF-8")
	case len(name) > pairing.MaxName:
		return Errorf(CodeTooLong, "name", "the name is longer than %d bytes", pairing.MaxName).With("max", pairing.MaxName)
	case len(data) > MaxTransferBytes:
		return Errorf(CodeTransferTooLarge, "data", "there are more than %d bytes", MaxTransferBytes).With("max", MaxTransferBytes)
	case c.net.MaxPayload() < sealedChunk:
		return Errorf(CodeTooLarge, "", "the network carries envelopes of %d bytes, a transfer needs %d", c.net.MaxPayload(), sealedChunk)
	}
	return nil
}

// sealedChunk is more than the payload of a full chunk has: frame, letter, kind, padding
// and what surrounds a transport message.
const sealedChunk = pairing.ChunkSize + 512

// Transfers lists the transfers with a device, oldest first. Error: CodeNotFound.
func (c *Client) Transfers(id PairingID) ([]event.Transfer, error) {
	c.busy.Lock()
	defer c.busy.Unlock()
	a, err := c.account()
	if err != nil {
		return nil, err
	}
	p := c.noisePass(a)
	if _, err := p.find(id); err != nil {
		return nil, err
	}
	list := []event.Transfer{}
	for _, t := range p.transfersOf(id) {
		if !t.discarded {
			list = append(list, t.describe())
		}
	}
	return list, nil
}

// ReadTransfer gives up to limit bytes (0: MaxRead) of an incoming transfer that is done,
// from offset on. Errors: CodeNotFound, CodePairingState before it is done, CodeBadParams.
func (c *Client) ReadTransfer(id TransferID, offset uint64, limit int) (TransferPart, error) {
	c.busy.Lock()
	defer c.busy.Unlock()
	a, err := c.account()
	if err != nil {
		return TransferPart{}, err
	}
	t, err := c.noisePass(a).findTransfer(id)
	if err != nil {
		return TransferPart{}, err
	}
	if t.name.outgoing || t.running() || t.failed() {
		return TransferPart{}, wrongTransfer(t)
	}
	if limit <= 0 || limit > MaxRead {
		limit = MaxRead
	}
	size := t.offer().Total
	if offset > size {
		return TransferPart{}, Errorf(CodeBadParams, "offset", "the transfer has %d bytes", size).With("max", size)
	}
	n := min(uint64(limit), size-offset)
	data, err := c.readBytes(t.name, offset, int(n))
	return TransferPart{Data: data, Next: offset + n, Size: size}, err
}

// CancelTransfer gives up a running transfer, and tells the other device. Errors:
// CodeNotFound, CodePairingState.
func (c *Client) CancelTransfer(id TransferID) (event.Transfer, error) {
	return c.stepTransfer(func(p *noisePass) (*transferEntry, error) {
		t, err := p.findTransfer(id)
		if err != nil {
			return nil, err
		}
		if !t.running() {
			return nil, wrongTransfer(t)
		}
		var frame []byte
		if t.name.outgoing {
			t.sender, frame, err = t.sender.Cancel()
		} else {
			t.receiver, frame, err = t.receiver.Cancel()
		}
		if err != nil {
			return nil, err
		}
		p.failTransfer(t, CodeTransferCancelled, false)
		p.answers[t.name] = frame
		p.answer()
		return t, nil
	})
}

// DiscardTransfer takes a transfer that is over off the list, with its bytes. Errors:
// CodeNotFound, CodePairingState.
func (c *Client) DiscardTransfer(id TransferID) error {
	_, err := c.stepTransfer(func(p *noisePass) (*transferEntry, error) {
		t, err := p.findTransfer(id)
		if err != nil {
			return nil, err
		}
		if t.running() {
			return nil, wrongTransfer(t)
		}
		p.dropBytes(t)
		t.discarded = true
		p.keepTransfer(t)
		return t, nil
	})
	return err
}

// stepTransfer runs one step and stores it.
func (c *Client) stepTransfer(step func(*noisePass) (*transferEntry, error)) (event.Transfer, error) {
	c.busy.Lock()
	defer c.busy.Unlock()
	a, err := c.account()
	if err != nil {
		return event.Transfer{}, err
	}
	p := c.noisePass(a)
	t, err := step(p)
	if err != nil {
		return event.Transfer{}, err
	}
	if err := p.commit(); err != nil {
		return event.Transfer{}, err
	}
	c.kick()
	return t.describe(), nil
}

func (p *noisePass) findTransfer(id TransferID) (*transferEntry, error) {
	if name, ok := parseTransferName(id[:]); ok {
		if t := p.transfer(name); t != nil && !t.discarded {
			return t, nil
		}
	}
	return nil, Errorf(CodeNotFound, "transfer_id", "there is no such transfer")
}

func wrongTransfer(t *transferEntry) error {
	return Errorf(CodePairingState, "transfer_id", "the transfer is not at this point").With("state", t.state())
}

func (t *transferEntry) state() string {
	switch {
	case t.running():
		return "running"
	case t.failed():
		return "failed"
	}
	return "done"
}

func (t *transferEntry) idText() string { return "0x" + hex.EncodeToString(t.name.key()) }

// describe is a transfer as the API shows it.
func (t *transferEntry) describe() event.Transfer {
	offer := t.offer()
	moved, total := t.progress()
	v := event.Transfer{
		ID: t.idText(), PairingID: t.name.pairing.String(), Outgoing: t.name.outgoing, Name: offer.Name,
		Size: int64(total), SHA256: hexOf(bytes.Clone(offer.Hash[:])), Moved: int64(moved), State: t.state(),
		CreatedAt: milli(t.createdAt), EndedAt: milli(t.endedAt),
	}
	if !v.Outgoing {
		v.Name = text.Name(v.Name)
	}
	if t.failed() {
		v.Cause, v.By = string(t.cause), by(t.remote)
	}
	return v
}
