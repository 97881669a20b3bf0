package bench

import (
	"fmt"
	"testing"

	"libstatus1to1/chat"
)

// What operations need; store records are written and read at least once each.
var (
	// A message accepted: its signature, its ids, and four records: message, place in
	// the history, outbox row, event. The row is under a number, the place under a label.
	acceptSum = sum{sign: 1, hashes: 3, aead: 4, place: 1}
	// The record of a chat, read and written: once for what is accepted, or received,
	// together.
	chatSum = sum{aead: 2, place: 1}
	// An attempt, but for what grows with it: the signature of the payload (that of
	// the bundle serves for a minute), a ratchet step, the sessions stored, then what
	// is left of it: that its messages are sent, and when they are due again.
	attemptSum = sum{sign: 1, hashes: 1, chain: 1, aead: 2, place: 1}
	// What becomes of one message in it: the event of it.
	publishedSum = sum{aead: 1}
	// An envelope received, but for what grows with it: signer of the payload (the
	// bundle is one that was verified before), a ratchet step, mark (asked for, then
	// set), sessions, acknowledgement, which marks are to be forgotten when.
	envelopeSum = sum{signer: 1, hashes: 2, chain: 1, aead: 5, place: 4}
	// A message in it: its signer, its ids (asked for under both), and three records:
	// message, place, event, which is read again to be handed out.
	messageSum = sum{signer: 1, hashes: 3, aead: 4, place: 3}
	// A message each way, everything acknowledged: on each side a ratchet step of
	// two agreements and a new key.
	turnSum = sum{agree: 2, draw: 1, expand: 1, chain: 1}
)

// layers are what bytes of an envelope need on either side: the hash that its
// signature is of, and both layers of encryption.
func layers(bytes float64) sum {
	return sum{hashes: bytes / messageBytes, ctr: bytes / envelopeBytes, gcm: bytes / envelopeBytes}
}

// stored are bytes in records.
func stored(bytes float64) sum { return sum{aead: bytes / recordBytes} }

// perEnvelope is how many messages share an envelope, as counted in the run.
func perEnvelope(messages, envelopes int) float64 {
	return max(1, float64(messages)/float64(max(1, envelopes)))
}

var syncs = []bool{false, true}

func syncName(sync bool) string {
	if sync {
		return "fsync=on"
	}
	return "fsync=off"
}

// each runs f for every mode, with and without fsync.
func each(b *testing.B, name string, modes []mode, f func(b *testing.B, name string, how mode, sync bool)) {
	for _, sync := range syncs {
		for _, how := range modes {
			full := fmt.Sprintf("%s/%s/%s", name, how, syncName(sync))
			b.Run(fmt.Sprintf("%s/%s", how, syncName(sync)), func(b *testing.B) { f(b, full, how, sync) })
		}
	}
}

// BenchmarkAccept is messages.send until it returns: the message is durable. The
// network is away.
func BenchmarkAccept(b *testing.B) {
	each(b, "accept", modes, func(b *testing.B, name string, how mode, sync bool) {
		needs(name, acceptSum.plus(chatSum.times(1/float64(how.n))))
		w := newStopwatch(b)
		alice, bob := newPerson(b, "alice", sync, false), newPerson(b, "bob", sync, false)
		w.start()
		alice.sayAll(bob.key, b.N, how)
		w.stop()
		w.done(name, b.N)
	})
}

// chunk is how many messages are under way at most: the engine holds back at 800
// without an answer.
const chunk = 512

// BenchmarkSend is messages.send until all is published. The marks of the last attempts
// of each chunk, and the answers, come outside of the measured time.
func BenchmarkSend(b *testing.B) {
	each(b, "send", modes, func(b *testing.B, name string, how mode, sync bool) {
		w := newStopwatch(b)
		alice, bob := acquainted(b, sync)
		envelopes, bytes := 0, 0
		for left := b.N; left > 0; left -= chunk {
			n := min(left, chunk)
			alice.net.plug(nil)
			before := sentBy(alice)
			w.start()
			alice.sayAll(bob.key, n, how)
			alice.until("publishing", func(d chat.Diagnostics) bool { return d.Sent >= before+uint64(n) })
			w.stop()
			envelopes += len(alice.net.kept)
			for _, e := range alice.net.kept {
				bytes += len(e.Payload)
			}
			handOver(alice, bob)
		}
		share := 1 / perEnvelope(b.N, envelopes)
		b.Logf("%.1f messages an envelope, %d bytes each", 1/share, bytes/b.N)
		each := float64(bytes) / float64(b.N)
		needs(name, acceptSum.plus(chatSum.times(1/float64(how.n)), publishedSum, attemptSum.times(share), layers(each), stored(each)))
		w.done(name, b.N)
	})
}

func sentBy(p *person) uint64 {
	d, err := p.Diagnostics()
	if err != nil {
		p.b.Fatal(err)
	}
	return d.Sent
}

// BenchmarkReceive is from the arrival of envelopes until the host has taken and
// acknowledged the events. callers=64: the messages share envelopes.
func BenchmarkReceive(b *testing.B) {
	each(b, "receive", modes[:2], func(b *testing.B, name string, how mode, sync bool) {
		w := newStopwatch(b)
		alice, bob := acquainted(b, sync)
		count, bytes := 0, 0
		for left := b.N; left > 0; left -= chunk {
			n := min(left, chunk)
			alice.net.plug(nil)
			bob.net.plug(nil)
			before := sentBy(alice)
			if how.n == 1 { // each alone in its envelope
				for i := range n {
					alice.say(bob.key, i)
					alice.until("publishing", func(d chat.Diagnostics) bool { return d.Sent > before+uint64(i) })
				}
			} else {
				alice.sayAll(bob.key, n, mode{n: chat.MaxSendBatch, batch: true})
				alice.until("publishing", func(d chat.Diagnostics) bool { return d.Sent >= before+uint64(n) })
			}
			envelopes := alice.net.take()
			count += len(envelopes)
			w.start()
			for _, e := range envelopes {
				bytes += len(e.Payload)
				bob.net.queue <- e
			}
			bob.hear(n)
			w.stop()
			bob.net.plug(alice.net)
			for _, e := range bob.net.take() {
				alice.net.queue <- e
			}
			alice.acknowledged()
			alice.drain()
		}
		needs(name, messageSum.plus(envelopeSum.times(1/perEnvelope(b.N, count)), layers(float64(bytes)/float64(b.N))))
		w.done(name, b.N)
	})
}

// BenchmarkPingPong is a message, its receipt, the answer and its receipt. Every
// turn steps both ratchets; acknowledgements ride along.
func BenchmarkPingPong(b *testing.B) {
	each(b, "ping-pong", modes[:1], func(b *testing.B, name string, _ mode, sync bool) {
		w := newStopwatch(b)
		alice, bob := acquainted(b, sync)
		bytes := layers(envelopeBytes).times(2)
		oneWay := acceptSum.plus(chatSum.times(2), publishedSum, attemptSum, stored(envelopeBytes), messageSum, envelopeSum, bytes, turnSum)
		needs(name, oneWay.times(2))
		w.start()
		for i := range b.N {
			alice.say(bob.key, i)
			bob.hear(1)
			bob.say(alice.key, i)
			alice.hear(1)
		}
		w.stop()
		w.done(name, b.N)
	})
}
