package chat

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"maps"
	"slices"
	"time"

	"libstatus1to1/chat/protocol/noise/noisesession"
	"libstatus1to1/chat/protocol/noise/pairing"
)

// noiseState is what the loop holds of Noise: all of it is in the store too, but for the
// timers. busy guards it.
type noiseState struct {
	key       noiseKey
	pairings  map[PairingID]pairingEntry
	transfers map[transferName]transferEntry
	sessions  noisesession.Set
	topics    map[string]bool // those we listen to
	posts     []noisePost     // stored, and to be published
	early     earlyChunks
	pause     pause // after something could not be stored that was not the store's fault
}

// noisePost is a payload to publish.
type noisePost struct {
	topic   string
	payload []byte
}

// PairingID names a pairing on this device; random.
type PairingID [16]byte

// String is the id as the API writes it.
func (id PairingID) String() string { return "0x" + hex.EncodeToString(id[:]) }

// States of a pairing.
const (
	pairingShown     = "shown"
	pairingScanned   = "scanned"
	pairingCompare   = "compare"
	pairingConfirmed = "confirmed"
	pairingPaired    = "paired"
	pairingFailed    = "failed"
	pairingEnded     = "ended"
)

// pairingEntry is one pairing. It is a value: a pass changes copies.
type pairingEntry struct {
	id            PairingID
	state         string
	asks, shows   bool
	createdAt     time.Time
	pairedAt      time.Time
	endedAt       time.Time
	cause         Code
	remote        bool
	discarded     bool
	proto         *pairing.Pairing // nil once it is no longer needed
	farewell      []byte           // what told the other side that it failed
	session       noisesession.ID  // zero before it is paired
	peer          noisesession.Peer
	confirmed     uint64   // how many of our messages the other side says to have
	heard         [32]byte // SHA256 of its latest one
	latest        []byte   // the payload we sealed last
	latestChanged bool     // since it was stored

	// Not stored: after a restart everything is due at once. proven says that our state is
	// the newest, as far as the other side shows: see maySeal.
	proven   bool
	fresh    bool      // something new has come since we sealed last
	next     time.Time // when something is to be said again; zero for never
	said     int       // how often it was, in a row
	repeated time.Time // when we last repeated ourselves for being asked to
}

// underway reports whether the two are not paired yet, and may be.
func (e *pairingEntry) underway() bool {
	switch e.state {
	case pairingShown, pairingScanned, pairingCompare, pairingConfirmed:
		return true
	}
	return false
}

// over reports whether nothing can come of it any more.
func (e *pairingEntry) over() bool { return e.state == pairingFailed || e.state == pairingEnded }

// transferName is what a transfer is stored under.
type transferName struct {
	pairing  PairingID
	outgoing bool
	id       pairing.TransferID
}

// transferNameSize is the size of a name in bytes.
const transferNameSize = len(PairingID{}) + 1 + len(pairing.TransferID{})

func (n transferName) key() []byte {
	b := append(make([]byte, 0, transferNameSize+4), n.pairing[:]...)
	direction := byte(0)
	if n.outgoing {
		direction = 1
	}
	return append(append(b, direction), n.id[:]...)
}

// chunkKey is the key of a piece of a transfer's bytes.
func (n transferName) chunkKey(number int) []byte {
	return binary.BigEndian.AppendUint32(n.key(), uint32(number))
}

func parseTransferName(b []byte) (n transferName, ok bool) {
	if len(b) != transferNameSize || b[len(n.pairing)] > 1 {
		return n, false
	}
	copy(n.pairing[:], b)
	n.outgoing = b[len(n.pairing)] == 1
	copy(n.id[:], b[len(n.pairing)+1:])
	return n, true
}

// transferEntry is one transfer. It is a value: a pass changes copies.
type transferEntry struct {
	name      transferName
	sender    pairing.Sender   // of an outgoing one
	receiver  pairing.Receiver // of an incoming one
	createdAt time.Time
	movedAt   time.Time
	endedAt   time.Time
	cause     Code
	remote    bool
	discarded bool

	offered bool // not stored: the offer is out, the answer is not here
}

// running reports whether bytes are still to be moved.
func (t *transferEntry) running() bool { return t.endedAt.IsZero() }

// failed reports whether it ended without all bytes.
func (t *transferEntry) failed() bool { return t.cause != "" }

func (t *transferEntry) offer() pairing.Offer {
	if t.name.outgoing {
		return t.sender.Offer()
	}
	return t.receiver.Offer()
}

func (t *transferEntry) progress() (moved, total uint64) {
	if t.name.outgoing {
		return t.sender.Progress()
	}
	return t.receiver.Progress()
}

// holds is how many bytes of an incoming transfer are, or will be, in the store.
func (t *transferEntry) holds() uint64 {
	if t.name.outgoing || t.failed() || t.discarded {
		return 0
	}
	return t.offer().Total
}

// older orders transfers: those that began first come first.
func older(a, b transferEntry) int {
	return cmp.Or(a.createdAt.Compare(b.createdAt), bytes.Compare(a.name.key(), b.name.key()))
}

// sortedPairings are the pairings, oldest first.
func (s *noiseState) sortedPairings() []pairingEntry {
	return slices.SortedFunc(maps.Values(s.pairings), func(a, b pairingEntry) int {
		return cmp.Or(a.createdAt.Compare(b.createdAt), bytes.Compare(a.id[:], b.id[:]))
	})
}

// transfersOf are the transfers with one device, oldest first.
func (s *noiseState) transfersOf(id PairingID) (all []transferEntry) {
	for name, t := range s.transfers {
		if name.pairing == id {
			all = append(all, t)
		}
	}
	slices.SortFunc(all, older)
	return all
}
