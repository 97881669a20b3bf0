package servicenode

import "time"

// Faults are the faults of a node. The zero value has none.
type Faults struct {
	StoreDelay    time.Duration   // before each answer
	StoreHangs    bool            // never answers
	StoreCuts     bool            // sends half of each answer and resets the stream
	StoreTrickles bool            // sends ten bytes a second
	StoreEmpty    bool            // answers 200 with nothing
	StoreStatus   uint32          // answers with this status code
	StoreLie      Lie             // answers something that does not answer the query
	StoreForgot   func(Hash) bool // leaves out these messages
	StoreDeaf     bool            // stores nothing of what is relayed from now on

	FilterSilent bool   // accepts subscriptions, answers pings, and pushes nothing
	FilterForgot bool   // has no subscription of anybody: pings get 404
	FilterStatus uint32 // answers requests with this status code
	FilterHangs  bool   // never answers a request
	FilterDelay  time.Duration
	// FilterLoses reports for each push whether it is lost.
	FilterLoses func(Hash) bool

	LightpushStatus uint32        // answers with this status code (version 2: no success)
	LightpushHangs  bool          // never answers, and relays nothing
	LightpushLoses  bool          // answers success and relays nothing
	LightpushDelay  time.Duration // before each answer, after having relayed
	// LightpushMute relays the message and never answers.
	LightpushMute bool

	ExchangeHangs bool // never answers
}

// Lie is a kind of answer of a store node that does not answer the query.
type Lie int

// The lies of a store node.
const (
	NoLie           Lie = iota
	LieWrongHash        // an envelope with a hash that it does not have
	LieContentTopic     // an envelope of a content topic that was not asked for
	LiePubsubTopic      // an envelope of another pubsub topic
	LieTime             // an envelope from before the time
	LieUnasked          // a hash that was not asked for; a made-up envelope if none was
	LieTwice            // an entry twice
	LieTooMany          // more entries than the limit
	LieNoEnvelope       // leaves the envelopes out
	LieBadEnvelope      // an envelope without a payload
	LieSameCursor       // the first page for ever, with its cursor
	LieEndless          // made-up hashes or envelopes for ever, with a new cursor each
	LieEmptyPages       // empty pages for ever, with a new cursor each
	LieShortCursor      // a cursor that is no hash
	LieRequestID        // the answer to another request
	LieNoStatus         // no status code
	LieGarbage          // bytes that are no message
	LieAnnounced        // announces two gigabytes and sends nothing
	LieOversized        // sends an answer of more bytes than any
	LieReversed         // the newest first
	lieEnd
)

// Lies returns all lies.
func Lies() []Lie {
	var all []Lie
	for l := NoLie + 1; l < lieEnd; l++ {
		all = append(all, l)
	}
	return all
}

var lieNames = [...]string{"none", "wrong hash", "content topic", "pubsub topic", "time", "unasked", "twice", "too many",
	"no envelope", "bad envelope", "same cursor", "endless", "empty pages", "short cursor", "request id", "no status",
	"garbage", "announced", "oversized", "reversed"}

func (l Lie) String() string {
	if l < 0 || int(l) >= len(lieNames) {
		return "unknown"
	}
	return lieNames[l]
}
