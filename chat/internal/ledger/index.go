package ledger

import (
	"bytes"
	"encoding/hex"
	"sync"

	"libstatus1to1/chat/event"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/protocol/key"
)

// eventIndex knows of each event that waits in the store how large it is and whom it
// is about. It follows what transactions do: where one has failed, or an event was
// acknowledged, the bounds of the queue tell.
type eventIndex struct {
	mu     sync.Mutex
	first  uint64         // the number of the first in list; 0 before anything was read
	list   []waitingEvent // without gaps
	bytes  int
	people map[key.Compact]*eventShare
}

type waitingEvent struct {
	size  int
	about *eventShare // nil: nobody in particular
}

// eventShare is what waits about one person.
type eventShare struct {
	who    key.Compact
	number int
	bytes  int
	notice uint64 // the last events_withheld about them, if it waits
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
		x.first, x.list, x.bytes, x.people = first, nil, 0, nil
	}
	for len(x.list) > 0 && x.first < first {
		x.dropFirst()
	}
	for len(x.list) > 0 && x.next() > last+1 { // never committed
		e := x.list[len(x.list)-1]
		x.forget(e)
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
	e := waitingEvent{size: size}
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
		if kind == (event.EventsWithheld{}).Type() {
			e.about.notice = x.next()
		}
	}
	x.bytes += size
	x.list = append(x.list, e)
}

func (x *eventIndex) forget(e waitingEvent) {
	x.bytes -= e.size
	if e.about == nil {
		return
	}
	e.about.number--
	e.about.bytes -= e.size
	if e.about.number == 0 {
		delete(x.people, e.about.who)
	}
}

func (x *eventIndex) dropFirst() {
	x.forget(x.list[0])
	x.list = x.list[1:]
	x.first++
}

// dropTo drops the oldest until at most number are left and they have at most size bytes.
func (x *eventIndex) dropTo(number, size int) {
	for len(x.list) > 0 && (len(x.list) > number || x.bytes > size) {
		x.dropFirst()
	}
}

// of is what waits about one person.
func (x *eventIndex) of(who key.Compact) eventShare {
	if s := x.people[who]; s != nil {
		return *s
	}
	return eventShare{who: who}
}

// sum is what waits about all people for whom counts is true.
func (x *eventIndex) sum(counts func(key.Compact) bool) (sum eventShare) {
	for who, s := range x.people {
		if counts(who) {
			sum.number += s.number
			sum.bytes += s.bytes
		}
	}
	return sum
}

// eventNames are the events that report what somebody did, and the member of their
// data, the first of that name, with that person's key. That a message of ours came
// further is not among them: how many of those there are is up to us.
var eventNames = map[string]string{
	event.MessageReceived{}.Type():        "from",
	event.UnsupportedReceived{}.Type():    "from",
	event.ContactChanged{}.Type():         "public_key",
	event.ContactRequestReceived{}.Type(): "public_key",
	event.ChatRequestReceived{}.Type():    "public_key",
	event.VerificationChanged{}.Type():    "public_key",
	event.DeviceConflict{}.Type():         "public_key",
	event.SessionChanged{}.Type():         "public_key",
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
