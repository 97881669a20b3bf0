package api

import (
	"context"
	"encoding/base64"
	"strings"

	"libstatus1to1/chat"
	"libstatus1to1/chat/event"
)

// PairingID is the id of a pairing in a request: 0x and 32 lower-case hex digits.
type PairingID chat.PairingID

func (id *PairingID) setText(s string) *chat.Error {
	raw, ok := fromHex(s, len(id))
	if !ok || s != strings.ToLower(s) {
		return chat.Errorf(chat.CodeBadParams, "", "must be 0x and %d lower-case hex digits", 2*len(id))
	}
	copy(id[:], raw)
	return nil
}

// TransferID is the id of a transfer in a request: 0x and 50 lower-case hex digits.
type TransferID chat.TransferID

func (id *TransferID) setText(s string) *chat.Error {
	raw, ok := fromHex(s, len(id))
	if !ok || s != strings.ToLower(s) {
		return chat.Errorf(chat.CodeBadParams, "", "must be 0x and %d lower-case hex digits", 2*len(id))
	}
	copy(id[:], raw)
	return nil
}

// Data are bytes in a request: standard base64, "" for none.
type Data struct{ bytes []byte }

func (d *Data) setText(s string) *chat.Error {
	raw, err := base64.StdEncoding.Strict().DecodeString(s)
	// Go's decoder passes over line breaks.
	if err != nil || strings.ContainsAny(s, "\r\n") {
		return chat.Errorf(chat.CodeBadParams, "", "must be standard base64")
	}
	d.bytes = raw
	return nil
}

// StartPairingParams are the parameters of pairing.start.
type StartPairingParams struct {
	// Asks is true if this device asks to be paired with the one that scans the
	// invitation, and false if the scanning device asks. It decides which device
	// reveals its key first.
	Asks bool `json:"asks"`
}

// ScanPairingParams are the parameters of pairing.scan.
type ScanPairingParams struct {
	// Invitation is the text that the other device shows, from its pairing_invitation
	// event.
	Invitation string `json:"invitation"`
}

// ConfirmPairingParams are the parameters of pairing.confirm.
type ConfirmPairingParams struct {
	// PairingID is the id of the pairing, from the pairing_authcode event.
	PairingID PairingID `json:"pairing_id"`
	// Same is true if the user sees the same 8 digits on both devices.
	Same bool `json:"same"`
}

// PairingParams are the parameters of methods about one pairing.
type PairingParams struct {
	// PairingID is the id of the pairing, from an event or pairing.list.
	PairingID PairingID `json:"pairing_id"`
}

// PairingList is the result of pairing.list.
type PairingList struct {
	// Pairings lists the pairings under way, the paired devices, and for some days the
	// pairings that failed or ended; the oldest first.
	Pairings []event.Pairing `json:"pairings"`
}

// SendToPairedParams are the parameters of pairing.send.
type SendToPairedParams struct {
	// PairingID is the id of the pairing with the receiving device.
	PairingID PairingID `json:"pairing_id"`
	// Name is a name for the data, for example a file name; at most 255 bytes.
	Name string `json:"name"`
	// Data is the data to send, at most 16 MiB.
	Data Data `json:"data"`
}

// TransferList is the result of transfers.list.
type TransferList struct {
	// Transfers lists the transfers to and from the device; the oldest first.
	Transfers []event.Transfer `json:"transfers"`
}

// TransferParams are the parameters of methods about one transfer.
type TransferParams struct {
	// TransferID is the id of the transfer, from an event or transfers.list.
	TransferID TransferID `json:"transfer_id"`
}

// ReadTransferParams are the parameters of transfers.read.
type ReadTransferParams struct {
	// TransferID is the id of an incoming transfer that is done.
	TransferID TransferID `json:"transfer_id"`
	// Offset is the position of the first byte to return. Default: 0.
	Offset int64 `json:"offset,omitempty" range:"0..16777216"`
	// Limit is the largest number of bytes to return. Default: 524288, which is also
	// the maximum.
	Limit int `json:"limit,omitempty" range:"1..524288"`
}

// TransferPart is the result of transfers.read.
type TransferPart struct {
	// Data holds the bytes, in base64; empty at the end.
	Data []byte `json:"data"`
	// Next is the offset of the byte after the last one returned.
	Next int64 `json:"next"`
	// Size is the size of the whole transfer in bytes.
	Size int64 `json:"size"`
}

