package media

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"slices"
	"testing"
	"time"

	"golang.org/x/image/webp"
)

func TestLookTellsFormatAndSize(t *testing.T) {
	for want, data := range samples(t) {
		got, err := Look(data)
		if err != nil || got.Format != want {
			t.Fatalf("%s: %+v, %v", want.MIME(), got, err)
		}
		if want.IsPicture() && (got.Width != 40 || got.Height != 20) {
			t.Errorf("%s has %d times %d pixels", want.MIME(), got.Width, got.Height)
		}
		if want.IsPicture() == want.IsAudio() {
			t.Errorf("%s is a picture and a recording, or neither", want.MIME())
		}
	}
	durations := map[Format]time.Duration{AAC: 50 * 1024 * time.Second / 44100, AMR: 2 * time.Second}
	for f, want := range durations {
		got, err := Look(samples(t)[f])
		if err != nil || (got.Duration-want).Abs() > time.Millisecond {
			t.Errorf("%s lasts %v, %v", f.MIME(), got.Duration, err)
		}
	}
	for _, data := range [][]byte{nil, []byte("%PDF-1.7"), []byte("<svg/>"), []byte("ID3\x03"), {0xff, 0xd8}, []byte(amrHead), bytes.Repeat([]byte{0xff}, 40)} {
		if got, err := Look(data); !errors.Is(err, ErrFormat) || got.Format != Unknown {
			t.Errorf("%q is %+v, %v", data, got, err)
		}
	}
}

// What is appended to a recording of the Status app makes it no other one: its length is not
// known then.
func TestRecordingsAreToldByTheirHead(t *testing.T) {
	for _, data := range [][]byte{append(adts(3), "tail"...), append(amr(3), 9<<3), adts(1)[:adtsHead]} {
		if got, err := Look(data); err != nil || !got.Format.IsAudio() || got.Duration != 0 {
			t.Errorf("%+v, %v", got, err)
		}
	}
}

// Each file that is cut anywhere is refused, and nothing else happens.
func TestCutFilesAreRefused(t *testing.T) {
	for f, data := range samples(t) {
		if !f.IsPicture() {
			continue
		}
		for n := range len(data) {
			if _, err := Look(data[:n]); err == nil {
				t.Fatalf("%s of %d bytes of %d is complete", f.MIME(), n, len(data))
			}
			if _, err := Prepare(data[:n], n%2 == 0); err == nil {
				t.Fatalf("%s of %d bytes of %d is sent", f.MIME(), n, len(data))
			}
		}
	}
}

// dirty are files with all kinds of metadata in them, that are shown as those of samples.
func dirty(t testing.TB) map[Format][]byte {
	clean := samples(t)
	comment := append([]byte{gifExtension, 0xfe, byte(len(secret))}, secret+"\x00"...)
	application := append([]byte{gifExtension, gifApplication, 11}, "XMP DataXMP"...)
	application = append(append(application, byte(len(secret))), secret+"\x00"...)
	plain := append([]byte{gifExtension, 1, byte(len(secret))}, secret+"\x00"...)
	loop := append([]byte{gifExtension, gifApplication, 11}, "NETSCAPE2.0\x03\x01\x07\x00\x02\x02\xff\x00"...)
	exif := exifWith(binary.BigEndian, 1)
	return map[Format][]byte{
		JPEG: slices.Concat(jpegWith(clean[JPEG],
			segment(markAPP0, append([]byte("JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x02\x03"), secret+"    "...)),
			segment(markAPP0, []byte("JFXX\x00\x10"+secret)),
			segment(markAPP1, append([]byte(exifIntro), exif...)),
			segment(markAPP1, []byte("http://ns.adobe.com/xap/1.0/\x00"+secret)),
			segment(markAPP2, []byte("ICC_PROFILE\x00\x01\x01colours")),
			segment(markAPP2, []byte("MPF\x00"+secret)),
			segment(0xed, []byte("Photoshop 3.0\x00"+secret)),
			segment(0xfe, []byte(secret)), segment(0xef, []byte(secret)),
		), []byte("\x00\x00\x00\x18ftypmp42"+secret)),
		PNG: slices.Concat(pngWith(clean[PNG],
			pngChunk("tEXt", []byte("Comment\x00"+secret)), pngChunk("iTXt", []byte("XML:com.adobe.xmp\x00\x00\x00\x00\x00"+secret)),
			pngChunk("zTXt", []byte("Comment\x00\x00"+secret)), pngChunk("tIME", []byte(secret[:7])), pngChunk("eXIf", exif),
			pngChunk("caBX", []byte(secret)), pngChunk("gAMA", []byte{0, 0, 0xb1, 0x8f}),
		), []byte(secret)),
		GIF: append(gifWith(clean[GIF], comment, application, plain, loop), secret...),
		WebP: append(riff(vp8x(webpEXIF|webpXMP, 40, 20), riffChunk("ICCP", []byte("colours")), clean[WebP][riffHead:],
			riffChunk("EXIF", exif), riffChunk("XMP ", []byte(secret)), riffChunk("what", []byte(secret))), secret...),
		AAC: clean[AAC], AMR: clean[AMR],
	}
}

