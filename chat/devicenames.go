package chat

import (
	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/event"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/session"
	"libstatus1to1/chat/wire"
)

// What another own device says of itself: a deployed client tells the others what it is
// called with a SYNC_PAIR_INSTALLATION that it does not sign. That it is from our own
// identity, the payload's signature says.

// isUnsignedName reports whether b may go without a signature of its own.
func (p *pass) isUnsignedName(m *inbound, b []byte) bool {
	app, err := message.UnwrapUnsigned(b)
	return err == nil && m.sender == p.a.public && app.Type == wire.ApplicationMetadataMessage_SYNC_PAIR_INSTALLATION
}

// deviceNamed takes the name that another own device has for itself, unless the user has
// given it one here. Spec: deployed.
func (p *pass) deviceNamed(m *inbound, app message.Application) {
	var told wire.SyncPairInstallation
	if err := proto.Unmarshal(app.Payload, &told); err != nil || m.sender != p.a.public {
		p.c.counters.drop("application")
		return
	}
	name := shownName(told.GetName(), MaxName)
	if told.GetInstallationId() != m.in.InstallationID || name == "" {
		return
	}
	own, err := p.peer(p.a.public)
	if err != nil {
		return
	}
	if in, found := own.Find(m.in.InstallationID); !found || in.Name != "" {
		return
	}
	next, _ := own.Change(m.in.InstallationID, func(in *session.Installation) { in.Name = name })
	p.setPeer(own, next)
	p.do(func(t *txn) error {
		in, _ := next.Find(m.in.InstallationID)
		return t.emit(event.DeviceChanged{Device: deviceOf(next, in)})
	})
}

// beforeDevice reports whether a message was for any device of ours and is older than
// this one, by the clock and the time in it, which its sender signed. The envelope of such
// a message can be published again years later, by anybody, and is new on every device that
// is set up in between. It may as well be an honest one that has been under way, so it is
// shown, and said to be that.
func (p *pass) beforeDevice(m *inbound, cm *wire.ChatMessage) bool {
	written := min(cm.GetClock(), cm.GetTimestamp())
	return m.in.Session < 0 && m.sender != p.a.public && written < uint64(max(p.a.createdAt, 0))
}
