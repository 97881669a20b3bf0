package chat

import (
	"time"

	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/noise/noisesession"
	"libstatus1to1/chat/protocol/noise/pairing"
	"libstatus1to1/chat/wire"
)

// Pairings and transfers as the store has them.

// milli is t in ms, 0 for the zero time; timeOf is the other way.
func milli(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func timeOf(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}

func (e *pairingEntry) record() *wire.PairingRecord {
	rec := &wire.PairingRecord{
		Id: e.id[:], CreatedAt: milli(e.createdAt), State: e.state, Cause: string(e.cause), Remote: e.remote,
		EndedAt: milli(e.endedAt), PairedAt: milli(e.pairedAt), Farewell: e.farewell, Confirmed: e.confirmed,
		Asks: e.asks, Shows: e.shows, Discarded: e.discarded,
	}
	if e.proto != nil {
		rec.Pairing = e.proto.Marshal()
	}
	if !e.session.IsZero() {
		rec.SessionId, rec.Heard = e.session[:], e.heard[:]
		rec.Peer, rec.InstallationId = e.peer.Identity.Compressed(), e.peer.InstallationID
	}
	return rec
}

// pairingStates are the states a stored pairing may be in.
var pairingStates = map[string]bool{
	pairingShown: true, pairingScanned: true, pairingCompare: true, pairingConfirmed: true, pairingPaired: true, pairingFailed: true, pairingEnded: true,
}

func pairingFromRecord(name []byte, rec *wire.PairingRecord) (pairingEntry, error) {
	corrupt := Errorf(CodeStoreCorrupt, "", "a pairing does not read back")
	e := pairingEntry{
		state: rec.GetState(), asks: rec.GetAsks(), shows: rec.GetShows(), discarded: rec.GetDiscarded(),
		createdAt: timeOf(rec.GetCreatedAt()), pairedAt: timeOf(rec.GetPairedAt()), endedAt: timeOf(rec.GetEndedAt()),
		cause: Code(rec.GetCause()), remote: rec.GetRemote(), farewell: rec.GetFarewell(), confirmed: rec.GetConfirmed(),
		fresh: true,
	}
	if string(name) != string(rec.GetId()) || copy(e.id[:], name) != len(name) || len(name) != len(e.id) ||
		!pairingStates[e.state] || e.createdAt.IsZero() {
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
		if err != nil || len(rec.GetSessionId()) != len(e.session) || len(rec.GetHeard()) != len(e.heard) {
			return e, corrupt
		}
		copy(e.session[:], rec.GetSessionId())
		copy(e.heard[:], rec.GetHeard())
		e.peer = noisesession.Peer{Identity: identity, InstallationID: rec.GetInstallationId()}
	}
	if e.underway() && e.proto == nil || e.over() != (!e.endedAt.IsZero() && e.cause != "") || (e.state == pairingPaired) && e.session.IsZero() {
		return e, corrupt
	}
	return e, nil
}

func (t *transferEntry) record() *wire.TransferRecord {
	rec := &wire.TransferRecord{
		PairingId: t.name.pairing[:], Outgoing: t.name.outgoing, CreatedAt: milli(t.createdAt), MovedAt: milli(t.movedAt),
		EndedAt: milli(t.endedAt), Cause: string(t.cause), Remote: t.remote, Discarded: t.discarded,
	}
	if t.name.outgoing {
		rec.Transfer = t.sender.Marshal()
	} else {
		rec.Transfer = t.receiver.Marshal()
	}
	return rec
}

func transferFromRecord(name []byte, rec *wire.TransferRecord) (transferEntry, error) {
	t := transferEntry{
		createdAt: timeOf(rec.GetCreatedAt()), movedAt: timeOf(rec.GetMovedAt()), endedAt: timeOf(rec.GetEndedAt()),
		cause: Code(rec.GetCause()), remote: rec.GetRemote(), discarded: rec.GetDiscarded(),
	}
	n, ok := parseTransferName(name)
	if !ok || string(n.pairing[:]) != string(rec.GetPairingId()) || n.outgoing != rec.GetOutgoing() {
		return t, Errorf(CodeStoreCorrupt, "", "a transfer is not what its name says")
	}
	t.name = n
	var err error
	var id pairing.TransferID
	if n.outgoing {
		t.sender, err = pairing.UnmarshalSender(rec.GetTransfer())
		id = t.sender.ID()
	} else {
		t.receiver, err = pairing.UnmarshalReceiver(rec.GetTransfer())
		id = t.receiver.ID()
	}
	if err != nil || id != n.id || t.failed() && t.running() {
		return t, Errorf(CodeStoreCorrupt, "", "a transfer does not read back").Because(err)
	}
	return t, nil
}

// loadNoise reads pairings, sessions and transfers and listens to their topics. Called
// with busy held.
func (c *Client) loadNoise() error {
	s := noiseState{pairings: map[PairingID]pairingEntry{}, transfers: map[transferName]transferEntry{}, topics: map[string]bool{}}
	now := c.now()
	err := c.store.View(func(tx Tx) error {
		if err := tx.Each(tableNoiseSessions, func(_, value []byte) error {
			session, err := noisesession.Unmarshal(value)
			if err == nil {
				s.sessions, _, err = s.sessions.Add(session, session.Created())
			}
			if err != nil {
				return Errorf(CodeStoreCorrupt, "", "a Noise session does not read back").Because(err)
			}
			return nil
		}); err != nil {
			return err
		}
		if err := s.readPairings(tx, now); err != nil {
			return err
		}
		return s.readTransfers(tx, now)
	})
	if err != nil {
		return err
	}
	c.loop.noise = s
	return c.listenNoise()
}

func (s *noiseState) readPairings(tx Tx, now time.Time) error {
	return tx.Each(tablePairings, func(name, value []byte) error {
		var rec wire.PairingRecord
		if err := decodeRecord(tablePairings, value, &rec); err != nil {
			return err
		}
		e, err := pairingFromRecord(name, &rec)
		if err != nil {
			return err
		}
		if e.latest, err = tx.Get(tableRepeats, name); err != nil {
			return err
		}
		if e.underway() || e.state == pairingFailed && now.Sub(e.endedAt) < pairing.Timeout {
			e.next = now
		}
		s.pairings[e.id] = e
		return nil
	})
}

// readTransfers comes after readPairings: a running transfer makes its pairing due.
func (s *noiseState) readTransfers(tx Tx, now time.Time) error {
	return tx.Each(tableTransfers, func(name, value []byte) error {
		var rec wire.TransferRecord
		if err := decodeRecord(tableTransfers, value, &rec); err != nil {
			return err
		}
		t, err := transferFromRecord(name, &rec)
		if err != nil {
			return err
		}
		s.transfers[t.name] = t
		if e, found := s.pairings[t.name.pairing]; found && t.running() {
			e.next = now
			s.pairings[e.id] = e
		}
		return nil
	})
}
