package media

import (
	"bytes"
	"image"
	"image/jpeg"

	"github.com/bbrks/go-blurhash"
)

// Preview holds what a program can show of a picture before it has read all of it.
type Preview struct {
	// Thumbnail is a JPEG of at most MaxThumbnail bytes, and Blurhash the text that a blurred
	// picture is drawn from.
	Thumbnail []byte
	Blurhash  string
}

const (
	// MaxThumbnail bounds a thumbnail: it is in each event and list that has its message.
	MaxThumbnail = 4096
	// MaxBlurhash is the longest one there is, of nine components each way.
	MaxBlurhash = 6 + 2*(9*9-1)
	// ThumbnailSide bounds the longer side of a thumbnail; it is less if that takes too many
	// bytes.
	ThumbnailSide = 128
	// blurSide is the longer side of the picture that is blurred: more changes nothing.
	blurSide = 32
	// blurX and blurY are how many waves a blurhash has each way.
	blurX, blurY = 4, 3
)

// PreviewOf decodes a picture and makes its thumbnail and blurhash. Errors: those of Look.
func PreviewOf(data []byte) (Preview, Info, error) {
	if len(data) > MaxBytes {
		return Preview{}, Info{}, refuse(ErrTooLarge, "the file has more than 10,000,000 bytes")
	}
	k := &keeper{out: make([]byte, 0, len(data))} // decoders get no more than they need
	o, err := walk(data, k)
	if err != nil {
		return Preview{}, Info{}, err
	}
	if !o.Format.IsPicture() {
		return Preview{}, Info{}, refuse(ErrFormat, "it is no picture")
	}
	img, err := decode(k.out, o, ThumbnailSide)
	if err != nil {
		return Preview{}, Info{}, err
	}
	p, err := previewOf(img)
	return p, o.shown(), err
}

// previewOf makes the preview of a picture.
func previewOf(img *image.RGBA) (p Preview, err error) {
	small := shrunk(img, img.Rect, ThumbnailSide)
	if p.Thumbnail, err = thumbnail(small); err != nil {
		return Preview{}, err
	}
	if p.Blurhash, err = blurhash.Encode(blurX, blurY, shrunk(small, small.Rect, blurSide)); err != nil {
		return Preview{}, refuse(ErrDamaged, "it cannot be blurred")
	}
	return p, nil
}

// thumbnail encodes a small picture in at most MaxThumbnail bytes.
func thumbnail(img *image.RGBA) ([]byte, error) {
	var b bytes.Buffer
	for {
		for _, quality := range []int{70, 55, 40} {
			b.Reset()
			if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: quality}); err != nil {
				return nil, refuse(ErrDamaged, "it cannot be encoded")
			}
			if b.Len() <= MaxThumbnail {
				return b.Bytes(), nil
			}
		}
		img = shrunk(img, img.Rect, max(img.Rect.Dx(), img.Rect.Dy())*3/4)
	}
}
