package servicenode

import (
	"bytes"
	"cmp"
	"os"
	"slices"
	"sync"
	"time"

	wakupb "github.com/waku-org/go-waku/waku/v2/protocol/pb"
	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/port"
)

// Hash is a message hash. Spec: 14/WAKU2-MESSAGE, "Deterministic message hashing".
type Hash = [32]byte

// HashOf returns the hash of an envelope on its pubsub topic.
func HashOf(e port.Envelope) Hash { return Hash(MessageOf(e).Hash(e.PubsubTopic)) }

// MessageOf returns an envelope as the message that the Status app and the library send:
// every field present, meta empty.
func MessageOf(e port.Envelope) *wakupb.WakuMessage {
	return &wakupb.WakuMessage{Payload: e.Payload, ContentTopic: e.ContentTopic, Version: proto.Uint32(e.Version),
		Timestamp: proto.Int64(e.Timestamp), Meta: []byte{}, Ephemeral: proto.Bool(e.Ephemeral)}
}

// Stored is a stored message.
type Stored struct {
	Hash        Hash
	PubsubTopic string
	Time        int64 // the message's timestamp, or when it was stored if it has none, ns
	Message     *wakupb.WakuMessage
}

// Envelope returns the message as an envelope.
func (s *Stored) Envelope() port.Envelope {
	m := s.Message
	return port.Envelope{PubsubTopic: s.PubsubTopic, ContentTopic: m.ContentTopic, Payload: m.Payload,
		Version: m.GetVersion(), Timestamp: m.GetTimestamp(), Ephemeral: m.GetEphemeral()}
}

// before orders stored messages as store nodes do: by time, then by hash.
func before(a, b *Stored) int {
	return cmp.Or(cmp.Compare(a.Time, b.Time), bytes.Compare(a.Hash[:], b.Hash[:]))
}

// place is a content topic on a pubsub topic; "" stands for all of them.
type place struct{ pubsub, content string }

// Archive holds stored messages in memory. Its methods may be called from any goroutine.
type Archive struct {
	mu     sync.Mutex
	byHash map[Hash]*Stored
	lists  map[place][]*Stored // in order
	file   *os.File            // where they are kept too, or nil
}

// NewArchive makes an empty archive.
func NewArchive() *Archive {
	return &Archive{byHash: map[Hash]*Stored{}, lists: map[place][]*Stored{}}
}

// Add stores envelopes, each with its PubsubTopic, and returns how many were not there yet. Many are
// stored cheaply in one call.
func (a *Archive) Add(envelopes ...port.Envelope) int {
	all := make([]*Stored, len(envelopes))
	for i, e := range envelopes {
		all[i] = &Stored{PubsubTopic: e.PubsubTopic, Message: MessageOf(e)}
	}
	return a.add(all)
}

// AddMessage stores a message and reports whether it was not there yet.
func (a *Archive) AddMessage(pubsubTopic string, m *wakupb.WakuMessage) bool {
	return a.add([]*Stored{{PubsubTopic: pubsubTopic, Message: m}}) == 1
}

// add stores what is not there yet. A file that cannot be written is a defect of the test's
// machine, of which nobody can be told here.
func (a *Archive) add(all []*Stored) int {
	for _, s := range all {
		s.Hash = Hash(s.Message.Hash(s.PubsubTopic))
		if s.Time = s.Message.GetTimestamp(); s.Time == 0 {
			s.Time = time.Now().UnixNano()
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	unsorted := map[place]bool{}
	var added []*Stored
	for _, s := range all {
		if a.byHash[s.Hash] != nil {
			continue
		}
		a.byHash[s.Hash] = s
		added = append(added, s)
		for _, at := range []place{{s.PubsubTopic, ""}, {s.PubsubTopic, s.Message.ContentTopic}} {
			list := a.lists[at]
			unsorted[at] = unsorted[at] || len(list) > 0 && before(list[len(list)-1], s) > 0
			a.lists[at] = append(list, s)
		}
	}
	for at, is := range unsorted {
		if is {
			slices.SortFunc(a.lists[at], before)
		}
	}
	if err := a.write(added); err != nil {
		panic("servicenode: the archive's file: " + err.Error())
	}
	return len(added)
}

// Has reports whether a message is stored.
func (a *Archive) Has(h Hash) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.byHash[h] != nil
}

// Count returns the number of stored messages.
func (a *Archive) Count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.byHash)
}

