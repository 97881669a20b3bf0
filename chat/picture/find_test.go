package picture

import "testing"

// TestAcross: the runs through a pixel are looked at only as far as a square can reach. So a small
// picture of lines, each as long as the picture, does not take many seconds.
func TestAcross(t *testing.T) {
	const unit, side = 10, 7 * 10
	b := bitmap{w: 1, h: 3 * side, dark: make([]bool, 3*side)}
	for i, dark := range []bool{true, false, true, true, true, false, true} {
		for y := range unit {
			b.dark[side+i*unit+y] = dark
		}
	}
	middle, sum, ok := b.across(0, side+side/2, 0, 1, side)
	if !ok || sum != side || middle != side+side/2 {
		t.Errorf("a square is at %v, %v long, %v", middle, sum, ok)
	}
	if _, _, ok := b.across(0, side+side/2, 0, 1, unit); ok {
		t.Error("more was looked at than the most")
	}
}
