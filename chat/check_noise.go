package chat

import (
	"bytes"
	"crypto/sha256"

	"libstatus1to1/chat/protocol/noise"
	"libstatus1to1/chat/protocol/noise/noisesession"
	"libstatus1to1/chat/protocol/noise/pairing"
	"libstatus1to1/chat/wire"
)

// noise looks at pairings, their sessions and transfers.
func (in *inspection) noise() error {
	if err := in.noiseKey(); err != nil {
		return err
	}
	pairings, claimed := map[PairingID]pairingEntry{}, map[string]bool{}
	err := in.each(tablePairings, func(name, value []byte) error {
		var rec wire.PairingRecord
		if err := decodeRecord(tablePairings, value, &rec); err != nil {
			return err
		}
		e, err := pairingFromRecord(name, &rec)
		if err != nil {
			return err
		}
		pairings[e.id] = e
		if e.session.IsZero() {
			return nil
		}
		claimed[string(e.session[:])] = true
		return in.pairedSession(e)
	})
	if err != nil {
		return err
	}
	if err := in.noiseSessions(claimed); err != nil {
		return err
	}
	if err := in.each(tableRepeats, func(name, _ []byte) error {
		var id PairingID
		copy(id[:], name)
		if _, found := pairings[id]; !found {
			in.tell(tableRepeats, "a payload belongs to no pairing")
		}
		return nil
	}); err != nil {
		return err
	}
	return in.transfers(pairings)
}

func (in *inspection) noiseKey() error {
	var rec wire.NoiseKeyRecord
	found, err := get(in.tx, tableMeta, metaNoiseKey, &rec)
	if err = in.corrupt(tableMeta, err); err != nil || !found {
		return err
	}
	private, err := noise.ParsePrivateKey(rec.GetPrivateKey())
	if err != nil {
		in.tell(tableMeta, "the Noise key does not read back")
		return nil
	}
	c, err := noise.ParseCertificate(rec.GetCertificate())
	if err != nil || c.Static != private.Public() || in.own != nil && c.Identity != in.own.public || c.Verify(c.Issued) != nil {
		in.tell(tableMeta, "the certificate of the Noise key is not right")
	}
	return nil
}

// pairedSession looks whether a pairing has its session. One that ended may have lost it
// to newer ones with the same device.
func (in *inspection) pairedSession(e pairingEntry) error {
	b, err := in.tx.Get(tableNoiseSessions, e.session[:])
	if err != nil {
		return err
	}
	if b == nil {
		if e.state == pairingPaired {
			in.tell(tablePairings, "a paired device has no session")
		}
		return nil
	}
	s, err := noisesession.Unmarshal(b)
	if err == nil && (s.Sent() < e.confirmed || e.state == pairingPaired && s.State() != noisesession.Active) {
		in.tell(tablePairings, "a pairing is further than its session")
	}
	return nil // noiseSessions tells of one that does not read back
}

func (in *inspection) noiseSessions(claimed map[string]bool) error {
	return in.each(tableNoiseSessions, func(name, value []byte) error {
		s, err := noisesession.Unmarshal(value)
		id := s.ID()
		switch {
		case err != nil || !bytes.Equal(name, id[:]):
			in.tell(tableNoiseSessions, "a session does not read back")
		case !claimed[string(name)]:
			in.tell(tableNoiseSessions, "a session belongs to no pairing")
		}
		return nil
	})
}

// transfers looks at the transfers and their bytes: those to be sent, and those received
// so far, whose hash must be right once all are there.
func (in *inspection) transfers(pairings map[PairingID]pairingEntry) error {
	expected := map[string]bool{}
	err := in.each(tableTransfers, func(name, value []byte) error {
		var rec wire.TransferRecord
		if err := decodeRecord(tableTransfers, value, &rec); err != nil {
			return err
		}
		t, err := transferFromRecord(name, &rec)
		if err != nil {
			return err
		}
		if _, found := pairings[t.name.pairing]; !found {
			in.tell(tableTransfers, "a transfer belongs to no pairing")
		}
		return in.transferBytes(&t, expected)
	})
	if err != nil {
		return err
	}
	return in.each(tableTransferBytes, func(name, _ []byte) error {
		if !expected[string(name)] {
			in.tell(tableTransferBytes, "bytes belong to no transfer")
		}
		return nil
	})
}

func (in *inspection) transferBytes(t *transferEntry, expected map[string]bool) error {
	moved, total := t.progress()
	stored := moved
	switch {
	case t.failed() || t.discarded || t.name.outgoing && !t.running():
		stored = 0
	case t.name.outgoing:
		stored = total
	}
	hash, rest := sha256.New(), stored
	for number := range pieces(stored) {
		b, err := in.tx.Get(tableTransferBytes, t.name.chunkKey(number))
		if err != nil {
			return err
		}
		if uint64(len(b)) != min(rest, pairing.ChunkSize) {
			in.tell(tableTransferBytes, "a piece of a transfer is missing or too short")
		}
		rest -= min(rest, uint64(len(b)))
		expected[string(t.name.chunkKey(number))] = true
		hash.Write(b)
		if err := in.pause(); err != nil {
			return err
		}
	}
	if want := t.offer().Hash; stored == total && !t.failed() && stored > 0 && !bytes.Equal(hash.Sum(nil), want[:]) {
		in.tell(tableTransferBytes, "the bytes of a transfer are not those it names")
	}
	return nil
}
