package media

import (
	"bytes"
	"image"
	"image/color"
	stddraw "image/draw"
	"image/gif"
	"image/jpeg"
	"image/png"
	"sync"

	"golang.org/x/image/draw"
	"golang.org/x/image/webp"
)

// one keeps a program from decoding several pictures at a time: maxMemory is the most that
// all of them take.
var one sync.Mutex

// decode decodes the first frame of a picture that walk has passed, makes its longer side at
// most side pixels long, and turns it upright. What is transparent is on white, as JPEG has
// it.
func decode(data []byte, o outline, side int) (*image.RGBA, error) {
	one.Lock()
	defer one.Unlock()
	img, err := pixels(data, o.Format)
	if err != nil {
		return nil, err
	}
	bounds := img.Bounds()
	if bounds.Dx() > o.Width || bounds.Dy() > o.Height || bounds.Empty() {
		return nil, refuse(ErrDamaged, "its size changes")
	}
	return turned(shrunk(img, image.Rect(0, 0, o.Width, o.Height), side), o.turn), nil
}

// pixels calls the decoder of a format. What it does with bytes of strangers is its own
// business, so that it panics is an error like others.
func pixels(data []byte, f Format) (img image.Image, err error) {
	defer func() {
		if recover() != nil {
			img, err = nil, refuse(ErrDamaged, "it cannot be decoded")
		}
	}()
	r := bytes.NewReader(data)
	switch f {
	case JPEG:
		img, err = jpeg.Decode(r)
	case PNG:
		img, err = png.Decode(r)
	case GIF:
		img, err = gif.Decode(r)
	case WebP:
		if still := firstFrame(data); still != nil {
			r = bytes.NewReader(still)
		}
		img, err = webp.Decode(r)
	default:
		return nil, ErrFormat
	}
	if err != nil {
		return nil, refuse(ErrDamaged, "it cannot be decoded")
	}
	return img, nil
}

// shrunk draws a picture at its place in whole, on white, with a longer side of at most side.
// First each pixel becomes the mean of a square of those that it stands for, row by row, so
// that a large picture takes no memory beside its own; what is left is less than half.
func shrunk(img image.Image, whole image.Rectangle, side int) *image.RGBA {
	long := max(whole.Dx(), whole.Dy())
	if by := long / side; by > 1 {
		img, whole = mean(img, whole, by), image.Rect(0, 0, (whole.Dx()+by-1)/by, (whole.Dy()+by-1)/by)
		long = max(whole.Dx(), whole.Dy())
	}
	size := whole
	if long > side {
		size = image.Rect(0, 0, max(1, whole.Dx()*side/long), max(1, whole.Dy()*side/long))
	}
	out := image.NewRGBA(size)
	stddraw.Draw(out, size, image.White, image.Point{}, stddraw.Src)
	if size == whole {
		stddraw.Draw(out, img.Bounds(), img, img.Bounds().Min, stddraw.Over)
		return out
	}
	if img.Bounds() != whole {
		full := image.NewRGBA(whole)
		stddraw.Draw(full, img.Bounds(), img, img.Bounds().Min, stddraw.Src)
		img = full
	}
	draw.ApproxBiLinear.Scale(out, size, img, whole, draw.Over, nil)
	return out
}

// mean makes a pixel of each square of by pixels a side. Places of whole where img is not are
// transparent.
func mean(img image.Image, whole image.Rectangle, by int) *image.RGBA {
	out := image.NewRGBA(image.Rect(0, 0, (whole.Dx()+by-1)/by, (whole.Dy()+by-1)/by))
	row := image.NewRGBA(image.Rect(0, 0, whole.Dx(), 1))
	sums := make([][4]uint32, out.Rect.Dx())
	for y := range out.Rect.Dy() {
		clear(sums)
		rows := min(by, whole.Dy()-y*by)
		for dy := range rows {
			clear(row.Pix)
			stddraw.Draw(row, row.Rect, img, image.Pt(0, y*by+dy), stddraw.Src)
			for x := range row.Rect.Dx() {
				s, p := &sums[x/by], row.Pix[4*x:4*x+4:4*x+4]
				s[0], s[1], s[2], s[3] = s[0]+uint32(p[0]), s[1]+uint32(p[1]), s[2]+uint32(p[2]), s[3]+uint32(p[3])
			}
		}
		for x, s := range sums {
			n := uint32(rows * min(by, whole.Dx()-x*by))
			out.SetRGBA(x, y, color.RGBA{R: uint8(s[0] / n), G: uint8(s[1] / n), B: uint8(s[2] / n), A: uint8(s[3] / n)})
		}
	}
	return out
}

// turned turns and mirrors a picture upright: turn is what its EXIF says.
//
// Spec: Exif 2.32, Orientation: where the first row and column of what is stored belong.
func turned(img *image.RGBA, turn int) *image.RGBA {
	if turn == 1 {
		return img
	}
	w, h := img.Rect.Dx(), img.Rect.Dy()
	size := image.Rect(0, 0, w, h)
	if turn > 4 {
		size = image.Rect(0, 0, h, w)
	}
	out := image.NewRGBA(size)
	for y := range h {
		for x := range w {
			tx, ty := x, y
			switch turn {
			case 2:
				tx = w - 1 - x
			case 3:
				tx, ty = w-1-x, h-1-y
			case 4:
				ty = h - 1 - y
			case 5:
				tx, ty = y, x
			case 6:
				tx, ty = h-1-y, x
			case 7:
				tx, ty = h-1-y, w-1-x
			case 8:
				tx, ty = y, w-1-x
			}
			out.SetRGBA(tx, ty, img.RGBAAt(x, y))
		}
	}
	return out
}
