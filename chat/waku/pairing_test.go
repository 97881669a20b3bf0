package waku

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"testing"
	"time"

	"libstatus1to1/chat"
	"libstatus1to1/chat/event"
	"libstatus1to1/store"
)

// engineLog shows an engine's log lines in a verbose test.
type engineLog struct {
	t    *testing.T
	name string
}

func (l engineLog) Log(level, msg string, fields ...any) {
	if testing.Verbose() {
		l.t.Log(time.Now().Format("05.000"), l.name, level, msg, fields)
	}
}

// device is an engine on a relay node on loopback.
type device struct {
	*chat.Client
	t *testing.T
}

func openDevice(t *testing.T, name string, peers ...string) device {
	t.Helper()
	n, err := New(Config{Listen: []string{"/ip4/127.0.0.1/tcp/0"}, Peers: peers})
	if err != nil {
		t.Fatal(err)
	}
	c, err := chat.Open(context.Background(), chat.Options{Store: store.Memory(), Transport: n, Logger: engineLog{t, name}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if _, _, err := c.CreateIdentity(context.Background(), 12, name); err != nil {
		t.Fatal(err)
	}
	return device{c, t}
}

// wait gives the next event of a type.
func wait[E event.Event](d device) (e E) {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		got, err := d.NextEvent(ctx)
		if err != nil || got == nil {
			d.t.Fatalf("waited in vain for %s: %v", e.Type(), err)
		}
		if got.Type != e.Type() {
			continue
		}
		if err := json.Unmarshal(got.Data, &e); err != nil {
			d.t.Fatal(err)
		}
		return e
	}
}

func idOf(t *testing.T, text string, into []byte) {
	t.Helper()
	b, err := hex.DecodeString(text[2:])
	if err != nil || copy(into, b) != len(into) {
		t.Fatalf("bad id %q", text)
	}
}

// TestPairingOverNodes pairs two engines over real nodes, in both camera roles, and moves
// bytes both ways.
func TestPairingOverNodes(t *testing.T) {
	for _, asks := range []bool{true, false} {
		phone := openDevice(t, "phone")
		laptop := openDevice(t, "laptop", phone.NetworkStatus().ListenAddresses[0])
		for _, d := range []device{phone, laptop} {
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			if _, err := d.WaitOnline(ctx, 1); err != nil {
				t.Fatal(err)
			}
			cancel()
		}
		shown, err := laptop.StartPairing(asks)
		if err != nil {
			t.Fatal(err)
		}
		scanned, err := phone.ScanPairing(shown.Invitation)
		if err != nil {
			t.Fatal(err)
		}
		if a, b := wait[event.PairingAuthcode](phone), wait[event.PairingAuthcode](laptop); a.Authcode != b.Authcode {
			t.Fatalf("authcodes %s and %s", a.Authcode, b.Authcode)
		}
		ids := map[device]chat.PairingID{}
		for d, p := range map[device]event.Pairing{phone: scanned, laptop: shown} {
			var id chat.PairingID
			idOf(t, p.ID, id[:])
			ids[d] = id
			if _, err := d.ConfirmPairing(id, true); err != nil {
				t.Fatal(err)
			}
		}
		a, b := wait[event.PairingPaired](phone).Pairing, wait[event.PairingPaired](laptop).Pairing
		if a.Session.ID != b.Session.ID || a.Peer.Own || a.Asks == b.Asks {
			t.Fatalf("%+v and %+v", a, b)
		}
		for _, way := range [][2]device{{phone, laptop}, {laptop, phone}} {
			from, to := way[0], way[1]
			data := bytes.Repeat([]byte("a megabyte and a half. "), 65536)
			if _, err := from.SendToPaired(ids[from], "many words", data); err != nil {
				t.Fatal(err)
			}
			got := wait[event.TransferDone](to).Transfer
			wait[event.TransferDone](from)
			var id chat.TransferID
			idOf(t, got.ID, id[:])
			var all []byte
			for uint64(len(all)) < uint64(got.Size) {
				part, err := to.ReadTransfer(id, uint64(len(all)), 0)
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, part.Data...)
			}
			if !bytes.Equal(all, data) {
				t.Fatal("the bytes are other ones")
			}
		}
	}
}
