package linking

import (
	"time"

	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/noise/noisesession"
	"libstatus1to1/chat/protocol/noise/pairing"
	"libstatus1to1/chat/wire"
)

// The tables of this package, their keys and what is under them (records.proto).
const (
	tablePairings      port.Table = "pairings"       // pairing id -> PairingRecord
	tableRepeats       port.Table = "noise_repeats"  // pairing id -> the payload we sealed last in its session
	tableNoiseSessions port.Table = "noise_sessions" // session-id -> noisesession.Session
	tableTransfers     port.Table = "transfers"      // transferName -> TransferRecord
	tableTransferBytes port.Table = "transfer_bytes" // transferName, number of the piece in 4 bytes -> bytes
)

// tableMeta is shared by all parts; one of its records is of this package.
const tableMeta = ledger.TableMeta

var metaKey = []byte("noise_key") // NoiseKeyRecord

// dueAtOnce is earlier than any clock says: what waited when the store was opened.
var dueAtOnce = time.UnixMilli(1)

func (e *pairingEntry) record() *wire.PairingRecord {
	rec := &wire.PairingRecord{
		Id: e.id[:], CreatedAt: ledger.Milli(e.createdAt), State: string(e.state), Cause: string(e.cause), Remote: e.remote,
		EndedAt: ledger.Milli(e.endedAt), PairedAt: ledger.Milli(e.pairedAt), Farewell: e.abort, Confirmed: e.acknowledged,
		Asks: e.asks, Shows: e.shows, Discarded: e.discarded, Provisional: e.provisional,
	}
	if e.proto != nil {
		rec.Pairing = e.proto.Marshal()
	}
	if !e.session.IsZero() {
		rec.SessionId, rec.Heard = e.session[:], e.peerLatest[:]
		rec.Peer, rec.InstallationId = e.peer.Identity.Compressed(), e.peer.InstallationID
	}
	return rec
}

// pairingFromRecord reads what record made; name is its key. Error: CodeStoreCorrupt.
func pairingFromRecord(name []byte, rec *wire.PairingRecord) (pairingEntry, error) {
	corrupt := port.Errorf(port.CodeStoreCorrupt, "", "a pairing does not read back")
	e := pairingEntry{
		state: State(rec.GetState()), asks: rec.GetAsks(), shows: rec.GetShows(), discarded: rec.GetDiscarded(),
		createdAt: ledger.TimeOf(rec.GetCreatedAt()), pairedAt: ledger.TimeOf(rec.GetPairedAt()), endedAt: ledger.TimeOf(rec.GetEndedAt()),
		cause: port.Code(rec.GetCause()), remote: rec.GetRemote(), abort: rec.GetFarewell(), acknowledged: rec.GetConfirmed(),
		unanswered: true, provisional: rec.GetProvisional(),
	}
	if string(name) != string(rec.GetId()) || copy(e.id[:], name) != len(name) || len(name) != len(e.id) ||
		!e.state.known() || e.createdAt.IsZero() {
		return e, corrupt
	}
	if len(rec.GetPairing()) > 0 {
		p, err := pairing.Unmarshal(rec.GetPairing())
		if err != nil {
			return e, corrupt.Because(err)
		}
		e.proto = &p
	}
	if len(rec.GetSessionId()) > 0 {
		identity, err := key.ParsePublic(rec.GetPeer())
		if err != nil || len(rec.GetSessionId()) != len(e.session) || len(rec.GetHeard()) != len(e.peerLatest) {
			return e, corrupt
		}
		copy(e.session[:], rec.GetSessionId())
		copy(e.peerLatest[:], rec.GetHeard())
		e.peer = noisesession.Peer{Identity: identity, InstallationID: rec.GetInstallationId()}
	}
	ended := !e.endedAt.IsZero() && e.cause != ""
	if e.state.underway() && e.proto == nil || e.state.over() != ended || e.state == Paired && e.session.IsZero() {
		return e, corrupt
	}
	return e, nil
}

