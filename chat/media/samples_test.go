package media

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"slices"
	"testing"
)

// secret is in the metadata of the samples, and must not be in anything that is sent.
const secret = "52.5200N 13.4050E"

// corners is a picture with another colour in each corner: red, green, blue, white.
func corners(w, h int) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			c := color.RGBA{255, 255, 255, 255}
			switch {
			case x < w/2 && y < h/2:
				c = color.RGBA{255, 0, 0, 255}
			case y < h/2:
				c = color.RGBA{0, 255, 0, 255}
			case x < w/2:
				c = color.RGBA{0, 0, 255, 255}
			}
			img.SetRGBA(x, y, c)
		}
	}
	return img
}

// noise is a picture that no format makes small.
func noise(w, h int) *image.RGBA {
	r := rand.New(rand.NewPCG(1, 2))
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for i := range img.Pix {
		img.Pix[i] = byte(r.Uint32()) | byte(i%4/3*255)
	}
	return img
}

func encoded(t testing.TB, encode func(*bytes.Buffer) error) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := encode(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func jpegOf(t testing.TB, img image.Image, quality int) []byte {
	return encoded(t, func(b *bytes.Buffer) error { return jpeg.Encode(b, img, &jpeg.Options{Quality: quality}) })
}

func pngOf(t testing.TB, img image.Image) []byte {
	return encoded(t, func(b *bytes.Buffer) error { return png.Encode(b, img) })
}

func gifOf(t testing.TB, frames ...image.Image) []byte {
	all := gif.GIF{LoopCount: -1}
	for _, img := range frames {
		p := image.NewPaletted(img.Bounds(), color.Palette{color.White, color.RGBA{255, 0, 0, 255}, color.RGBA{0, 255, 0, 255}, color.RGBA{0, 0, 255, 255}})
		for y := range p.Rect.Dy() {
			for x := range p.Rect.Dx() {
				p.Set(x, y, img.At(x, y))
			}
		}
		all.Image, all.Delay = append(all.Image, p), append(all.Delay, 5)
	}
	return encoded(t, func(b *bytes.Buffer) error { return gif.EncodeAll(b, &all) })
}

// bitWriter writes numbers, the lowest bit first, as lossless WebP has them.
type bitWriter struct {
	out  []byte
	bits uint64
	n    int
}

func (w *bitWriter) put(value uint64, bits int) {
	w.bits |= value << w.n
	for w.n += bits; w.n >= 8; w.n -= 8 {
		w.out, w.bits = append(w.out, byte(w.bits)), w.bits>>8
	}
}

// vp8l is a lossless picture of one colour: five codes of one symbol each, which take no bits
// a pixel.
func vp8l(w, h int, c color.RGBA) []byte {
	b := &bitWriter{}
	b.put(0x2f, 8)
	b.put(uint64(w-1), 14)
	b.put(uint64(h-1), 14)
	b.put(0, 1+3) // no transparency, version 0
	b.put(0, 3)   // no transform, no cache, no further codes
	for _, symbol := range []uint8{c.G, c.R, c.B, 255, 0} {
		b.put(1, 1) // simple
		b.put(0, 1) // one symbol
		b.put(1, 1) // of eight bits
		b.put(uint64(symbol), 8)
	}
	b.put(0, 64-b.n)
	return b.out
}

func riff(chunks ...[]byte) []byte {
	body := append([]byte("WEBP"), slices.Concat(chunks...)...)
	return append(binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(len(body))), body...)
}

func vp8x(flags byte, w, h int) []byte {
	b := []byte{flags, 0, 0, 0, byte(w - 1), byte((w - 1) >> 8), byte((w - 1) >> 16), byte(h - 1), byte((h - 1) >> 8), byte((h - 1) >> 16)}
	return riffChunk("VP8X", b)
}

func anmf(w, h int, picture []byte) []byte {
	head := make([]byte, webpFrameHead)
	head[6], head[7], head[9], head[10] = byte(w-1), byte((w-1)>>8), byte(h-1), byte((h-1)>>8)
	return riffChunk("ANMF", append(head, picture...))
}

// segment is a segment of a JPEG file.
func segment(marker byte, body []byte) []byte {
	return slices.Concat([]byte{0xff, marker}, binary.BigEndian.AppendUint16(nil, uint16(len(body)+2)), body)
}

// pngChunk is a chunk of a PNG file.
func pngChunk(name string, body []byte) []byte {
	b := append([]byte(name), body...)
	return slices.Concat(binary.BigEndian.AppendUint32(nil, uint32(len(body))), b, binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(b)))
}

// exifWith is EXIF with a direction and more, in either order of bytes.
func exifWith(order binary.AppendByteOrder, turn uint16) []byte {
	b := []byte("MM\x00*")
	if order.AppendUint16(nil, 1)[0] == 1 {
		b = []byte("II*\x00")
	}
	b = order.AppendUint32(b, 8)
	b = order.AppendUint16(b, 2)
	b = append(order.AppendUint32(order.AppendUint16(order.AppendUint16(b, 0x010f), 2), uint32(len(secret))), 0, 0, 0, 38)
	b = order.AppendUint32(order.AppendUint16(order.AppendUint16(b, tiffTurn), tiffShort), 1)
	b = append(order.AppendUint16(b, turn), 0, 0)
	return append(append(b, 0, 0, 0, 0), secret...)
}

// withMetadata puts all kinds of metadata into a JPEG or PNG file.
func jpegWith(clean []byte, segments ...[]byte) []byte {
	return slices.Concat(clean[:2], slices.Concat(segments...), clean[2:])
}

// pngWith puts chunks behind the header of a PNG file.
func pngWith(clean []byte, chunks ...[]byte) []byte {
	const head = len(pngSignature) + 8 + 13 + 4
	return slices.Concat(clean[:head], slices.Concat(chunks...), clean[head:])
}

// gifWith puts extensions before the pictures of a GIF file.
func gifWith(clean []byte, extensions ...[]byte) []byte {
	head := gifHead + gifTable(clean[10])
	return slices.Concat(clean[:head], slices.Concat(extensions...), clean[head:])
}

// adts is some frames of AAC.
func adts(frames int) (b []byte) {
	for range frames {
		const size = adtsHead + 20
		b = append(b, 0xff, 0xf1, 0x50, 0x80, size>>3, size<<5&0xff|0x1f, 0xfc)
		b = append(b, make([]byte, 20)...)
	}
	return b
}

// amr is some frames of AMR of 12.2 kbit/s.
func amr(frames int) []byte {
	return append([]byte(amrHead), bytes.Repeat(append([]byte{7 << 3}, make([]byte, 31)...), frames)...)
}

// samples are a small file of each format.
func samples(t testing.TB) map[Format][]byte {
	img := corners(40, 20)
	return map[Format][]byte{
		JPEG: jpegOf(t, img, 90), PNG: pngOf(t, img), GIF: gifOf(t, img, img), AAC: adts(50), AMR: amr(100),
		WebP: riff(riffChunk("VP8L", vp8l(40, 20, color.RGBA{200, 10, 30, 255}))),
	}
}