func decoded(t testing.TB, f Format, data []byte) image.Image {
	t.Helper()
	var img image.Image
	var err error
	switch r := bytes.NewReader(data); f {
	case JPEG:
		img, err = jpeg.Decode(r)
	case PNG:
		img, err = png.Decode(r)
	case GIF:
		img, err = gif.Decode(r)
	default:
		img, err = webp.Decode(r)
	}
	if err != nil {
		t.Fatalf("%s: %v", f.MIME(), err)
	}
	return img
}

func samePixels(a, b image.Image) bool {
	if a.Bounds() != b.Bounds() {
		return false
	}
	for y := range a.Bounds().Dy() {
		for x := range a.Bounds().Dx() {
			r1, g1, b1, a1 := a.At(x, y).RGBA()
			r2, g2, b2, a2 := b.At(x, y).RGBA()
			if r1 != r2 || g1 != g2 || b1 != b2 || a1 != a2 {
				return false
			}
		}
	}
	return true
}

func TestStripTakesOutMetadataAndNothingElse(t *testing.T) {
	clean := samples(t)
	for f, data := range dirty(t) {
		if f.IsPicture() && !bytes.Contains(data, []byte(secret)) {
			t.Fatalf("%s has no metadata to take out", f.MIME())
		}
		got, info, err := Strip(data, true)
		if err != nil {
			t.Fatalf("%s: %v", f.MIME(), err)
		}
		for _, word := range []string{secret, secret[:7], "Exif", "EXIF", "eXIf", "adobe", "XMP", "JFXX", "ftyp"} {
			if f.IsPicture() && bytes.Contains(got, []byte(word)) {
				t.Errorf("%s still has %q in it", f.MIME(), word)
			}
		}
		again, sameInfo, err := Strip(got, true)
		if err != nil || !bytes.Equal(again, got) || sameInfo != info {
			t.Errorf("%s is not clean the first time: %v", f.MIME(), err)
		}
		if f.IsPicture() && !samePixels(decoded(t, f, got), decoded(t, f, clean[f])) {
			t.Errorf("%s shows another picture", f.MIME())
		}
	}
	kept := map[Format]string{JPEG: "ICC_PROFILE\x00\x01\x01colours", PNG: "gAMA", GIF: "NETSCAPE2.0\x03\x01\x07\x00\x00", WebP: "ICCP\x07\x00\x00\x00colours"}
	for f, word := range kept {
		got, _, err := Strip(dirty(t)[f], false)
		if err != nil || !bytes.Contains(got, []byte(word)) {
			t.Errorf("%s has lost %q: %v", f.MIME(), word, err)
		}
	}
	got, _, err := Strip(dirty(t)[GIF], false)
	if err != nil {
		t.Fatal(err)
	}
	if all, err := gif.DecodeAll(bytes.NewReader(got)); err != nil || len(all.Image) != 2 || all.LoopCount != 7 || all.Delay[1] != 5 {
		t.Errorf("the film is another one: %v", err)
	}
}

