package noisesession_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"testing"

	"libstatus1to1/chat/protocol/noise"
	"libstatus1to1/chat/protocol/noise/noisesession"
	"libstatus1to1/chat/protocol/noise/pairing"
)

// Two devices are paired by QR code and certificates, and make a session of it.
func TestPairedDevicesHaveASession(t *testing.T) {
	r := seeded(t)
	alice := mustIdentity(t, r)
	config := func(name string) pairing.Config {
		d := newDevice(t, r, alice, name)
		return pairing.Config{Scope: noise.DefaultScope, Static: d.static, Certificate: d.certificate(t)}
	}
	b, err := pairing.Start(config("new"), noise.WakuPairing, start, r)
	if err != nil {
		t.Fatal(err)
	}
	i, _, err := b.Invitation()
	if err != nil {
		t.Fatal(err)
	}
	a, first, err := pairing.Scan(config("old"), i.String(), start, r)
	if err != nil {
		t.Fatal(err)
	}
	if b, _, err = b.Receive(first.Send[0], start, r); err != nil {
		t.Fatal(err)
	}
	b, second, err := b.Confirm(true, start, r)
	if err != nil {
		t.Fatal(err)
	}
	if a, _, err = a.Confirm(true, start, r); err != nil {
		t.Fatal(err)
	}
	a, third, err := a.Receive(second.Send[0], start, r)
	if err != nil {
		t.Fatal(err)
	}
	if b, _, err = b.Receive(third.Send[0], start, r); err != nil {
		t.Fatal(err)
	}
	var sessions [2]noisesession.Session
	for n, p := range []pairing.Pairing{a, b} {
		h, err := p.Handshake()
		if err != nil {
			t.Fatal(err)
		}
		_, certificate, err := p.Peer()
		if err != nil {
			t.Fatal(err)
		}
		sessions[n], err = noisesession.Establish(noisesession.Config{
			Handshake: h, Certificate: certificate, Identity: alice.Public(), Scope: noise.DefaultScope,
		}, start)
		if err != nil {
			t.Fatal(err)
		}
	}
	mustOpen(t, &sessions[1], mustSeal(t, &sessions[0], "hello"), "hello")
	if sessions[0].Peer().InstallationID != "new" || sessions[1].Peer().InstallationID != "old" || !sessions[0].Created().Equal(start) {
		t.Error("the sessions are with others")
	}
}

// Alice's phone has a session with Bob, hands it to her laptop through their own session,
// and gets it back. Bob sees one peer.
func TestHandover(t *testing.T) {
	r := seeded(t)
	alice := mustIdentity(t, r)
	phone, laptop := newDevice(t, r, alice, "phone"), newDevice(t, r, alice, "laptop")
	bob := newDevice(t, r, mustIdentity(t, r), "bob")
	onPhone, atBob := establish(t, r, phone, bob, noisesession.ID{}, start)
	toLaptop, toPhone := establish(t, r, phone, laptop, noisesession.ID{}, start)

	mustOpen(t, &atBob, mustSeal(t, &onPhone, "from the phone"), "from the phone")
	mustOpen(t, &onPhone, mustSeal(t, &atBob, "to the phone"), "to the phone")

	onPhone, h, err := onPhone.HandOver()
	if err != nil || len(h.Record()) != 176 {
		t.Fatal(err)
	}
	onPhone = reload(t, onPhone)
	if _, _, err := onPhone.Seal(nil); !errors.Is(err, noisesession.ErrHandedOver) || !onPhone.Away() {
		t.Fatalf("the phone still seals: %v", err)
	}
	if _, _, err := onPhone.HandOver(); !errors.Is(err, noisesession.ErrHandedOver) {
		t.Errorf("handed over twice: %v", err)
	}
	_, payload, err := toLaptop.SealHandover(h, alice.Public())
	if err != nil {
		t.Fatal(err)
	}
	_, m, err := toPhone.Open(payload, start)
	if err != nil || m.Kind != noisesession.Handed || m.Handover.ID() != onPhone.ID() || m.Handover.Peer() != onPhone.Peer() {
		t.Fatal(m.Kind, err)
	}
	onLaptop, err := noisesession.Adopt(m.Handover, toPhone.Peer(), alice.Public(), start)
	if err != nil || onLaptop.ID() != onPhone.ID() || onLaptop.Topic() != onPhone.Topic() || onLaptop.Peer() != onPhone.Peer() {
		t.Fatal(err)
	}
	for i := range 3 {
		text := fmt.Sprint("from the laptop ", i)
		mustOpen(t, &atBob, mustSeal(t, &onLaptop, text), text)
	}
	both := mustSeal(t, &atBob, "to both")
	mustOpen(t, &onLaptop, both, "to both")
	mustOpen(t, &onPhone, both, "to both")

	if _, err := onPhone.TakeBack(h, toLaptop.Peer(), bob.identity.Public()); !errors.Is(err, noisesession.ErrIdentity) {
		t.Errorf("from somebody else: %v", err)
	}
	_, back, err := onLaptop.HandOver()
	if err != nil {
		t.Fatal(err)
	}
	onPhone, err = onPhone.TakeBack(back, toLaptop.Peer(), alice.Public())
	if err != nil {
		t.Fatal(err)
	}
	mustOpen(t, &atBob, mustSeal(t, &onPhone, "the phone again"), "the phone again")
	if _, err := onPhone.TakeBack(back, toLaptop.Peer(), alice.Public()); !errors.Is(err, noisesession.ErrHandover) {
		t.Errorf("taken back twice: %v", err)
	}
	again, _, err := onPhone.HandOver()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := again.TakeBack(back, toLaptop.Peer(), alice.Public()); !errors.Is(err, noisesession.ErrRollback) {
		t.Errorf("an old record: %v", err)
	}
}

