package outbox

import (
	"slices"
	"time"

	"libstatus1to1/chat/event"
	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/protocol/key"
)

// Where messages go by sessions that both sides have to make (Noise), nothing can be sealed
// for a device before the handshake with it is done. A message that no device can get yet
// waits for the peer: it is due when the handshake is done (Reachable), and given up when it
// would have been, had it been sent.

const (
	// waitAgain is the time after which what waits is looked at again, in case nobody says
	// that it may go.
	waitAgain = time.Hour
	// maxWait is the time after which a message is given up that nobody could be sent: that
	// of all attempts of one that is sent (datasync.MaxSends).
	maxWait = 20*24*time.Hour + 12*time.Hour
	// waitingForPeer is the reason, as event.MessageState names it.
	waitingForPeer = "waiting_for_peer"
)

// awaitPeer lets the rows wait for which no device can be sealed yet, and returns the others.
func (o *Outbox) awaitPeer(peer key.Public, rows []row, to Recipient, now time.Time) []row {
	if len(to.Waiting) == 0 && !to.Mute {
		return rows
	}
	waits := func(r row) bool {
		return to.Mute || !slices.ContainsFunc(to.Devices, func(id string) bool {
			return !slices.Contains(r.acked, id) && !slices.Contains(to.Waiting, id)
		})
	}
	var rest, waiting []row
	for _, r := range rows {
		if waits(r) {
			waiting = append(waiting, r)
		} else {
			rest = append(rest, r)
		}
	}
	o.letWait(peer, waiting, now)
	return rest
}

// letWait postpones rows that cannot go yet, shows that they wait, and gives up those that have
// waited long enough.
func (o *Outbox) letWait(peer key.Public, rows []row, now time.Time) {
	if len(rows) == 0 {
		return
	}
	err := o.Ledger.Update(func(tx *ledger.Tx) error {
		for _, r := range rows {
			if now.Sub(time.UnixMilli(int64(r.clock))) > maxWait {
				if err := o.giveUp(tx, r, port.CodeUndeliverable); err != nil {
					return err
				}
				continue
			}
			tx.After(func() {
				o.rows.change(r.mvds, func(r *row) { r.awaits, r.due.next, r.due.quick = true, now.Add(waitAgain), 0 })
			})
			if r.awaits || !r.inHistory || r.sends > 0 || r.delivered {
				continue
			}
			if err := tx.Emit(event.MessageState{
				MessageID: event.Hex(r.id[:]), ChatID: r.peer.Hex(), ClientRef: r.clientRef, State: "queued", Waiting: waitingForPeer,
			}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		o.postpone(peer, rows, "letting messages wait failed", err)
	}
}

// Reachable makes due what waited for a handshake with somebody, and the acknowledgements to
// them. To be called in a Turn, after the commit.
func (o *Outbox) Reachable(peer key.Public) {
	now := o.Now()
	o.rows.stopWaiting(peer, now)
	if p := o.acks[peer]; p != nil && p.due.After(now.Add(o.AckDelay)) {
		p.due = now
	}
	o.Wake()
}

func (s *rows) stopWaiting(peer key.Public, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.idleOf(peer) { // one in an attempt does not wait for the peer
		if r.awaits {
			r.awaits, r.due.next = false, now
			s.place(r)
		}
	}
}
