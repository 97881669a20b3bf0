package pairing_test

import (
	"bytes"
	"fmt"
	"io"
	"path/filepath"
	"testing"

	"libstatus1to1/chat/protocol/noise"
	"libstatus1to1/chat/protocol/noise/pairing"
	"libstatus1to1/internal/vectors"
)

// transcript is the part of a *-WakuPairing-*.json that pairing is about.
type transcript struct {
	Pattern              string
	Prologue             vectors.Hex
	Initiator, Responder struct{ Static, Ephemeral vectors.KeyPair }
	Handshake            []struct {
		From         string
		Payload      vectors.Hex
		ContentTopic string `json:"content_topic"`
	}
	Pairing *struct {
		Application         string      `json:"application_name"`
		Version             string      `json:"application_version"`
		Shard               string      `json:"shard_id"`
		QR                  string      `json:"qr"`
		Nametag             vectors.Hex `json:"qr_message_nametag"`
		R, S                vectors.Hex
		CommitmentResponder vectors.Hex `json:"commitment_responder"`
		CommitmentInitiator vectors.Hex `json:"commitment_initiator"`
		Authcode            string
		Topic               string `json:"content_topic_spec43"`
	}
	Transport []struct {
		From               string
		Plaintext, Payload vectors.Hex
	}
}

