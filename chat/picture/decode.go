package picture

import (
	"math/bits"
	"strings"
	"unicode/utf8"

	"github.com/makiuchi-d/gozxing/common/reedsolomon"
	"rsc.io/qr/coding"
)

// decode is the text of a code by its modules. Errors: ErrNoQR, ErrContent.
func decode(modules [][]bool) (string, error) {
	level, mask, ok := format(modules)
	if !ok {
		return "", ErrNoQR
	}
	version := coding.Version((len(modules) - 17) / 4)
	plan, err := coding.NewPlan(version, level, mask)
	if err != nil {
		return "", ErrNoQR
	}
	data, ok := corrected(codewords(modules, plan), plan)
	if !ok {
		return "", ErrNoQR
	}
	return content(data, version)
}

// transpose makes rows of the columns.
func transpose(modules [][]bool) {
	for y, row := range modules {
		for x := range y {
			row[x], modules[x][y] = modules[x][y], row[x]
		}
	}
}

const (
	formatBits = 15
	// maxFormatFaults is how many bits of one copy of the format may be wrong: the 32
	// formats differ in seven or more.
	maxFormatFaults = 3
)

// format reads the level and the mask, which stand beside the corners twice.
//
// Spec: ISO/IEC 18004, "Format information".
func format(modules [][]bool) (level coding.Level, mask coding.Mask, ok bool) {
	n := len(modules)
	var first, second uint32
	for i := range formatBits {
		x, y := 8, i
		switch {
		case i >= 9:
			x, y = 14-i, 8
		case i == 8:
			x, y = 7, 8
		case i >= 6:
			y = i + 1
		}
		first |= bit(modules[y][x]) << i
		if x, y = n-1-i, 8; i >= 8 {
			x, y = 8, n-formatBits+i
		}
		second |= bit(modules[y][x]) << i
	}
	fewest := maxFormatFaults + 1
	for f := range uint32(32) {
		word := formatWord(f)
		if faults := min(bits.OnesCount32(word^first), bits.OnesCount32(word^second)); faults < fewest {
			fewest, level, mask = faults, coding.Level(f>>3^1), coding.Mask(f&7)
		}
	}
	return level, mask, fewest <= maxFormatFaults
}

// formatWord is a format of five bits with its BCH code, as it stands in a code.
func formatWord(f uint32) uint32 {
	rest := f << 10
	for i := formatBits - 1; i >= 10; i-- {
		if rest>>i&1 == 1 {
			rest ^= 0x537 << (i - 10)
		}
	}
	return (f<<10 | rest) ^ 0x5412
}

func bit(set bool) uint32 {
	if set {
		return 1
	}
	return 0
}

// codewords takes the mask off and puts the bits in order: all data, then the check bytes
// of all blocks.
func codewords(modules [][]bool, plan *coding.Plan) []byte {
	words := make([]byte, plan.DataBytes+plan.CheckBytes)
	for y, row := range plan.Pixel {
		for x, p := range row {
			if r := p.Role(); r != coding.Data && r != coding.Check {
				continue
			}
			if modules[y][x] != (p&coding.Invert != 0) {
				words[p.Offset()/8] |= 0x80 >> (p.Offset() % 8)
			}
		}
	}
	return words
}

// corrected is the data, with what was misread put right; false if that is too much.
//
// Spec: ISO/IEC 18004, "Error correction".
func corrected(words []byte, plan *coding.Plan) ([]byte, bool) {
	decoder := reedsolomon.NewReedSolomonDecoder(reedsolomon.GenericGF_QR_CODE_FIELD_256)
	data, check := words[:plan.DataBytes], words[plan.DataBytes:]
	per, extra, checks := plan.DataBytes/plan.Blocks, plan.DataBytes%plan.Blocks, plan.CheckBytes/plan.Blocks
	for i, at := 0, 0; i < plan.Blocks; i++ {
		size := per
		if i >= plan.Blocks-extra { // the last blocks are a byte longer
			size++
		}
		block := make([]int, 0, size+checks)
		for _, w := range data[at : at+size] {
			block = append(block, int(w))
		}
		for _, w := range check[i*checks : (i+1)*checks] {
			block = append(block, int(w))
		}
		if err := decoder.Decode(block, checks); err != nil {
			return nil, false
		}
		for j := range size {
			data[at+j] = byte(block[j])
		}
		at += size
	}
	return data, true
}

