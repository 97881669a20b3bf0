package api

import (
	"context"

	"libstatus1to1/chat"
	"libstatus1to1/chat/event"
)

// DeviceList is what devices.list gives.
type DeviceList struct {
	// Devices are the installations of our identity: this one first, then the others,
	// the one seen last before the others.
	Devices []event.Device `json:"devices"`
}

// DeviceParams is what devices.enable and devices.disable take.
type DeviceParams struct {
	// InstallationID is the device's, as devices.list and device_found give it.
	InstallationID string `json:"installation_id"`
}

// RenameDeviceParams is what devices.rename takes.
type RenameDeviceParams struct {
	// InstallationID is the device's; this device may be named too.
	InstallationID string `json:"installation_id"`
	// Name is what to call it here, at most 100 code points; "" for none.
	Name string `json:"name"`
}

var deviceMethods = []Method{
	method("devices.list", "Lists the devices of our own identity, this one first.",
		stored(chat.CodeNoIdentity), listDevices),
	method("devices.enable", "Pairs with another device of our own identity: it gets what we send, and people write to it too.",
		stored(chat.CodeNoIdentity, chat.CodeNotFound), enableDevice),
	method("devices.disable", "Unpairs another device of our own identity: it gets nothing more from here, and people stop writing to it.",
		stored(chat.CodeNoIdentity, chat.CodeNotFound), disableDevice),
	method("devices.rename", "Names a device of our own identity. The name stays here.",
		stored(chat.CodeNoIdentity, chat.CodeNotFound, chat.CodeEmpty, chat.CodeTooLong), renameDevice),
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
