package picture

import (
	"crypto/md5" // by it the app makes a pattern of a key; nothing rests on it
	"encoding/hex"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"math"
	"strings"

	"libstatus1to1/chat/contact"
	"libstatus1to1/chat/protocol/key"
)

// ringColours are the colours of the ring by their index in contact.ColourHash: the same
// in the light and the dark theme of the Status app.
var ringColours = [32]uint32{
	0x000000, 0x726f6f, 0xc4c4c4, 0xe7e7e7, 0xffffff, 0x00ff00, 0x009800, 0xb8ffbb,
	0xffc413, 0x9f5947, 0xffff00, 0xa8ac00, 0xffffb0, 0xff5733, 0xff0000, 0x9a0000,
	0xff9d9d, 0xff0099, 0xc80078, 0xff00ff, 0x900090, 0xffb0ff, 0x9e00ff, 0x0000ff,
	0x000086, 0x9b81ff, 0x3faef9, 0x9a6600, 0x00ffff, 0x008694, 0xc2ffff, 0x00f0b6,
}

// userColours are the colours of people by contact.ColourID, in the light theme of the app.
var userColours = [11]uint32{
	0x2946c4, 0x887af9, 0x51d0f0, 0xd37ef4, 0xfa6565, 0xffca0f, 0x7cda00, 0x26a69a, 0x8b3131, 0x9b832f, 0xc0c0c0,
}

// MinIdenticonSize and MaxIdenticonSize bound the side of an identicon or ring in pixels.
const (
	MinIdenticonSize = 16
	MaxIdenticonSize = 1024
)

func rgb(c uint32) color.NRGBA { return color.NRGBA{byte(c >> 16), byte(c >> 8), byte(c), 0xff} }

func colourName(c color.NRGBA) string { return fmt.Sprintf("#%02x%02x%02x", c.R, c.G, c.B) }

func checkIdenticonSize(size int) error {
	if size < MinIdenticonSize || size > MaxIdenticonSize {
		return fail(ErrSize, "it must be %d to %d pixels", MinIdenticonSize, MaxIdenticonSize)
	}
	return nil
}

// Ring is the picture that the Status app shows for a person without one of their own: a disc
// in the colour of the person, with the ring of colours of the key around it. The app writes
// initials on the disc, and draws the same ring around a picture.
type Ring struct {
	arcs []contact.Segment
	disc color.NRGBA
}

// RingOf is the ring of a key.
func RingOf(k key.Public) Ring {
	return Ring{contact.ColourHash(k), rgb(userColours[contact.ColourID(k)])}
}

// width is that of the ring, for a picture with sides of size.
func (r Ring) width(size float64) float64 { return max(1.5, size/24) }

// ends are where the arcs end, clockwise from the right, as parts of the whole ring.
func (r Ring) ends() []float64 {
	sum := 0
	for _, a := range r.arcs {
		sum += a.Length
	}
	ends := make([]float64, len(r.arcs))
	at := 0
	for i, a := range r.arcs {
		at += a.Length
		ends[i] = float64(at) / float64(sum)
	}
	return ends
}

// PNG is the ring with sides of size pixels, on a transparent ground. Error: ErrSize.
func (r Ring) PNG(size int) ([]byte, error) {
	if err := checkIdenticonSize(size); err != nil {
		return nil, err
	}
	const steps = 4 // points of a pixel each way, for smooth edges
	img := image.NewNRGBA(image.Rect(0, 0, size, size))
	middle := float64(size) / 2
	ends, inner := r.ends(), middle-r.width(float64(size))
	for y := range size {
		for x := range size {
			var sum [3]int
			inside := 0
			for i := range steps * steps {
				dx := float64(x) + (float64(i%steps)+0.5)/steps - middle
				dy := float64(y) + (float64(i/steps)+0.5)/steps - middle
				c, ok := r.colour(dx, dy, inner, middle, ends)
				if !ok {
					continue
				}
				inside++
				sum[0], sum[1], sum[2] = sum[0]+int(c.R), sum[1]+int(c.G), sum[2]+int(c.B)
			}
			if inside > 0 {
				img.SetNRGBA(x, y, color.NRGBA{
					byte(sum[0] / inside), byte(sum[1] / inside), byte(sum[2] / inside), byte(255 * inside / (steps * steps)),
				})
			}
		}
	}
	return encodePNG(img)
}

// colour is that of a place, given from the middle; false outside of the ring.
func (r Ring) colour(dx, dy, inner, outer float64, ends []float64) (c color.NRGBA, ok bool) {
	switch d := math.Hypot(dx, dy); {
	case d > outer:
		return c, false
	case d < inner:
		return r.disc, true
	}
	part := math.Atan2(dy, dx) / (2 * math.Pi)
	if part < 0 {
		part++
	}
	for i, end := range ends {
		if part < end {
			return rgb(ringColours[r.arcs[i].Colour]), true
		}
	}
	return rgb(ringColours[r.arcs[len(r.arcs)-1].Colour]), true
}

