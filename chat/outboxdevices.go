package chat

import (
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/protocol/datasync"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/session"
	"libstatus1to1/chat/wire"
)

// toOwnDevices puts a message that goes to somebody else into the outbox for our
// own other devices too: the same application message, hence the same message id, in
// the group of our key with itself. What was sent before a device was enabled it
// does not get. Spec: 54, "Sending messages to a paired group".
func (t *txn) toOwnDevices(row *wire.OutboxRecord) error {
	a := t.c.self.Load()
	if len(a.others) == 0 {
		return nil
	}
	sync := datasync.Message{
		GroupID: datasync.GroupID(a.public, a.public), Timestamp: row.GetMvdsTimestamp(), Body: row.GetApplication(),
	}
	id := sync.ID()
	own := proto.CloneOf(row)
	own.MvdsId, own.Peer = id[:], a.public.Compressed()
	own.InHistory, own.ClientRef = false, "" // their acknowledgement does not deliver it
	return t.addRow(a.public, own)
}

// settle takes out of the outbox what every device has by now, since those that had
// not are disabled or gone, and what was for own devices when there is none any more.
func (c *Client) settle(a *account, p session.Peer, rows []outboxRow) []outboxRow {
	active := installationIDs(p.Active())
	everywhere := func(r outboxRow) bool {
		missing := slices.ContainsFunc(active, func(id string) bool { return !slices.Contains(r.acked, id) })
		return !missing && (len(active) != 0 || p.Identity == a.public)
	}
	if !slices.ContainsFunc(rows, everywhere) {
		return rows
	}
	var rest, done []outboxRow
	for _, r := range rows {
		if everywhere(r) {
			done = append(done, r)
		} else {
			rest = append(rest, r)
		}
	}
	err := c.update(func(t *txn) error {
		for _, r := range done {
			if err := t.keepSent(r); err != nil {
				return err
			}
			if err := t.dropRow(r); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		c.postpone(p.Identity, done, "settling the outbox failed", err)
	}
	return rest
}

// resend makes due what an installation of peer has been sent and has not
// acknowledged. A message is hurried at most once in pause.
func (o *outbox) resend(peer key.Public, installation string, now time.Time, pause time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, r := range o.byMVDS {
		waits := r.peer == peer && r.attempt == 0 && r.sends > 0 && r.nextSend.After(now)
		if waits && !slices.Contains(r.acked, installation) && now.Sub(r.hurried) >= pause {
			r.nextSend, r.hurried = now, now
		}
	}
}

// peersOf are the identities that a message is still being sent to.
func (o *outbox) peersOf(id [32]byte) []key.Public {
	o.mu.Lock()
	defer o.mu.Unlock()
	var peers []key.Public
	for _, r := range o.byMVDS {
		if r.id == id {
			peers = append(peers, r.peer)
		}
	}
	return peers
}

// sentElsewhere remembers under which MVDS id another own device sends a message to
// its recipient: their acknowledgement comes to us as well.
func (t *txn) sentElsewhere(m *inbound, rec *wire.MessageRecord, application []byte) error {
	at, known := m.timestamps[[32]byte(rec.GetId())]
	if !rec.GetOutgoing() || !known {
		return nil
	}
	chat, err := key.ParsePublic(rec.GetChat())
	if err != nil {
		return err
	}
	sync := datasync.Message{GroupID: datasync.GroupID(m.sender, chat), Timestamp: at, Body: application}
	return t.rememberSent(sync.ID(), [32]byte(rec.GetId()))
}

// acknowledgedElsewhere notes an acknowledgement of what another own device sent.
func (t *txn) acknowledgedElsewhere(by string, peer key.Public, mvds [32]byte) error {
	var seen wire.SeenRecord
	found, err := get(t, tableSeen, seenKey(seenElsewhere, mvds), &seen)
	if err != nil || !found {
		return err
	}
	ids, err := idsOf(seen.GetMvdsIds())
	if err != nil || len(ids) != 1 {
		return err
	}
	var rec wire.MessageRecord
	if _, err := get(t, tableMessages, ids[0][:], &rec); err != nil || string(rec.GetChat()) != string(peer.Compressed()) {
		return err
	}
	return t.deviceHas(ids[0], by, false)
}
