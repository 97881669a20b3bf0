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

// StartPairingParams is what pairing.start takes.
type StartPairingParams struct {
	// Asks: this device asks to be paired with the one that scans the invitation. If
	// false it is the other way round. It decides which device shows its key first.
	Asks bool `json:"asks"`
}

// ScanPairingParams is what pairing.scan takes.
type ScanPairingParams struct {
	// Invitation is what the other device shows, in pairing_invitation.
	Invitation string `json:"invitation"`
}

// ConfirmPairingParams is what pairing.confirm takes.
type ConfirmPairingParams struct {
	// PairingID is the pairing's, of pairing_authcode.
	PairingID PairingID `json:"pairing_id"`
	// Same: the user has seen the same 8 digits on both devices.
	Same bool `json:"same"`
}

// PairingParams is what methods about one pairing take.
type PairingParams struct {
	// PairingID is the pairing's, as events and pairing.list give it.
	PairingID PairingID `json:"pairing_id"`
}

// PairingList is what pairing.list gives.
type PairingList struct {
	// Pairings are those under way, those that made two devices paired, and for some
	// days those that failed or ended; the oldest first.
	Pairings []event.Pairing `json:"pairings"`
}

// SendToPairedParams is what pairing.send takes.
type SendToPairedParams struct {
	// PairingID is that of a paired device.
	PairingID PairingID `json:"pairing_id"`
	// Name is what to call it, a file name for example: at most 255 bytes.
	Name string `json:"name"`
	// Data is what to send, at most 16 MiB.
	Data Data `json:"data"`
}

// TransferList is what transfers.list gives.
type TransferList struct {
	// Transfers are those with the device, either way; the oldest first.
	Transfers []event.Transfer `json:"transfers"`
}

// TransferParams is what methods about one transfer take.
type TransferParams struct {
	// TransferID is the transfer's, as events and transfers.list give it.
	TransferID TransferID `json:"transfer_id"`
}

// ReadTransferParams is what transfers.read takes.
type ReadTransferParams struct {
	// TransferID is that of an incoming transfer that is done.
	TransferID TransferID `json:"transfer_id"`
	// Offset is where to begin; 0 when left out.
	Offset int64 `json:"offset,omitempty" range:"0..16777216"`
	// Limit is how many bytes at most; 524288, the most there may be, when left out.
	Limit int `json:"limit,omitempty" range:"1..524288"`
}

// TransferPart is what transfers.read gives.
type TransferPart struct {
	// Data are the bytes, in base64; empty at the end.
	Data []byte `json:"data"`
	// Next is the offset of what follows.
	Next int64 `json:"next"`
	// Size is how many bytes the transfer has.
	Size int64 `json:"size"`
}

var pairingMethods = []Method{
	method("pairing.start", "Shows an invitation for another device to scan: a QR code for half a minute, renewed for ten. Pairing needs the user of both devices.",
		stored(chat.CodeNoIdentity, chat.CodeTooMany), startPairing),
	method("pairing.scan", "Answers the invitation of another device. Both then show an authcode, in pairing_authcode.",
		stored(chat.CodeNoIdentity, chat.CodeBadInvitation, chat.CodeTooMany), scanPairing),
	method("pairing.confirm", "Says whether both devices show the same authcode. If not, the pairing fails on both.",
		stored(chat.CodeNoIdentity, chat.CodeNotFound, chat.CodePairingState), confirmPairing),
	method("pairing.cancel", "Gives up a pairing that is under way.",
		stored(chat.CodeNoIdentity, chat.CodeNotFound, chat.CodePairingState), cancelPairing),
	method("pairing.list", "Lists pairings and paired devices, with their sessions.",
		stored(chat.CodeNoIdentity), listPairings),
	method("pairing.get", "Tells about one pairing.",
		stored(chat.CodeNoIdentity, chat.CodeNotFound), getPairing),
	method("pairing.discard", "Unpairs two devices and tells the other one, or takes a pairing that failed or ended off the list. What was received from it is gone.",
		stored(chat.CodeNoIdentity, chat.CodeNotFound, chat.CodePairingState), discardPairing),
	largeMethod("pairing.send", "Sends bytes to a paired device. It returns when they are stored; what becomes of them arrives as transfer events. Several take their turns.",
		stored(chat.CodeNoIdentity, chat.CodeNotFound, chat.CodePairingState, chat.CodeTransferTooLarge, chat.CodeTooLong,
			chat.CodeTooLarge, chat.CodeTooMany), sendToPaired),
	method("transfers.list", "Lists the transfers with a paired device.",
		stored(chat.CodeNoIdentity, chat.CodeNotFound), listTransfers),
	method("transfers.read", "Gives received bytes, once all are there and their hash is right.",
		stored(chat.CodeNoIdentity, chat.CodeNotFound, chat.CodePairingState), readTransfer),
	method("transfers.cancel", "Gives up a running transfer and tells the other device.",
		stored(chat.CodeNoIdentity, chat.CodeNotFound, chat.CodePairingState), cancelTransfer),
	method("transfers.discard", "Takes a transfer that is over off the list, with the bytes received.",
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
