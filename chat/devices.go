package chat

import (
	"cmp"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/event"
	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/session"
	"libstatus1to1/chat/protocol/x3dh"
	"libstatus1to1/chat/text"
	"libstatus1to1/chat/wire"
)

// Our own other devices are installations of our own identity: the record of the
// peer we are ourselves holds them. Spec: 54/WAKU2-X3DH-SESSIONS, "Pairing".

// joinWindow is the time after setup in which a device joins the group of the devices that
// list it without asking its user, who has just confirmed it on one of them. Later a bundle
// that lists us may be the work of somebody who has got hold of the seed phrase: then only
// the user enables.
const joinWindow = 24 * time.Hour

// limitFor returns how many installations of an identity are addressed.
func (c *Client) limitFor(k key.Public) int {
	if a := c.self.Load(); a != nil && a.public == k {
		return c.ownLimit()
	}
	return c.settings.MaxInstallations
}

// ownLimit leaves out the installation we are; -1 is none for session.Peer.
func (c *Client) ownLimit() int {
	return cmp.Or(c.settings.MaxInstallations-1, -1)
}

// setDevices copies what the record of our own identity says of our devices into a.
func (a *account) setDevices(own session.Peer) {
	a.others = nil
	for _, in := range own.Active() {
		a.others = append(a.others, x3dh.SignedPreKey{
			InstallationID: in.ID, Key: in.PreKey, Version: in.PreKeyVersion, ProtocolVersion: in.ProtocolVersion,
		})
	}
	slices.SortFunc(a.others, func(x, y x3dh.SignedPreKey) int { return cmp.Compare(x.InstallationID, y.InstallationID) })
	a.dropped = own.Dropped()
}

// refreshOwnDevices brings the account up to date after p was stored, if p is our own
// identity, and has the bundle published if that changes it. The caller holds the engine's
// lock.
func (c *Client) refreshOwnDevices(p session.Peer) {
	a := c.self.Load()
	if a == nil || p.Identity != a.public {
		return
	}
	next := *a
	next.setDevices(p)
	if slices.Equal(next.others, a.others) && next.dropped == a.dropped {
		return
	}
	c.self.Store(&next)
	c.codeSoon()
}

// join enables the devices of the group that a device of ours, the sender of m, takes this
// one into. Spec: 54, "Pairing".
func (p *pass) join(m *inbound, own session.Peer) session.Peer {
	// Somebody who has got hold of the seed phrase could sign a bundle that lists us, too: it is
	// believed only while this device is new, and from a device that the user has not disabled.
	if p.now.Sub(time.UnixMilli(p.a.createdAt)) > joinWindow {
		return own
	}
	from, found := own.Find(m.in.InstallationID)
	if !found || !from.Lists || from.Disabled && from.Decided {
		return own
	}
	listed := map[string]bool{}
	for _, b := range m.message.GetBundles() {
		for id := range b.GetSignedPreKeys() {
			listed[id] = true
		}
	}
	return own.Join(func(id string) bool { return listed[id] })
}

// deviceNamed stores the name that another own device gives itself, unless the user has
// given it one here. A deployed client sends it to its own devices in a
// SYNC_PAIR_INSTALLATION that it does not sign; the signature of the payload shows that it
// is one of ours. Spec: 62/STATUS-PAYLOADS leaves the unsigned form out; deployed.
func (p *pass) deviceNamed(m *inbound, app message.Application) {
	var named wire.SyncPairInstallation
	if err := proto.Unmarshal(app.Payload, &named); err != nil || m.sender != p.a.public {
		p.c.counters.drop("application")
		return
	}
	name := text.Shown(named.GetName(), MaxName, text.Name)
	if named.GetInstallationId() != m.in.InstallationID || name == "" {
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
		return t.Emit(event.DeviceChanged{Device: deviceOf(next, in)})
	})
}

// reportDevices emits what changed about our own devices, conflicts among them too.
func (t *txn) reportDevices(before, after session.Peer) error {
	a := t.c.self.Load()
	if err := t.reportConflicts(before, after); err != nil {
		return err
	}
	for _, in := range after.Installations {
		was, known := before.Find(in.ID)
		var err error
		switch {
		case !known:
			err = t.Emit(event.DeviceFound{Device: deviceOf(after, in)})
		case was.Disabled != in.Disabled:
			err = t.Emit(event.DeviceChanged{Device: deviceOf(after, in)})
		}
		if err != nil {
			return err
		}
		if !known && !in.Disabled {
			if err := t.Emit(event.DeviceChanged{Device: deviceOf(after, in)}); err != nil {
				return err
			}
		}
	}
	if before.Dropped() == after.Dropped() {
		return nil
	}
	this := t.c.thisDevice(a)
	this.Enabled, this.Active = !after.Dropped(), !after.Dropped()
	return t.Emit(event.DeviceChanged{Device: this})
}

