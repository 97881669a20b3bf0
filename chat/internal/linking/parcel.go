package linking

import (
	"crypto/sha256"

	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/protocol/noise/noisesession"
	"libstatus1to1/chat/protocol/noise/pairing"
)

// A parcel is bytes that the engine itself sends to a paired device. It is a transfer that
// no program sees: not in lists, without events, and with bounds of its own. Parcels are as
// safe from loss, restarts and other orders as any transfer.

// Parcel is one parcel, as its sender or its receiver has it.
type Parcel struct {
	ID      TransferID
	Pairing PairingID
	State   TransferState
	Cause   port.Code // of a failure
	Remote  bool      // the other side gave up
}

// Device is a paired device, according to its certificate.
type Device struct {
	noisesession.Peer
	Own         bool // of our own identity
	Provisional bool // it has no identity yet
	// NoIdentity: this device has no identity itself.
	NoIdentity bool
}

func (x *transferEntry) parcel() bool { return x.offer().Parcel }

// PairedDevice describes the device of a pairing. Errors: CodeNotFound, CodePairingState
// when the two are not paired, and that of Host.Self.
func (l *Linking) PairedDevice(t *ledger.Turn, id PairingID) (Device, error) {
	st, err := l.begin(t)
	if err != nil {
		return Device{}, err
	}
	e, err := st.findPaired(id)
	if err != nil {
		return Device{}, err
	}
	return Device{
		Peer: e.peer, Own: e.peer.Identity == st.self.Public && !st.self.Provisional, Provisional: e.provisional,
		NoIdentity: st.self.Provisional,
	}, nil
}

func (st *step) findPaired(id PairingID) (*pairingEntry, error) {
	e, err := st.find(id)
	if err == nil && e.state != Paired {
		err = wrongState(e)
	}
	return e, err
}

// Certify takes the certificate that a paired device sent in the session, for the identity
// that it has got since. Errors: CodeNotFound, CodePairingState, CodePairingUncertain.
func (l *Linking) Certify(t *ledger.Turn, id PairingID, certificate []byte) error {
	_, err := change(l, t, func(st *step) (struct{}, error) {
		e, err := st.findPaired(id)
		if err != nil {
			return struct{}{}, err
		}
		s, err := st.sessions.Get(e.session)
		if err == nil {
			s, err = s.Certify(certificate, st.now)
		}
		if err != nil {
			return struct{}{}, port.Errorf(port.CodePairingUncertain, "", "the certificate is not one of the paired device").Because(err)
		}
		st.putSession(s)
		e.peer, e.provisional = s.Peer(), false
		st.keep(e)
		return struct{}{}, nil
	})
	return err
}

// SendParcel stores a parcel to be sent to a paired device, in one transaction with what
// also writes. Errors: CodeNotFound, CodePairingState, CodeTooMany, CodeTooLarge.
func (l *Linking) SendParcel(t *ledger.Turn, id PairingID, data []byte, also func(*ledger.Tx, TransferID) error) error {
	if len(data) > MaxParcel {
		return port.Errorf(port.CodeTooLarge, "", "a parcel has %d bytes", len(data)).With("max", MaxParcel)
	}
	offer := pairing.Offer{Total: uint64(len(data)), Hash: sha256.Sum256(data), Parcel: true}
	_, err := change(l, t, func(st *step) (struct{}, error) {
		e, err := st.findPaired(id)
		if err != nil {
			return struct{}{}, err
		}
		if st.parcels(id, true) >= maxParcels {
			return struct{}{}, port.Errorf(port.CodeTooMany, "", "%d parcels to this device are under way", maxParcels).With("max", maxParcels)
		}
		sender, err := pairing.NewSender(offer, l.host.Rand)
		if err != nil {
			return struct{}{}, err
		}
		x := st.beginSending(e, sender, data)
		st.write(func(tx *ledger.Tx) error { return also(tx, x.id()) })
		return struct{}{}, nil
	})
	return err
}

// Parcel describes a parcel. Error: CodeNotFound when there is none, or none any more.
func (l *Linking) Parcel(_ *ledger.Turn, id TransferID) (Parcel, error) {
	name, ok := parseTransferName(id[:])
	x, found := l.transfers[name]
	if !ok || !found || x.discarded || !x.parcel() {
		return Parcel{}, port.Errorf(port.CodeNotFound, "", "there is no such parcel")
	}
	return x.asParcel(), nil
}

func (x *transferEntry) asParcel() Parcel {
	return Parcel{ID: x.id(), Pairing: x.name.pairing, State: x.state, Cause: x.cause, Remote: x.remote}
}

func (x *transferEntry) id() TransferID { return TransferID(x.name.key()) }

// ArrivedParcels lists the parcels that are here and not dropped yet, oldest first.
func (l *Linking) ArrivedParcels(*ledger.Turn) []Parcel {
	var all []*transferEntry
	for _, x := range l.transfers {
		if x.parcel() && !x.name.outgoing && x.state == Done && !x.discarded {
			all = append(all, &x)
		}
	}
	sortTransfers(all)
	parcels := make([]Parcel, 0, len(all))
	for _, x := range all {
		parcels = append(parcels, x.asParcel())
	}
	return parcels
}

// ReadParcel gives the bytes of a parcel that is here. Errors: CodeNotFound, CodeStoreCorrupt.
func (l *Linking) ReadParcel(t *ledger.Turn, id TransferID) ([]byte, error) {
	p, err := l.Parcel(t, id)
	if err != nil {
		return nil, err
	}
	name, _ := parseTransferName(id[:])
	if name.outgoing || p.State != Done {
		return nil, port.Errorf(port.CodeNotFound, "", "the parcel is not here")
	}
	x := l.transfers[name]
	return l.readBytes(name, 0, int(x.offer().Total))
}

// DropParcel erases a parcel, in one transaction with what also writes. One that is under
// way is given up, and the other device is told. Error: CodeNotFound.
func (l *Linking) DropParcel(t *ledger.Turn, id TransferID, also func(*ledger.Tx) error) error {
	if _, err := l.Parcel(t, id); err != nil {
		return err
	}
	_, err := change(l, t, func(st *step) (struct{}, error) {
		name, _ := parseTransferName(id[:])
		x := st.transfer(name)
		if x.state == Running {
			if err := st.cancel(x); err != nil {
				return struct{}{}, err
			}
		}
		st.dropBytes(x)
		x.discarded = true
		st.keepTransfer(x)
		st.forgetParcels(x.name)
		if also != nil {
			st.write(also)
		}
		return struct{}{}, nil
	})
	return err
}

// forgetParcels removes the oldest dropped parcels in the direction of the one dropped last.
// The others are kept so that late frames about them do not begin a new transfer.
func (st *step) forgetParcels(last transferName) {
	var dropped []*transferEntry
	for _, x := range st.transfersOf(last.pairing) {
		if x.parcel() && x.discarded && x.name.outgoing == last.outgoing {
			dropped = append(dropped, x)
		}
	}
	for _, x := range dropped[:max(0, len(dropped)-keepParcels)] {
		st.removeTransfer(x)
	}
}

// parcels counts the parcels with a device in one direction that take room.
func (st *step) parcels(id PairingID, outgoing bool) (n int) {
	for _, x := range st.transfersOf(id) {
		if x.parcel() && x.name.outgoing == outgoing && !x.discarded && (x.state == Running || !outgoing && x.state == Done) {
			n++
		}
	}
	return n
}
