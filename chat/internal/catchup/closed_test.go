package catchup

import (
	"testing"
	"time"

	"libstatus1to1/chat/memnet"
)

// A topic that cannot be opened while a round of all others is complete is fetched from its own
// cursor once it can, also if the process ended, or the store was away, in between.
func TestOfflineClosedTopic(t *testing.T) {
	h, stores := newHost(t, true, memnet.StoreOptions{}, memnet.StoreOptions{})
	h.topics = []Topic{{Name: topicA, Class: Negotiated}, {Name: topicB, Class: Negotiated}}
	h.pass(5 * time.Hour)
	want := publish(stores, topicB, h.now.Add(2*time.Hour), 5, 10)
	h.advance(8 * time.Hour)
	h.topics[1].Closed = true
	h.open(true)
	h.pass(time.Second)
	h.has(nil)
	h.advance(2 * time.Hour)
	h.topics[1].Closed = false
	h.open(true)
	h.pass(time.Hour)
	h.has(want)
	if len(h.part.cursors.of) != 0 {
		t.Errorf("the cursors are %+v", h.part.cursors.of)
	}
}
