package picture

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"sync"

	"github.com/makiuchi-d/gozxing"
)

const (
	// fine and coarse are the sides to which a large picture is made smaller before it
	// is looked at: a code that fills a part of a photo, and one that fills most of it, where
	// noise and moiré vanish.
	fine, coarse = 2000, 900
	// small is the side up to which a picture is also looked at twice as large: modules of
	// two or three pixels that lie askew.
	small = 700
	// maxFits bounds how many squares of a picture are looked at closely, so that a
	// picture full of corners takes seconds and not minutes.
	maxFits = 150
)

// one keeps a program from decoding several large pictures at a time.
var one sync.Mutex

// ReadQR is the text of the QR code in a PNG or JPEG picture, which may be rotated,
// mirrored, askew, somewhat blurred, and light on dark. Of several codes it is that of one.
// Errors: ErrFormat, ErrTooLarge, ErrNoQR, ErrContent.
func ReadQR(picture []byte) (string, error) {
	one.Lock()
	defer one.Unlock()
	g, err := open(picture)
	if err != nil {
		return "", err
	}
	return g.read()
}

// open decodes a picture, if its header says that it is small enough.
func open(picture []byte) (gray, error) {
	if len(picture) > MaxBytes {
		return gray{}, fail(ErrTooLarge, "it has %d bytes, %d are the most", len(picture), MaxBytes)
	}
	header, decode := png.DecodeConfig, png.Decode
	if bytes.HasPrefix(picture, []byte{0xff, 0xd8}) {
		header, decode = jpeg.DecodeConfig, jpeg.Decode
	}
	config, err := header(bytes.NewReader(picture))
	if err != nil {
		return gray{}, fail(ErrFormat, "%v", err)
	}
	if config.Width <= 0 || config.Height <= 0 || config.Width > MaxPixels/config.Height {
		return gray{}, fail(ErrTooLarge, "it has %d times %d pixels, %d are the most", config.Width, config.Height, MaxPixels)
	}
	if config.ColorModel == color.CMYKModel { // a fourth component would take more memory than MaxPixels counts with
		return gray{}, fail(ErrFormat, "it is made for print")
	}
	img, err := decode(bytes.NewReader(picture))
	if err != nil {
		return gray{}, fail(ErrFormat, "%v", err)
	}
	if img.Bounds().Dx() != config.Width || img.Bounds().Dy() != config.Height {
		return gray{}, fail(ErrFormat, "its size changes")
	}
	return grayOf(img), nil
}

// read looks for a code in a picture, at several sizes and with two ways to tell dark
// from light.
func (g gray) read() (string, error) {
	var sizes []gray
	for _, side := range []int{coarse, fine} {
		if max(g.w, g.h) > side {
			sizes = append(sizes, g.shrunk(side))
		}
	}
	if max(g.w, g.h) <= fine {
		sizes = append(sizes, g)
	}
	if max(g.w, g.h) <= small {
		sizes = append(sizes, g.doubled())
	}
	fits := maxFits
	for _, binarizer := range []func(gozxing.LuminanceSource) gozxing.Binarizer{
		gozxing.NewHybridBinarizer, gozxing.NewGlobalHistgramBinarizer,
	} {
		for _, inverted := range []bool{false, true} {
			for _, at := range sizes {
				text, err := at.binary(binarizer, inverted).read(&fits)
				if err == nil || errors.Is(err, ErrContent) {
					return text, err
				}
			}
		}
	}
	return "", ErrNoQR
}

// binary tells dark from light.
func (g gray) binary(binarizer func(gozxing.LuminanceSource) gozxing.Binarizer, inverted bool) bitmap {
	b := bitmap{w: g.w, h: g.h, dark: make([]bool, g.w*g.h)}
	source, err := gozxing.NewPlanarYUVLuminanceSource(g.pix, g.w, g.h, 0, 0, g.w, g.h, false)
	if err != nil {
		return b
	}
	if inverted {
		source = source.Invert()
	}
	matrix, err := binarizer(source).GetBlackMatrix()
	if err != nil { // too little contrast
		return b
	}
	for i := range b.dark {
		b.dark[i] = matrix.Get(i%g.w, i/g.w)
	}
	return b
}

