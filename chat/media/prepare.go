package media

import (
	"bytes"
	"image"
	"image/jpeg"
)

// How a picture is made smaller for sending: as the Status app does it, but with the best
// quality that its limit allows, where the app goes on until 50 kB.
const (
	// maxAsIs is the size up to which a picture keeps its format: what the app sends at most.
	maxAsIs = 400_000
	// sentSide is the longer side of a picture that is made smaller, and sentBytes its size.
	sentSide  = 2000
	sentBytes = 350_000
	// bestQuality and leastQuality are those of JPEG that are tried, in steps of qualityStep;
	// then the picture is made smaller by a tenth.
	bestQuality, leastQuality, qualityStep = 80, 50, 6
)

// Prepared is a file as it is sent.
type Prepared struct {
	Info
	Data []byte
	Preview
}

// Prepare makes of a file what is sent of it: a picture without its metadata, upright, and
// where it has more than 400 kB, or would have to be turned, as a JPEG of at most 350 kB and
// 2000 pixels a side. original keeps picture and size, and of the metadata only which way up
// it is. A recording is sent as it is. Errors: those of Look.
func Prepare(data []byte, original bool) (Prepared, error) {
	if len(data) > MaxInput {
		return Prepared{}, refuse(ErrTooLarge, "the file has more than 32 MiB")
	}
	k := &keeper{out: make([]byte, 0, len(data)), turned: original}
	o, err := walk(data, k)
	if err != nil {
		return Prepared{}, err
	}
	p := Prepared{Info: o.shown(), Data: k.out}
	if len(p.Data) > MaxBytes && (original || !o.Format.IsPicture()) {
		return Prepared{}, refuse(ErrTooLarge, "the file has more than 10,000,000 bytes")
	}
	if !o.Format.IsPicture() {
		return p, nil
	}
	img, err := decode(p.Data, o, sentSide)
	if err != nil {
		return Prepared{}, err
	}
	if !original && (len(p.Data) > maxAsIs || o.turn != 1) {
		if p.Data, img, err = smaller(img); err != nil {
			return Prepared{}, err
		}
		p.Info = Info{Format: JPEG, Width: img.Rect.Dx(), Height: img.Rect.Dy()}
	}
	p.Preview, err = previewOf(img)
	return p, err
}

// smaller encodes a picture in at most sentBytes, and returns it as it was encoded.
func smaller(img *image.RGBA) ([]byte, *image.RGBA, error) {
	var b bytes.Buffer
	for {
		for quality := bestQuality; quality >= leastQuality; quality -= qualityStep {
			b.Reset()
			if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: quality}); err != nil {
				return nil, nil, refuse(ErrDamaged, "it cannot be encoded")
			}
			if b.Len() <= sentBytes {
				return b.Bytes(), img, nil
			}
		}
		img = shrunk(img, img.Rect, max(img.Rect.Dx(), img.Rect.Dy())*9/10)
	}
}
