package media

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"runtime"
	"slices"
	"testing"
)

// ihdr is the header of a PNG picture.
func ihdr(w, h uint32, depth, interlace byte) []byte {
	b := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, w), h)
	return pngChunk("IHDR", append(b, depth, 2, 0, 0, interlace))
}

// sof is the header of a JPEG picture of three components.
func sof(marker byte, w, h uint16) []byte {
	b := binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16([]byte{8}, h), w)
	return segment(marker, append(b, 3, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0))
}

var scan = append(segment(markSOS, []byte{1, 1, 0, 1, 1, 0x10}), 0)

// bombs are small files that would take much memory or time if they were decoded.
func bombs(t testing.TB) map[string][]byte {
	soi, eoi, iend := []byte{0xff, markSOI}, []byte{0xff, markEOI}, pngChunk("IEND", nil)
	idat := pngChunk("IDAT", []byte("pixels"))
	bigGIF := bytes.Clone(samples(t)[GIF])
	binary.LittleEndian.PutUint16(bigGIF[6:], 65535)
	binary.LittleEndian.PutUint16(bigGIF[8:], 65535)
	dot := image.NewRGBA(image.Rect(0, 0, 1, 1))
	film := gifOf(t, dot)
	one := film[gifHead+gifTable(film[10]) : len(film)-1]
	frames := slices.Concat(film[:len(film)-1], bytes.Repeat(one, maxFrames+1), []byte{gifTrailer})
	large := vp8l(16384, 16384, color.RGBA{})
	return map[string][]byte{
		"jpeg, pixels":      slices.Concat(soi, sof(markSOF0, 65535, 65535), scan, eoi),
		"jpeg, memory":      slices.Concat(soi, sof(markSOF2, 8000, 8000), scan, eoi),
		"jpeg, scans":       slices.Concat(soi, sof(markSOF2, 2000, 2000), bytes.Repeat(scan, maxScans+1), eoi),
		"png, pixels":       slices.Concat([]byte(pngSignature), ihdr(60000, 60000, 8, 0), idat, iend),
		"png, a long row":   slices.Concat([]byte(pngSignature), ihdr(1<<31-1, 1, 8, 0), idat, iend),
		"png, memory":       slices.Concat([]byte(pngSignature), ihdr(8000, 8000, 16, 1), idat, iend),
		"gif, pixels":       bigGIF,
		"gif, frames":       frames,
		"webp, pixels":      riff(riffChunk("VP8L", large)),
		"webp, canvas":      riff(vp8x(0, 16384, 16384), riffChunk("VP8L", large)),
		"webp, frames":      riff(vp8x(webpAnimation, 1, 1), bytes.Repeat(anmf(1, 1, riffChunk("VP8L", vp8l(1, 1, color.RGBA{}))), maxFrames+1)),
		"png, frames":       slices.Concat([]byte(pngSignature), ihdr(1, 1, 8, 0), bytes.Repeat(pngChunk("fcTL", make([]byte, 26)), maxFrames+1), idat, iend),
		"png, frame pixels": slices.Concat([]byte(pngSignature), ihdr(1, 1, 8, 0), pngChunk("fcTL", bytes.Repeat([]byte{0x7f}, 26)), idat, iend),
		"bytes":             append(bytes.Clone(samples(t)[JPEG]), make([]byte, MaxInput)...),
	}
}

