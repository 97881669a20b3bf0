package outbox

import (
	"slices"
	"time"

	"libstatus1to1/chat/port"
	"libstatus1to1/chat/protocol/datasync"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/session"
	"libstatus1to1/chat/wire"
)

// row is one message to one identity: another person, or our own other devices. It is
// named by its MVDS id, since both have the same message id.
type row struct {
	id, mvds [32]byte
	number   uint64 // its key in the table
	peer     key.Public
	clock    uint64 // Lamport clock, ms: rows of one person go out in this order
	size     int    // bytes of the application message
	// inHistory tells that its message is in a history, and that its recipient's
	// acknowledgement delivers it; clientRef is that message's.
	inHistory bool
	clientRef string

	at        stage
	sends     int // how often it was sent by its schedule; with the attempt it is in
	due       schedule
	acked     []string // installations that have it
	delivered bool     // some installation has it
	sent      *Sent    // its message counts as sent, which its record may not say: see publish.go
	// body is what it sends, until that was published once, if there was room.
	body *datasync.Message
}

// stage is where a row is in its life:
//
//	       storeAttempt               published
//	waiting ---------> inAttempt ------------------> out
//	                       ^                          |
//	                       |       storeAttempt       |
//	                       +--------------------------+
//
// A row begins as waiting. When it is due, it is sealed into an attempt, and is inAttempt
// once the ciphertext is stored. When the network has that, it is out, and waits for an
// acknowledgement; when that does not come it is due again, by another attempt. From each
// state a row may leave the outbox: acknowledged by all its devices, given up after its
// last attempt, or cancelled.
//
// Who says in the store when a row is due: its own record while it is waiting, and the
// record of the attempt afterwards, so that a row itself is written once.
type stage struct {
	state   state
	attempt uint64 // the one it is in, or was in last; 0 while it is waiting
}

type state uint8

const (
	waiting   state = iota // not sent yet
	inAttempt              // its ciphertext is stored and not out
	out                    // the network had it; no device, or not each, has acknowledged it
)

// follows says which states may follow which.
var follows = [...][]state{
	waiting:   {inAttempt},
	inAttempt: {out},
	out:       {inAttempt},
}

func (s state) String() string {
	return [...]string{waiting: "waiting", inAttempt: "in an attempt", out: "out"}[s]
}

// enter is the next stage of a row, in or by an attempt; false if it may not follow. A row
// goes out by the attempt it is in.
func (s stage) enter(next state, attempt uint64) (stage, bool) {
	if !slices.Contains(follows[s.state], next) || attempt == 0 || next == out && attempt != s.attempt {
		return s, false
	}
	return stage{next, attempt}, true
}

// idle reports whether a row is in no attempt that is still to go out: only then it can
// be due.
func (r *row) idle() bool { return r.at.state != inAttempt }

// schedule is when a row is to be sent. Its regular times are by datasync.Backoff. When
// somebody is back it is sent sooner, a bounded number of times, beside them: see
// returns.go.
type schedule struct {
	next    time.Time
	quick   int       // how often it is to be sent soon
	sent    int       // how often it was since the last hastening
	regular time.Time // when quick is not 0: when it is due by its regular times
	// hurried is when it was last made due early for an installation that asked for it,
	// and hurries how often it was because somebody was heard.
	hurried time.Time
	hurries int
}

// firstSent reports about a row that is in an attempt, or is out, whether that attempt is
// what makes its message sent.
func (r *row) firstSent() bool { return r.inHistory && r.sends == 1 && !r.delivered }

// sendsThen is how often a row was sent by its schedule once it is out again.
func (r *row) sendsThen() int {
	if r.due.quick > 0 {
		return r.sends
	}
	return r.sends + 1
}

// groupMessage is a row's message as MVDS sends it, from its record.
func groupMessage(self, peer key.Public, rec *wire.OutboxRecord) datasync.Message {
	return datasync.Message{
		GroupID: datasync.GroupID(self, peer), Timestamp: rec.GetMvdsTimestamp(), Body: rec.GetApplication(),
	}
}

func byClock(a, b *row) int {
	if a.clock != b.clock {
		if a.clock < b.clock {
			return -1
		}
		return 1
	}
	return slices.Compare(a.mvds[:], b.mvds[:])
}

func rowFromRecord(rec *wire.OutboxRecord, number uint64) (*row, error) {
	peer, err := key.ParsePublic(rec.GetPeer())
	if err != nil || len(rec.GetMessageId()) != 32 || len(rec.GetMvdsId()) != 32 {
		return nil, port.Errorf(port.CodeStoreCorrupt, "", "an outbox row does not read back")
	}
	return newRow(peer, rec, number), nil
}

// newRow is the row of a record that is whole, for peer.
func newRow(peer key.Public, rec *wire.OutboxRecord, number uint64) *row {
	return &row{
		id: [32]byte(rec.GetMessageId()), mvds: [32]byte(rec.GetMvdsId()), number: number, peer: peer,
		clock: rec.GetClock(), size: len(rec.GetApplication()), sends: int(rec.GetSends()),
		due: schedule{next: time.UnixMilli(rec.GetNextSendAt())},
		// Earlier versions counted devices that nobody knew, without end.
		acked:     rec.GetAcknowledgedBy()[:min(len(rec.GetAcknowledgedBy()), session.MaxKnownInstallations)],
		delivered: len(rec.GetAcknowledgedBy()) > 0,
		inHistory: rec.GetInHistory(), clientRef: rec.GetClientRef(),
	}
}