// SVG is the ring as a drawing of 24 units a side, without a size of its own.
func (r Ring) SVG() string {
	const side, middle = 24.0, 12.0
	width := r.width(side)
	radius := middle - width/2
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %g %g">`, side, side)
	fmt.Fprintf(&b, `<circle cx="%g" cy="%g" r="%g" fill="%s"/>`, middle, middle, middle-width, colourName(r.disc))
	from, ends := 0.0, r.ends()
	for i, end := range ends {
		c := colourName(rgb(ringColours[r.arcs[i].Colour]))
		if len(ends) == 1 { // an arc that ends where it begins is none
			fmt.Fprintf(&b, `<circle cx="%g" cy="%g" r="%g" fill="none" stroke="%s" stroke-width="%g"/>`, middle, middle, radius, c, width)
			break
		}
		large := 0
		if end-from > 0.5 {
			large = 1
		}
		y0, x0 := math.Sincos(2 * math.Pi * from)
		y1, x1 := math.Sincos(2 * math.Pi * end)
		fmt.Fprintf(&b, `<path d="M%.3f %.3fA%g %g 0 %d 1 %.3f %.3f" fill="none" stroke="%s" stroke-width="%g"/>`,
			middle+radius*x0, middle+radius*y0, radius, radius, large, middle+radius*x1, middle+radius*y1, c, width)
		from = end
	}
	b.WriteString(`</svg>`)
	return b.String()
}

// Identicon is the pattern of squares by which earlier versions of the Status app showed a
// person: five rows of five, mirrored, in one colour on a transparent ground.
type Identicon struct {
	set    [identiconSide * identiconSide]bool
	colour color.NRGBA
}

// The pattern lies in a picture of 50 units with 10 units around it.
const (
	identiconSide   = 5
	identiconUnits  = 50
	identiconMargin = 10
	identiconSquare = 6
)

// IdenticonOf is the pattern of a key.
func IdenticonOf(k key.Public) Identicon {
	return identiconOf("0x" + hex.EncodeToString(k.Uncompressed()))
}

// identiconOf is the pattern of a text. Each of the first 15 bytes of its MD5 is a square of
// the left half and the middle, set if it is even; the last three are the hue.
func identiconOf(text string) (d Identicon) {
	sum := md5.Sum([]byte(text))
	for i := range d.set {
		column := i % identiconSide
		column = min(column, identiconSide-1-column)
		d.set[i] = sum[3*(i/identiconSide)+column]%2 == 0
	}
	hue := float64(int(sum[13])+int(sum[14])+int(sum[15])) / (3 * 255)
	d.colour = pale(hue)
	return d
}

// pale is a colour of saturation 0.5 and lightness 0.7 by its hue, 0 to 1.
func pale(hue float64) color.NRGBA {
	const saturation, lightness = 0.5, 0.7
	part := func(shift float64) byte {
		k := math.Mod(shift+12*hue, 12)
		a := saturation * min(lightness, 1-lightness)
		return byte(255*(lightness-a*max(-1, min(k-3, 9-k, 1))) + 0.5)
	}
	return color.NRGBA{part(0), part(8), part(4), 0xff}
}

// PNG is the pattern with sides of size pixels. Error: ErrSize.
func (d Identicon) PNG(size int) ([]byte, error) {
	if err := checkIdenticonSize(size); err != nil {
		return nil, err
	}
	img := image.NewNRGBA(image.Rect(0, 0, size, size))
	at := func(n int) int { return (identiconMargin + n*identiconSquare) * size / identiconUnits }
	for i, set := range d.set {
		if x, y := i%identiconSide, i/identiconSide; set {
			draw.Draw(img, image.Rect(at(x), at(y), at(x+1), at(y+1)), image.NewUniform(d.colour), image.Point{}, draw.Src)
		}
	}
	return encodePNG(img)
}

// SVG is the pattern as a drawing without a size of its own.
func (d Identicon) SVG() string {
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" shape-rendering="crispEdges"><path fill="%s" d="`,
		identiconUnits, identiconUnits, colourName(d.colour))
	for i, set := range d.set {
		if set {
			fmt.Fprintf(&b, "M%d %dh%[3]dv%[3]dh-%[3]dz", identiconMargin+i%identiconSide*identiconSquare,
				identiconMargin+i/identiconSide*identiconSquare, identiconSquare)
		}
	}
	b.WriteString(`"/></svg>`)
	return b.String()
}
