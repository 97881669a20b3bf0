package picture

import (
	"cmp"
	"math"
	"slices"
)

const (
	// maxCorners bounds the corners that are combined: a real one is crossed by many lines
	// and comes first.
	maxCorners = 16
	// maxThrees bounds the combinations that are looked at.
	maxThrees = 10
)

// point is a place in a picture, in pixels.
type point struct{ x, y float64 }

func (p point) minus(q point) point      { return point{p.x - q.x, p.y - q.y} }
func (p point) plus(q point) point       { return point{p.x + q.x, p.y + q.y} }
func (p point) times(f float64) point    { return point{p.x * f, p.y * f} }
func (p point) distance(q point) float64 { return math.Hypot(p.x-q.x, p.y-q.y) }

// square is a place that looks like the square in a corner of a code.
type square struct {
	centre point
	module float64 // pixels a module, along a row
	lines  float64 // how many rows have shown it
}

// three are the corners of a code, by their centres.
type three struct{ topLeft, topRight, bottomLeft point }

// corners finds the squares, the most certain first: a row through the middle of one
// has dark, light, dark, light and dark pixels as 1:1:3:1:1, and so has a column, at any
// angle.
func (b bitmap) corners() []square {
	var found []square
	for y := range b.h {
		var runs [5]int
		colour := false // runs begin and end with dark
		for x := 0; x <= b.w; x++ {
			if dark := b.at(x, y); dark == colour {
				runs[4]++
				continue
			}
			if colour && proportioned(runs) {
				end := float64(x)
				centre := end - float64(runs[4]+runs[3]) - float64(runs[2])/2
				found = b.note(found, int(centre), y, runs[0]+runs[1]+runs[2]+runs[3]+runs[4])
			}
			copy(runs[:], runs[1:])
			runs[4] = 1
			colour = !colour
		}
	}
	slices.SortStableFunc(found, func(p, q square) int { return cmp.Compare(q.lines, p.lines) })
	return found[:min(len(found), maxCorners)]
}

// proportioned reports whether runs are about as 1:1:3:1:1.
func proportioned(runs [5]int) bool {
	sum := 0
	for _, r := range runs {
		if r == 0 {
			return false
		}
		sum += r
	}
	if sum < 7 {
		return false
	}
	module := float64(sum) / 7
	most := 0.5*module + 0.35
	for i, r := range runs {
		want := module
		if i == 2 {
			want = 3 * module
		}
		if math.Abs(float64(r)-want) > most*want/module {
			return false
		}
	}
	return true
}

// maxStretch bounds how far the runs through a square are followed, as a multiple of their
// length in the row: a square is at most twice as high as wide. Without it a picture of lines
// would cost its height for each of them in each row.
const maxStretch = 4

// note adds the square around a dark pixel if the column and the row through its middle
// look right, or adds to one that is known. seen is how long the row's runs are together.
func (b bitmap) note(found []square, x, y, seen int) []square {
	middleY, height, ok := b.across(x, y, 0, 1, maxStretch*seen)
	if !ok {
		return found
	}
	y = int(middleY)
	middleX, width, ok := b.across(x, y, 1, 0, maxStretch*seen)
	if !ok || width > 2*height || height > 2*width {
		return found
	}
	s := square{point{middleX, middleY}, (width + height) / 14, 1}
	for i, known := range found {
		if known.centre.distance(s.centre) < 2*s.module && known.module < 2*s.module && s.module < 2*known.module {
			n := known.lines
			found[i] = square{
				known.centre.times(n).plus(s.centre).times(1 / (n + 1)), (known.module*n + s.module) / (n + 1), n + 1,
			}
			return found
		}
	}
	if len(found) >= 64*maxCorners { // a picture of noise
		return found
	}
	return append(found, s)
}

// across measures the five runs through a dark pixel in a direction: where their middle is
// and how long they are together. It looks most pixels far each way.
func (b bitmap) across(x, y, dx, dy, most int) (middle, sum float64, ok bool) {
	var runs [5]int
	walk := func(sign int) (end int) {
		i := sign
		for part := 0; part < 3; part++ {
			begin := i
			for b.at(x+i*dx, y+i*dy) == (part != 1) && max(i, -i) < most {
				i += sign
				if px, py := x+i*dx, y+i*dy; px < 0 || py < 0 || px >= b.w || py >= b.h {
					break
				}
			}
			runs[2+sign*part] += (i - begin) * sign
		}
		return i
	}
	if !b.at(x, y) {
		return 0, 0, false
	}
	runs[2] = 1
	after, before := walk(1), walk(-1)
	if !proportioned(runs) {
		return 0, 0, false
	}
	begin := float64(x*dx + y*dy + before + 1)
	middle = begin + float64(runs[0]+runs[1]) + float64(runs[2])/2
	return middle, float64(after - before - 1), true
}

// threes combines squares to the corners of codes, the likeliest first: of one size, with
// a right angle between sides of one length.
func threes(found []square) []three {
	type candidate struct {
		three
		fault float64
	}
	var all []candidate
	for i, p := range found {
		for j, q := range found[:i] {
			for _, r := range found[:j] {
				small, large := min(p.module, q.module, r.module), max(p.module, q.module, r.module)
				if large > 1.8*small {
					continue
				}
				t, fault := arrange(p.centre, q.centre, r.centre)
				// The centres are 14 modules apart in the smallest code, 170 in the largest.
				if side := t.topLeft.distance(t.topRight) / large; fault < 1 && side > 8 && side < 260 {
					all = append(all, candidate{t, fault + (large-small)/large/2})
				}
			}
		}
	}
	slices.SortStableFunc(all, func(p, q candidate) int { return cmp.Compare(p.fault, q.fault) })
	var list []three
	for _, c := range all[:min(len(all), maxThrees)] {
		list = append(list, c.three)
	}
	return list
}

// arrange tells which of three centres is the one between the others, and in which order
// these are if the picture is not mirrored; fault is how far they are from half a square.
func arrange(p, q, r point) (t three, fault float64) {
	switch pq, pr, qr := p.distance(q), p.distance(r), q.distance(r); {
	case qr >= pq && qr >= pr:
		t = three{p, q, r}
	case pr >= pq && pr >= qr:
		t = three{q, p, r}
	default:
		t = three{r, p, q}
	}
	right, down := t.topRight.minus(t.topLeft), t.bottomLeft.minus(t.topLeft)
	if right.x*down.y-right.y*down.x < 0 {
		t.topRight, t.bottomLeft = t.bottomLeft, t.topRight
	}
	a, b, c := t.topLeft.distance(t.topRight), t.topLeft.distance(t.bottomLeft), t.topRight.distance(t.bottomLeft)
	return t, math.Abs(a-b)/max(a, b, 1) + math.Abs(c*c-a*a-b*b)/max(c*c, 1)
}
