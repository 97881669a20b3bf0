package linking

import (
	"crypto/sha256"
	"encoding/hex"
	"unicode/utf8"

	"libstatus1to1/chat/enum"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/protocol/noise/pairing"
	"libstatus1to1/chat/text"
)

// The calls about the secure transfer (43/WAKU2-DEVICE-PAIRING, "Secure Transfer"). Bytes
// to be sent are in the store from the call until the other device has them; received
// bytes are there until they are discarded.

// TransferID names a transfer on this device: pairing, direction, and the id that its
// sender chose.
type TransferID [transferNameSize]byte

// TransferPart is one answer of Read.
type TransferPart struct {
	Data []byte
	Next uint64 // offset behind Data
	Size uint64 // of the whole transfer
}

// sealedChunk is above the length of the payload of a full chunk: with the head of its
// frame, the count of received messages, the kind, the padding and the head and tag of a
// transport message.
const sealedChunk = pairing.ChunkSize + 512

// NewOffer checks what is to be sent and makes the offer of it. It needs no turn, since
// hashing takes a while. Errors: CodeBadParams, CodeTooLong, CodeTransferTooLarge,
// CodeTooLarge for a network that cannot carry a chunk.
func (l *Linking) NewOffer(name string, data []byte) (pairing.Offer, error) {
	most := l.host.Topics.MaxPayload()
	switch {
	case !utf8.ValidString(name):
		return pairing.Offer{}, port.Errorf(port.CodeBadParams, "name", "the name is not valid UTF-8")
	case len(name) > pairing.MaxName:
		return pairing.Offer{}, port.Errorf(port.CodeTooLong, "name", "the name is longer than %d bytes", pairing.MaxName).With("max", pairing.MaxName)
	case len(data) > MaxTransferBytes:
		return pairing.Offer{}, port.Errorf(port.CodeTransferTooLarge, "data", "there are more than %d bytes", MaxTransferBytes).With("max", MaxTransferBytes)
	case most < sealedChunk:
		return pairing.Offer{}, port.Errorf(port.CodeTooLarge, "", "the network carries envelopes of %d bytes, a transfer needs %d", most, sealedChunk)
	}
	return pairing.Offer{Name: name, Total: uint64(len(data)), Hash: sha256.Sum256(data)}, nil
}

// Send stores bytes to be sent to a paired device, with the offer that NewOffer made of
// them. Errors: CodeNotFound, CodePairingState, CodeTooMany.
func (l *Linking) Send(t *ledger.Turn, id PairingID, offer pairing.Offer, data []byte) (event.Transfer, error) {
	return change(l, t, func(st *step) (event.Transfer, error) {
		e, err := st.findPaired(id)
		if err != nil {
			return event.Transfer{}, err
		}
		if st.running(id, true) >= MaxOutgoing {
			return event.Transfer{}, port.Errorf(port.CodeTooMany, "", "%d transfers to this device are under way", MaxOutgoing).With("max", MaxOutgoing)
		}
		sender, err := pairing.NewSender(offer, l.host.Rand)
		if err != nil {
			return event.Transfer{}, err
		}
		if !st.makeRoom(id) {
			return event.Transfer{}, port.Errorf(port.CodeTooMany, "", "%d transfers with this device are listed: discard some", maxTransfers).With("max", maxTransfers)
		}
		return st.beginSending(e, sender, data).describe(), nil
	})
}

// beginSending stores bytes to be sent, and makes them due.
func (st *step) beginSending(e *pairingEntry, sender pairing.Sender, data []byte) *transferEntry {
	x := &transferEntry{name: transferName{e.id, true, sender.ID()}, sender: sender, createdAt: st.now, movedAt: st.now}
	x.become(Running)
	st.keepTransfer(x)
	st.storeBytes(x.name, 0, data)
	if e.nextSend.IsZero() || !e.upToDate {
		e.nextSend = st.now
		st.note(e)
	}
	return x
}

// Transfers lists the transfers with a device, oldest first. Error: CodeNotFound.
func (l *Linking) Transfers(t *ledger.Turn, id PairingID) ([]event.Transfer, error) {
	st, err := l.begin(t)
	if err != nil {
		return nil, err
	}
	if _, err := st.find(id); err != nil {
		return nil, err
	}
	list := []event.Transfer{}
	for _, x := range st.transfersOf(id) {
		if !x.discarded && !x.parcel() {
			list = append(list, x.describe())
		}
	}
	return list, nil
}