// bitmap is a picture of dark and light pixels.
type bitmap struct {
	w, h int
	dark []bool
}

// at reports whether a pixel is dark; what is outside of the picture is light.
func (b bitmap) at(x, y int) bool {
	return x >= 0 && y >= 0 && x < b.w && y < b.h && b.dark[y*b.w+x]
}

// read looks for a code. fits is how many squares it may still look at.
func (b bitmap) read(fits *int) (string, error) {
	found := error(ErrNoQR)
	for _, t := range threes(b.corners()) {
		for _, n := range b.sizes(t) {
			if *fits == 0 {
				return "", found
			}
			*fits--
			g, ok := b.fit(t, n)
			if !ok {
				continue
			}
			modules := b.modules(g, n)
			for range 2 {
				text, err := decode(modules)
				if err == nil {
					return text, nil
				}
				if errors.Is(err, ErrContent) {
					found = err
				}
				transpose(modules) // what is mirrored has its known modules in the same places
			}
		}
	}
	return "", found
}

// gray is a picture in shades of gray, 0 is dark.
type gray struct {
	w, h int
	pix  []byte
}

// grayOf gives the shades of a picture; what is transparent is on white.
func grayOf(img image.Image) gray {
	r := img.Bounds()
	g := gray{w: r.Dx(), h: r.Dy(), pix: make([]byte, r.Dx()*r.Dy())}
	for y := range g.h {
		row := g.pix[y*g.w : (y+1)*g.w]
		switch m := img.(type) {
		case *image.YCbCr:
			copy(row, m.Y[m.YOffset(r.Min.X, r.Min.Y+y):])
		case *image.Gray:
			copy(row, m.Pix[m.PixOffset(r.Min.X, r.Min.Y+y):])
		default:
			at, ok := img.(image.RGBA64Image) // all pictures of image/png and image/jpeg are
			for x := 0; ok && x < len(row); x++ {
				row[x] = shade(at.RGBA64At(r.Min.X+x, r.Min.Y+y))
			}
		}
	}
	return g
}

// shade is the brightness of a colour over white, by the weights of JPEG.
func shade(c color.RGBA64) byte {
	bare := 0xffff - uint32(c.A)
	return byte((299*(uint32(c.R)+bare) + 587*(uint32(c.G)+bare) + 114*(uint32(c.B)+bare)) / 1000 >> 8)
}

// shrunk is the picture with a longer side of side pixels; each is the mean of those in its
// place.
func (g gray) shrunk(side int) gray {
	long := max(g.w, g.h)
	s := gray{w: max(1, g.w*side/long), h: max(1, g.h*side/long)}
	s.pix = make([]byte, s.w*s.h)
	for y := range s.h {
		top, bottom := y*g.h/s.h, max((y+1)*g.h/s.h, y*g.h/s.h+1)
		for x := range s.w {
			left, right := x*g.w/s.w, max((x+1)*g.w/s.w, x*g.w/s.w+1)
			sum := 0
			for yy := top; yy < bottom; yy++ {
				for _, v := range g.pix[yy*g.w+left : yy*g.w+right] {
					sum += int(v)
				}
			}
			s.pix[y*s.w+x] = byte(sum / ((bottom - top) * (right - left)))
		}
	}
	return s
}

// doubled is the picture twice as large; new pixels lie between their neighbours.
func (g gray) doubled() gray {
	d := gray{w: 2 * g.w, h: 2 * g.h, pix: make([]byte, 4*g.w*g.h)}
	for y := range d.h {
		top := y / 2
		bottom := min(top+y%2, g.h-1)
		for x := range d.w {
			left := x / 2
			right := min(left+x%2, g.w-1)
			sum := int(g.pix[top*g.w+left]) + int(g.pix[top*g.w+right]) + int(g.pix[bottom*g.w+left]) + int(g.pix[bottom*g.w+right])
			d.pix[y*d.w+x] = byte(sum / 4)
		}
	}
	return d
}
