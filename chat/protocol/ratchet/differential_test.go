package ratchet_test

import (
	"bytes"
	"crypto/rand"
	"fmt"
	mrand "math/rand/v2"
	"testing"

	dr "github.com/status-im/doubleratchet"

	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/ratchet"
)

// secp256k1Crypto is the reference library's own crypto on the curve Status uses.
type secp256k1Crypto struct{ dr.DefaultCrypto }

type referencePair struct{ k key.Private }

func (p referencePair) PrivateKey() dr.Key { return p.k.Bytes() }
func (p referencePair) PublicKey() dr.Key  { return p.k.Public().Compressed() }

func (secp256k1Crypto) GenerateDH() (dr.DHPair, error) {
	k, err := key.Generate(rand.Reader)
	return referencePair{k}, err
}

func (secp256k1Crypto) DH(pair dr.DHPair, public dr.Key) (dr.Key, error) {
	k, err := key.ParsePrivate(pair.PrivateKey())
	if err != nil {
		return nil, err
	}
	p, err := key.ParsePublic(public)
	if err != nil {
		return nil, err
	}
	s, err := k.ECDH(p)
	return s[:], err
}

// endpoint is one side of a session, ours or the reference's.
type endpoint interface {
	encrypt(text string) (ratchet.Message, error)
	decrypt(ratchet.Message) (string, error)
}

type ours struct{ state ratchet.State }

func (o *ours) encrypt(text string) (m ratchet.Message, err error) {
	o.state, m, err = o.state.Encrypt([]byte(text), ratchet.RandomIV(rand.Reader))
	return m, err
}

func (o *ours) decrypt(m ratchet.Message) (string, error) {
	next, plaintext, err := o.state.Decrypt(m, rand.Reader)
	o.state = next
	return string(plaintext), err
}

type reference struct{ session dr.Session }

func (r reference) encrypt(text string) (ratchet.Message, error) {
	m, err := r.session.RatchetEncrypt([]byte(text), nil)
	if err != nil {
		return ratchet.Message{}, err
	}
	p, err := key.ParsePublic(m.Header.DH)
	return ratchet.Message{Header: ratchet.Header{Key: p, N: m.Header.N, PN: m.Header.PN}, Payload: m.Ciphertext}, err
}

// decrypt confirms at once: the reference keeps a used key until told.
func (r reference) decrypt(m ratchet.Message) (string, error) {
	plaintext, err := r.session.RatchetDecrypt(dr.Message{
		Header:     dr.MessageHeader{DH: m.Header.Key.Compressed(), N: m.Header.N, PN: m.Header.PN},
		Ciphertext: bytes.Clone(m.Payload),
	}, nil)
	if err != nil {
		return "", err
	}
	return string(plaintext), r.session.DeleteMk(m.Header.Key.Compressed(), m.Header.N)
}

// mixedPair is a fresh session between us and the reference, initiator first.
func mixedPair(t *testing.T, weInitiate bool) [2]endpoint {
	t.Helper()
	var secret key.Secret
	if _, err := rand.Read(secret[:]); err != nil {
		t.Fatal(err)
	}
	spk := generate(t)
	crypto := dr.WithCrypto(secp256k1Crypto{})
	if weInitiate {
		s, err := ratchet.NewInitiator(secret, spk.Public(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		peer, err := dr.New([]byte("id"), secret[:], referencePair{spk}, nil, crypto)
		if err != nil {
			t.Fatal(err)
		}
		return [2]endpoint{&ours{s}, reference{peer}}
	}
	peer, err := dr.NewWithRemoteKey([]byte("id"), secret[:], spk.Public().Compressed(), nil, crypto)
	if err != nil {
		t.Fatal(err)
	}
	return [2]endpoint{reference{peer}, &ours{ratchet.NewResponder(secret, spk)}}
}

// TestDifferential talks to github.com/status-im/doubleratchet, in both roles, over a
// network that loses, doubles and reorders.
func TestDifferential(t *testing.T) {
	for _, weInitiate := range []bool{true, false} {
		t.Run(fmt.Sprintf("we initiate %v", weInitiate), func(t *testing.T) {
			random := newSeed(t)
			for range 20 {
				play(t, random, mixedPair(t, weInitiate))
			}
		})
	}
}

func play(t *testing.T, random *mrand.Rand, peers [2]endpoint) {
	t.Helper()
	var air [2][]flight
	opened := [2]int{}
	for turn := range 150 {
		me := random.IntN(2)
		if random.IntN(10) < 4 && (me == 0 || opened[1] > 0) {
			text := fmt.Sprint("message ", turn)
			m, err := peers[me].encrypt(text)
			if err != nil {
				t.Fatal(err)
			}
			if random.IntN(8) > 0 { // else it is lost
				air[1-me] = append(air[1-me], flight{message: m, text: text})
			}
			continue
		}
		if len(air[me]) == 0 {
			continue
		}
		f := &air[me][random.IntN(len(air[me]))]
		text, err := peers[me].decrypt(f.message)
		switch {
		case f.delivered && err == nil:
			t.Fatalf("turn %d: peer %d opened a second copy", turn, me)
		case !f.delivered && (err != nil || text != f.text):
			t.Fatalf("turn %d: peer %d: got %q, %v, want %q", turn, me, text, err, f.text)
		case !f.delivered:
			f.delivered = true
			opened[me]++
		}
	}
	if opened[0] == 0 || opened[1] == 0 {
		t.Fatalf("opened %v: the schedule tests nothing", opened)
	}
}

// TestDifferentialLimits finds both sides of the skip limit the same as the reference's.
func TestDifferentialLimits(t *testing.T) {
	for _, lost := range []int{ratchet.MaxSkip, ratchet.MaxSkip + 1} {
		for _, weInitiate := range []bool{true, false} {
			peers := mixedPair(t, weInitiate)
			first, err := peers[0].encrypt("first")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := peers[1].decrypt(first); err != nil {
				t.Fatal(err)
			}
			for range lost {
				if _, err := peers[0].encrypt("lost"); err != nil {
					t.Fatal(err)
				}
			}
			far, err := peers[0].encrypt("far")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := peers[1].decrypt(far); (err == nil) != (lost == ratchet.MaxSkip) {
				t.Fatalf("%d lost, we initiate %v: %v", lost, weInitiate, err)
			}
		}
	}
}