func (x *transferEntry) record() *wire.TransferRecord {
	rec := &wire.TransferRecord{
		PairingId: x.name.pairing[:], Outgoing: x.name.outgoing, CreatedAt: ledger.Milli(x.createdAt), MovedAt: ledger.Milli(x.movedAt),
		EndedAt: ledger.Milli(x.endedAt), Cause: string(x.cause), Remote: x.remote, Discarded: x.discarded,
	}
	if x.name.outgoing {
		rec.Transfer = x.sender.Marshal()
	} else {
		rec.Transfer = x.receiver.Marshal()
	}
	return rec
}

// transferFromRecord reads what record made; name is its key. Error: CodeStoreCorrupt.
func transferFromRecord(name []byte, rec *wire.TransferRecord) (transferEntry, error) {
	x := transferEntry{
		createdAt: ledger.TimeOf(rec.GetCreatedAt()), movedAt: ledger.TimeOf(rec.GetMovedAt()), endedAt: ledger.TimeOf(rec.GetEndedAt()),
		cause: port.Code(rec.GetCause()), remote: rec.GetRemote(), discarded: rec.GetDiscarded(),
	}
	n, ok := parseTransferName(name)
	if !ok || string(n.pairing[:]) != string(rec.GetPairingId()) || n.outgoing != rec.GetOutgoing() {
		return x, port.Errorf(port.CodeStoreCorrupt, "", "a transfer is not what its name says")
	}
	x.name = n
	var err error
	var id pairing.TransferID
	if n.outgoing {
		x.sender, err = pairing.UnmarshalSender(rec.GetTransfer())
		id = x.sender.ID()
	} else {
		x.receiver, err = pairing.UnmarshalReceiver(rec.GetTransfer())
		id = x.receiver.ID()
	}
	switch {
	case x.endedAt.IsZero():
		x.state = Running
	case x.cause == "":
		x.state = Done
	default:
		x.state = TransferFailed
	}
	if err != nil || id != n.id || x.state == Running && x.cause != "" {
		return x, port.Errorf(port.CodeStoreCorrupt, "", "a transfer does not read back").Because(err)
	}
	return x, nil
}

// Load reads pairings, sessions and transfers. The next turn listens to their topics.
func (l *Linking) Load(tx port.Tx) error {
	loaded := New(l.host)
	err := tx.Each(tableNoiseSessions, func(_, value []byte) error {
		s, err := noisesession.Unmarshal(value)
		if err == nil {
			loaded.sessions, _, err = loaded.sessions.Add(s, s.Created())
		}
		if err != nil {
			return port.Errorf(port.CodeStoreCorrupt, "", "a Noise session does not read back").Because(err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := loaded.readPairings(tx); err != nil {
		return err
	}
	if err := loaded.readTransfers(tx); err != nil {
		return err
	}
	// Not all of l is replaced: calls without a turn read its host meanwhile.
	l.pairings, l.transfers, l.sessions, l.relisten = loaded.pairings, loaded.transfers, loaded.sessions, true
	return nil
}

func (l *Linking) readPairings(tx port.Tx) error {
	return tx.Each(tablePairings, func(name, value []byte) error {
		var rec wire.PairingRecord
		if err := ledger.Decode(tablePairings, value, &rec); err != nil {
			return err
		}
		e, err := pairingFromRecord(name, &rec)
		if err != nil {
			return err
		}
		if e.ownLatest, err = tx.Get(tableRepeats, name); err != nil {
			return err
		}
		if e.state.underway() || e.state == Failed {
			e.nextSend = dueAtOnce
		}
		l.pairings[e.id] = e
		return nil
	})
}

// readTransfers comes after readPairings, because a running transfer makes its pairing
// due.
func (l *Linking) readTransfers(tx port.Tx) error {
	return tx.Each(tableTransfers, func(name, value []byte) error {
		var rec wire.TransferRecord
		if err := ledger.Decode(tableTransfers, value, &rec); err != nil {
			return err
		}
		x, err := transferFromRecord(name, &rec)
		if err != nil {
			return err
		}
		l.transfers[x.name] = x
		if e, found := l.pairings[x.name.pairing]; found && x.state == Running {
			e.nextSend = dueAtOnce
			l.pairings[e.id] = e
		}
		return nil
	})
}
