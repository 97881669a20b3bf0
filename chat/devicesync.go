package chat

import (
	"context"
	"errors"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/event"
	"libstatus1to1/chat/identity"
	"libstatus1to1/chat/internal/archive"
	"libstatus1to1/chat/internal/devicesync"
	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/internal/linking"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/noise"
	"libstatus1to1/chat/protocol/session"
	"libstatus1to1/chat/wire"
)

// Syncs: a device tells a paired one all it knows. Package devicesync does the work, over
// parcels of package linking, with archives of package archive.

// A new device is paired before it has an identity. What stands in for the identity is
// provisional: a key that is nobody's chat key, made for the pairing, with the installation
// id that the device keeps. Its certificate says that it is provisional, so that the other
// device can tell it from a person, and it is valid for nothing but a pairing. That the
// device is the user's own, nothing but the authcode can say.

// ensureSelf makes what stands in for an identity, unless there is one or the other.
func (c *Client) ensureSelf() error {
	if _, err := c.pairedSelf(); CodeOf(err) != CodeNoIdentity {
		return err
	}
	c.self.becoming.Lock()
	defer c.self.becoming.Unlock()
	if _, err := c.pairedSelf(); CodeOf(err) != CodeNoIdentity || c.self.adopted != nil {
		return err // CodeNoIdentity while one is being imported: it is about to be there
	}
	private, err := key.Generate(c.rand)
	if err != nil {
		return err
	}
	installation, err := identity.NewInstallationID(c.rand)
	if err != nil {
		return err
	}
	rec := &wire.ProvisionalRecord{PrivateKey: private.Bytes(), InstallationId: installation}
	if err := c.update(func(t *txn) error { return ledger.Put(t, tableMeta, metaProvisional, rec) }); err != nil {
		return err
	}
	return c.becomeProvisional(rec)
}

// resumeProvisional goes on as the provisional device that the store knows, if it does.
func (c *Client) resumeProvisional() error {
	var rec wire.ProvisionalRecord
	found, err := c.ledger.Get(tableMeta, metaProvisional, &rec)
	if err != nil || !found {
		return err
	}
	return c.becomeProvisional(&rec)
}

// becomeProvisional loads the parts that a device needs to be paired, which begin to work.
func (c *Client) becomeProvisional(rec *wire.ProvisionalRecord) error {
	private, err := key.ParsePrivate(rec.GetPrivateKey())
	if err != nil || rec.GetInstallationId() == "" {
		return Errorf(CodeStoreCorrupt, "", "the provisional key does not read back")
	}
	defer c.beginTurn().End()
	for _, load := range []func(Tx) error{c.linking.Load, c.deviceSync.Load} {
		if err := c.ledger.View(load); err != nil {
			return err
		}
	}
	c.self.provisional.Store(&linking.Self{
		Identity: private, Public: private.Public(), InstallationID: rec.GetInstallationId(), Provisional: true,
	})
	c.kick()
	return nil
}

// newInstallation is the installation id of a new identity on this device: that of the
// provisional one, under which other devices know this one, or else a new one. The caller
// holds c.self.becoming.
func (c *Client) newInstallation() (string, error) {
	if provisional := c.self.provisional.Load(); provisional != nil {
		return provisional.InstallationID, nil
	}
	return identity.NewInstallationID(c.rand)
}

// syncedAttachments bounds the pictures and recordings that a sync brings, the newest first:
// they go over the network, where megabytes take minutes. Of others there are the thumbnails.
// Tests make it less.
var syncedAttachments uint64 = 16 << 20

// SyncID names a sync on this device.
type SyncID = devicesync.ID

// SyncIDSize is the length of a SyncID in bytes.
const SyncIDSize = devicesync.IDSize

// ParseSyncID reads the bytes of a SyncID.
func ParseSyncID(b []byte) (SyncID, bool) { return devicesync.ParseID(b) }

// settleTimes is the time, in ResendBase, that people who are online are given to learn of a
// new device: a change of the bundle is published after one of them at most.
const settleTimes = 4

