package ledger

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"sync"

	"libstatus1to1/chat/event"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
)

// How events get into the store. Three bounds hold there: how many may wait, how many
// bytes they may have, and what share of both one stranger, and all strangers
// together, may take. Past the first two the oldest give way, and one record says
// which; past the third the stranger's own events are not kept.

const (
	// overflowShare: one tenth of what may wait is dropped at a time, so that not each
	// event that comes costs a change of the record of lost ones.
	overflowShare = 10
	// strangerShare of the queue is for one stranger: with the default 400 events, more
	// than MaxStrangerMessages messages make. strangersShare is for all of them.
	strangerShare  = 50
	strangersShare = 4
	// minStrangerEvents is the number of events of a first message: the person, the
	// session, the request and the message. Small queues have room for it.
	minStrangerEvents = 4
	// withheldNotices limits the events_withheld about one stranger in the queue. A new one
	// is needed only when the one before was handed out.
	withheldNotices = 8
)

// Emit stores e with the rest of the transaction.
func (t *Tx) Emit(e event.Event) error {
	data, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("encoding event %s: %w", e.Type(), err)
	}
	return t.EmitEncoded(e.Type(), data)
}

// EmitEncoded is Emit for an event of that type that is encoded already.
func (t *Tx) EmitEncoded(kind string, data []byte) error {
	_, err := t.emitEncoded(kind, data)
	return err
}

// emitEncoded returns the number of the event, 0 if it is withheld.
func (t *Tx) emitEncoded(kind string, data []byte) (seq uint64, err error) {
	queue := &t.ledger.index
	queue.mu.Lock()
	defer queue.mu.Unlock()
	if err := queue.follow(t.Tx); err != nil {
		return 0, err
	}
	// A session is theirs even where our acknowledgement begins it: each of theirs makes one.
	theirs := t.byOthers || kind == (event.SessionChanged{}).Type()
	if who, found := eventAbout(kind, data); found && theirs {
		withheld, err := t.withhold(who, len(data))
		if withheld || err != nil {
			return 0, err
		}
	}
	if err := t.append(kind, data); err != nil {
		return 0, err
	}
	return t.lastSeq, nil
}

// append makes room for an event and stores it; the index is locked and up to date.
func (t *Tx) append(kind string, data []byte) error {
	value := encodeEvent(kind, t.ledger.Now().UnixMilli(), data)
	if err := t.makeRoom(len(value)); err != nil {
		return err
	}
	seq, err := t.Append(QueueEvents, value)
	if err != nil {
		return err
	}
	if t.firstSeq == 0 {
		t.firstSeq = seq
		t.ledger.inFlight.begin(t, seq)
	}
	t.lastSeq = seq
	t.ledger.index.add(kind, data, len(value))
	return nil
}

// makeRoom drops the oldest events when there are too many for one more of size bytes.
func (t *Tx) makeRoom(size int) error {
	queue, s := &t.ledger.index, t.ledger
	if len(queue.list) < s.MaxEvents && queue.bytes+size <= s.MaxEventBytes {
		return nil
	}
	from := queue.first
	queue.dropTo(s.MaxEvents-max(1, s.MaxEvents/overflowShare), s.MaxEventBytes-s.MaxEventBytes/overflowShare-size)
	to := queue.first - 1
	if to < from {
		return nil // one that is larger than all may be, and nothing else waits
	}
	var lost wire.LostEventsRecord
	if _, err := Get(t, TableMeta, metaLostEvents, &lost); err != nil {
		return err
	}
	if lost.FromSeq == 0 {
		lost.FromSeq = from
	}
	lost.ToSeq = to
	if err := Put(t, TableMeta, metaLostEvents, &lost); err != nil {
		return err
	}
	t.After(func() { t.ledger.Events.gaveWay(to) })
	return t.Trim(QueueEvents, to)
}

// withhold reports whether an event about somebody is not kept, because they are a stranger
// who has their share, or strangers have theirs. An event reports whose events are missing,
// once until it is read.
func (t *Tx) withhold(who key.Compact, size int) (bool, error) {
	if !t.ledger.Stranger(who) {
		return false, nil
	}
	queue, s := &t.ledger.index, t.ledger
	number := max(s.MaxEvents/strangerShare, minStrangerEvents)
	theirs := queue.of(who)
	all := queue.sum(t.ledger.Stranger)
	if theirs.number < number && theirs.bytes+size <= s.MaxEventBytes/strangerShare &&
		all.number < max(s.MaxEvents/strangersShare, minStrangerEvents) && all.bytes+size <= s.MaxEventBytes/strangersShare {
		return false, nil
	}
	t.ledger.Withheld()
	if theirs.number >= number+withheldNotices {
		return true, nil
	}
	return true, t.notice(theirs)
}