// The kinds of segments that hold text.
//
// Spec: ISO/IEC 18004, "Mode indicators".
const (
	modeEnd, modeDigits, modeAlphanumeric, modeAppend, modeBytes, modeECI, modeKanji = 0, 1, 2, 3, 4, 7, 8
)

// lengthBits holds the number of bits of the length of a segment, for versions 1 to 9, to 26
// and to 40.
var lengthBits = map[int][3]int{modeDigits: {10, 12, 14}, modeAlphanumeric: {9, 11, 13}, modeBytes: {8, 16, 16}}

// alphanumeric are the characters of such a segment.
const alphanumeric = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"

// content reads the segments of a code. Error: ErrContent.
func content(data []byte, version coding.Version) (string, error) {
	class := 0
	if version > 26 {
		class = 2
	} else if version > 9 {
		class = 1
	}
	r := bitReader{data: data}
	latin := false // the ECI in force says so
	var text strings.Builder
	for r.left() >= 4 {
		mode := r.take(4)
		switch mode {
		case modeEnd:
			return text.String(), nil
		case modeECI:
			set, ok := r.eci()
			if !ok {
				return "", fail(ErrContent, "its character set %d is none that is known here", set)
			}
			latin = set == eciLatin1
			continue
		case modeAppend:
			return "", fail(ErrContent, "it is one of several codes that belong together")
		case modeKanji:
			return "", fail(ErrContent, "it is in Shift JIS")
		}
		sizes, ok := lengthBits[mode]
		if !ok {
			return "", fail(ErrContent, "it has a segment of mode %d", mode)
		}
		length := r.take(sizes[class])
		if !r.segment(&text, mode, length, latin) {
			return "", fail(ErrContent, "a segment is cut or wrong")
		}
	}
	return text.String(), nil
}

// segment adds the characters of a segment to text.
func (r *bitReader) segment(text *strings.Builder, mode, length int, latin bool) bool {
	switch mode {
	case modeDigits:
		for ; length > 0; length -= 3 {
			digits := min(length, 3)
			number := r.take([]int{0, 4, 7, 10}[digits])
			for limit := []int{0, 10, 100, 1000}[digits]; limit > 1; limit /= 10 {
				if number >= limit {
					return false
				}
				text.WriteByte(byte('0' + number/(limit/10)))
				number %= limit / 10
			}
		}
	case modeAlphanumeric:
		const base = len(alphanumeric)
		for ; length > 1; length -= 2 {
			pair := r.take(11)
			if pair >= base*base {
				return false
			}
			text.WriteByte(alphanumeric[pair/base])
			text.WriteByte(alphanumeric[pair%base])
		}
		if length == 1 {
			single := r.take(6)
			if single >= base {
				return false
			}
			text.WriteByte(alphanumeric[single])
		}
	default:
		if 8*length > r.left() {
			return false
		}
		raw := make([]byte, length)
		for i := range raw {
			raw[i] = byte(r.take(8))
		}
		if latin || !utf8.Valid(raw) { // what does not say what it is means Latin-1 by the standard, and UTF-8 in practice
			for _, c := range raw {
				text.WriteRune(rune(c))
			}
		} else {
			text.Write(raw)
		}
	}
	return !r.over
}

// Character sets by their ECI numbers.
const (
	eciLatin1, eciUTF8, eciASCII = 3, 26, 27
)

// eci reads the number of a character set; false if it is none that is known here.
//
// Spec: ISO/IEC 18004, "Extended Channel Interpretation".
func (r *bitReader) eci() (set int, known bool) {
	switch first := r.take(8); {
	case first < 0x80:
		set = first
	case first < 0xc0:
		set = first&0x3f<<8 | r.take(8)
	default:
		set = first&0x1f<<16 | r.take(16)
	}
	if set == 1 { // an older number
		set = eciLatin1
	}
	return set, set == eciLatin1 || set == eciUTF8 || set == eciASCII
}

// bitReader reads numbers of some bits, the highest bit first.
type bitReader struct {
	data []byte
	at   int
	over bool // more was read than there is
}

func (r *bitReader) left() int { return 8*len(r.data) - r.at }

// take reads a number; past the end it reads zeros.
func (r *bitReader) take(n int) (number int) {
	for range n {
		number <<= 1
		if r.left() <= 0 {
			r.over = true
			continue
		}
		number |= int(r.data[r.at/8]>>(7-r.at%8)) & 1
		r.at++
	}
	return number
}