// newDeviceSync makes the part; linking must be there.
func (c *Client) newDeviceSync(stepped bool) *devicesync.DeviceSync {
	return devicesync.New(devicesync.Host{
		Ledger: c.ledger, Rand: c.rand, Log: c.log, Drop: c.counters.drop, Wake: c.kick, Stepped: stepped,
		Settle: settleTimes * c.settings.ResendBase,
		Beside: func(f func(context.Context)) { c.beside("syncing a device", f) },
		Device: c.syncedDevice, Introduction: c.introduction, Meet: c.meetDevice, Part: c.archivePart, Merge: c.mergeArchive,
		Send: func(t *ledger.Turn, to devicesync.Pairing, data []byte, also func(*ledger.Tx, devicesync.Parcel) error) error {
			return c.linking.SendParcel(t, linking.PairingID(to), data, func(tx *ledger.Tx, id linking.TransferID) error {
				return also(tx, devicesync.Parcel(id))
			})
		},
		Sent: func(t *ledger.Turn, p devicesync.Parcel) devicesync.Sent {
			parcel, err := c.linking.Parcel(t, linking.TransferID(p))
			switch {
			case err != nil || parcel.State == linking.TransferFailed:
				return devicesync.Lost
			case parcel.State == linking.Done:
				return devicesync.Arrived
			}
			return devicesync.UnderWay
		},
		DropParcel: func(t *ledger.Turn, p devicesync.Parcel, also func(*ledger.Tx) error) error {
			return c.linking.DropParcel(t, linking.TransferID(p), also)
		},
		Arrived: func(t *ledger.Turn) (all []devicesync.Received) {
			for _, p := range c.linking.ArrivedParcels(t) {
				all = append(all, devicesync.Received{Parcel: devicesync.Parcel(p.ID), From: devicesync.Pairing(p.Pairing)})
			}
			return all
		},
		Read: func(t *ledger.Turn, p devicesync.Parcel) ([]byte, error) {
			return c.linking.ReadParcel(t, linking.TransferID(p))
		},
	})
}

// syncedDevice says what a paired device is to this one.
func (c *Client) syncedDevice(t *ledger.Turn, id devicesync.Pairing) (devicesync.Device, error) {
	d, err := c.linking.PairedDevice(t, linking.PairingID(id))
	return devicesync.Device{Own: d.Own, Provisional: d.Provisional, NoIdentity: d.NoIdentity}, err
}