// List returns all stored messages in the order of their times.
func (a *Archive) List() []*Stored {
	a.mu.Lock()
	defer a.mu.Unlock()
	all := make([]*Stored, 0, len(a.byHash))
	for _, s := range a.byHash {
		all = append(all, s)
	}
	slices.SortFunc(all, before)
	return all
}

// Remove forgets a message and reports whether it was there.
func (a *Archive) Remove(h Hash) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.byHash[h]
	if s == nil {
		return false
	}
	delete(a.byHash, h)
	for _, at := range []place{{s.PubsubTopic, ""}, {s.PubsubTopic, s.Message.ContentTopic}} {
		a.lists[at] = slices.DeleteFunc(a.lists[at], func(other *Stored) bool { return other == s })
	}
	return true
}

// Clear forgets everything.
func (a *Archive) Clear() {
	a.mu.Lock()
	defer a.mu.Unlock()
	clear(a.byHash)
	clear(a.lists)
}

// query selects stored messages.
type query struct {
	pubsub   string
	contents []string // none for all
	from, to int64    // both inclusive; 0 for open
	after    *Hash
	backward bool
	limit    int
}

// find returns one page in the order of time, and whether there is more behind it (before
// it, if the query goes backward). ok is false if the cursor is not there.
func (a *Archive) find(q query) (page []*Stored, more, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	var cursor *Stored
	if q.after != nil {
		if cursor = a.byHash[*q.after]; cursor == nil {
			return nil, false, false
		}
	}
	var lists [][]*Stored
	for _, content := range q.topics() {
		if list := q.within(a.lists[place{q.pubsub, content}], cursor); len(list) > 0 {
			lists = append(lists, list)
		}
	}
	for len(lists) > 0 {
		if len(page) == q.limit {
			more = true
			break
		}
		page = append(page, q.next(&lists))
	}
	if q.backward {
		slices.Reverse(page)
	}
	return page, more, true
}

// topics returns the content topics to look at, each once.
func (q query) topics() []string {
	if len(q.contents) == 0 {
		return []string{""}
	}
	topics := slices.Clone(q.contents)
	slices.Sort(topics)
	return slices.Compact(topics)
}

// within returns the part of an ordered list that a query asks for.
func (q query) within(list []*Stored, cursor *Stored) []*Stored {
	byTime := func(s *Stored, at int64) int { return cmp.Compare(s.Time, at) }
	if q.from > 0 {
		low, _ := slices.BinarySearchFunc(list, q.from, byTime)
		list = list[low:]
	}
	if q.to > 0 {
		high, _ := slices.BinarySearchFunc(list, q.to+1, byTime)
		list = list[:high]
	}
	if cursor == nil {
		return list
	}
	at, found := slices.BinarySearchFunc(list, cursor, before)
	switch {
	case q.backward:
		return list[:at]
	case found:
		return list[at+1:]
	default:
		return list[at:]
	}
}

// next takes the first message out of the lists, or the last if the query goes backward.
func (q query) next(lists *[][]*Stored) *Stored {
	best, end := 0, func(list []*Stored) *Stored { return list[0] }
	if q.backward {
		end = func(list []*Stored) *Stored { return list[len(list)-1] }
	}
	for i, list := range *lists {
		if order := before(end(list), end((*lists)[best])); order < 0 != q.backward && order != 0 {
			best = i
		}
	}
	list := (*lists)[best]
	taken := end(list)
	if q.backward {
		list = list[:len(list)-1]
	} else {
		list = list[1:]
	}
	if (*lists)[best] = list; len(list) == 0 {
		*lists = slices.Delete(*lists, best, best+1)
	}
	return taken
}

// get returns the messages with these hashes that are stored, in the order of time.
func (a *Archive) get(hashes []Hash) (found []*Stored) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, h := range hashes {
		if s := a.byHash[h]; s != nil {
			found = append(found, s)
		}
	}
	slices.SortFunc(found, before)
	return slices.Compact(found)
}