// deviceOf returns another installation of ours as hosts see it.
func deviceOf(own session.Peer, in session.Installation) event.Device {
	active := slices.ContainsFunc(own.Active(), func(o session.Installation) bool { return o.ID == in.ID })
	return event.Device{
		Installation: in.ID, Name: in.Name, Enabled: !in.Disabled, Active: active,
		LastSeenAt: time.Duration(in.Activity).Milliseconds(),
	}
}

// thisDevice returns this installation as hosts see it.
func (c *Client) thisDevice(a *account) event.Device {
	return event.Device{
		Installation: a.self.InstallationID, Name: a.deviceName, This: true, Enabled: !a.dropped, Active: !a.dropped,
		LastSeenAt: c.now().UnixMilli(),
	}
}

// Devices lists the installations of our identity: this one, then the others by
// their last sign of life.
func (c *Client) Devices() ([]event.Device, error) {
	a, err := c.account()
	if err != nil {
		return nil, err
	}
	own, err := c.readPeer(a.public)
	if err != nil {
		return nil, err
	}
	list := []event.Device{c.thisDevice(a)}
	for _, in := range own.ByActivity() {
		list = append(list, deviceOf(own, in))
	}
	return list, nil
}

// EnableDevice pairs with another installation of our identity: it gets what we
// send, and our bundle lists it. Spec: 54, "Pairing".
func (c *Client) EnableDevice(id string) (event.Device, error) { return c.setDevice(id, true) }

// DisableDevice ends the pairing with an installation: it gets nothing more from us, and
// people who learn our bundle do not write to it any more.
func (c *Client) DisableDevice(id string) (event.Device, error) { return c.setDevice(id, false) }

// setDevice enables or disables an installation by decision of the user, which no bundle
// changes afterwards.
func (c *Client) setDevice(id string, enabled bool) (event.Device, error) {
	return c.changeDevice(id, func(in *session.Installation) { in.Disabled, in.Decided = !enabled, true }, nil)
}

// RenameDevice gives an installation of our identity a name, "" for none. The other devices
// of ours learn it, and nobody else.
func (c *Client) RenameDevice(id, name string) (event.Device, error) {
	name, err := cleanName("name", name, MaxName)
	if err != nil {
		return event.Device{}, err
	}
	a, err := c.account()
	if err != nil {
		return event.Device{}, err
	}
	if id == a.self.InstallationID {
		return c.renameThis(name)
	}
	clock, err := c.ownClock(a, c.now(), 0)
	if err != nil {
		return event.Device{}, err
	}
	return c.changeDevice(id, func(in *session.Installation) { in.Name = name },
		func(t *txn) error { return t.nameOwnDevice(id, name, clock) })
}

// renameThis gives this installation a name.
func (c *Client) renameThis(name string) (event.Device, error) {
	defer c.beginTurn().End() // so that the loop does not replace the account meanwhile
	a, err := c.account()
	if err != nil {
		return event.Device{}, err
	}
	clock, err := c.ownClock(a, c.now(), 0)
	if err != nil {
		return event.Device{}, err
	}
	next := *a
	next.deviceName = name
	err = c.update(func(t *txn) error {
		if err := t.nameOwnDevice(a.self.InstallationID, name, clock); err != nil {
			return err
		}
		return ledger.Put(t, tableMeta, metaIdentity, next.record())
	})
	if err != nil {
		return event.Device{}, err
	}
	c.self.Store(&next)
	return c.thisDevice(&next), nil
}

// changeDevice changes another installation of ours, and reports it. also stores what belongs
// to the change; it may be nil.
func (c *Client) changeDevice(id string, change func(*session.Installation), also func(*txn) error) (event.Device, error) {
	defer c.beginTurn().End()
	a, err := c.account()
	if err != nil {
		return event.Device{}, err
	}
	if id == a.self.InstallationID {
		return event.Device{}, Errorf(CodeBadParams, "installation_id", "this is the device itself")
	}
	own, err := c.peer(a.public)
	if err != nil {
		return event.Device{}, err
	}
	next, found := own.Change(id, change)
	if !found {
		return event.Device{}, Errorf(CodeNotFound, "installation_id", "this identity has no such installation")
	}
	err = c.update(func(t *txn) error {
		if err := t.savePeer(own, next); err != nil {
			return err
		}
		if also != nil {
			if err := also(t); err != nil {
				return err
			}
		}
		return t.reportDevices(own, next)
	})
	if err != nil {
		return event.Device{}, err
	}
	c.kick()
	in, _ := next.Find(id)
	return deviceOf(next, in), nil
}
