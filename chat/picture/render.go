package picture

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"strings"
)

const (
	// border is the light border of a code in modules, as ISO/IEC 18004 asks for.
	border = 4
	// terminalBorder is that in a terminal, where a code of version 13 shall fit into 80
	// columns. Readers need no more when the surroundings are quiet.
	terminalBorder = 2
)

// MinSize is the smallest side of a picture of the code in pixels: one a module.
func (c Code) MinSize() int { return c.Size + 2*border }

// PNG is the code as a square picture of size pixels a side. The modules have whole pixels,
// all the same number, and what is left is border. Error: ErrSize.
func (c Code) PNG(size int) ([]byte, error) {
	if size < c.MinSize() || size > MaxSize {
		return nil, fail(ErrSize, "this code needs %d to %d pixels", c.MinSize(), MaxSize)
	}
	scale := size / c.MinSize()
	at := (size - scale*c.Size) / 2
	img := image.NewPaletted(image.Rect(0, 0, size, size), color.Palette{color.White, color.Black})
	for y := range scale * c.Size {
		row := img.Pix[(at+y)*img.Stride+at:]
		for x := range scale * c.Size {
			if c.Dark(x/scale, y/scale) {
				row[x] = 1
			}
		}
	}
	return encodePNG(img)
}

func encodePNG(img image.Image) ([]byte, error) {
	var b bytes.Buffer
	e := png.Encoder{CompressionLevel: png.BestCompression}
	if err := e.Encode(&b, img); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// SVG is the code as a drawing without a size of its own.
func (c Code) SVG() string {
	var b strings.Builder
	side := c.Size + 2*border
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" shape-rendering="crispEdges">`, side, side)
	fmt.Fprintf(&b, `<path fill="#fff" d="M0 0h%dv%dH0z"/><path d="`, side, side)
	for y := range c.Size {
		for x := 0; x < c.Size; x++ {
			begin := x
			for c.Dark(x, y) {
				x++
			}
			if x > begin {
				fmt.Fprintf(&b, "M%d %dh%dv1h-%dz", begin+border, y+border, x-begin, x-begin)
			}
		}
	}
	b.WriteString(`"/></svg>`)
	return b.String()
}

// Terminal is the code as lines of block characters, two modules above each other in one.
// It draws what is light, so that it is right where text is light on a dark ground; with
// dark it draws what is dark, for a light ground.
func (c Code) Terminal(dark bool) string {
	blocks := []string{" ", "▀", "▄", "█"} // by the drawn half: none, upper, lower, both
	drawn := func(x, y int) int {
		// There is no half line: below an odd number of lines the ground stays.
		if y < c.Size+terminalBorder && c.Dark(x, y) == dark {
			return 1
		}
		return 0
	}
	var b strings.Builder
	for y := -terminalBorder; y < c.Size+terminalBorder; y += 2 {
		for x := -terminalBorder; x < c.Size+terminalBorder; x++ {
			b.WriteString(blocks[drawn(x, y)+2*drawn(x, y+1)])
		}
		b.WriteByte('\n')
	}
	return b.String()
}
