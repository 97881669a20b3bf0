package bench

import (
	"bytes"
	"context"
	"image"
	"image/jpeg"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"libstatus1to1/chat"
	"libstatus1to1/chat/event"
)

// pictureBytes is about the size of the picture of BenchmarkPicture, pictureSide its width and
// height in pixels.
const (
	pictureBytes = 5_000_000
	pictureSide  = 2220
)

// photo is a JPEG of noise, so that it is as large as one of ten times the pixels.
func photo(b *testing.B, seed uint64) []byte {
	b.Helper()
	img := image.NewRGBA(image.Rect(0, 0, pictureSide, pictureSide))
	_, _ = rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)}).Read(img.Pix)
	for i := 3; i < len(img.Pix); i += 4 {
		img.Pix[i] = 255
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, img, &jpeg.Options{Quality: 95}); err != nil {
		b.Fatal(err)
	}
	return out.Bytes()
}

// pictureSum is what a picture of size bytes, sealed in envelopes of sealed bytes together,
// cannot avoid, on both sides together.
//
// Each byte is encrypted and decrypted in both layers. It is hashed for the signature of the
// message, its ids, and the set of segments, and each envelope for its signature. In records are
// the row of the outbox, the chunks and the envelopes on one side, segments and chunks on the
// other; all but the row are read again. It is decoded once, for the thumbnail. The parity of the
// segments is in nothing but their bytes.
func pictureSum(size, sealed float64) sum {
	envelopes := sealed / pictureEnvelope
	sides := bulk(ctrBulk, size).plus(bulk(gcmBulk, sealed), bulk(hashBulk, 3*size+sealed), bulk(shaBulk, 2*size))
	return sides.times(2).plus(sum{sign: envelopes, signer: envelopes, decode: 1}, records(0, 7*size+2*sealed))
}

// pictureEnvelope is the size of an envelope with a segment, and pictureSealed about that of all
// together: there are eight for seven of the message.
const (
	pictureEnvelope = 115_200
	pictureSealed   = pictureBytes * 8 / 7
)

// BenchmarkPicture is a picture of 5 MB end to end: from messages.send, which takes its metadata
// out, decodes it for its thumbnail and stores it, by segments, until the other side has read
// all of it. In memory, and over nodes.
func BenchmarkPicture(b *testing.B) {
	b.Run("memory", func(b *testing.B) {
		const name = "picture/5MB"
		needs(name, pictureSum(pictureBytes, pictureSealed))
		alice, bob := acquainted(b, false)
		runPicture(b, name, alice, bob)
	})
	b.Run("nodes", func(b *testing.B) {
		const name = "whole-picture/5MB"
		raw := relayed.raw(b).measure(b, pictureEnvelope, rawWindow)
		floor(name, pictureSum(pictureBytes, pictureSealed), manyOf(raw, pictureSealed/pictureEnvelope))
		alice, bob := relayed.pair(b, false, wholeSettings())
		runPicture(b, name, alice, bob)
	})
}

// picturesMade numbers the pictures of a run of this program: none is sent twice.
var picturesMade uint64

func runPicture(b *testing.B, name string, alice, bob *person) {
	w := newStopwatch(b)
	for range b.N {
		picturesMade++
		data := photo(b, picturesMade)
		timeDecoding(data)
		w.start()
		sent, err := alice.Send(context.Background(), chat.SendRequest{
			To: bob.key, Attachments: []chat.AttachmentRequest{{Data: data, Original: true}},
		})
		if err != nil {
			b.Fatal(err)
		}
		bob.hear(1)
		if n, err := bob.WriteAttachment(io.Discard, attachmentID(b, sent)); err != nil || n != sent.Attachments[0].Size {
			b.Fatalf("%d bytes are read: %v", n, err)
		}
		w.stop()
	}
	settle(alice, bob)
	w.done(name, b.N)
}

// timeDecoding notes the time of the primitive decode: it is too slow for the rounds of others.
func timeDecoding(data []byte) {
	begin := time.Now()
	_, _ = jpeg.Decode(bytes.NewReader(data))
	note(decode, time.Since(begin), 1)
}

// attachmentID is the id of the picture of a message, which is the same on both sides.
func attachmentID(b *testing.B, m event.Message) [32]byte {
	b.Helper()
	return mustID(b, m.Attachments[0].ID)
}