var pairingMethods = []Method{
	method("pairing.start", "Creates an invitation for another device to scan. It is valid for half a minute and is replaced by a new one for up to ten minutes. Pairing needs a confirmation by the user on both devices. A device without an identity can be paired, and receives that of the other device by devices.sync.",
		stored(chat.CodeNoIdentity, chat.CodeTooMany), startPairing),
	method("pairing.scan", "Answers the invitation of another device. Both devices then receive an authcode, in a pairing_authcode event, for the user to compare.",
		stored(chat.CodeNoIdentity, chat.CodeBadInvitation, chat.CodeTooMany), scanPairing),
	method("pairing.confirm", "Tells whether both devices show the same authcode. If not, the pairing fails on both.",
		stored(chat.CodeNoIdentity, chat.CodeNotFound, chat.CodePairingState), confirmPairing),
	method("pairing.cancel", "Cancels a pairing that is under way.",
		stored(chat.CodeNoIdentity, chat.CodeNotFound, chat.CodePairingState), cancelPairing),
	method("pairing.list", "Lists the pairings and paired devices, with their sessions.",
		stored(chat.CodeNoIdentity), listPairings),
	method("pairing.get", "Returns one pairing.",
		stored(chat.CodeNoIdentity, chat.CodeNotFound), getPairing),
	method("pairing.discard", "Ends the pairing with a device and tells that device, or removes a pairing that failed or ended from the list. Data received from the device is deleted.",
		stored(chat.CodeNoIdentity, chat.CodeNotFound, chat.CodePairingState), discardPairing),
	largeMethod("pairing.send", "Sends data to a paired device. The call returns as soon as the data is stored; transfer events report the progress. Several transfers to one device take turns.",
		stored(chat.CodeNoIdentity, chat.CodeNotFound, chat.CodePairingState, chat.CodeTransferTooLarge, chat.CodeTooLong,
			chat.CodeTooLarge, chat.CodeTooMany), sendToPaired),
	method("transfers.list", "Lists the transfers with a paired device.",
		stored(chat.CodeNoIdentity, chat.CodeNotFound), listTransfers),
	method("transfers.read", "Returns received data, once all of it has arrived and its hash is verified.",
		stored(chat.CodeNoIdentity, chat.CodeNotFound, chat.CodePairingState), readTransfer),
	method("transfers.cancel", "Cancels a running transfer and tells the other device.",
		stored(chat.CodeNoIdentity, chat.CodeNotFound, chat.CodePairingState), cancelTransfer),
	method("transfers.discard", "Removes a finished transfer from the list and deletes the received data.",
		stored(chat.CodeNoIdentity, chat.CodeNotFound, chat.CodePairingState), discardTransfer),
}

func startPairing(_ context.Context, c *chat.Client, p StartPairingParams) (event.Pairing, error) {
	return c.StartPairing(p.Asks)
}

func scanPairing(_ context.Context, c *chat.Client, p ScanPairingParams) (event.Pairing, error) {
	return c.ScanPairing(p.Invitation)
}

func confirmPairing(_ context.Context, c *chat.Client, p ConfirmPairingParams) (event.Pairing, error) {
	return c.ConfirmPairing(chat.PairingID(p.PairingID), p.Same)
}

func cancelPairing(_ context.Context, c *chat.Client, p PairingParams) (event.Pairing, error) {
	return c.CancelPairing(chat.PairingID(p.PairingID))
}

func listPairings(_ context.Context, c *chat.Client, _ Empty) (PairingList, error) {
	list, err := c.Pairings()
	return PairingList{Pairings: filled(list)}, err
}

func getPairing(_ context.Context, c *chat.Client, p PairingParams) (event.Pairing, error) {
	return c.Pairing(chat.PairingID(p.PairingID))
}

func discardPairing(_ context.Context, c *chat.Client, p PairingParams) (Empty, error) {
	return Empty{}, c.DiscardPairing(chat.PairingID(p.PairingID))
}

func sendToPaired(_ context.Context, c *chat.Client, p SendToPairedParams) (event.Transfer, error) {
	return c.SendToPaired(chat.PairingID(p.PairingID), p.Name, p.Data.bytes)
}

func listTransfers(_ context.Context, c *chat.Client, p PairingParams) (TransferList, error) {
	list, err := c.Transfers(chat.PairingID(p.PairingID))
	return TransferList{Transfers: filled(list)}, err
}

func readTransfer(_ context.Context, c *chat.Client, p ReadTransferParams) (TransferPart, error) {
	part, err := c.ReadTransfer(chat.TransferID(p.TransferID), uint64(p.Offset), p.Limit)
	return TransferPart{Data: filled(part.Data), Next: int64(part.Next), Size: int64(part.Size)}, err
}

func cancelTransfer(_ context.Context, c *chat.Client, p TransferParams) (event.Transfer, error) {
	return c.CancelTransfer(chat.TransferID(p.TransferID))
}

func discardTransfer(_ context.Context, c *chat.Client, p TransferParams) (Empty, error) {
	return Empty{}, c.DiscardTransfer(chat.TransferID(p.TransferID))
}
