package picture

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/makiuchi-d/gozxing"
	"rsc.io/qr/coding"
)

var hybrid = gozxing.NewHybridBinarizer

// pixels returns the number of pixels that a picture claims to have.
func pixels(raw []byte) int {
	config, _, err := image.DecodeConfig(bytes.NewReader(raw))
	if err != nil {
		return 0
	}
	return config.Width * config.Height
}

// card is as long as a contact card: 350 bytes to the base 32, in the characters that take
// the least space.
var card = "STATUS1TO1:CARD:" + strings.Repeat("K5XW2YLOEBUXGIDUNBSSA3LPON2CA", 19)

// encoded is the code of a text.
func encoded(t testing.TB, text string, level Level) Code {
	t.Helper()
	c, err := Encode(text, level)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// drawn is a picture of a code, in shades of gray.
func drawn(t testing.TB, text string, level Level, size int) *image.Gray {
	t.Helper()
	raw, err := encoded(t, text, level).PNG(size)
	if err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	g := image.NewGray(img.Bounds())
	for i := range g.Pix {
		x, y := i%g.Rect.Dx(), i/g.Rect.Dx()
		g.Set(x, y, img.At(x, y))
	}
	return g
}

// sampled is a picture of another size: from tells of a place where it comes from. Outside
// it is ground.
func sampled(src *image.Gray, w, h int, ground byte, from func(x, y float64) (float64, float64)) *image.Gray {
	out := image.NewGray(image.Rect(0, 0, w, h))
	at := func(x, y int) float64 {
		if !(image.Point{X: x, Y: y}).In(src.Rect) {
			return float64(ground)
		}
		return float64(src.GrayAt(x, y).Y)
	}
	const steps = 3 // subpixels each way
	for y := range h {
		for x := range w {
			sum := 0.0
			for i := range steps * steps {
				u, v := from(float64(x)+(float64(i%steps)+0.5)/steps, float64(y)+(float64(i/steps)+0.5)/steps)
				u, v = u-0.5, v-0.5
				left, top := math.Floor(u), math.Floor(v)
				a, b := u-left, v-top
				l, o := int(left), int(top)
				sum += (1-a)*(1-b)*at(l, o) + a*(1-b)*at(l+1, o) + (1-a)*b*at(l, o+1) + a*b*at(l+1, o+1)
			}
			out.Pix[y*out.Stride+x] = byte(sum/(steps*steps) + 0.5)
		}
	}
	return out
}

func rotated(src *image.Gray, degrees float64) *image.Gray {
	s, c := math.Sincos(degrees * math.Pi / 180)
	side := float64(src.Rect.Dx())
	size := int(math.Ceil(side*(math.Abs(s)+math.Abs(c)))) + 20
	middle := float64(size) / 2
	return sampled(src, size, size, 230, func(x, y float64) (float64, float64) {
		x, y = x-middle, y-middle
		return c*x + s*y + side/2, -s*x + c*y + side/2
	})
}

// blurred has each pixel as the mean of its surroundings, weighted by a bell curve.
func blurred(src *image.Gray, sigma float64) *image.Gray {
	reach := int(math.Ceil(3 * sigma))
	var weights []float64
	sum := 0.0
	for i := -reach; i <= reach; i++ {
		w := math.Exp(-float64(i*i) / (2 * sigma * sigma))
		weights, sum = append(weights, w), sum+w
	}
	pass := func(in *image.Gray, dx, dy int) *image.Gray {
		out := image.NewGray(in.Rect)
		for i := range out.Pix {
			x, y, v := i%in.Stride, i/in.Stride, 0.0
			for k, w := range weights {
				xx := min(max(x+(k-reach)*dx, 0), in.Rect.Dx()-1)
				yy := min(max(y+(k-reach)*dy, 0), in.Rect.Dy()-1)
				v += w * float64(in.Pix[yy*in.Stride+xx])
			}
			out.Pix[i] = byte(v/sum + 0.5)
		}
		return out
	}
	return pass(pass(src, 1, 0), 0, 1)
}

// noisy has shadows, less contrast and grain.
func noisy(src *image.Gray, grain float64, r *rand.Rand) *image.Gray {
	out := image.NewGray(src.Rect)
	for i, v := range src.Pix {
		x := float64(i%src.Stride) / float64(src.Rect.Dx())
		shaded := 40 + float64(v)*0.6*(1-0.5*x) + r.NormFloat64()*grain
		out.Pix[i] = byte(min(max(shaded, 0), 255))
	}
	return out
}

func asPNG(t testing.TB, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func asJPEG(t testing.TB, img image.Image, quality int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: quality}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func reads(t *testing.T, what string, picture []byte, want string) {
	t.Helper()
	got, err := ReadQR(picture)
	if err != nil {
		t.Errorf("%s: %v", what, err)
	} else if got != want {
		t.Errorf("%s: read %q", what, got)
	}
}

// A code of a card on 400 pixels, as it is and as a camera would see it.
func TestReadsCard(t *testing.T) {
	g := drawn(t, card, L, 400)
	reads(t, "as it is", asPNG(t, g), card)
	for _, sigma := range []float64{0.7, 1, 1.4, 1.8} {
		reads(t, fmt.Sprint("blurred by ", sigma), asPNG(t, blurred(g, sigma)), card)
	}
	for _, degrees := range []float64{1, 7, 30, 45, 61, 90, 135, 180, 200, 271, 333} {
		reads(t, fmt.Sprint("rotated by ", degrees), asPNG(t, rotated(g, degrees)), card)
		reads(t, fmt.Sprint("rotated by ", degrees, " and blurred"), asPNG(t, blurred(rotated(g, degrees), 1)), card)
	}
	for _, quality := range []int{80, 40, 20} {
		reads(t, fmt.Sprint("JPEG of quality ", quality), asJPEG(t, g, quality), card)
	}
	r := rand.New(rand.NewPCG(1, 2))
	for _, degrees := range []float64{0, 12, 77} {
		bad := noisy(blurred(rotated(g, degrees), 0.8), 8, r)
		reads(t, fmt.Sprint("shaded, noisy, blurred and rotated by ", degrees), asJPEG(t, bad, 60), card)
	}
}

// A picture that is taken from the side, of a code that lies on a table.
func TestReadsPerspective(t *testing.T) {
	g := drawn(t, card, L, 700)
	for _, tilt := range []float64{0.05, 0.15, 0.25, 0.35} {
		img := sampled(g, 900, 900, 180, func(x, y float64) (float64, float64) {
			w := 1 + tilt*(y/900-0.5)
			return (x-450)*w*0.95 + 350 + 20*tilt*y/90, (y-450)*w*0.95*(1+tilt) + 350
		})
		reads(t, fmt.Sprint("tilted by ", tilt), asJPEG(t, img, 70), card)
	}
}

func TestReadsOtherShapes(t *testing.T) {
	g := drawn(t, card, L, 400)
	mirrored := image.NewGray(g.Rect)
	negative := image.NewGray(g.Rect)
	for i, v := range g.Pix {
		mirrored.Pix[i-i%400+399-i%400], negative.Pix[i] = v, 255-v
	}
	reads(t, "mirrored", asPNG(t, mirrored), card)
	reads(t, "negative", asPNG(t, negative), card)

	clear := image.NewNRGBA(g.Rect)
	coloured := image.NewRGBA64(g.Rect)
	for i, v := range g.Pix {
		clear.SetNRGBA(i%400, i/400, color.NRGBA{A: 255 - v}) // black on nothing
		coloured.Set(i%400, i/400, color.RGBA{R: 20 + v/2, G: 30 + v/2, B: 120, A: 255})
	}
	reads(t, "on a transparent ground", asPNG(t, clear), card)
	reads(t, "in colours of 16 bits", asPNG(t, coloured), card)

	photo := image.NewGray(image.Rect(0, 0, 3000, 2200))
	for i := range photo.Pix {
		x, y := i%photo.Stride, i/photo.Stride
		photo.Pix[i] = byte(120 + 60*math.Sin(float64(x)/90)*math.Cos(float64(y)/70))
	}
	for i, v := range g.Pix {
		for k := range 4 { // 800 pixels a side
			photo.SetGray(1100+i%400*2+k%2, 700+i/400*2+k/2, color.Gray{Y: 30 + v/255*200})
		}
	}
	reads(t, "a small part of a photo", asJPEG(t, photo, 75), card)
}

// Each version and level, and each kind of segment.
func TestReadsWhatItDraws(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	seen := map[int]bool{}
	for length := 1; length <= MaxText; length = length*5/4 + 1 {
		text := make([]byte, length)
		for i := range text {
			text[i] = byte(' ' + r.IntN(95))
		}
		for level := L; level <= H; level++ {
			c, err := Encode(string(text), level)
			if errors.Is(err, ErrText) && level > L {
				continue
			} else if err != nil {
				t.Fatal(length, level, err)
			}
			if c.Level < level || c.Size != 17+4*c.Version {
				t.Errorf("code %d %d %v, asked for %v", c.Version, c.Size, c.Level, level)
			}
			if seen[c.Version] && level > L {
				continue
			}
			seen[c.Version] = true
			raw, err := c.PNG(3 * (c.Size + 2*border))
			if err != nil {
				t.Fatal(err)
			}
			reads(t, fmt.Sprint("version ", c.Version, " level ", c.Level), raw, string(text))
		}
	}
	for _, text := range []string{"0", "1234567890", "12", "AB C$%*+-./:9", "A", "grüße 👋🏽", "\x00\x01\n", strings.Repeat("9", 7000)[:2953], "https://status.app/u#zQ3sh"} {
		c := encoded(t, text, M)
		raw, err := c.PNG(1000)
		if err != nil {
			t.Fatal(err)
		}
		reads(t, fmt.Sprintf("%.20q", text), raw, text)
	}
}

func TestEncodeRefuses(t *testing.T) {
	for _, bad := range []struct {
		text  string
		level Level
	}{{"", M}, {strings.Repeat("x", MaxText+1), L}, {strings.Repeat("x", 1500), H}, {"x", H + 1}, {"x", -1}} {
		if _, err := Encode(bad.text, bad.level); !errors.Is(err, ErrText) {
			t.Errorf("%d bytes at level %d: %v", len(bad.text), bad.level, err)
		}
	}
	c := encoded(t, "x", M)
	for _, size := range []int{-1, 0, c.Size + 2*border - 1, MaxSize + 1} {
		if _, err := c.PNG(size); !errors.Is(err, ErrSize) {
			t.Errorf("%d pixels: %v", size, err)
		}
	}
}

// chunk is a part of a PNG.
func chunk(kind string, data []byte) []byte {
	body := append([]byte(kind), data...)
	out := []byte{byte(len(data) >> 24), byte(len(data) >> 16), byte(len(data) >> 8), byte(len(data))}
	sum := crc32.ChecksumIEEE(body)
	return append(append(out, body...), byte(sum>>24), byte(sum>>16), byte(sum>>8), byte(sum))
}

// header is the beginning of a PNG that claims to have so many pixels.
func header(w, h uint32) []byte {
	ihdr := []byte{byte(w >> 24), byte(w >> 16), byte(w >> 8), byte(w), byte(h >> 24), byte(h >> 16), byte(h >> 8), byte(h), 8, 0, 0, 0, 0}
	return append([]byte("\x89PNG\r\n\x1a\n"), chunk("IHDR", ihdr)...)
}

// What is too large is refused by its header: these have nothing after it.
func TestReadRefuses(t *testing.T) {
	good := asPNG(t, drawn(t, card, L, 400))
	photo := asJPEG(t, drawn(t, card, L, 400), 80)
	huge := bytes.Clone(photo)
	at := bytes.Index(huge, []byte{0xff, 0xc0}) // its frame: height and width
	copy(huge[at+5:], []byte{0xff, 0xff, 0xff, 0xff})
	for _, c := range []struct {
		what    string
		picture []byte
		err     error
	}{
		{"nothing", nil, ErrFormat},
		{"a text", []byte("hello"), ErrFormat},
		{"a GIF", []byte("GIF89a\x01\x00\x01\x00\x00\x00\x00"), ErrFormat},
		{"half a PNG", good[:len(good)/2], ErrFormat},
		{"half a JPEG", photo[:len(photo)/2], ErrFormat},
		{"the beginning of a JPEG", photo[:3], ErrFormat},
		{"a PNG of 2^31 pixels a side", header(0x7fffffff, 0x7fffffff), ErrFormat}, // it says that it overflows
		{"a PNG of 2^16 pixels a side", header(1<<16, 1<<16), ErrTooLarge},
		{"a wide PNG", header(MaxPixels+1, 1), ErrTooLarge},
		{"a PNG that ends after its header", header(4096, 3000), ErrFormat},
		{"a PNG without pixels", header(0, 10), ErrFormat},
		{"a JPEG of 65535 pixels a side", huge, ErrTooLarge},
		{"too many bytes", make([]byte, MaxBytes+1), ErrTooLarge},
		{"a white picture", asPNG(t, image.NewGray(image.Rect(0, 0, 300, 300))), ErrNoQR},
		{"one pixel", asPNG(t, image.NewGray(image.Rect(0, 0, 1, 1))), ErrNoQR},
		{"a line", asPNG(t, image.NewGray(image.Rect(0, 0, 3000, 1))), ErrNoQR},
	} {
		if text, err := ReadQR(c.picture); !errors.Is(err, c.err) {
			t.Errorf("%s: %q, %v, want %v", c.what, text, err, c.err)
		}
	}
}

// A code whose middle is covered so far that nothing can be read is none, and not another
// text.
func TestReadNeverGuesses(t *testing.T) {
	g := drawn(t, card, L, 400)
	for y := 150; y < 330; y++ {
		for x := 80; x < 330; x++ {
			g.SetGray(x, y, color.Gray{Y: byte(255 * (x / 5 % 2))})
		}
	}
	if text, err := ReadQR(asPNG(t, g)); !errors.Is(err, ErrNoQR) {
		t.Errorf("read %q, %v", text, err)
	}
}

// Pictures full of what looks like corners take a bounded number of looks.
func TestReadIsBounded(t *testing.T) {
	corner := drawn(t, "x", H, 29*4)
	img := image.NewGray(image.Rect(0, 0, 1200, 1200))
	for i := range img.Pix {
		x, y := i%1200, i/1200
		img.Pix[i] = corner.Pix[(y%40+14)*corner.Stride+x%40+14]
	}
	b, fits := grayOf(img).binary(hybrid, false), 5
	if text, err := b.read(&fits); !errors.Is(err, ErrNoQR) || fits != 0 {
		t.Errorf("read %q, %v; %d looks were left", text, err, fits)
	}
	if text, err := b.read(&fits); !errors.Is(err, ErrNoQR) || fits != 0 {
		t.Errorf("read %q, %v; %d looks were left", text, err, fits)
	}
}

// A terminal's blocks, taken for what they look like, are a code that can be read.
func TestTerminalIsReadable(t *testing.T) {
	for _, dark := range []bool{false, true} {
		lines := strings.Split(strings.TrimSuffix(encoded(t, card, L).Terminal(dark), "\n"), "\n")
		width := len([]rune(lines[0]))
		if width > 80 {
			t.Errorf("a card takes %d columns", width)
		}
		const scale = 4
		ground, ink := byte(0), byte(255)
		if dark {
			ground, ink = 255, 0
		}
		img := image.NewGray(image.Rect(0, 0, (width+8)*scale, (2*len(lines)+8)*scale))
		for i := range img.Pix {
			img.Pix[i] = ground
		}
		for y, line := range lines {
			runes := []rune(line)
			if len(runes) != width {
				t.Fatalf("line %d has %d columns, not %d", y, len(runes), width)
			}
			for x, r := range runes {
				for half, set := range []bool{strings.ContainsRune("▀█", r), strings.ContainsRune("▄█", r)} {
					for k := 0; set && k < scale*scale; k++ {
						img.SetGray((x+4)*scale+k%scale, (2*y+half+4)*scale+k/scale, color.Gray{Y: ink})
					}
				}
			}
		}
		reads(t, fmt.Sprint("drawn dark ", dark), asPNG(t, img), card)
	}
}

// The drawing has the rows of the code.
func TestSVG(t *testing.T) {
	c := encoded(t, card, L)
	svg := c.SVG()
	got := make([]bool, len(c.dark))
	_, path, _ := strings.Cut(svg, ` d="M`)
	_, path, _ = strings.Cut(path, ` d="`)
	path, _, _ = strings.Cut(path, `"`)
	for _, part := range strings.Split(path, "M")[1:] {
		var x, y, w, back int
		if n, err := fmt.Sscanf(part, "%d %dh%dv1h-%dz", &x, &y, &w, &back); n != 4 || err != nil || w != back {
			t.Fatalf("part %q: %v", part, err)
		}
		for i := range w {
			got[(y-border)*c.Size+x-border+i] = true
		}
	}
	for i := range got {
		if got[i] != c.dark[i] {
			t.Fatalf("module %d is dark: %v", i, got[i])
		}
	}
	if !strings.HasPrefix(svg, "<svg ") || !strings.HasSuffix(svg, "</svg>") {
		t.Error(svg[:40])
	}
}

// FuzzReadQR: no bytes make the reader panic, and what it reads can be drawn and read again.
func FuzzReadQR(f *testing.F) {
	f.Add(asPNG(f, drawn(f, "HELLO", M, 60)))
	f.Add(asJPEG(f, drawn(f, "grüße", M, 90), 60))
	f.Add(header(10, 10))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if pixels(raw) > 40000 {
			return // large pictures only make it slow
		}
		_, _ = ReadQR(raw)
	})
}

// FuzzContent: no codewords make the reader of segments panic.
func FuzzContent(f *testing.F) {
	f.Add([]byte{0x40, 0x14, 0x10}, byte(1))
	f.Add([]byte{0x10, 0x0c, 0xff}, byte(30))
	f.Add([]byte{0x71, 0xa4, 0x01, 0x41}, byte(12))
	f.Fuzz(func(_ *testing.T, data []byte, version byte) {
		_, _ = content(data, 1+coding.Version(version%40))
	})
}
