package linking

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"time"

	"libstatus1to1/chat/port"
	"libstatus1to1/chat/protocol/noise/noisesession"
	"libstatus1to1/chat/protocol/noise/pairing"
)

// State is the state of a pairing, with the text that the store and the API have for it.
type State string

// The states of a pairing.
const (
	Shown     State = "shown"     // we show the invitation, nobody has scanned it
	Scanned   State = "scanned"   // we have scanned it, the other device is to answer
	Compare   State = "compare"   // the user is to compare the authcodes
	Confirmed State = "confirmed" // our user has confirmed, the other device is to open its key
	Paired    State = "paired"    // there is a session
	Failed    State = "failed"    // no session came about, or the other side refused ours
	Ended     State = "ended"     // it was paired and is no more
)

// stateRule is one row of the table of states.
type stateRule struct {
	next []State
	// phase is that of the protocol meanwhile; 0 where the protocol may be forgotten.
	phase pairing.Phase
}

// states is the life of a pairing: the states that may follow each state, and the phase of
// the protocol meanwhile. Failed and Ended are final. Paired may fail: the device that sends
// the last message is done before the other one has checked its certificate.
var states = map[State]stateRule{
	"":        {next: []State{Shown, Scanned}}, // begins
	Shown:     {[]State{Compare, Failed}, pairing.PhaseShown},
	Scanned:   {[]State{Compare, Failed}, pairing.PhaseAnswer},
	Compare:   {[]State{Confirmed, Paired, Failed}, pairing.PhaseConfirm},
	Confirmed: {[]State{Paired, Failed}, pairing.PhaseWait},
	Paired:    {next: []State{Ended, Failed}},
	Failed:    {},
	Ended:     {},
}

// known reports whether s is a state that a pairing can have.
func (s State) known() bool {
	_, found := states[s]
	return found && s != ""
}

// mayBecome reports whether next may follow s.
func (s State) mayBecome(next State) bool { return slices.Contains(states[s].next, next) }

// underway reports whether the two devices are not paired yet, and may be.
func (s State) underway() bool { return states[s].phase != 0 }

// over reports whether the state is final.
func (s State) over() bool { return s.known() && len(states[s].next) == 0 }

// PairingID names a pairing on this device; random.
type PairingID [16]byte

// String is the id as the API writes it.
func (id PairingID) String() string { return "0x" + hex.EncodeToString(id[:]) }

// pairingEntry is one pairing and what came of it. It is a value: a step changes copies.
type pairingEntry struct {
	id          PairingID
	state       State
	asks, shows bool // this device asks to be paired; it shows the invitation
	createdAt   time.Time
	pairedAt    time.Time
	endedAt     time.Time
	cause       port.Code // of a failure or an end
	remote      bool      // the other side gave up
	discarded   bool      // not listed any more

	proto *pairing.Pairing // nil once nobody can need an answer of it
	abort []byte           // the message that told the other side of the failure

	session      noisesession.ID // zero before the devices are paired
	peer         noisesession.Peer
	provisional  bool     // the peer had no identity when it was paired, and has shown none since
	acknowledged uint64   // how many of our messages the peer says to have
	peerLatest   [32]byte // SHA256 of the peer's latest payload
	ownLatest    []byte   // the payload we sealed last
	latestNew    bool     // ownLatest is not stored yet

	// What follows is not stored: after a restart everything is due at once.

	// upToDate: the peer has shown that our stored state is the newest one; see maySeal.
	upToDate   bool
	unanswered bool      // the peer has sent something new since we sealed last
	nextSend   time.Time // when to send again; zero for never
	tries      int       // how often that has happened in a row
	repeatedAt time.Time // when we last answered something repeated
}

// become moves a pairing to its next state and reports whether that may be.
func (e *pairingEntry) become(next State) bool {
	if !e.state.mayBecome(next) {
		return false
	}
	e.state = next
	return true
}

// TransferState is the state of a transfer, with the text that the API has for it. The store
// has it as the time of the end and the cause.
type TransferState string

// The states of a transfer.
const (
	Running        TransferState = "running" // bytes are still to be moved
	Done           TransferState = "done"    // all bytes have arrived, their hash is right
	TransferFailed TransferState = "failed"  // it ended before that
)

// transferStates lists what may follow each state of a transfer.
var transferStates = map[TransferState][]TransferState{
	"":             {Running}, // begins
	Running:        {Done, TransferFailed},
	Done:           {},
	TransferFailed: {},
}

// mayBecome reports whether next may follow s.
func (s TransferState) mayBecome(next TransferState) bool {
	return slices.Contains(transferStates[s], next)
}

// transferName is the key of a transfer in the store.
type transferName struct {
	pairing  PairingID
	outgoing bool
	id       pairing.TransferID
}

// transferNameSize is the length of a name in bytes.
const transferNameSize = len(PairingID{}) + 1 + len(pairing.TransferID{})

func (n transferName) key() []byte {
	b := append(make([]byte, 0, transferNameSize+4), n.pairing[:]...)
	direction := byte(0)
	if n.outgoing {
		direction = 1
	}
	return append(append(b, direction), n.id[:]...)
}

// chunkKey is the key of one piece of a transfer's bytes.
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

// transferEntry is one transfer. It is a value: a step changes copies.
type transferEntry struct {
	name      transferName
	state     TransferState
	sender    pairing.Sender   // of an outgoing transfer
	receiver  pairing.Receiver // of an incoming one
	createdAt time.Time
	movedAt   time.Time // when it last made progress
	endedAt   time.Time
	cause     port.Code // of a failure
	remote    bool      // the other side gave up
	discarded bool      // not listed any more, and without its bytes

	offered bool // not stored: the offer is out, its answer has not come
}

// become moves a transfer to its next state and reports whether that may be.
func (x *transferEntry) become(next TransferState) bool {
	if !x.state.mayBecome(next) {
		return false
	}
	x.state = next
	return true
}

func (x *transferEntry) offer() pairing.Offer {
	if x.name.outgoing {
		return x.sender.Offer()
	}
	return x.receiver.Offer()
}

func (x *transferEntry) progress() (moved, total uint64) {
	if x.name.outgoing {
		return x.sender.Progress()
	}
	return x.receiver.Progress()
}

// receivedBytes counts the bytes of an incoming transfer that the store has or will have.
func (x *transferEntry) receivedBytes() uint64 {
	if x.name.outgoing || x.state == TransferFailed || x.discarded {
		return 0
	}
	return x.offer().Total
}

// sortPairings sorts pairings, oldest first.
func sortPairings(all []*pairingEntry) {
	slices.SortFunc(all, func(a, b *pairingEntry) int {
		return cmp.Or(a.createdAt.Compare(b.createdAt), bytes.Compare(a.id[:], b.id[:]))
	})
}

// sortTransfers sorts transfers, oldest first.
func sortTransfers(all []*transferEntry) {
	slices.SortFunc(all, func(a, b *transferEntry) int {
		return cmp.Or(a.createdAt.Compare(b.createdAt), bytes.Compare(a.name.key(), b.name.key()))
	})
}
