package chat

import (
	"cmp"
	"slices"

	"libstatus1to1/chat/event"
	"libstatus1to1/chat/protocol/session"
)

// reportConflicts emits which devices of somebody have come to take each other off the
// list: of our own identity, and of people who did not come unasked and are not blocked.
func (t *txn) reportConflicts(before, after session.Peer) error {
	a := t.c.account_.Load()
	old := before.Conflicts(a.self)
	for _, id := range after.Conflicts(a.self) {
		if slices.Contains(old, id) {
			continue
		}
		if s, _ := t.c.roster.get(after.Identity); after.Identity != a.public && (s.blocked || s.stranger()) {
			return nil
		}
		in, _ := after.Find(id)
		if err := t.emit(event.DeviceConflict{
			PublicKey: after.Identity.Hex(), Installation: id, Other: cmp.Or(in.ConflictWith, a.self.InstallationID),
		}); err != nil {
			return err
		}
	}
	return nil
}