func (v *transcript) static(t *testing.T, p vectors.KeyPair) noise.PrivateKey {
	t.Helper()
	k, err := noise.ParsePrivateKey(p.Private)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func chain(parts ...[]byte) io.Reader { return bytes.NewReader(bytes.Join(parts, nil)) }

// Every recorded pairing, both sides played byte for byte, then each side against the
// recorded messages alone.
func TestVectorPairing(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(vectors.Dir(t), "noise", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	played := 0
	for _, f := range files {
		name := filepath.Base(f)
		if name == "negative.json" {
			continue
		}
		var v transcript
		vectors.Read(t, filepath.Join("noise", name), &v)
		if v.Pairing == nil {
			continue
		}
		played++
		t.Run(name, func(t *testing.T) { v.play(t) })
	}
	if played == 0 {
		t.Fatal("no pairing among the vectors")
	}
}

func (v *transcript) play(t *testing.T) {
	scope := noise.Scope{Application: v.Pairing.Application, Version: v.Pairing.Version, Shard: v.Pairing.Shard}
	displayer := pairing.Config{Scope: scope, Static: v.static(t, v.Responder.Static)}
	scanner := pairing.Config{Scope: scope, Static: v.static(t, v.Initiator.Static)}
	b, err := pairing.Start(displayer, v.Pattern, start, chain(v.Responder.Ephemeral.Private, v.Pairing.R, v.Pairing.Nametag))
	if err != nil {
		t.Fatal(err)
	}
	v.checkInvitation(t, b)
	i, _, _ := b.Invitation()
	a, out, err := pairing.Scan(scanner, i.String(), start, chain(v.Initiator.Ephemeral.Private, v.Pairing.S))
	v.sent(t, 0, out, err)
	if b, _, err = b.Receive(v.Handshake[0].Payload, start, nil); err != nil {
		t.Fatal(err)
	}
	for _, p := range []pairing.Pairing{a, b} {
		if code, err := p.Authcode(); err != nil || code != v.Pairing.Authcode {
			t.Fatalf("authcode %s, want %s: %v", code, v.Pairing.Authcode, err)
		}
	}
	b, out, err = b.Confirm(true, start, nil)
	v.sent(t, 1, out, err)
	if a, _, err = a.Confirm(true, start, nil); err != nil {
		t.Fatal(err)
	}
	a, out, err = a.Receive(v.Handshake[1].Payload, start, nil)
	v.sent(t, 2, out, err)
	if b, _, err = b.Receive(v.Handshake[2].Payload, start, nil); err != nil {
		t.Fatal(err)
	}
	v.transport(t, a, b)
}

func (v *transcript) checkInvitation(t *testing.T, b pairing.Pairing) {
	t.Helper()
	i, _, err := b.Invitation()
	if err != nil || i.QR.String() != v.Pairing.QR || !bytes.Equal(i.Nametag[:], v.Pairing.Nametag) || i.QR.String() != string(v.Prologue) {
		t.Fatalf("QR %s, nametag %s: %v", i.QR, i.Nametag, err)
	}
	if got, err := pairing.ParseQR(v.Pairing.QR); err != nil || got != i.QR || !bytes.Equal(got.Commitment[:], v.Pairing.CommitmentResponder) {
		t.Fatalf("the QR reads as %+v: %v", got, err)
	}
	if b.Topic() != v.Pairing.Topic {
		t.Errorf("topic %s", b.Topic())
	}
	for _, h := range v.Handshake {
		if h.ContentTopic != "" && h.ContentTopic != b.Topic() {
			t.Errorf("topic %s, recorded %s", b.Topic(), h.ContentTopic)
		}
	}
	commitment := pairing.Commit(v.static(t, v.Initiator.Static).Public(), v.Pairing.S)
	if !bytes.Equal(commitment[:], v.Pairing.CommitmentInitiator) {
		t.Errorf("commitment %x", commitment)
	}
}

func (v *transcript) sent(t *testing.T, i int, out pairing.Output, err error) {
	t.Helper()
	if err != nil || len(out.Send) != 1 || !bytes.Equal(out.Send[0], v.Handshake[i].Payload) {
		t.Fatalf("message %d is %x, want %x: %v", i, out.Send, v.Handshake[i].Payload, err)
	}
}

func (v *transcript) transport(t *testing.T, a, b pairing.Pairing) {
	t.Helper()
	ta, errA := a.Transport()
	tb, errB := b.Transport()
	if errA != nil || errB != nil {
		t.Fatal(errA, errB)
	}
	for i, m := range v.Transport {
		from, to := &ta, &tb
		if m.From == "responder" {
			from, to = to, from
		}
		next, payload, err := from.Seal(m.Plaintext)
		if err != nil || !bytes.Equal(payload, m.Payload) {
			t.Fatalf("transport message %d: %v", i, err)
		}
		*from = next
		next, plaintext, err := to.Open(m.Payload)
		if err != nil || !bytes.Equal(plaintext, m.Plaintext) {
			t.Fatalf("transport message %d: %v", i, err)
		}
		*to = next
	}
}

// Every negative of a pairing is ignored by both sides at every step they read in.
func TestVectorNegativePairing(t *testing.T) {
	var negatives []struct {
		Vector, Reader, Mutation string
		Step                     any
		Payload                  vectors.Hex
	}
	vectors.Read(t, filepath.Join("noise", "negative.json"), &negatives)
	refused := 0
	for _, n := range negatives {
		step, handshake := n.Step.(float64)
		var v transcript
		vectors.Read(t, filepath.Join("noise", n.Vector+".json"), &v)
		if v.Pairing == nil || !handshake {
			continue
		}
		refused++
		if err := v.ignores(t, int(step), n.Payload); err != nil {
			t.Errorf("%s, step %d, %s: %v", n.Vector, int(step), n.Mutation, err)
		}
	}
	t.Logf("%d ignored", refused)
}

// ignores plays the reader of a step up to it and gives it the bad payload, then the good
// one.
func (v *transcript) ignores(t *testing.T, step int, bad []byte) error {
	t.Helper()
	scope := noise.Scope{Application: v.Pairing.Application, Version: v.Pairing.Version, Shard: v.Pairing.Shard}
	p, err := pairing.Start(pairing.Config{Scope: scope, Static: v.static(t, v.Responder.Static)}, v.Pattern, start,
		chain(v.Responder.Ephemeral.Private, v.Pairing.R, v.Pairing.Nametag))
	if err != nil {
		return err
	}
	i, _, _ := p.Invitation()
	switch step {
	case 1:
		if p, _, err = pairing.Scan(pairing.Config{Scope: scope, Static: v.static(t, v.Initiator.Static)}, i.String(), start,
			chain(v.Initiator.Ephemeral.Private, v.Pairing.S)); err != nil {
			return err
		}
	case 2:
		if p, _, err = p.Receive(v.Handshake[0].Payload, start, nil); err != nil {
			return err
		}
	}
	if step > 0 {
		if p, _, err = p.Confirm(true, start, nil); err != nil {
			return err
		}
	}
	before := p.Marshal()
	after, out, err := p.Receive(bad, start, nil)
	if err == nil || len(out.Send) != 0 || !bytes.Equal(after.Marshal(), before) {
		return fmt.Errorf("not ignored: %w", err)
	}
	_, _, err = after.Receive(v.Handshake[step].Payload, start, nil)
	return err
}
