package picture

import (
	"bytes"
	"crypto/rand"
	"encoding/xml"
	"errors"
	"image"
	"image/color"
	"image/png"
	"io"
	"math"
	"strings"
	"testing"

	"libstatus1to1/chat/contact"
	"libstatus1to1/chat/protocol/key"
)

func somebody(t testing.TB) key.Public {
	t.Helper()
	k, err := key.Generate(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k.Public()
}

func decoded(t testing.TB, raw []byte, err error) image.Image {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func at(img image.Image, x, y int) color.NRGBA {
	return color.NRGBAModel.Convert(img.At(x, y)).(color.NRGBA)
}

// status-go's own test has this pattern for this text.
func TestIdenticonIsTheApps(t *testing.T) {
	d := identiconOf("Culona")
	want := "..X.." + "X.X.X" + "X...X" + "....." + ".X.X."
	for i, set := range d.set {
		if set != (want[i] == 'X') {
			t.Errorf("square %d is set: %v", i, set)
		}
	}
	raw, err := d.PNG(50)
	img := decoded(t, raw, err)
	for i := range 50 * 50 {
		x, y := i%50, i/50
		c := at(img, x, y)
		inside := x >= 10 && y >= 10 && x < 40 && y < 40 && want[(y-10)/6*5+(x-10)/6] == 'X'
		if inside && c != d.colour || !inside && c.A != 0 {
			t.Fatalf("pixel %d %d is %v", x, y, c)
		}
	}
	if n := strings.Count(d.SVG(), "z"); n != strings.Count(want, "X") {
		t.Errorf("the drawing has %d squares", n)
	}
}

// The colour is HSL 0.5 0.7 of a hue; these are the corners of that circle.
func TestPale(t *testing.T) {
	for hue, want := range map[float64]color.NRGBA{
		0: {217, 140, 140, 255}, 1.0 / 3: {140, 217, 140, 255}, 2.0 / 3: {140, 140, 217, 255}, 1.0 / 6: {217, 217, 140, 255}, 1: {217, 140, 140, 255},
	} {
		if c := pale(hue); c != want {
			t.Errorf("hue %v is %v, want %v", hue, c, want)
		}
	}
}

// On the middle of each arc is its colour, clockwise from the right; within is the disc.
func TestRing(t *testing.T) {
	for range 20 {
		k := somebody(t)
		r := RingOf(k)
		const size = 240
		raw, err := r.PNG(size)
		img := decoded(t, raw, err)
		units, at0 := 0, 0
		for _, s := range contact.ColourHash(k) {
			units += s.Length
		}
		for _, s := range contact.ColourHash(k) {
			angle := 2 * math.Pi * (float64(at0) + float64(s.Length)/2) / float64(units)
			at0 += s.Length
			y, x := math.Sincos(angle)
			got := at(img, int(size/2+x*(size/2-5)), int(size/2+y*(size/2-5)))
			if got != rgb(ringColours[s.Colour]) {
				t.Fatalf("%s: at %v of %d is %v, not colour %d", k, angle, units, got, s.Colour)
			}
		}
		if got := at(img, size/2, size/2); got != rgb(userColours[contact.ColourID(k)]) {
			t.Errorf("the disc is %v", got)
		}
		for _, corner := range []image.Point{{0, 0}, {size - 1, 0}, {0, size - 1}, {size - 1, size - 1}} {
			if at(img, corner.X, corner.Y).A != 0 {
				t.Errorf("%v is not transparent", corner)
			}
		}
		svg := r.SVG()
		if n := strings.Count(svg, "<path"); n != len(contact.ColourHash(k)) && n != 0 {
			t.Errorf("%d arcs of %d", n, len(contact.ColourHash(k)))
		}
		for d := xml.NewDecoder(strings.NewReader(svg)); ; {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestLookSizes(t *testing.T) {
	k := somebody(t)
	for _, size := range []int{-1, 0, MinIdenticonSize - 1, MaxIdenticonSize + 1, math.MaxInt} {
		if _, err := RingOf(k).PNG(size); !errors.Is(err, ErrSize) {
			t.Errorf("ring of %d: %v", size, err)
		}
		if _, err := IdenticonOf(k).PNG(size); !errors.Is(err, ErrSize) {
			t.Errorf("identicon of %d: %v", size, err)
		}
	}
	for _, size := range []int{MinIdenticonSize, 33, MaxIdenticonSize} {
		for _, draw := range []func(int) ([]byte, error){RingOf(k).PNG, IdenticonOf(k).PNG} {
			raw, err := draw(size)
			if img := decoded(t, raw, err); img.Bounds().Dx() != size || img.Bounds().Dy() != size {
				t.Errorf("%v, want %d", img.Bounds(), size)
			}
		}
	}
}
