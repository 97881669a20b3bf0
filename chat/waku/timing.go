package waku

import "time"

// timing holds the intervals of light mode. They are fields so that tests can scale them.
type timing struct {
	// pingEvery is the interval at which all service nodes are pinged, at the same moment, so
	// that a phone wakes up once. Service nodes forget who says nothing for five minutes
	// (12/WAKU2-FILTER, implementations), and routers forget a silent connection after four
	// or more: three pings in five minutes leave room for a lost one, and 40 in an hour
	// leave room in the budget of 60 wake-ups.
	pingEvery time.Duration
	// answer bounds a request to a service node.
	answer time.Duration
	// settle is the wait for more changes of content topics before service nodes are told.
	settle time.Duration
	// late is the time within which each service node is expected to push what another one
	// has pushed or we have published.
	late time.Duration
	// doubt is the time after which a subscription that has pushed nothing is tested.
	doubt time.Duration
	// penalty is the first wait before a service node that has failed is used again; it
	// doubles up to longestPenalty.
	penalty, longestPenalty time.Duration
	// hedge is the time after which a second service node is asked to publish while the
	// first has not answered.
	hedge time.Duration
	// apart is the time between two wake-ups: what happens within it of something else is
	// the same one.
	apart time.Duration
	// gapEvery is the least time between two reports of a gap. Each makes the engine ask a
	// store node, and whoever floods us could cause many.
	gapEvery time.Duration
}

var usualTiming = timing{
	pingEvery: 90 * time.Second, answer: 10 * time.Second, settle: 50 * time.Millisecond, late: 10 * time.Second,
	doubt: 15 * time.Minute, penalty: 2 * time.Second, longestPenalty: 2 * time.Minute, hedge: 3 * time.Second,
	apart: 2 * time.Second, gapEvery: 5 * time.Second,
}
