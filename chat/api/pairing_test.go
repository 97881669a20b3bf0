package api

import (
	"encoding/base64"
	"encoding/hex"
	"reflect"
	"strings"
	"testing"

	"libstatus1to1/chat"
)

// Bytes are taken up to the largest transfer, and only by the method that takes them.
func TestLargeRequests(t *testing.T) {
	largest := base64.StdEncoding.EncodeToString(make([]byte, chat.MaxTransferBytes))
	text := `{"pairing_id":"0x` + strings.Repeat("0", 32) + `","name":"` + strings.Repeat("x", 255) + `","data":"` + largest + `"}`
	var p SendToPairedParams
	if err := decodeUpTo(text, MaxLargeRequest, &p, chat.CodeBadParams); err != nil || len(p.Data.bytes) != chat.MaxTransferBytes {
		t.Fatalf("%d bytes, %v", len(p.Data.bytes), err)
	}
	wantError(t, decode(text, &p, chat.CodeBadParams), chat.CodeBadJSON, "")
	wantError(t, decodeUpTo(text+strings.Repeat(" ", MaxLargeRequest), MaxLargeRequest, &p, chat.CodeBadParams), chat.CodeBadJSON, "")
	// Many small values would be many times larger in memory.
	for _, unit := range []string{"1,", "[],", "{},", `"",`, "[["} {
		many := `{"data":[` + strings.Repeat(unit, MaxLargeRequest/len(unit)-100)
		wantError(t, decodeUpTo(many, MaxLargeRequest, &p, chat.CodeBadParams), chat.CodeBadJSON, "")
	}
}

// Too much for one transfer is told as that, whether it is the data or the text around
// it that is found too large.
func TestTooLargeForATransfer(t *testing.T) {
	r := newTestRegistry()
	h, _ := r.Open(memoryConfig)
	defer r.Close(h, false)
	r.Call(h, "identity.create", "")
	for _, size := range []int{chat.MaxTransferBytes + 1, MaxLargeRequest} {
		data := base64.StdEncoding.EncodeToString(make([]byte, size))
		a := decodeAnswer(t, r.Call(h, "pairing.send", `{"pairing_id":"0x`+strings.Repeat("0", 32)+`","name":"x","data":"`+data+`"}`))
		if a.Error.Code != chat.CodeTransferTooLarge || a.Error.Field != "data" {
			t.Errorf("%d bytes: %+v", size, a.Error)
		}
	}
	a := decodeAnswer(t, r.Call(h, "messages.send_batch", `{"messages":[{"to":"`+aKey+`","text":"`+strings.Repeat("x", MaxRequest)+`"}]}`))
	if a.Error.Code != chat.CodeBadJSON {
		t.Errorf("a large text: %+v", a.Error)
	}
}

func TestPairingTypes(t *testing.T) {
	for text, ok := range map[string]bool{
		"": true, "AA==": true, "AAA=": true, "AAAA": true, "AB==": false, "AA": false, "AA=": false, "AAAA\n": false, "AA\r\nAA": false, "-_==": false,
	} {
		var d Data
		if err := d.setText(text); (err == nil) != ok {
			t.Errorf("%q: %v", text, err)
		}
	}
	for size, id := range map[int]textual{16: new(PairingID), 25: new(TransferID)} {
		for text, ok := range map[string]bool{
			"0x" + strings.Repeat("0a", size): true, "0x" + strings.Repeat("0A", size): false, strings.Repeat("0a", size): false,
			"0x" + strings.Repeat("0a", size-1): false, "0x" + strings.Repeat("0a", size) + "0a": false, "": false,
		} {
			if err := id.setText(text); (err == nil) != ok {
				t.Errorf("%T %q: %v", id, text, err)
			}
		}
		if reflect.ValueOf(id).Elem().Index(size-1).Uint() != 10 {
			t.Errorf("%T was not set", id)
		}
	}
	for text, ok := range map[string]bool{
		"0x" + strings.Repeat("0a", 16) + "01" + strings.Repeat("0a", 8): true,
		"0x" + strings.Repeat("0a", 16) + "02" + strings.Repeat("0a", 8): false, // neither direction
		"0x" + strings.Repeat("0A", 16) + "01" + strings.Repeat("0a", 8): false,
		"0x" + strings.Repeat("0a", 16) + "01":                           false, "": false,
	} {
		var id SyncID
		if err := id.setText(text); (err == nil) != ok || ok && "0x"+hex.EncodeToString(chat.SyncID(id).Bytes()) != text {
			t.Errorf("sync id %q: %v", text, err)
		}
	}
	for _, f := range Fields(reflect.TypeFor[ReadTransferParams]()) {
		if f.Name == "offset" && f.Bounds.Max != chat.MaxTransferBytes || f.Name == "limit" && f.Bounds.Max != chat.MaxRead {
			t.Errorf("%s is bounded by %v", f.Name, f.Bounds)
		}
	}
}
