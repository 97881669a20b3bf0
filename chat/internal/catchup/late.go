package catchup

import (
	"time"

	"libstatus1to1/chat/port"
)

// A store node that gives little at a time, just before each wait is over, would hold a
// round up for hours without a fault. So each answer may take as long as one of its size takes
// over a slow line, and the time that a node takes beyond that is added up.

// pageTime returns how long an answer with a number of hashes may take.
func pageTime(hashes int) time.Duration {
	return slowerBy * time.Duration(hashes) / port.MaxQueryLimit
}

// chunkTime returns how long an answer with envelopes may take, beside the time for the query.
func chunkTime(envelopes, bytes int) time.Duration {
	return slowerBy*time.Duration(envelopes)/firstChunk + slowerBy*time.Duration(bytes)/slowBytes
}

// took counts how long a node has taken for an answer. With too much of it the node is left
// out, if there is another one to go on with.
func (f *fetch) took(l *lister, took, may time.Duration) {
	if took <= may {
		return
	}
	l.mu.Lock()
	l.late += took - may
	tooLate := l.late > maxLate
	l.mu.Unlock()
	if !tooLate {
		return
	}
	for _, other := range f.listers {
		if other != l && other.sound() {
			l.fail(port.StoreSlow, "gives too little at a time")
			return
		}
	}
}
