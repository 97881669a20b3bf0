// Package outbox delivers messages: it keeps each until its recipient's devices have
// acknowledged it, sends it again on a schedule, and acknowledges what came in.
//
// A row is one message to one identity. Rows of one person that are due go out together
// as an attempt: one MVDS payload, encrypted once, stored before it is published and
// published until the network has it. rows.go has the life of a row as a drawing.
//
//	rows.go      the rows, in memory and in the store
//	schedule.go  when each is due
//	attempt.go   what is due -> sealed -> stored
//	accepting.go new messages -> sealed -> stored as they are added
//	publish.go   stored -> handed to the network -> recorded as published
//	envelopes.go an attempt too large for one envelope has several
//	stored.go    which envelopes store nodes have: their messages are sent again less often,
//	             those that got lost sooner
//	pace.go      how fast each person acknowledges, and so how long to wait for them
//	acks.go      acknowledgements, in and out; a chain that nobody answers is held
//	returns.go   somebody is back, or we are: what waits for them goes at once
//	failed.go    what was given up is kept, and tried again when they are back
//	cancel.go    taking a message back
//	waiting.go   what waits for a handshake with its recipient
//
// How something is encrypted, what a message is and who somebody is are no business of
// this package: see Sealer, Messages, OwnDevices and People.
//
// Spec: 2/MVDS.
package outbox

import (
	"context"
	"io"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"libstatus1to1/chat/internal/confirm"
	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/internal/ratelimit"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/protocol/datasync"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
)

// The tables of the outbox.
const (
	tableRows     port.Table = "#outbox"   // number of the row -> OutboxRecord
	tableAttempts port.Table = "#attempts" // attempt id -> AttemptRecord
	// tableEnvelopes holds the envelopes of attempts that have several: number -> the
	// envelope itself.
	tableEnvelopes port.Table = "#envelopes"
	tableFailed    port.Table = "failed" // message id -> OutboxRecord, of what was given up
	tableAcks      port.Table = "acks"   // compressed key -> AcksRecord
)

// Sealer encrypts what is to be delivered. It is called in a Turn, outside of
// transactions.
type Sealer interface {
	// Recipient describes to whom messages to an identity go now.
	Recipient(to key.Public) (Recipient, error)
	// Seal makes the envelopes of payloads to different people: one result each.
	Seal(now time.Time, payloads []Payload) []SealResult
	// Answers makes the envelopes without a payload that are due, limit at most and one
	// for a person at most.
	Answers(now time.Time, limit int) []Sealed
	// Knows reports whether something is stored of the sessions with an identity, given
	// by its compressed key.
	Knows(tx port.Tx, compressed []byte) (bool, error)
}

// Recipient is an identity as the outbox sees it.
type Recipient struct {
	Devices []string // the installations that get its messages
	// Unanswered is the number of messages in the least burdened sending chain to them
	// since it was last answered.
	Unanswered int
	// Waiting are the devices for which nothing can be sealed yet, because a handshake with
	// them is pending. Mute: that is so for all of them, or none is known.
	Waiting []string
	Mute    bool
}

// Payload is the plaintext for one person in one attempt.
type Payload struct {
	To key.Public
	// Plaintext encodes the MVDS payload. Seal calls it once, on any goroutine.
	Plaintext func() ([]byte, error)
	Except    []string // installations that have it already
	// Introduces is true if our profile goes first: for new messages, and for any messages to
	// somebody who is there.
	Introduces bool
}

// Sealed holds the envelopes of one attempt to a person, and stores the changes that go with
// them.
type Sealed struct {
	To           key.Public
	ContentTopic string
	Envelopes    [][]byte // one, or one for each segment
	// Save stores what sealing has changed, as the sessions, in the transaction that stores
	// the envelopes.
	Save func(*ledger.Tx) error
}

// SealResult is the result of sealing a Payload: attempts to be published in this order,
// the last of which carries it, or an error.
type SealResult struct {
	Attempts []Sealed
	Err      error
}

// Messages is the history, as far as delivery changes the state of a message. A message
// that is in no history is fine everywhere, and nothing happens.
type Messages interface {
	// Message describes a message; found is false if it is in no history.
	Message(tx port.Tx, id [32]byte) (m Message, found bool, err error)
	// Sent stores that a message is sent, and that it is stored, if it is not further than
	// that; either may be nil. The events of both were emitted before.
	Sent(tx *ledger.Tx, id [32]byte, by *Sent, stored *Stored) error
	// Fail ends a message that is not delivered.
	Fail(tx *ledger.Tx, id [32]byte, code port.Code) error
	// Acknowledged notes that a device has a message: one of its recipient, or with own one
	// of ours. afterFailure reports that it had failed and is delivered now.
	Acknowledged(tx *ledger.Tx, id [32]byte, installation string, own bool) (afterFailure bool, err error)
	// Requeue makes a message that has failed queued again.
	Requeue(tx *ledger.Tx, id [32]byte) error
}

