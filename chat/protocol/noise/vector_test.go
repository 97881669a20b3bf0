package noise_test

import (
	"bytes"
	"path/filepath"
	"slices"
	"testing"

	"libstatus1to1/chat/protocol/noise"
	"libstatus1to1/internal/vectors"
)

func TestVectorHandshakes(t *testing.T) {
	for _, v := range transcripts(t) {
		t.Run(v.name, func(t *testing.T) {
			a, b := v.handshakes(t)
			if p := a.Pattern(); p.ProtocolName() != v.ProtocolName || byte(p.ProtocolID()) != v.ProtocolID || p.Messages() != len(v.Handshake) {
				t.Fatalf("pattern is %s, %d", p.ProtocolName(), p.ProtocolID())
			}
			same(t, "h_initial", a.Hash(), v.HInitial)
			for i, want := range v.Handshake {
				same(t, "nametag", a.Nametag(), want.MessageNametag)
				payload := v.play(t, &a, &b, i)
				if !bytes.Equal(payload, want.Payload) {
					t.Fatalf("message %d is\n%x, want\n%x", i, payload, want.Payload)
				}
				for _, h := range []noise.Handshake{a, b} {
					checkStep(t, &v, h, i)
				}
				a, b = restart(t, a), restart(t, b)
			}
			same(t, "h", b.Hash(), v.Final.H)
		})
	}
}

// checkStep compares what is recorded after a step.
func checkStep(t *testing.T, v *transcript, h noise.Handshake, i int) {
	t.Helper()
	want := v.Handshake[i]
	same(t, "h_after", h.Hash(), want.HAfter)
	same(t, "ck_after", [32]byte(noise.ChainingKey(h)), want.CKAfter)
	same(t, "next nametag", h.Nametag(), want.NextNametag)
	if h.Authcode() != want.Authcode {
		t.Errorf("authcode %s, want %s", h.Authcode(), want.Authcode)
	}
	if !bytes.Equal(h.Message(i), want.Payload) {
		t.Error("the message is not kept")
	}
	p, err := noise.ParsePayload(want.Payload)
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Keys) != len(want.HandshakeMessage) || !bytes.Equal(p.Transport, want.TransportMessage) {
		t.Fatal("the payload comes apart differently")
	}
	for j, k := range want.HandshakeMessage {
		if p.Keys[j].Sealed != (k.Flag == 1) || !bytes.Equal(p.Keys[j].Bytes, k.PK) {
			t.Errorf("key %d of message %d differs", j, i)
		}
	}
	if again, err := p.Bytes(); err != nil || !bytes.Equal(again, want.Payload) {
		t.Errorf("the payload goes together differently: %v", err)
	}
}

// restart stores a handshake and reads it back.
func restart(t testing.TB, h noise.Handshake) noise.Handshake {
	t.Helper()
	stored := h.Marshal()
	h, err := noise.UnmarshalHandshake(stored)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(h.Marshal(), stored) {
		t.Fatal("a handshake came back changed")
	}
	return h
}

// same compares 16 or 32 bytes with recorded ones.
func same[T ~[16]byte | ~[32]byte](t testing.TB, what string, got T, want []byte) {
	t.Helper()
	var b []byte
	switch g := any(got).(type) {
	case noise.Nametag:
		b = g[:]
	case [32]byte:
		b = g[:]
	default:
		t.Fatalf("%T", got)
	}
	if !bytes.Equal(b, want) {
		t.Errorf("%s is %x, want %x", what, b, want)
	}
}

func TestVectorSecrets(t *testing.T) {
	for _, v := range transcripts(t) {
		t.Run(v.name, func(t *testing.T) {
			initiator, responder := v.transports(t)
			a, b := initiator.State(), responder.State()
			if a.Out != b.In || a.In != b.Out {
				t.Fatal("the sides do not agree")
			}
			same(t, "key forth", [32]byte(a.Out.Cipher), v.Final.Forth)
			same(t, "key back", [32]byte(a.In.Cipher), v.Final.Back)
			same(t, "nametag secret forth", [32]byte(a.Out.Nametags), v.Final.ForthSecret)
			same(t, "nametag secret back", [32]byte(a.In.Nametags), v.Final.BackSecret)
			for n, want := range v.Nametags.Forth {
				same(t, "nametag forth", noise.TransportNametag(a.Out.Nametags, uint64(n)), want)
			}
			for n, want := range v.Nametags.Back {
				same(t, "nametag back", noise.TransportNametag(a.In.Nametags, uint64(n)), want)
			}
		})
	}
}

// Each transport message sealed and opened in order, byte for byte.
func TestVectorTransport(t *testing.T) {
	for _, v := range transcripts(t) {
		t.Run(v.name, func(t *testing.T) { playTransport(t, &v, v.Transport, noise.SpecOrder) })
	}
}

