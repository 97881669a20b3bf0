package picture

import (
	"math"

	"rsc.io/qr/coding"
)

// A code has n = 17 + 4*version modules a side. Places on its grid are in modules: the middle
// of the module in column x and row y is at x+0.5, y+0.5.

// grid is where the places of a grid are in a picture: a perspective.
type grid struct {
	from, to [4]point // four places on the grid, and in the picture
	h        [8]float64
}

func newGrid(from, to [4]point) (grid, bool) {
	g := grid{from: from, to: to}
	// Each pair gives two equations for the eight numbers of the perspective.
	var m [8][9]float64
	for i := range from {
		x, y, u, v := from[i].x, from[i].y, to[i].x, to[i].y
		m[2*i] = [9]float64{x, y, 1, 0, 0, 0, -u * x, -u * y, u}
		m[2*i+1] = [9]float64{0, 0, 0, x, y, 1, -v * x, -v * y, v}
	}
	for i := range m {
		pivot := i
		for j := i; j < len(m); j++ {
			if math.Abs(m[j][i]) > math.Abs(m[pivot][i]) {
				pivot = j
			}
		}
		if m[i], m[pivot] = m[pivot], m[i]; math.Abs(m[i][i]) < 1e-9 {
			return g, false
		}
		for j := range m {
			if f := m[j][i] / m[i][i]; j != i {
				for k := i; k < 9; k++ {
					m[j][k] -= f * m[i][k]
				}
			}
		}
	}
	for i := range m {
		g.h[i] = m[i][8] / m[i][i]
	}
	return g, true
}

// place is where a place on the grid is in the picture.
func (g grid) place(x, y float64) point {
	w := g.h[6]*x + g.h[7]*y + 1
	return point{(g.h[0]*x + g.h[1]*y + g.h[2]) / w, (g.h[3]*x + g.h[4]*y + g.h[5]) / w}
}

// darkAt reports whether the picture is dark at a place; far outside it is light.
func (b bitmap) darkAt(p point) bool {
	if !(p.x >= 0 && p.y >= 0 && p.x < float64(b.w) && p.y < float64(b.h)) { // also NaN
		return false
	}
	return b.at(int(p.x), int(p.y))
}

// sizes are how many modules the side of a code may have by the size of its modules, the
// likeliest first.
func (b bitmap) sizes(t three) (list []int) {
	module := b.module(t)
	if module == 0 {
		return nil
	}
	guess := ((t.topLeft.distance(t.topRight)+t.topLeft.distance(t.bottomLeft))/2/module + 7 - 17) / 4
	version := int(math.Round(guess))
	other := version + 1 // the one on the other side of the guess
	if guess < float64(version) {
		other = version - 1
	}
	for _, v := range []int{version, other, 2*version - other} {
		if v >= coding.MinVersion && v <= coding.MaxVersion {
			list = append(list, 17+4*v)
		}
	}
	return list
}

// module is the size of a module in pixels, measured from the centres along the sides; 0 if
// they are no corners.
func (b bitmap) module(t three) float64 {
	sum, n := 0.0, 0
	for _, pair := range [][2]point{
		{t.topLeft, t.topRight}, {t.topRight, t.topLeft}, {t.topLeft, t.bottomLeft}, {t.bottomLeft, t.topLeft},
	} {
		if d := b.reach(pair[0], pair[1]); d > 0 {
			sum += d / 3.5 // from the centre of a corner to its edge
			n++
		}
	}
	if n == 0 {
		return 0
	}
	return sum / float64(n)
}

// reach returns the distance from a centre to the edge of its square, in the direction of
// another centre; 0 if there is no such edge.
func (b bitmap) reach(from, to point) float64 {
	length := from.distance(to)
	step := to.minus(from).times(1 / max(length, 1))
	dark := [...]bool{true, false, true}
	part := 0
	for d := 0.0; d < length/2; d += 0.5 {
		if b.darkAt(from.plus(step.times(d))) == dark[part] {
			continue
		}
		if part++; part == len(dark) {
			return d
		}
	}
	return 0
}

// fixed is a module whose colour is known before a code is read.
type fixed struct {
	x, y float64
	dark bool
}