// introduction returns what another device needs to accept this installation as a device of
// its identity: the certificate of its static key, and its bundle; nil without an identity.
func (c *Client) introduction(t *ledger.Turn) (certificate, bundle []byte, err error) {
	a, err := c.account()
	if CodeOf(err) == CodeNoIdentity {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	_, issued, err := c.linking.StaticKey(t, linkingSelf(a), t.Now)
	if err != nil {
		return nil, nil, err
	}
	signed, err := c.ownBundle(a)
	if err != nil {
		return nil, nil, err
	}
	bundle, err = proto.Marshal(signed)
	return issued.Bytes(), bundle, err
}

// meetDevice takes the introduction of a paired device and enables it: the user has asked for
// a sync with it, which is a decision about it. On a new device also those are enabled that
// it lists. Errors: CodeForeignDevice, CodePairingUncertain, CodeSyncDamaged.
func (c *Client) meetDevice(t *ledger.Turn, from devicesync.Pairing, certificate, bundle []byte) error {
	a, err := c.account()
	if err != nil {
		return err
	}
	issued, err := noise.ParseCertificate(certificate)
	if err != nil || issued.Identity != a.public {
		return Errorf(CodeForeignDevice, "", "the device has another identity")
	}
	if err := c.linking.Certify(t, linking.PairingID(from), certificate); err != nil {
		return err
	}
	var signed wire.Bundle
	if err := proto.Unmarshal(bundle, &signed); err != nil {
		return Errorf(CodeSyncDamaged, "", "the bundle of the device does not read back")
	}
	own, err := c.peer(a.public)
	if err != nil {
		return err
	}
	next, err := own.LearnMessage(a.self, &wire.ProtocolMessage{InstallationId: issued.InstallationID, Bundles: []*wire.Bundle{&signed}}, t.Now)
	if err != nil {
		return Errorf(CodeSyncDamaged, "", "the bundle of the device is not valid").Because(err)
	}
	next, found := next.Change(issued.InstallationID, func(in *session.Installation) { in.Disabled, in.Decided = false, true })
	if !found {
		return Errorf(CodeSyncDamaged, "", "the bundle of the device does not list it")
	}
	if len(own.Installations) == 0 {
		next = next.Join(func(id string) bool { return signed.GetSignedPreKeys()[id] != nil })
	}
	err = c.update(func(t *txn) error {
		if err := t.savePeer(own, next); err != nil {
			return err
		}
		return t.reportDevices(own, next)
	})
	c.kick()
	return err
}

// archivePart reads some batches of the archive of this store.
func (c *Client) archivePart(cursor []byte, batches, size int) (part devicesync.Part, err error) {
	source := c.archiveSource(syncedAttachments)
	for {
		b, err := source.Next(cursor)
		if err != nil {
			return devicesync.Part{}, err
		}
		part.Batches, part.Next, part.Items = append(part.Batches, b.Data), b.Next, b.Items
		cursor, part.Late = b.Next, b.Late
		if size -= len(b.Data); cursor == nil || part.Late || size <= 0 || len(part.Batches) == batches {
			return part, nil
		}
	}
}

// mergeArchive merges a part of a paired device's archive. An identity is taken only if it
// is that of the device's certificate: whose the user has seen.
func (c *Client) mergeArchive(ctx context.Context, from devicesync.Pairing, batches [][]byte) (err error) {
	target := c.archiveTarget()
	target.FromOwnDevice = true // only the first part has the identity in it
	adopt := target.Adopt
	target.Adopt = func(rec *wire.IdentityRecord) (bool, error) {
		private, err := key.ParsePrivate(rec.GetPrivateKey())
		if err != nil {
			return false, Errorf(CodeSyncDamaged, "", "the identity does not read back")
		}
		device, err := inTurn(c, func(t *ledger.Turn) (linking.Device, error) {
			return c.linking.PairedDevice(t, linking.PairingID(from))
		})
		if err != nil {
			return false, err
		}
		if device.Identity != private.Public() {
			return false, Errorf(CodeForeignDevice, "", "the archive is of another identity than the device")
		}
		return adopt(rec)
	}
	sink := archive.NewSink(target)
	for _, batch := range batches {
		var merged archive.Merged
		if err = ctx.Err(); err == nil {
			merged, err = sink.Merge(batch)
		}
		if err != nil {
			break
		}
		if merged.Refused > 0 {
			c.log.Log("warn", "a sync brought what is not valid", "items", merged.Refused, "cause", merged.Cause)
		}
	}
	// Also after an error: an identity that was adopted is that of this store.
	return errors.Join(err, c.beginAdopted())
}

// SyncDevice offers a paired device all that this one knows: its identity, people with the
// state of their requests and the trust in them, chats and history. The device must be one of
// our identity, or one that has none yet and gets ours. It is sent after the user of that
// device has accepted. Errors: CodeNoIdentity, CodeNotFound, CodePairingState,
// CodeForeignDevice, CodeSyncState.
func (c *Client) SyncDevice(id PairingID) (event.Sync, error) {
	if _, err := c.account(); err != nil {
		return event.Sync{}, err
	}
	counts, err := c.archiveSource(syncedAttachments).Count()
	if err != nil {
		return event.Sync{}, err
	}
	return inTurn(c, func(t *ledger.Turn) (event.Sync, error) {
		return c.deviceSync.Offer(t, devicesync.Pairing(id), counts.Sum())
	})
}

// AcceptSync takes what a paired device offers. This device gets its identity, if it has
// none. Errors: CodeNotFound, CodeSyncState.
func (c *Client) AcceptSync(id SyncID) (event.Sync, error) {
	return inTurn(c, func(t *ledger.Turn) (event.Sync, error) { return c.deviceSync.Accept(t, id) })
}

// PauseSync holds a sync back, or goes on with it, and tells the other device. Errors:
// CodeNotFound, CodeSyncState.
func (c *Client) PauseSync(id SyncID, paused bool) (event.Sync, error) {
	return inTurn(c, func(t *ledger.Turn) (event.Sync, error) { return c.deviceSync.Pause(t, id, paused) })
}

// CancelSync gives a sync up and tells the other device. What was merged stays there. Errors:
// CodeNotFound, CodeSyncState.
func (c *Client) CancelSync(id SyncID) (event.Sync, error) {
	return inTurn(c, func(t *ledger.Turn) (event.Sync, error) { return c.deviceSync.Cancel(t, id) })
}

// Syncs lists the syncs with paired devices, oldest first; one that is over is listed for a
// week.
func (c *Client) Syncs() ([]event.Sync, error) {
	if err := c.checkOpen(); err != nil {
		return nil, err
	}
	return inTurn(c, func(t *ledger.Turn) ([]event.Sync, error) { return c.deviceSync.List(t), nil })
}