// notice tells of events about somebody that were not kept, unless an earlier notice of that
// waits; queue.mu is held.
func (t *Tx) notice(theirs eventShare) error {
	if theirs.notice >= t.ledger.Events.FirstUnread() {
		return nil
	}
	k, err := key.ParsePublic(theirs.who[:])
	if err != nil {
		return nil // nobody's: the event was none of ours
	}
	e := event.EventsWithheld{PublicKey: k.Hex()}
	data, err := json.Marshal(e)
	if err != nil {
		return err
	}
	return t.append(e.Type(), data)
}

// acknowledge deletes all events up to and including upTo, and the record of lost events up
// to there.
func (t *Tx) acknowledge(upTo uint64) error {
	var lost wire.LostEventsRecord
	found, err := Get(t, TableMeta, metaLostEvents, &lost)
	switch {
	case err != nil:
	case found && lost.GetToSeq() <= upTo:
		err = t.Delete(TableMeta, metaLostEvents)
	case found && lost.GetFromSeq() <= upTo:
		lost.FromSeq = upTo + 1
		err = Put(t, TableMeta, metaLostEvents, &lost)
	}
	if err != nil {
		return err
	}
	return t.Trim(QueueEvents, upTo)
}

// ReadLost is the range of events that is lost and not acknowledged; 0, 0 is none.
func ReadLost(tx port.Tx) (from, to uint64, err error) {
	var lost wire.LostEventsRecord
	_, err = Get(tx, TableMeta, metaLostEvents, &lost)
	return lost.GetFromSeq(), lost.GetToSeq(), err
}

// StoredEvent is an event as QueueEvents holds it.
type StoredEvent struct {
	Type string          `json:"type"`
	At   int64           `json:"at"` // ms since 1970
	Data json.RawMessage `json:"data"`
}

// encodeEvent is the JSON of a StoredEvent, without reading data once more.
func encodeEvent(kind string, at int64, data []byte) []byte {
	b := make([]byte, 0, len(data)+len(kind)+64)
	b = append(strconv.AppendQuote(append(b, `{"type":`...), kind), `,"at":`...)
	b = append(strconv.AppendInt(b, at, 10), `,"data":`...)
	return append(append(b, data...), '}')
}

// decodeEvent reads what encodeEvent made, without looking at the data. ok is false
// when it is anything else.
func decodeEvent(b []byte) (e StoredEvent, ok bool) {
	rest, ok := bytes.CutPrefix(b, []byte(`{"type":"`))
	kind, rest, ok2 := bytes.Cut(rest, []byte(`","at":`))
	at, data, ok3 := bytes.Cut(rest, []byte(`,"data":{`))
	if !ok || !ok2 || !ok3 || bytes.ContainsAny(kind, `"\\`) || !bytes.HasSuffix(data, []byte("}}")) {
		return e, false
	}
	e.Type, e.Data = string(kind), rest[len(rest)-len(data)-1:len(rest)-1]
	var err error
	e.At, err = strconv.ParseInt(string(at), 10, 64)
	return e, err == nil
}

// eventIndex knows the size of each event that waits in the store, and the person it is
// about. It follows the transactions: the bounds of the queue show which have failed, and
// which events were acknowledged.
type eventIndex struct {
	mu     sync.Mutex
	first  uint64         // the number of the first in list; 0 before anything was read
	list   []waitingEvent // without gaps
	bytes  int
	people map[key.Compact]*eventShare
	// changes holds the last event of each change that waits.
	changes map[string]uint64
}

type waitingEvent struct {
	size   int
	about  *eventShare // nil: nobody in particular
	change string      // that it tells of, "" if it is of another kind: see changes.go
}

// eventShare is the part of the queue that is about one person.
type eventShare struct {
	who    key.Compact
	number int
	bytes  int
	notice uint64 // the last events_withheld about them, if it waits
	// changes is the number of those that are changes of messages.
	changes int
}

// load reads what waits, so that the first event of a run need not.
func (x *eventIndex) load(tx port.Tx) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.follow(tx)
}

// follow brings the index to what tx sees; x.mu is held.
func (x *eventIndex) follow(tx port.Tx) error {
	first, last, err := tx.Bounds(QueueEvents)
	if err != nil {
		return err
	}
	if x.first == 0 || first < x.first { // what was dropped came back: its transaction failed
		x.first, x.list, x.bytes, x.people, x.changes = first, nil, 0, nil, nil
	}
	for len(x.list) > 0 && x.first < first {
		x.dropFirst()
	}
	for len(x.list) > 0 && x.next() > last+1 { // never committed
		e := x.list[len(x.list)-1]
		x.forget(e, x.next()-1)
		x.list = x.list[:len(x.list)-1]
		if e.about != nil && e.about.notice >= x.next() {
			e.about.notice = 0
		}
	}
	if len(x.list) == 0 {
		x.first = first
	}
	for x.next() <= last {
		err := x.read(tx)
		if port.CodeOf(err) != port.CodeStoreCorrupt || err == nil {
			return err
		}
		x.add("", nil, assumedSize) // it cannot be handed out, and must not keep others from coming in
	}
	return nil
}