// Message describes an outgoing message of a history to the outbox.
type Message struct {
	ClientRef                 string
	Stored, Delivered, Failed bool
	// Obsolete: it is not to be sent again, as a contact request that was taken back.
	Obsolete bool
}

// OwnDevices handles the copies of messages for the other devices of this identity.
type OwnDevices interface {
	// Copy has a message that goes to somebody else delivered to our own other devices too.
	Copy(tx *ledger.Tx, row *wire.OutboxRecord) error
	// Remember notes under which MVDS id a message went that is in the outbox no more: its
	// acknowledgement may still come.
	Remember(tx *ledger.Tx, mvds, id [32]byte) error
	// Acknowledged handles the acknowledgement of something that is in no outbox: another
	// device of ours sends it, or it was given up.
	Acknowledged(tx *ledger.Tx, by Device, mvds [32]byte) error
}

// People is the address book.
type People interface {
	Blocked(key.Public) bool
	// Familiar reports whether somebody is a contact, or was written to.
	Familiar(key.Public) bool
}

// Network publishes envelopes.
type Network interface {
	MaxPayload() int // bytes of an envelope
	// Publish hands an envelope over with a fresh timestamp that fits clock, the latest
	// Lamport clock (ms) of a message in it, or 0. It fails with port.ErrUnderWay if it is
	// not known yet whether the envelope is out, and with port.ErrBusy if too much is: then it
	// is asked again after Confirmed.
	Publish(contentTopic string, b []byte, clock uint64) (port.Evidence, error)
}

// Device is an installation of an identity.
type Device struct {
	Peer         key.Public
	Installation string
}

// Options are the arguments of New; all fields are required.
type Options struct {
	Ledger     *ledger.Ledger
	Sealer     Sealer
	Messages   Messages
	OwnDevices OwnDevices
	People     People
	Network    Network
	// Archive are the store nodes; nil if the network has none.
	Archive port.Archive
	// Beside runs f on a goroutine of its own; ctx ends with the engine.
	Beside func(f func(ctx context.Context))
	Now    func() time.Time
	Rand   io.Reader
	Log    port.Logger
	// ResendBase is the wait before the first resend; AckDelay is the time acknowledgements
	// wait for others to go with.
	ResendBase, AckDelay time.Duration
	// StrangerMessages is the number of messages of a stranger that are kept.
	StrangerMessages int
	// Drop counts something that has no effect, by its reason.
	Drop func(reason string)
	// Wake has the loop call Work soon.
	Wake func()
	// AwaitedChanged is called in a Turn when Awaited may give other people than before.
	AwaitedChanged func()
	// Stored is called in a Turn when a transaction of the outbox's own work went well.
	Stored func()
	// Stopping reports whether the client is being closed.
	Stopping func() bool
}

// Outbox delivers messages. Rows may be added and looked up from any goroutine; the methods
// with a Turn and the fields below self are for the holder of the Turn.
type Outbox struct {
	Options
	rows         rows
	sent, resent atomic.Uint64
	self         atomic.Pointer[key.Public] // nil before there is an identity

	acks    map[key.Public]*pendingAcks
	repeats *ratelimit.Keyed[key.Public]
	holds   map[key.Public]*hold
	// heard holds, by device, the last time that its waiting messages were hurried because
	// it was heard.
	heard *lru.Cache[Device, time.Time]
	paces *lru.Cache[key.Public, pace]
	away  away
	asker *confirm.Asker
	// acked limits the envelopes that carry nothing but acknowledgements, by person.
	acked *ratelimit.Keyed[key.Public]
	// back are people who were heard and to whom something has failed.
	back   map[key.Public]bool
	failed failedMessages
	// unpublished attempts are stored and not out yet; unrecorded ones are out and the
	// store does not know it yet.
	unpublished, unrecorded []*attempt
	recordBy                time.Time // when unrecorded ones are recorded at the latest
	// underWay are unpublished attempts of which the network does not know yet whether they
	// are out; busy is true if it takes no more of them. Both may be over if confirmed is
	// true.
	underWay  []*attempt
	busy      bool
	confirmed atomic.Bool
	// The id of an attempt, and the number in tableEnvelopes, that were given out last.
	lastAttempt, lastEnvelope uint64
	largeSealed               bool // this sealing has a large row
}

