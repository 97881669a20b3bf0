//go:build gowaku_no_rln

package pairing_test

// go-waku's own pairing, in this process, over a bus in memory.

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"time"

	gonoise "github.com/waku-org/go-noise"
	gowaku "github.com/waku-org/go-waku/waku/v2/protocol/noise"
	"github.com/waku-org/go-waku/waku/v2/protocol/pb"
	"go.uber.org/zap"
	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/protocol/noise"
	"libstatus1to1/chat/protocol/noise/pairing"
)

// patience is the time that go-waku gets for anything; only a failure takes it.
const patience = 30 * time.Second

// bus is go-waku's messenger: what it publishes, and what it hears.
type bus struct {
	topic string
	out   chan []byte
	in    chan *pb.WakuMessage
}

func newBus() *bus { return &bus{out: make(chan []byte, 10), in: make(chan *pb.WakuMessage, 10)} }

func (b *bus) Publish(_ context.Context, topic string, payload *gonoise.PayloadV2) error {
	raw, err := payload.Serialize()
	if err == nil && topic != b.topic {
		err = fmt.Errorf("published on %s, subscribed to %s", topic, b.topic)
	}
	if err == nil {
		b.out <- raw
	}
	return err
}

func (b *bus) Subscribe(_ context.Context, topic string) <-chan *pb.WakuMessage {
	b.topic = topic
	return b.in
}

func (b *bus) Stop() {}

func (b *bus) send(payloads ...[]byte) {
	for _, p := range payloads {
		b.in <- wakuMessage(p)
	}
}

func wakuMessage(payload []byte) *pb.WakuMessage {
	return &pb.WakuMessage{Payload: payload, Version: proto.Uint32(2)}
}

func take[T any](t *testing.T, what string, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatalf("go-waku: no %s", what)
		panic("unreachable")
	}
}

func goKeys(t *testing.T) (static, ephemeral gonoise.Keypair) {
	t.Helper()
	static, errS := gonoise.DH25519.GenerateKeypair()
	ephemeral, errE := gonoise.DH25519.GenerateKeypair()
	if errS != nil || errE != nil {
		t.Fatal(errS, errE)
	}
	return static, ephemeral
}

// run starts go-waku's side; the channel has its result.
func run(t *testing.T, p *gowaku.Pairing) <-chan error {
	done := make(chan error, 1)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	go func() { done <- p.Execute(ctx) }()
	return done
}

// agree compares the authcodes, go-waku's stands in quotes, and confirms go-waku's.
func agree(t *testing.T, d *device, p *gowaku.Pairing, same bool) {
	t.Helper()
	if code := take(t, "authcode", p.AuthCode()); code != "'"+d.authcode()+"'" {
		t.Fatalf("authcodes %s and %s", code, d.authcode())
	}
	if err := p.ConfirmAuthCode(same); err != nil {
		t.Fatal(err)
	}
}

// We show the QR code, go-waku scans it.
func TestGoWakuScans(t *testing.T) {
	d := newDevice(t, seeded(t), false)
	d.show(noise.WakuPairing)
	i, _, err := d.p.Invitation()
	if err != nil {
		t.Fatal(err)
	}
	b := newBus()
	static, ephemeral := goKeys(t)
	p, err := gowaku.NewPairing(static, ephemeral, gowaku.WithInitiatorParameters(i.QR.String(), gonoise.MessageNametag(i.Nametag)), b, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	done := run(t, p)
	d.receive(nil, take(t, "message 1", b.out))
	if b.topic != d.p.Topic() {
		t.Errorf("topics %s and %s", b.topic, d.p.Topic())
	}
	agree(t, d, p, true)
	b.send(d.confirm(true)...)
	d.receive(nil, take(t, "message 3", b.out))
	goWakuPaired(t, d, p, static, done)
}

// go-waku shows the QR code, we scan it.
func TestGoWakuShows(t *testing.T) {
	d := newDevice(t, seeded(t), false)
	b := newBus()
	static, ephemeral := goKeys(t)
	p, err := gowaku.NewPairing(static, ephemeral, gowaku.WithDefaultResponderParameters(), b, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	done := run(t, p)
	text, tag := p.PairingInfo()
	qr, err := pairing.ParseQR(text)
	if err != nil {
		t.Fatal(err)
	}
	b.send(d.scan(pairing.Invitation{QR: qr, Nametag: noise.Nametag(tag), Pattern: noise.WakuPairing}.String())...)
	agree(t, d, p, true)
	d.confirm(true)
	b.send(d.receive(nil, take(t, "message 2", b.out))...)
	goWakuPaired(t, d, p, static, done)
}

// Our user says no: go-waku stops at our abort.
func TestGoWakuRejected(t *testing.T) {
	d := newDevice(t, seeded(t), false)
	d.show(noise.WakuPairing)
	i, _, err := d.p.Invitation()
	if err != nil {
		t.Fatal(err)
	}
	b := newBus()
	static, ephemeral := goKeys(t)
	p, err := gowaku.NewPairing(static, ephemeral, gowaku.WithInitiatorParameters(i.QR.String(), gonoise.MessageNametag(i.Nametag)), b, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	done := run(t, p)
	d.receive(nil, take(t, "message 1", b.out))
	agree(t, d, p, true)
	b.send(d.confirm(false)...)
	if err := take(t, "end", done); err == nil || p.HandshakeComplete() {
		t.Fatal("go-waku is paired")
	}
}

// goWakuPaired sends 120 messages each way, which is more than go-noise's buffer of
// nametags holds, with every other one of ours overtaking the one before.
func goWakuPaired(t *testing.T, d *device, p *gowaku.Pairing, static gonoise.Keypair, done <-chan error) {
	t.Helper()
	if err := take(t, "end", done); err != nil {
		t.Fatal(err)
	}
	if peer, _, err := d.p.Peer(); err != nil || !bytes.Equal(peer[:], static.Public) {
		t.Fatalf("the peer is %s: %v", peer, err)
	}
	tr := d.transport().WithTagOrder(noise.GoNoiseOrder)
	var late []byte
	for i := range 120 {
		text := bytes.Repeat([]byte{byte(i)}, i*7)
		next, payload, err := tr.Seal(text)
		if err != nil {
			t.Fatal(err)
		}
		tr = next
		if got, err := p.Decrypt(wakuMessage(payload)); err != nil || !bytes.Equal(got, text) {
			t.Fatalf("go-waku opens message %d to %d bytes: %v", i, len(got), err)
		}
		m, err := p.Encrypt(text)
		if err != nil {
			t.Fatal(err)
		}
		if late == nil {
			late = m.GetPayload()
			continue
		}
		for j, sealed := range [][]byte{m.GetPayload(), late} {
			next, got, err := tr.Open(sealed)
			if err != nil || !bytes.Equal(got, bytes.Repeat([]byte{byte(i - j)}, (i-j)*7)) {
				t.Fatalf("message %d opens to %d bytes: %v", i-j, len(got), err)
			}
			tr = next
		}
		late = nil
	}
	if tr.PeerOrder() != noise.GoNoiseOrder || tr.Missing() != 0 {
		t.Error("go-noise's order was not seen")
	}
}
