package linking

import (
	"bytes"
	"crypto/sha256"

	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/protocol/noise"
	"libstatus1to1/chat/protocol/noise/noisesession"
	"libstatus1to1/chat/protocol/noise/pairing"
	"libstatus1to1/chat/wire"
)

// Check reports what contradicts itself in the records of this package. What must hold:
//   - the Noise key reads back, and its certificate is for it and for our identity;
//   - each pairing is in a state of the table of states, and its protocol in the phase of
//     that state; one that is paired has an active session that is not behind it;
//   - each session and each repeated payload belongs to a pairing;
//   - each transfer belongs to a pairing, its state fits its protocol, and exactly the
//     bytes are stored that it should have; once all are there, their hash is right.
func (l *Linking) Check(w *ledger.Walk) error {
	if err := l.checkKey(w); err != nil {
		return err
	}
	pairings, sessions, err := checkPairings(w)
	if err != nil {
		return err
	}
	if err := checkSessions(w, sessions); err != nil {
		return err
	}
	if err := w.Each(tableRepeats, func(name, _ []byte) error {
		if !pairings[string(name)] {
			w.Report(tableRepeats, "a payload belongs to no pairing")
		}
		return nil
	}); err != nil {
		return err
	}
	return checkTransfers(w, pairings)
}

func (l *Linking) checkKey(w *ledger.Walk) error {
	var rec wire.NoiseKeyRecord
	found, err := ledger.Get(w.Tx, tableMeta, metaKey, &rec)
	if err = w.Corrupt(tableMeta, err); err != nil || !found {
		return err
	}
	private, err := noise.ParsePrivateKey(rec.GetPrivateKey())
	if err != nil {
		w.Report(tableMeta, "the Noise key does not read back")
		return nil
	}
	c, err := noise.ParseCertificate(rec.GetCertificate())
	self, none := l.host.Self()
	// A provisional one is replaced some time after the identity has come.
	other := none == nil && !c.Provisional && c.Identity != self.Public
	if err != nil || c.Static != private.Public() || other || c.VerifyDevice(c.Issued) != nil {
		w.Report(tableMeta, "the certificate of the Noise key is not right")
	}
	return nil
}

// checkPairings returns the names of all pairings and of the sessions they have.
func checkPairings(w *ledger.Walk) (pairings, sessions map[string]bool, err error) {
	pairings, sessions = map[string]bool{}, map[string]bool{}
	err = w.Each(tablePairings, func(name, value []byte) error {
		var rec wire.PairingRecord
		if err := ledger.Decode(tablePairings, value, &rec); err != nil {
			return err
		}
		e, err := pairingFromRecord(name, &rec)
		if err != nil {
			return err
		}
		pairings[string(name)] = true
		if want := states[e.state].phase; want != 0 && !e.outdated() && e.proto.Phase() != want {
			w.Report(tablePairings, "a pairing is not where its protocol is")
		}
		if e.session.IsZero() {
			return nil
		}
		sessions[string(e.session[:])] = true
		return checkPaired(w, e)
	})
	return pairings, sessions, err
}

// checkPaired looks for the session of a pairing. A pairing that is over may have lost it to
// newer ones with the same device.
func checkPaired(w *ledger.Walk, e pairingEntry) error {
	b, err := w.Tx.Get(tableNoiseSessions, e.session[:])
	if err != nil {
		return err
	}
	if b == nil {
		if e.state == Paired {
			w.Report(tablePairings, "a paired device has no session")
		}
		return nil
	}
	s, err := noisesession.Unmarshal(b)
	if err == nil && (s.Sent() < e.acknowledged || e.state == Paired && s.State() != noisesession.Active) {
		w.Report(tablePairings, "a pairing is further than its session")
	}
	return nil // checkSessions reports a session that does not read back
}

// checkSessions: owned are the names of the sessions that pairings have.
func checkSessions(w *ledger.Walk, owned map[string]bool) error {
	return w.Each(tableNoiseSessions, func(name, value []byte) error {
		s, err := noisesession.Unmarshal(value)
		id := s.ID()
		switch {
		case err != nil || !bytes.Equal(name, id[:]):
			w.Report(tableNoiseSessions, "a session does not read back")
		case !owned[string(name)]:
			w.Report(tableNoiseSessions, "a session belongs to no pairing")
		}
		return nil
	})
}

func checkTransfers(w *ledger.Walk, pairings map[string]bool) error {
	expected := map[string]bool{} // names of the pieces there should be
	err := w.Each(tableTransfers, func(name, value []byte) error {
		var rec wire.TransferRecord
		if err := ledger.Decode(tableTransfers, value, &rec); err != nil {
			return err
		}
		x, err := transferFromRecord(name, &rec)
		if err != nil {
			return err
		}
		if !pairings[string(x.name.pairing[:])] {
			w.Report(tableTransfers, "a transfer belongs to no pairing")
		}
		if x.protocolDone() != (x.state == Done) {
			w.Report(tableTransfers, "a transfer is not where its protocol is")
		}
		return checkBytes(w, &x, expected)
	})
	if err != nil {
		return err
	}
	return w.Each(tableTransferBytes, func(name, _ []byte) error {
		if !expected[string(name)] {
			w.Report(tableTransferBytes, "bytes belong to no transfer")
		}
		return nil
	})
}

func (x *transferEntry) protocolDone() bool {
	if x.name.outgoing {
		return x.sender.Done()
	}
	return x.receiver.Done()
}

// checkBytes looks at the stored bytes of a transfer and adds the names of its pieces to
// expected: all bytes while they are to be sent, those received so far otherwise.
func checkBytes(w *ledger.Walk, x *transferEntry, expected map[string]bool) error {
	moved, total := x.progress()
	stored := moved
	switch {
	case x.state == TransferFailed || x.discarded || x.name.outgoing && x.state == Done:
		stored = 0
	case x.name.outgoing:
		stored = total
	}
	hash, rest := sha256.New(), stored
	for number := range pieces(stored) {
		b, err := w.Tx.Get(tableTransferBytes, x.name.chunkKey(number))
		if err != nil {
			return err
		}
		if uint64(len(b)) != min(rest, pairing.ChunkSize) {
			w.Report(tableTransferBytes, "a piece of a transfer is missing or too short")
		}
		rest -= min(rest, uint64(len(b)))
		expected[string(x.name.chunkKey(number))] = true
		hash.Write(b)
		if err := w.Pause(); err != nil {
			return err
		}
	}
	if want := x.offer().Hash; stored == total && stored > 0 && !bytes.Equal(hash.Sum(nil), want[:]) {
		w.Report(tableTransferBytes, "the bytes of a transfer are not those it names")
	}
	return nil
}