// A JPEG whose colours are not YCbCr says so in a segment of Adobe.
func TestColoursStay(t *testing.T) {
	adobe := segment(markAPP14, append([]byte("Adobe\x00\x64\x80\x00\x00\x00\x00"), secret...))
	data := jpegWith(samples(t)[JPEG], adobe)
	got, _, err := Strip(data, false)
	if err != nil || bytes.Contains(got, []byte(secret)) {
		t.Fatal(err)
	}
	if !samePixels(decoded(t, JPEG, got), decoded(t, JPEG, data)) || samePixels(decoded(t, JPEG, got), decoded(t, JPEG, samples(t)[JPEG])) {
		t.Error("the colours are others")
	}
}

// near reports which colour of corners a pixel has.
func near(c color.Color) string {
	r, g, b, _ := c.RGBA()
	const half = 0x8000
	switch {
	case r > half && g > half && b > half:
		return "w"
	case r > half:
		return "r"
	case g > half:
		return "g"
	}
	return "b"
}

// seen are the four corners of a picture, from the first row on.
func seen(img image.Image) string {
	w, h := img.Bounds().Dx()-1, img.Bounds().Dy()-1
	return near(img.At(2, 2)) + near(img.At(w-2, 2)) + near(img.At(2, h-2)) + near(img.At(w-2, h-2))
}

// The corners of a stored picture are red, green, blue, white: where they are shown depends
// on the direction.
func TestPicturesAreTurnedUpright(t *testing.T) {
	shown := []string{1: "rgbw", 2: "grwb", 3: "wbgr", 4: "bwrg", 5: "rbgw", 6: "brwg", 7: "wgbr", 8: "gwrb"}
	stored := corners(64, 32)
	for turn := 1; turn <= 8; turn++ {
		for _, order := range []binary.AppendByteOrder{binary.BigEndian, binary.LittleEndian} {
			exif := exifWith(order, uint16(turn))
			for f, data := range map[Format][]byte{
				JPEG: jpegWith(jpegOf(t, stored, 90), segment(markAPP1, append([]byte(exifIntro), exif...))),
				PNG:  pngWith(pngOf(t, stored), pngChunk("eXIf", exif)),
			} {
				w, h := 64, 32
				if turn > 4 {
					w, h = h, w
				}
				if info, err := Look(data); err != nil || info.Width != w || info.Height != h {
					t.Fatalf("%s, direction %d: %+v, %v", f.MIME(), turn, info, err)
				}
				p, err := Prepare(data, false)
				if err != nil || p.Width != w || p.Height != h || turn == 1 && p.Format != f || turn > 1 && p.Format != JPEG {
					t.Fatalf("%s, direction %d: %+v, %v", f.MIME(), turn, p.Info, err)
				}
				if got := seen(decoded(t, p.Format, p.Data)); got != shown[turn] {
					t.Errorf("%s, direction %d shows %s, not %s", f.MIME(), turn, got, shown[turn])
				}
				if got := seen(decoded(t, JPEG, p.Thumbnail)); got != shown[turn] {
					t.Errorf("%s, the thumbnail of direction %d shows %s, not %s", f.MIME(), turn, got, shown[turn])
				}
				original, err := Prepare(data, true)
				if err != nil || original.Format != f || bytes.Contains(original.Data, []byte(secret)) || seen(decoded(t, f, original.Data)) != "rgbw" {
					t.Fatalf("%s, direction %d: the original is another picture, or tells: %v", f.MIME(), turn, err)
				}
				if o, err := walk(original.Data, nil); err != nil || o.turn != turn {
					t.Errorf("%s: the original has direction %d, not %d: %v", f.MIME(), o.turn, turn, err)
				}
			}
		}
	}
	data := riff(vp8x(webpEXIF, 40, 20), samples(t)[WebP][riffHead:], riffChunk("EXIF", exifWith(binary.LittleEndian, 6)))
	original, err := Prepare(data, true)
	if err != nil || original.Width != 20 || bytes.Contains(original.Data, []byte(secret)) {
		t.Fatalf("%+v, %v", original.Info, err)
	}
	if o, err := walk(original.Data, nil); err != nil || o.turn != 6 || !samePixels(decoded(t, WebP, original.Data), decoded(t, WebP, data)) {
		t.Errorf("the original has direction %d: %v", o.turn, err)
	}
}

