package bench

import (
	"bytes"
	"context"
	"encoding/hex"
	"image"
	"image/jpeg"
	"io"
	"math/rand/v2"
	"testing"

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

// BenchmarkPicture is a picture of 5 MB end to end: from messages.send, which takes its metadata
// out, decodes it for its thumbnail and stores it, by segments, until the other side has read
// all of it.
func BenchmarkPicture(b *testing.B) {
	const name = "picture/5MB"
	// Each byte is encrypted and decrypted in both layers, and is in records: the message, its
	// chunks and its envelopes on one side, segments and chunks on the other. All but the
	// first are read again.
	needs(name, layers(2*pictureBytes).plus(stored(9*pictureBytes)))
	w := newStopwatch(b)
	alice, bob := acquainted(b, false)
	for i := range b.N {
		data := photo(b, uint64(i))
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
	w.done(name, b.N)
}

// attachmentID is the id of the picture of a message, which is the same on both sides.
func attachmentID(b *testing.B, m event.Message) [32]byte {
	b.Helper()
	raw, err := hex.DecodeString(m.Attachments[0].ID[2:])
	if err != nil {
		b.Fatal(err)
	}
	return [32]byte(raw)
}