// pattern are the known modules of a code: all of them, and some that are not in the
// corners.
func pattern(plan *coding.Plan) (all, some []fixed) {
	for y, row := range plan.Pixel {
		for x, p := range row {
			f := fixed{float64(x) + 0.5, float64(y) + 0.5, p&coding.Black != 0}
			switch p.Role() {
			case coding.Position:
				all = append(all, f)
			case coding.Alignment, coding.Timing, coding.PVersion:
				all, some = append(all, f), append(some, f)
			}
		}
	}
	every := 1 + len(some)/maxSome
	for i := range len(some) / every {
		some[i] = some[i*every]
	}
	return all, some[:len(some)/every]
}

const (
	// maxSome bounds the modules by which the fourth corner is searched for.
	maxSome = 300
	// leastRight is the share of known modules that have their colour in a code: in noise it
	// is half of them.
	leastRight = 0.75
)

// fit lays a grid of n modules a side over the three corners so that as many as possible of
// the known modules have their colour; false if too few have. Where the fourth corner
// is nobody says: it is searched for, and then all four are moved a little.
func (b bitmap) fit(t three, n int) (grid, bool) {
	plan, err := coding.NewPlan(coding.Version((n-17)/4), coding.L, 0)
	if err != nil {
		return grid{}, false
	}
	all, some := pattern(plan)
	side := float64(n)
	opposite := side - 6.5 // the last alignment square
	if n == 21 {
		opposite = side - 3.5
	}
	from := [4]point{{3.5, 3.5}, {side - 3.5, 3.5}, {3.5, side - 3.5}, {opposite, opposite}}
	across, down := t.topRight.minus(t.topLeft), t.bottomLeft.minus(t.topLeft)
	share := (opposite - 3.5) / (side - 7)
	to := [4]point{t.topLeft, t.topRight, t.bottomLeft, t.topLeft.plus(across.plus(down).times(share))}
	module := (math.Hypot(across.x, across.y) + math.Hypot(down.x, down.y)) / 2 / (side - 7)

	f := fitting{b: b, from: from, known: some, right: -1}
	f.try(to)
	f.search(to, max(3, side/8), module)
	f.known, f.right = all, b.right(f.best, all)
	f.settle(module)
	return f.best, float64(f.right) >= leastRight*float64(len(all))
}

// fitting is the search for the grid under which most of the known modules are right.
type fitting struct {
	b     bitmap
	from  [4]point
	known []fixed
	best  grid
	right int
}

// try reports whether a grid is better than the best so far, which it then is.
func (f *fitting) try(to [4]point) bool {
	g, ok := newGrid(f.from, to)
	if !ok {
		return false
	}
	r := f.b.right(g, f.known)
	if r <= f.right {
		return false
	}
	f.best, f.right = g, r
	return true
}

// search tries places for the fourth corner, up to reach modules away.
func (f *fitting) search(to [4]point, reach, module float64) {
	at := to[3]
	for dy := -reach; dy <= reach; dy += 0.75 {
		for dx := -reach; dx <= reach; dx += 0.75 {
			to[3] = at.plus(point{dx, dy}.times(module))
			f.try(to)
		}
	}
}

// settle moves the four corners by parts of a module while that makes it better.
func (f *fitting) settle(module float64) {
	for step := 0.6; step > 0.1; step /= 2 {
		for better, rounds := true, 0; better && rounds < 4; rounds++ {
			better = false
			for i := range 8 {
				for _, d := range []float64{-step * module, step * module} {
					to := f.best.to
					if i%2 == 0 {
						to[i/2].x += d
					} else {
						to[i/2].y += d
					}
					better = f.try(to) || better
				}
			}
		}
	}
}

// right counts the known modules that have their colour.
func (b bitmap) right(g grid, known []fixed) (right int) {
	for _, k := range known {
		if b.darkAt(g.place(k.x, k.y)) == k.dark {
			right++
		}
	}
	return right
}

// modules reads all modules, each by the majority of five places in it.
func (b bitmap) modules(g grid, n int) [][]bool {
	rows := make([][]bool, n)
	for y := range rows {
		rows[y] = make([]bool, n)
		for x := range rows[y] {
			dark := 0
			for _, d := range []point{{0.5, 0.5}, {0.3, 0.5}, {0.7, 0.5}, {0.5, 0.3}, {0.5, 0.7}} {
				if b.darkAt(g.place(float64(x)+d.x, float64(y)+d.y)) {
					dark++
				}
			}
			rows[y][x] = dark > 2
		}
	}
	return rows
}