// remembered bounds the people and devices whose limits are kept in memory.
const remembered = 256

// New makes an outbox that is empty until Load.
func New(o Options) *Outbox {
	heard, _ := lru.New[Device, time.Time](remembered) // fails only for a size below 1
	paces, _ := lru.New[key.Public, pace](remembered)
	return &Outbox{
		Options: o, heard: heard, paces: paces, rows: rows{schedules: schedules{coalesce: o.ResendBase / 2}},
		asker: confirm.New(confirm.Options{
			Archive: o.Archive, Wait: o.unit(), Beside: o.Beside, Answered: o.Wake, Rand: o.Rand, Log: o.Log,
		}),
		acked: ratelimit.NewKeyed[key.Public](ratelimit.Rate{AtOnce: acksAtOnce, Every: o.unit() / acksEvery}, remembered),
		acks:  map[key.Public]*pendingAcks{}, holds: map[key.Public]*hold{}, back: map[key.Public]bool{},
		failed:  failedMessages{byPeer: map[key.Public][]failedMessage{}},
		repeats: ratelimit.NewKeyed[key.Public](ratelimit.Rate{AtOnce: repeatsAtOnce, Every: o.ResendBase}, remembered),
	}
}

// unit is the unit of times that follow a ResendBase that a host has made shorter, but not
// one that is longer than the deployed one.
func (o Options) unit() time.Duration { return min(o.ResendBase, datasync.DefaultBase) }

// Become sets the identity whose outbox it is, before Load.
func (o *Outbox) Become(self key.Public) { o.self.Store(&self) }

func (o *Outbox) isSelf(k key.Public) bool {
	self := o.self.Load()
	return self != nil && *self == k
}

// Due returns the time of the next work; the zero time if there is none. While the network is
// away there is only what went out before.
func (o *Outbox) Due(t *ledger.Turn) (due time.Time) {
	earlier := func(at time.Time) {
		if due.IsZero() || at.Before(due) {
			due = at
		}
	}
	if len(o.unrecorded) > 0 {
		earlier(o.recordBy)
	}
	if !t.Online {
		return due
	}
	for _, a := range o.acks {
		earlier(a.due)
	}
	if len(o.unpublished) > 0 && !o.busy || len(o.back) > 0 || o.confirmed.Load() {
		earlier(t.Now)
	}
	if o.away.happened {
		earlier(o.away.next(o.ResendBase, t.Now))
	}
	if at, ok := o.rows.nextDue(); ok {
		earlier(at)
	}
	if at := o.asker.Due(); !at.IsZero() {
		earlier(at)
	}
	return due
}

// Care forgets what has failed long ago.
func (o *Outbox) Care(t *ledger.Turn) {
	if err := o.forgetOldFailures(t.Now); err != nil {
		o.Log.Log("warn", "forgetting failed messages failed", "error", err.Error())
	}
}

// Close records what was published, before the store is closed or suspended.
func (o *Outbox) Close(*ledger.Turn) error { return o.recordPublished() }

// ShiftClock follows a clock that was set back, by a negative duration: what is due in a
// second must not wait for as long as that.
func (o *Outbox) ShiftClock(_ *ledger.Turn, by time.Duration) {
	o.away.tokens.SetBack(by)
	o.recordBy = o.recordBy.Add(by)
	for _, a := range o.acks {
		a.due = a.due.Add(by)
	}
	for _, h := range o.holds {
		h.next = h.next.Add(by)
	}
	o.rows.shift(by)
	o.heard.Purge()
	o.paces.Purge()
	o.asker.Shift(by)
}

// shift moves when rows are due.
func (s *rows) shift(by time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.byMVDS {
		d := &r.due
		d.next, d.regular, d.hurried = d.next.Add(by), d.regular.Add(by), d.hurried.Add(by)
		if !d.early.IsZero() {
			d.early = d.early.Add(by)
		}
		s.place(r)
	}
}

// Counts returns the numbers of messages sent for the first time, and sent again.
func (o *Outbox) Counts() (sent, resent uint64) { return o.sent.Load(), o.resent.Load() }

// Confirmed makes the outbox ask the network again about attempts that are under way. It may
// be called from any goroutine.
func (o *Outbox) Confirmed() {
	o.confirmed.Store(true)
	o.Wake()
}

// Len returns the number of messages that wait for publishing or an acknowledgement.
func (o *Outbox) Len() int { return o.rows.len() }

// Forget empties the outbox in memory, for benchmarks: as if all were acknowledged.
func (o *Outbox) Forget() { o.rows.clear() }