// lies are files whose parts contradict each other, so that a bound that is checked at one of
// them does not hold at the other.
func lies(t testing.TB) map[string][]byte {
	small, large := vp8l(2, 2, color.RGBA{}), vp8l(16384, 16384, color.RGBA{})
	outside := bytes.Clone(samples(t)[GIF])
	binary.LittleEndian.PutUint16(outside[6:], 2) // the frame is larger
	soi, eoi := []byte{0xff, markSOI}, []byte{0xff, markEOI}
	return map[string][]byte{
		"jpeg, two frames":    slices.Concat(soi, sof(markSOF0, 8, 8), sof(markSOF0, 8, 8), scan, eoi),
		"jpeg, no frame":      slices.Concat(soi, scan, eoi),
		"jpeg, no sampling":   slices.Concat(soi, segment(markSOF0, []byte{8, 0, 8, 0, 8, 1, 1, 0, 0}), scan, eoi),
		"png, two headers":    slices.Concat([]byte(pngSignature), ihdr(2, 2, 8, 0), ihdr(60000, 60000, 8, 0), pngChunk("IDAT", nil), pngChunk("IEND", nil)),
		"png, no header":      slices.Concat([]byte(pngSignature), pngChunk("IDAT", nil), pngChunk("IEND", nil)),
		"png, long chunk":     append([]byte(pngSignature), 0xff, 0xff, 0xff, 0xff, 'I', 'H', 'D', 'R', 0, 0, 0, 0),
		"gif, frame outside":  outside,
		"gif, no frame":       append(bytes.Clone(samples(t)[GIF][:gifHead+gifTable(samples(t)[GIF][10])]), gifTrailer),
		"webp, two sizes":     riff(vp8x(0, 2, 2), riffChunk("VP8L", large)),
		"webp, two pictures":  riff(riffChunk("VP8L", small), riffChunk("VP8L", large)),
		"webp, head behind":   riff(riffChunk("VP8L", small), vp8x(0, 2, 2)),
		"webp, frame sizes":   riff(vp8x(webpAnimation, 2, 2), anmf(2, 2, riffChunk("VP8L", large))),
		"webp, frame outside": riff(vp8x(webpAnimation, 2, 2), anmf(9, 9, riffChunk("VP8L", vp8l(9, 9, color.RGBA{})))),
		"webp, empty frame":   riff(vp8x(webpAnimation, 2, 2), anmf(2, 2, nil)),
		"webp, no picture":    riff(vp8x(0, 2, 2)),
		"webp, film of none":  riff(vp8x(0, 2, 2), anmf(2, 2, riffChunk("VP8L", small))),
	}
}

// allocated returns the number of bytes that a function allocates.
func allocated(fn func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	fn()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func TestBombsAreRefusedBeforeTheyAreDecoded(t *testing.T) {
	check := func(name string, data []byte, want error) {
		for step, fn := range map[string]func() error{
			"Look":      func() error { _, err := Look(data); return err },
			"Strip":     func() error { _, _, err := Strip(data, true); return err },
			"Prepare":   func() error { _, err := Prepare(data, false); return err },
			"PreviewOf": func() error { _, _, err := PreviewOf(data); return err },
		} {
			var err error
			used := allocated(func() { err = fn() })
			if !errors.Is(err, want) {
				t.Errorf("%s: %s says %v, not %v", name, step, err, want)
			}
			if limit := uint64(3*len(data) + 1<<20); used > limit {
				t.Errorf("%s: %s takes %d bytes for a file of %d", name, step, used, len(data))
			}
		}
	}
	for name, data := range bombs(t) {
		check(name, data, ErrTooLarge)
	}
	for name, data := range lies(t) {
		check(name, data, ErrDamaged)
	}
	check("jpeg of another kind", slices.Concat([]byte{0xff, markSOI}, sof(0xc3, 8, 8), scan, []byte{0xff, markEOI}), ErrFormat)
}

// Pixels that are fewer than the header says are an error, and what they take follows from the
// header, which is bounded.
func TestPicturesWithoutPixelsAreDamaged(t *testing.T) {
	for name, data := range map[string][]byte{
		"png":  slices.Concat([]byte(pngSignature), ihdr(100, 100, 8, 0), pngChunk("IDAT", []byte("no zlib")), pngChunk("IEND", nil)),
		"jpeg": slices.Concat([]byte{0xff, markSOI}, sof(markSOF0, 100, 100), scan, []byte{0xff, markEOI}),
		"webp": riff(riffChunk("VP8L", append(vp8l(100, 100, color.RGBA{})[:5], 0xff, 0xff, 0xff, 0xff, 0xff))),
	} {
		if _, err := Look(data); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if _, _, err := PreviewOf(data); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
