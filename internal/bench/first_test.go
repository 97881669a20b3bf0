package bench

import (
	"context"
	"crypto/rand"
	"fmt"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/datasync"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/payload"
	"libstatus1to1/chat/protocol/ratchet"
	"libstatus1to1/chat/protocol/session"
	"libstatus1to1/chat/protocol/topic"
	"libstatus1to1/chat/protocol/x3dh"
	"libstatus1to1/chat/wire"
)

var (
	// ECIES in place of GCM.
	eciesSum = sum{agree: 1, draw: 1, gcm: -1, ctr: 1}
	// The first message to somebody whose bundle is known: an X3DH agreement (three)
	// with its ephemeral, the first ratchet step with its key, and two attempts, for
	// our profile goes ahead in an envelope of its own (signed once for everybody),
	// with the record of what they were told (read first) and one that is deleted.
	// The person is a contact: the keys of the shared topic are there.
	firstSentSum = acceptSum.plus(chatSum, publishedSum, attemptSum.times(2), layers(2*envelopeBytes), stored(2*envelopeBytes), eciesSum.times(2),
		sum{agree: 4, draw: 2, aead: 2, place: 2})
	// The first message from a stranger: over an envelope and a message, ECIES, an
	// X3DH agreement, two ratchet steps with a new key, their bundle verified, the
	// keys that came as 33 bytes, the topic shared with them, and the records of
	// contact, topic, sessions.
	firstHeardSum = envelopeSum.plus(messageSum, chatSum, layers(envelopeBytes), sum{
		agree: 7, draw: 1, signer: 1, expand: 4, gcm: -1, ctr: 1, chain: 1, slow: 1, aead: 4, place: 4})
)

var source = session.Source{Rand: rand.Reader, IV: ratchet.RandomIV(rand.Reader)}

// stranger is somebody without a client.
type stranger struct {
	session.Self
	bundle *wire.Bundle
}

