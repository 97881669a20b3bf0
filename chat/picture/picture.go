// Package picture draws what people show each other and reads it back: QR codes as PNG, SVG
// and blocks of a terminal, QR codes in PNG and JPEG pictures that a camera took, and the
// pictures by which the Status app lets people tell keys apart.
//
// A code is drawn by rsc.io/qr. Of gozxing only the threshold and Reed-Solomon are linked: its
// own QR reader needs the tables of all East Asian character sets, which make the library more
// than a megabyte larger. What lies between the two is here: where the code is (find.go),
// how its grid lies in the picture (grid.go), and what its modules say (decode.go).
package picture

import (
	"errors"
	"fmt"
)

// What drawing or reading a picture can fail with. The error that wraps one of them gives
// the reason.
var (
	// ErrFormat: the bytes are no PNG or JPEG picture, or are damaged.
	ErrFormat = errors.New("picture: not a PNG or JPEG picture")
	// ErrTooLarge: the picture has too many bytes or pixels. It was not decoded.
	ErrTooLarge = errors.New("picture: too large")
	// ErrNoQR: no QR code was found that can be read.
	ErrNoQR = errors.New("picture: no readable QR code")
	// ErrContent: there is a QR code, with something in it that is no text.
	ErrContent = errors.New("picture: the QR code holds no text")
	// ErrText: a text does not fit into a QR code.
	ErrText = errors.New("picture: the text does not fit into a QR code")
	// ErrSize: a picture cannot be drawn with so few or so many pixels.
	ErrSize = errors.New("picture: unsuitable size")
)

const (
	// MaxBytes bounds a picture that is read. A photo of 12 megapixels takes about 5 MiB.
	MaxBytes = 16 << 20
	// MaxPixels bounds its pixels: the 12 megapixels of common cameras and some. A progressive
	// JPEG takes up to 15 bytes a pixel while it is decoded, so that one picture takes
	// 200 MiB at most.
	MaxPixels = 13 << 20
	// MaxSize bounds the side of a picture that is drawn, in pixels.
	MaxSize = 4096
	// MaxText is the longest text of a QR code in bytes: version 40 with the least
	// correction.
	MaxText = 2953
)

func fail(kind error, format string, args ...any) error {
	return fmt.Errorf("%w: %s", kind, fmt.Sprintf(format, args...))
}

// Cause is a word for programs that says why a picture could not be read; "" for other
// errors.
func Cause(err error) string {
	for _, known := range []struct {
		err   error
		cause string
	}{{ErrFormat, "format"}, {ErrTooLarge, "too_large"}, {ErrNoQR, "no_code"}, {ErrContent, "content"}} {
		if errors.Is(err, known.err) {
			return known.cause
		}
	}
	return ""
}