func TestVectorGoNoiseOrder(t *testing.T) {
	for _, v := range transcripts(t) {
		t.Run(v.name, func(t *testing.T) { playTransport(t, &v, v.GoOrder, noise.GoNoiseOrder) })
	}
}

func playTransport(t *testing.T, v *transcript, messages []sealed, order noise.TagOrder) {
	initiator, responder := v.transports(t)
	initiator, responder = initiator.WithTagOrder(order), responder.WithTagOrder(order)
	for i, m := range messages {
		from, to := &initiator, &responder
		if m.From == "responder" {
			from, to = to, from
		}
		if from.Sent() != m.N {
			t.Fatalf("message %d is number %d, want %d", i, from.Sent(), m.N)
		}
		next, payload, err := from.Seal(m.Plaintext)
		if err != nil || !bytes.Equal(payload, m.Payload) {
			t.Fatalf("message %d is\n%x, want\n%x: %v", i, payload, m.Payload, err)
		}
		*from = next
		same(t, "nametag", noise.Nametag(payload[:noise.NametagSize]), m.MessageNametag)
		mustOpen(t, to, m.Payload, m.Plaintext)
		if m.N > 0 && to.PeerOrder() != order {
			t.Fatalf("message %d: the peer's order was not seen", i)
		}
		if _, _, err := to.Open(m.Payload); err == nil {
			t.Fatalf("message %d opened twice", i)
		}
	}
}

// The same messages backwards within the window.
func TestVectorTransportBackwards(t *testing.T) {
	for _, v := range transcripts(t) {
		for _, messages := range [][]sealed{v.Transport, v.GoOrder} {
			initiator, responder := v.transports(t)
			for chunk := range slices.Chunk(messages, noise.Window) {
				for _, m := range slices.Backward(chunk) {
					to := &responder
					if m.From == "responder" {
						to = &initiator
					}
					mustOpen(t, to, m.Payload, m.Plaintext)
				}
			}
			if initiator.Missing()+responder.Missing() != 0 {
				t.Errorf("%s: messages are missing", v.name)
			}
		}
	}
}

func mustOpen(t testing.TB, to *noise.Transport, payload, plaintext []byte) {
	t.Helper()
	next, got, err := to.Open(payload)
	if err != nil || !bytes.Equal(got, plaintext) {
		t.Fatalf("opens to %x, want %x: %v", got, plaintext, err)
	}
	*to = next
}

// Every negative is refused, changes nothing, and the genuine message is read after it.
func TestVectorNegative(t *testing.T) {
	var negatives []struct {
		Vector, Reader, Mutation, Expect string
		Step                             any
		Payload                          vectors.Hex
	}
	vectors.Read(t, filepath.Join("noise", "negative.json"), &negatives)
	byName := map[string]transcript{}
	for _, v := range transcripts(t) {
		byName[v.name] = v
	}
	for _, n := range negatives {
		v, known := byName[n.Vector]
		if !known || n.Expect != "reject" {
			t.Fatalf("vector %q, expect %q", n.Vector, n.Expect)
		}
		if step, handshake := n.Step.(float64); handshake {
			refuseHandshake(t, &v, int(step), n.Reader, n.Mutation, n.Payload)
		} else {
			refuseTransport(t, &v, n.Mutation, n.Payload)
		}
	}
	t.Logf("%d refused", len(negatives))
}

func refuseHandshake(t *testing.T, v *transcript, step int, who, mutation string, payload []byte) {
	t.Helper()
	a, b := v.handshakes(t)
	for i := range step {
		v.play(t, &a, &b, i)
	}
	reader := b
	if who == "initiator" {
		reader = a
	}
	before := reader.Marshal()
	after, _, err := reader.Read(payload)
	if err == nil || !bytes.Equal(after.Marshal(), before) || !bytes.Equal(reader.Marshal(), before) {
		t.Errorf("%s, step %d, %s: error %v, or the state changed", v.name, step, mutation, err)
	}
	if _, plaintext, err := after.Read(v.Handshake[step].Payload); err != nil || !bytes.Equal(plaintext, v.Handshake[step].TransportPlaintext) {
		t.Errorf("%s, step %d, %s: the genuine message after it: %v", v.name, step, mutation, err)
	}
}

func refuseTransport(t *testing.T, v *transcript, mutation string, payload []byte) {
	t.Helper()
	_, responder := v.transports(t)
	before := responder.Marshal()
	after, _, err := responder.Open(payload)
	if err == nil || !bytes.Equal(after.Marshal(), before) || !bytes.Equal(responder.Marshal(), before) {
		t.Errorf("%s, transport, %s: error %v, or the state changed", v.name, mutation, err)
	}
	first := slices.IndexFunc(v.Transport, func(m sealed) bool { return m.From == "initiator" })
	mustOpen(t, &after, v.Transport[first].Payload, v.Transport[first].Plaintext)
}