// Field order and endianness, as doc.go has them.
func TestRecordLayout(t *testing.T) {
	r := seeded(t)
	a, b := newDevice(t, r, mustIdentity(t, r), "a"), newDevice(t, r, mustIdentity(t, r), "b")
	h, _, _, certB := shake(t, r, a, b, noisesession.ID{})
	tr, err := h.Finish()
	if err != nil {
		t.Fatal(err)
	}
	s, err := noisesession.Establish(noisesession.Config{Handshake: h, Certificate: certB, Identity: b.identity.Public(), Scope: noise.DefaultScope}, start)
	if err != nil {
		t.Fatal(err)
	}
	for range 300 {
		mustSeal(t, &s, "x")
	}
	_, over, err := s.HandOver()
	if err != nil {
		t.Fatal(err)
	}
	state, id := tr.State(), s.ID()
	want := bytes.Join([][]byte{
		id[:],
		state.Out.Cipher[:], binary.LittleEndian.AppendUint64(nil, 300), state.Out.Nametags[:],
		state.In.Cipher[:], binary.LittleEndian.AppendUint64(nil, 0), state.In.Nametags[:],
	}, nil)
	if !bytes.Equal(over.Record(), want) {
		t.Fatalf("record\n%x, want\n%x", over.Record(), want)
	}
}

func TestHandoverRefuses(t *testing.T) {
	r := seeded(t)
	s, other := pair(t, r)
	stranger := mustIdentity(t, r).Public()
	_, h, err := s.HandOver()
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := other.SealHandover(h, stranger); !errors.Is(err, noisesession.ErrIdentity) {
		t.Errorf("sent to another identity: %v", err)
	}
	if _, err := noisesession.Adopt(h, other.Peer(), stranger, start); !errors.Is(err, noisesession.ErrIdentity) {
		t.Errorf("adopted from another identity: %v", err)
	}
	if _, err := noisesession.Adopt(noisesession.Handover{}, noisesession.Peer{Identity: stranger}, stranger, start); !errors.Is(err, noisesession.ErrHandover) {
		t.Errorf("nothing adopted: %v", err)
	}
	good := h.Bytes()
	for _, bad := range [][]byte{nil, good[:175], good[:len(good)-1], append(bytes.Clone(good), 0), flip(good, 3), flip(good, 150)} {
		if _, err := noisesession.ParseHandover(bad); !errors.Is(err, noisesession.ErrHandover) {
			t.Errorf("%d bytes: %v", len(bad), err)
		}
	}
}

// flip changes the byte at i; in a record that breaks the tie of id and nametag secret.
func flip(b []byte, i int) []byte {
	c := bytes.Clone(b)
	c[i] ^= 1
	c[31] ^= 1
	return c
}
