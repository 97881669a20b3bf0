package picture

import (
	"rsc.io/qr/coding"
)

// Level is the level of error correction of a QR code: about 7, 15, 25 or 30 percent of it
// may be covered or dirty.
type Level int

// The levels, as ISO/IEC 18004 names them.
const (
	L Level = Level(coding.L)
	M Level = Level(coding.M)
	Q Level = Level(coding.Q)
	H Level = Level(coding.H)
)

func (l Level) String() string { return coding.Level(l).String() }

// Code is a QR code: a square of modules, each dark or light, without the light border that
// a picture of it has to have.
type Code struct {
	Size    int // modules a side
	Version int // 1 to 40
	Level   Level
	dark    []bool // row by row
}

// Dark reports whether a module is dark; what is outside of the code is light.
func (c Code) Dark(x, y int) bool {
	return x >= 0 && y >= 0 && x < c.Size && y < c.Size && c.dark[y*c.Size+x]
}

// Encode makes the smallest QR code that holds text with at least the correction of
// level, and with more where that costs no space. Digits take the least space; then
// upper-case letters, digits and " $%*+-./:"; all else is written as UTF-8. Error: ErrText.
func Encode(text string, level Level) (Code, error) {
	if level < L || level > H {
		return Code{}, fail(ErrText, "level %d is not known", int(level))
	}
	if text == "" || len(text) > MaxText {
		return Code{}, fail(ErrText, "it must have 1 to %d bytes, and has %d", MaxText, len(text))
	}
	content := encoding(text)
	version, ok := smallest(content, coding.Level(level))
	if !ok {
		return Code{}, fail(ErrText, "it is too long for level %s", level)
	}
	for level < H && content.Bits(version) <= 8*version.DataBytes(coding.Level(level+1)) {
		level++
	}
	return best(content, version, coding.Level(level))
}

// encoding is the way to write a text that takes the fewest bits.
func encoding(text string) coding.Encoding {
	if coding.Num(text).Check() == nil {
		return coding.Num(text)
	}
	if coding.Alpha(text).Check() == nil {
		return coding.Alpha(text)
	}
	return coding.String(text)
}

func smallest(content coding.Encoding, level coding.Level) (coding.Version, bool) {
	for v := coding.Version(coding.MinVersion); v <= coding.MaxVersion; v++ {
		if content.Bits(v) <= 8*v.DataBytes(level) {
			return v, true
		}
	}
	return 0, false
}

// best is the code with the mask that is the easiest to read.
//
// Spec: ISO/IEC 18004, "Data masking": the mask with the least penalty.
func best(content coding.Encoding, version coding.Version, level coding.Level) (Code, error) {
	var found Code
	least := -1
	for mask := range coding.Mask(masks) {
		plan, err := coding.NewPlan(version, level, mask)
		if err != nil {
			return Code{}, fail(ErrText, "%v", err)
		}
		drawn, err := plan.Encode(content)
		if err != nil {
			return Code{}, fail(ErrText, "%v", err)
		}
		c := Code{Size: drawn.Size, Version: int(version), Level: Level(level), dark: make([]bool, drawn.Size*drawn.Size)}
		for i := range c.dark {
			c.dark[i] = drawn.Black(i%c.Size, i/c.Size)
		}
		if p := c.penalty(); least < 0 || p < least {
			found, least = c, p
		}
	}
	return found, nil
}

// masks is the number of masks.
const masks = 8

// penalty rates how hard a code is to read. It counts long runs of one colour, squares of one
// colour, patterns that look like a corner, and more of one colour than of the other.
//
// Spec: ISO/IEC 18004, "Evaluation of data masking results".
func (c Code) penalty() int {
	sum, dark := 0, 0
	for i := range c.Size {
		sum += linePenalty(c.Size, func(j int) bool { return c.Dark(j, i) })
		sum += linePenalty(c.Size, func(j int) bool { return c.Dark(i, j) })
	}
	for y := range c.Size {
		for x := range c.Size {
			d := c.Dark(x, y)
			if d {
				dark++
			}
			if x+1 < c.Size && y+1 < c.Size && d == c.Dark(x+1, y) && d == c.Dark(x, y+1) && d == c.Dark(x+1, y+1) {
				sum += 3
			}
		}
	}
	off := dark*100/(c.Size*c.Size) - 50
	return sum + max(off, -off)/5*10
}

// corner is the pattern of a line that crosses a corner's square, with the light border on
// one side; from the other side it is the same backwards.
var corner = [11]bool{true, false, true, true, true, false, true}

// linePenalty is the share of a row or column in the penalty.
func linePenalty(n int, dark func(int) bool) (sum int) {
	run := 0
	for i := range n {
		if i > 0 && dark(i) == dark(i-1) {
			run++
		} else {
			run = 1
		}
		if run == 5 {
			sum += 3
		} else if run > 5 {
			sum++
		}
		if i+len(corner) > n {
			continue
		}
		forwards, backwards := true, true
		for k, d := range corner {
			forwards = forwards && dark(i+k) == d
			backwards = backwards && dark(i+len(corner)-1-k) == d
		}
		if forwards || backwards {
			sum += 40
		}
	}
	return sum
}