// Read gives up to limit bytes (0: MaxRead) of an incoming transfer that is done, from
// offset on. Errors: CodeNotFound, CodePairingState before it is done, CodeBadParams.
func (l *Linking) Read(t *ledger.Turn, id TransferID, offset uint64, limit int) (TransferPart, error) {
	st, err := l.begin(t)
	if err != nil {
		return TransferPart{}, err
	}
	x, err := st.findTransfer(id)
	if err != nil {
		return TransferPart{}, err
	}
	if x.name.outgoing || x.state != Done {
		return TransferPart{}, wrongTransferState(x)
	}
	if limit <= 0 || limit > MaxRead {
		limit = MaxRead
	}
	size := x.offer().Total
	if offset > size {
		return TransferPart{}, port.Errorf(port.CodeBadParams, "offset", "the transfer has %d bytes", size).With("max", size)
	}
	n := min(uint64(limit), size-offset)
	data, err := l.readBytes(x.name, offset, int(n))
	return TransferPart{Data: data, Next: offset + n, Size: size}, err
}

// CancelTransfer gives up a running transfer, and tells the other device. Errors:
// CodeNotFound, CodePairingState.
func (l *Linking) CancelTransfer(t *ledger.Turn, id TransferID) (event.Transfer, error) {
	return change(l, t, func(st *step) (event.Transfer, error) {
		x, err := st.findTransfer(id)
		if err != nil {
			return event.Transfer{}, err
		}
		if x.state != Running {
			return event.Transfer{}, wrongTransferState(x)
		}
		if err := st.cancel(x); err != nil {
			return event.Transfer{}, err
		}
		return x.describe(), nil
	})
}

// cancel gives up a running transfer and tells the other device.
func (st *step) cancel(x *transferEntry) (err error) {
	var frame []byte
	if x.name.outgoing {
		x.sender, frame, err = x.sender.Cancel()
	} else {
		x.receiver, frame, err = x.receiver.Cancel()
	}
	if err != nil {
		return err
	}
	st.failTransfer(x, port.CodeTransferCancelled, false)
	st.answers[x.name] = frame
	st.sealAnswers()
	return nil
}

// DiscardTransfer removes a transfer that is over from the list, and its bytes from the
// store. Errors: CodeNotFound, CodePairingState.
func (l *Linking) DiscardTransfer(t *ledger.Turn, id TransferID) error {
	_, err := change(l, t, func(st *step) (struct{}, error) {
		x, err := st.findTransfer(id)
		if err != nil {
			return struct{}{}, err
		}
		if x.state == Running {
			return struct{}{}, wrongTransferState(x)
		}
		st.dropBytes(x)
		x.discarded = true
		st.keepTransfer(x)
		return struct{}{}, nil
	})
	return err
}

func (st *step) findTransfer(id TransferID) (*transferEntry, error) {
	if name, ok := parseTransferName(id[:]); ok {
		if x := st.transfer(name); x != nil && !x.discarded && !x.parcel() {
			return x, nil
		}
	}
	return nil, port.Errorf(port.CodeNotFound, "transfer_id", "there is no such transfer")
}

func wrongTransferState(x *transferEntry) error {
	return port.Errorf(port.CodePairingState, "transfer_id", "the transfer is not at this point").With("state", string(x.state))
}

func (x *transferEntry) idText() string { return "0x" + hex.EncodeToString(x.name.key()) }

// describe is a transfer as the API shows it.
func (x *transferEntry) describe() event.Transfer {
	offer := x.offer()
	moved, total := x.progress()
	v := event.Transfer{
		ID: x.idText(), PairingID: x.name.pairing.String(), Outgoing: x.name.outgoing, Name: offer.Name,
		Size: int64(total), SHA256: "0x" + hex.EncodeToString(offer.Hash[:]), Moved: int64(moved), State: enum.TransferState(x.state),
		CreatedAt: ledger.Milli(x.createdAt), EndedAt: ledger.Milli(x.endedAt),
	}
	if !v.Outgoing {
		v.Name = text.Name(v.Name) // chosen by the other device
	}
	if x.state == TransferFailed {
		v.Cause, v.By = x.cause, by(x.remote)
	}
	return v
}
