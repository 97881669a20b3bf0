package api

import (
	"context"

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

var deviceMethods = []Method{
	method("devices.list", "Lists the devices of our own identity, this one first.",
		stored(chat.CodeNoIdentity), listDevices),
	method("devices.enable", "Enables another device of our own identity: it receives copies of what we send, and other people are told to write to it too.",
		stored(chat.CodeNoIdentity, chat.CodeNotFound), enableDevice),
	method("devices.disable", "Disables another device of our own identity: it receives no more copies of what we send, and other people are told not to write to it.",
		stored(chat.CodeNoIdentity, chat.CodeNotFound), disableDevice),
	method("devices.rename", "Names a device of our own identity. The name is stored on this device only.",
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