// assumedSize stands for the size of an event that is damaged: most have less.
const assumedSize = 1 << 10

// read takes the events up to the last one, or to one that is damaged.
func (x *eventIndex) read(tx port.Tx) error {
	return tx.Range(QueueEvents, x.next(), func(_ uint64, value []byte) (bool, error) {
		kind, data := "", value
		if stored, ok := decodeEvent(value); ok {
			kind, data = stored.Type, stored.Data
		}
		x.add(kind, data, len(value))
		return true, nil
	})
}

// next is the number of the next event.
func (x *eventIndex) next() uint64 { return x.first + uint64(len(x.list)) }

func (x *eventIndex) add(kind string, data []byte, size int) {
	e := waitingEvent{size: size, change: changeOf(kind, data)}
	if who, found := eventAbout(kind, data); found {
		e.about = x.people[who]
		if e.about == nil {
			e.about = &eventShare{who: who}
			if x.people == nil {
				x.people = map[key.Compact]*eventShare{}
			}
			x.people[who] = e.about
		}
		e.about.number++
		e.about.bytes += size
		if e.change != "" {
			e.about.changes++
		}
		if kind == (event.EventsWithheld{}).Type() {
			e.about.notice = x.next()
		}
	}
	x.noteChange(e.change)
	x.bytes += size
	x.list = append(x.list, e)
}

func (x *eventIndex) forget(e waitingEvent, seq uint64) {
	x.bytes -= e.size
	if e.change != "" && x.changes[e.change] == seq {
		delete(x.changes, e.change)
	}
	if e.about == nil {
		return
	}
	e.about.number--
	e.about.bytes -= e.size
	if e.change != "" {
		e.about.changes--
	}
	if e.about.number == 0 {
		delete(x.people, e.about.who)
	}
}

func (x *eventIndex) dropFirst() {
	x.forget(x.list[0], x.first)
	x.list = x.list[1:]
	x.first++
}

// dropTo drops the oldest until at most number are left and they have at most size bytes.
func (x *eventIndex) dropTo(number, size int) {
	for len(x.list) > 0 && (len(x.list) > number || x.bytes > size) {
		x.dropFirst()
	}
}

// of returns the share of one person.
func (x *eventIndex) of(who key.Compact) eventShare {
	if s := x.people[who]; s != nil {
		return *s
	}
	return eventShare{who: who}
}

// sum adds up the shares of all people for whom counts is true.
func (x *eventIndex) sum(counts func(key.Compact) bool) (sum eventShare) {
	for who, s := range x.people {
		if counts(who) {
			sum.number += s.number
			sum.bytes += s.bytes
		}
	}
	return sum
}

// eventNames are the events that report what somebody did, and the member of their data,
// the first of that name, with that person's key. The states of our own messages are not
// among them: their number is up to us.
var eventNames = map[string]string{
	event.MessageReceived{}.Type():        "from",
	event.MessageProgress{}.Type():        "chat_id",
	event.MessageChanged{}.Type():         "public_key",
	event.UnsupportedReceived{}.Type():    "from",
	event.ContactChanged{}.Type():         "public_key",
	event.ContactRequestReceived{}.Type(): "public_key",
	event.ChatRequestReceived{}.Type():    "public_key",
	event.VerificationChanged{}.Type():    "public_key",
	event.DeviceConflict{}.Type():         "public_key",
	event.SessionChanged{}.Type():         "public_key",
	event.KeyExchangeChanged{}.Type():     "public_key",
	event.SessionRepaired{}.Type():        "public_key",
	event.EventsWithheld{}.Type():         "public_key",
}

// eventAbout finds who did what an event reports, without decoding it. A quotation mark
// inside a JSON string has a backslash before it, so what is found is a member's name.
func eventAbout(kind string, data []byte) (who key.Compact, found bool) {
	name, found := eventNames[kind]
	if !found {
		return who, false
	}
	_, rest, found := bytes.Cut(data, []byte(`"`+name+`":"0x`))
	const digits = 2 * key.UncompressedSize
	if !found || len(rest) <= digits || rest[digits] != '"' {
		return who, false
	}
	var whole [key.UncompressedSize]byte
	if _, err := hex.Decode(whole[:], rest[:digits]); err != nil {
		return who, false
	}
	// The compressed form: 2 or 3 for the sign of y, then x.
	who[0] = 2 | whole[key.UncompressedSize-1]&1
	copy(who[1:], whole[1:key.CompressedSize])
	return who, true
}