// EXIF that makes no sense turns nothing.
func TestDamagedExifTurnsNothing(t *testing.T) {
	whole := exifWith(binary.LittleEndian, 6)
	if turnOf(whole) != 6 {
		t.Fatal("EXIF is not read")
	}
	for n := range 34 {
		if got := turnOf(whole[:n]); got != 1 {
			t.Errorf("%d bytes of EXIF turn by %d", n, got)
		}
	}
	for at := range 34 {
		for _, b := range []byte{0, 0xff} {
			bad := bytes.Clone(whole)
			bad[at] = b
			if got := turnOf(bad); got < 1 || got > 8 {
				t.Errorf("EXIF with %d at %d turns by %d", b, at, got)
			}
		}
	}
}

func TestPrepareMakesLargePicturesSmaller(t *testing.T) {
	for name, data := range map[string][]byte{
		"jpeg": jpegOf(t, noise(2600, 700), 90), "png": pngOf(t, noise(500, 500)),
	} {
		if len(data) <= maxAsIs {
			t.Fatalf("%s has %d bytes only", name, len(data))
		}
		p, err := Prepare(data, false)
		if err != nil || p.Format != JPEG || len(p.Data) > sentBytes || max(p.Width, p.Height) > sentSide {
			t.Fatalf("%s: %d bytes, %+v, %v", name, len(p.Data), p.Info, err)
		}
		if img := decoded(t, JPEG, p.Data); img.Bounds().Dx() != p.Width || img.Bounds().Dy() != p.Height {
			t.Errorf("%s is %v, not %+v", name, img.Bounds(), p.Info)
		}
		original, err := Prepare(data, true)
		if err != nil || len(original.Data) != len(data) || original.Preview.Blurhash == "" {
			t.Errorf("%s: the original has %d bytes: %v", name, len(original.Data), err)
		}
	}
	for f, data := range dirty(t) {
		p, err := Prepare(data, false)
		if err != nil {
			t.Fatal(err)
		}
		if want, _, _ := Strip(data, false); p.Format != f || !bytes.Equal(p.Data, want) {
			t.Errorf("a small %s does not stay as it is", f.MIME())
		}
	}
}

func TestPreviewIsSmall(t *testing.T) {
	for name, data := range map[string][]byte{
		"noise": pngOf(t, noise(300, 200)), "narrow": pngOf(t, corners(3, 900)), "pixel": pngOf(t, corners(1, 1)),
		"film":          gifOf(t, corners(200, 100), corners(200, 100)),
		"transparent":   pngOf(t, image.NewRGBA(image.Rect(0, 0, 50, 50))),
		"animated webp": riff(vp8x(webpAnimation, 60, 50), riffChunk("ANIM", make([]byte, 6)), anmf(60, 50, riffChunk("VP8L", vp8l(60, 50, color.RGBA{0, 200, 0, 255})))),
	} {
		p, info, err := PreviewOf(data)
		if err != nil || len(p.Thumbnail) > MaxThumbnail || len(p.Blurhash) != 6+2*(blurX*blurY-1) {
			t.Fatalf("%s: %d bytes, %q, %v", name, len(p.Thumbnail), p.Blurhash, err)
		}
		img := decoded(t, JPEG, p.Thumbnail).Bounds()
		if max(img.Dx(), img.Dy()) > ThumbnailSide || info.Width > info.Height && img.Dx() < img.Dy() {
			t.Errorf("%s: a thumbnail of %v", name, img)
		}
	}
	p, _, err := PreviewOf(riff(riffChunk("VP8L", vp8l(40, 20, color.RGBA{200, 10, 30, 255}))))
	if err != nil || near(decoded(t, JPEG, p.Thumbnail).At(5, 5)) != "r" {
		t.Errorf("the thumbnail is not red: %v", err)
	}
	if _, _, err := PreviewOf(adts(3)); !errors.Is(err, ErrFormat) {
		t.Errorf("a recording has a thumbnail: %v", err)
	}
}
