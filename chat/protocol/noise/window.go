package noise

import (
	"slices"

	"libstatus1to1/chat/protocol/key"
)

// inbound holds the nonces of the peer's messages that may still come.
type inbound struct {
	next    uint64   // one above the highest nonce opened
	skipped []uint64 // below next and not opened, ascending, at most MaxSkipped
	order   TagOrder // that of the peer's latest message, message 0 aside
}

// candidate is a nonce that a nametag may belong to.
type candidate struct {
	nonce uint64
	order TagOrder
}

// expects reports whether the nametag is that of the next message in the peer's order:
// the common case, for one hash.
func (w inbound) expects(secret *key.Secret, tag Nametag) bool {
	return transportNametag(secret, w.order.index(w.next)) == tag
}

// candidates are the nonces that a nametag may belong to: none for a foreign one, and two
// where the same index belongs to one nonce in each order. The cipher decides between them.
func (w inbound) candidates(secret *key.Secret, tag Nametag) []candidate {
	var found []candidate
	match := func(n uint64) {
		for _, o := range [...]TagOrder{SpecOrder, GoNoiseOrder} {
			if (n > 0 || o == SpecOrder) && transportNametag(secret, o.index(n)) == tag {
				found = append(found, candidate{n, o})
			}
		}
	}
	for n := w.next; n < w.next+Window && n < maxNonce; n++ {
		match(n)
	}
	for _, n := range w.skipped {
		match(n)
	}
	return found
}

// opened is w after the message with this nonce was opened.
func (w inbound) opened(c candidate) inbound {
	if c.nonce > 0 {
		w.order = c.order
	}
	if c.nonce < w.next {
		i := slices.Index(w.skipped, c.nonce)
		w.skipped = slices.Concat(w.skipped[:i], w.skipped[i+1:])
		return w
	}
	if c.nonce > w.next {
		missing := slices.Clone(w.skipped)
		for n := w.next; n < c.nonce; n++ {
			missing = append(missing, n)
		}
		w.skipped = missing[max(0, len(missing)-MaxSkipped):]
	}
	w.next = c.nonce + 1
	return w
}

// valid reports whether a stored window can have come from opened.
func (w inbound) valid() bool {
	if len(w.skipped) > MaxSkipped || w.next > maxNonce {
		return false
	}
	for i, n := range w.skipped {
		if n >= w.next || i > 0 && n <= w.skipped[i-1] {
			return false
		}
	}
	return true
}
