package api

import (
	"context"
	"strings"

	"libstatus1to1/chat"
	"libstatus1to1/chat/event"
)

// DeviceList is the result of devices.list.
type DeviceList struct {
	// Devices are the installations of our identity: this one first, then the others,
	// the most recently seen first.
	Devices []event.Device `json:"devices"`
}

// DeviceParams are the parameters of devices.enable and devices.disable.
type DeviceParams struct {
	// InstallationID is the id of the device, from devices.list or a device_found
	// event.
	InstallationID string `json:"installation_id"`
}

// RenameDeviceParams are the parameters of devices.rename.
type RenameDeviceParams struct {
	// InstallationID is the id of the device to name; it may be this device.
	InstallationID string `json:"installation_id"`
	// Name is the new name, at most 100 code points; "" removes the name.
	Name string `json:"name"`
}

// SyncID is the id of a sync in a request: 0x and 50 lower-case hex digits.
type SyncID chat.SyncID

func (id *SyncID) setText(s string) *chat.Error {
	raw, ok := fromHex(s, chat.SyncIDSize)
	parsed, valid := chat.ParseSyncID(raw)
	if !ok || !valid || s != strings.ToLower(s) {
		return chat.Errorf(chat.CodeBadParams, "", "must be 0x and %d lower-case hex digits", 2*chat.SyncIDSize)
	}
	*id = SyncID(parsed)
	return nil
}

// SyncDeviceParams are the parameters of devices.sync.
type SyncDeviceParams struct {
	// PairingID is the id of the pairing with the device that is to know everything. It must
	// be a device of our identity, or have none yet.
	PairingID PairingID `json:"pairing_id"`
}

// SyncParams are the parameters of methods about one sync.
type SyncParams struct {
	// SyncID is the id of the sync, from devices.sync, an event or devices.syncs.
	SyncID SyncID `json:"sync_id"`
}

// SyncList is the result of devices.syncs.
type SyncList struct {
	// Syncs lists the syncs under way, and for a week those that are over; the oldest first.
	Syncs []event.Sync `json:"syncs"`
}

var deviceMethods = []Method{
	method("devices.list", "Lists the devices of our own identity, this one first.",
		stored(chat.CodeNoIdentity), listDevices),
	method("devices.enable", "Enables another device of our own identity: it receives copies of what we send, and other people are told to write to it too.",
		stored(chat.CodeNoIdentity, chat.CodeNotFound), enableDevice),
	method("devices.disable", "Disables another device of our own identity: it receives no more copies of what we send, and other people are told not to write to it.",
		stored(chat.CodeNoIdentity, chat.CodeNotFound), disableDevice),
	method("devices.rename", "Names a device of our own identity. The name is stored on this device only.",
		stored(chat.CodeNoIdentity, chat.CodeNotFound, chat.CodeEmpty, chat.CodeTooLong), renameDevice),
	method("devices.sync", "Offers a paired device everything this one knows: the identity if it has none, contacts with the trust in them, chats, history and settings. It is sent once the user of that device has accepted, and both devices belong to the identity from then on. sync events report the progress.",
		stored(chat.CodeNoIdentity, chat.CodeNotFound, chat.CodePairingState, chat.CodeForeignDevice, chat.CodeSyncState), syncDevice),
	method("devices.sync_accept", "Accepts what a paired device offers. If this device has no identity, it receives that of the other device. What is here already is kept.",
		stored(chat.CodeNotFound, chat.CodeSyncState), acceptSync),
	method("devices.sync_pause", "Pauses a sync, on either device. What is already on its way still arrives.",
		stored(chat.CodeNotFound, chat.CodeSyncState), pauseSync),
	method("devices.sync_resume", "Resumes a sync that was paused on this device.",
		stored(chat.CodeNotFound, chat.CodeSyncState), resumeSync),
	method("devices.sync_cancel", "Cancels a sync, on either device, and tells the other one. What has been merged stays there.",
		stored(chat.CodeNotFound, chat.CodeSyncState), cancelSync),
	method("devices.syncs", "Lists the syncs with paired devices.", stored(), listSyncs),
}

func listDevices(_ context.Context, c *chat.Client, _ Empty) (DeviceList, error) {
	devices, err := c.Devices()
	return DeviceList{Devices: filled(devices)}, err
}

func enableDevice(_ context.Context, c *chat.Client, p DeviceParams) (event.Device, error) {
	return c.EnableDevice(p.InstallationID)
}

func disableDevice(_ context.Context, c *chat.Client, p DeviceParams) (event.Device, error) {
	return c.DisableDevice(p.InstallationID)
}

func renameDevice(_ context.Context, c *chat.Client, p RenameDeviceParams) (event.Device, error) {
	return c.RenameDevice(p.InstallationID, p.Name)
}

func syncDevice(_ context.Context, c *chat.Client, p SyncDeviceParams) (event.Sync, error) {
	return c.SyncDevice(chat.PairingID(p.PairingID))
}

func acceptSync(_ context.Context, c *chat.Client, p SyncParams) (event.Sync, error) {
	return c.AcceptSync(chat.SyncID(p.SyncID))
}

func pauseSync(_ context.Context, c *chat.Client, p SyncParams) (event.Sync, error) {
	return c.PauseSync(chat.SyncID(p.SyncID), true)
}

func resumeSync(_ context.Context, c *chat.Client, p SyncParams) (event.Sync, error) {
	return c.PauseSync(chat.SyncID(p.SyncID), false)
}

func cancelSync(_ context.Context, c *chat.Client, p SyncParams) (event.Sync, error) {
	return c.CancelSync(chat.SyncID(p.SyncID))
}

func listSyncs(_ context.Context, c *chat.Client, _ Empty) (SyncList, error) {
	syncs, err := c.Syncs()
	return SyncList{Syncs: filled(syncs)}, err
}