func newStranger(b *testing.B) stranger {
	b.Helper()
	identity, err := key.Generate(rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	preKeys, _, err := x3dh.PreKeys{}.Rotate(time.Now(), rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	s := stranger{Self: session.Self{Identity: identity, InstallationID: "device", PreKeys: preKeys}}
	current, _ := preKeys.Current()
	s.bundle, err = x3dh.Bundle{
		Identity: identity.Public(), Timestamp: time.Now().UnixNano(),
		SignedPreKeys: []x3dh.SignedPreKey{current.Signed(s.InstallationID)},
	}.Sign(identity)
	if err != nil {
		b.Fatal(err)
	}
	return s
}

// envelope carries a ProtocolMessage of the stranger, sealed by seal.
func (s stranger) envelope(b *testing.B, contentTopic string, pm *wire.ProtocolMessage, seal func([]byte) ([]byte, error)) chat.Envelope {
	b.Helper()
	pm.InstallationId, pm.Bundles = s.InstallationID, []*wire.Bundle{s.bundle}
	plain, err := proto.Marshal(pm)
	if err != nil {
		b.Fatal(err)
	}
	sealed, err := seal(plain)
	if err != nil {
		b.Fatal(err)
	}
	return chat.Envelope{ContentTopic: contentTopic, Payload: sealed, Version: 1, Timestamp: time.Now().UnixNano()}
}

// contactCode is what tells others the bundle.
func (s stranger) contactCode(b *testing.B) chat.Envelope {
	empty, err := proto.Marshal(&wire.ContactCodeAdvertisement{})
	if err != nil {
		b.Fatal(err)
	}
	application, err := message.Wrap(s.Identity, wire.ApplicationMetadataMessage_CONTACT_CODE_ADVERTISEMENT, empty)
	if err != nil {
		b.Fatal(err)
	}
	t := topic.ContactCode(s.Identity.Public())
	return s.envelope(b, t.ContentTopic(), &wire.ProtocolMessage{PublicMessage: application}, func(plain []byte) ([]byte, error) {
		return payload.SealSymmetric(rand.Reader, topic.SymmetricKey(t.Name), s.Identity, plain)
	})
}

// hello is a first message to somebody whose bundle the stranger knows.
func (s stranger) hello(b *testing.B, to key.Public, bundle x3dh.Bundle) chat.Envelope {
	now := time.Now()
	encoded, err := message.EncodeChatMessage(message.NewText(message.TextParams{
		Text: text(0), ChatID: to.Hex(), Clock: uint64(now.UnixMilli()), Timestamp: uint64(now.UnixMilli()),
	}))
	if err != nil {
		b.Fatal(err)
	}
	application, err := message.Wrap(s.Identity, wire.ApplicationMetadataMessage_CHAT_MESSAGE, encoded)
	if err != nil {
		b.Fatal(err)
	}
	plain, err := datasync.Encode(datasync.Payload{Messages: []datasync.Message{{
		GroupID: datasync.GroupID(s.Identity.Public(), to), Timestamp: now.Unix(), Body: application}}})
	if err != nil {
		b.Fatal(err)
	}
	peer := session.Peer{Identity: to}.Learn(s.Self, bundle, now)
	_, out, err := peer.Encrypt(s.Self, plain, nil, now, source)
	if err != nil {
		b.Fatal(err)
	}
	return s.envelope(b, topic.Partitioned(to).ContentTopic(), &wire.ProtocolMessage{EncryptedMessage: out.Messages}, func(plain []byte) ([]byte, error) {
		return payload.SealAsymmetric(rand.Reader, to, s.Identity, plain)
	})
}

// crowd is how many first messages are sent or heard together.
const crowd = 32

// BenchmarkFirstSent is the first message to each of many contacts, until all are
// published.
func BenchmarkFirstSent(b *testing.B) {
	each(b, "first-sent", []mode{{n: crowd, batch: true}}, func(b *testing.B, name string, how mode, sync bool) {
		needs(name, firstSentSum)
		w := newStopwatch(b)
		alice := newPerson(b, "alice", sync, true)
		for left := b.N; left > 0; left -= crowd {
			n := min(left, crowd)
			requests := make([]chat.SendRequest, n)
			for i := range requests {
				s := newStranger(b)
				if _, err := alice.AddContact(s.Identity.Public(), ""); err != nil {
					b.Fatal(err)
				}
				alice.net.queue <- s.contactCode(b)
				requests[i] = chat.SendRequest{To: s.Identity.Public(), Text: text(i)}
			}
			alice.known(requests)
			before := sentBy(alice)
			w.start()
			if _, err := alice.SendBatch(context.Background(), requests); err != nil {
				b.Fatal(err)
			}
			alice.until("publishing", func(d chat.Diagnostics) bool { return d.Sent >= before+uint64(n) })
			w.stop()
			alice.drain()
		}
		w.done(name, b.N)
	})
}

// known waits until the bundles of all have come: they share one queue, so the
// answer to somebody without a bundle would go to nobody's device.
func (p *person) known(all []chat.SendRequest) {
	p.until("bundles", func(d chat.Diagnostics) bool { return d.Received >= uint64(len(all)) })
	time.Sleep(50 * time.Millisecond)
}

// BenchmarkFirstHeard is the first message of each of many strangers, from its
// arrival until the host has the event.
func BenchmarkFirstHeard(b *testing.B) {
	each(b, "first-heard", []mode{{n: 1}, {n: crowd, batch: true}}, func(b *testing.B, name string, how mode, sync bool) {
		needs(name, firstHeardSum)
		w := newStopwatch(b)
		bob := newPerson(b, "bob", sync, true)
		bundle := bob.bundle()
		for left := b.N; left > 0; left -= how.n {
			n := min(left, how.n)
			envelopes := make([]chat.Envelope, n)
			for i := range envelopes {
				envelopes[i] = newStranger(b).hello(b, bob.key, bundle)
			}
			w.start()
			for _, e := range envelopes {
				bob.net.queue <- e
			}
			bob.hear(n)
			w.stop()
		}
		w.done(name, b.N)
	})
}

// bundle opens the contact code the person has published.
func (p *person) bundle() x3dh.Bundle {
	t := topic.ContactCode(p.key)
	symmetric := topic.SymmetricKey(t.Name)
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(time.Millisecond) {
		for _, e := range p.net.take() {
			opened, err := payload.OpenSymmetric(symmetric, e.Payload)
			if err != nil {
				continue
			}
			var pm wire.ProtocolMessage
			if err := proto.Unmarshal(opened.Data, &pm); err != nil {
				p.b.Fatal(err)
			}
			b, err := x3dh.ParseBundle(pm.GetBundles()[0])
			if err != nil {
				p.b.Fatal(err)
			}
			return b
		}
	}
	p.b.Fatal(fmt.Errorf("no contact code"))
	return x3dh.Bundle{}
}
