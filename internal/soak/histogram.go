package soak

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// bounds are the upper ends of a histogram's columns; the last column has none.
var bounds = []time.Duration{
	10 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond,
	time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 30 * time.Second, time.Minute,
}

// Column is how many messages took no longer than a time, and longer than the column before.
type Column struct {
	UpTo     string `json:"up_to"` // "" for the last, which has no end
	Messages int    `json:"messages"`
}

// Times describes how long messages took.
type Times struct {
	Columns   []Column `json:"columns"`
	P50MS     float64  `json:"p50_ms"`
	P99MS     float64  `json:"p99_ms"`
	P9999MS   float64  `json:"p9999_ms"`
	MaximumMS float64  `json:"max_ms"`
	// Within30s is the share that took at most 30 s.
	Within30s float64 `json:"within_30s"`
}

// describe computes Times.
func describe(all []time.Duration) Times {
	all = slices.Clone(all)
	slices.Sort(all)
	t := Times{Columns: make([]Column, len(bounds)+1), Within30s: 1}
	for i, b := range bounds {
		t.Columns[i].UpTo = b.String()
	}
	within := 0
	for _, d := range all {
		i, _ := slices.BinarySearch(bounds, d)
		t.Columns[i].Messages++
		if d <= 30*time.Second {
			within++
		}
	}
	if len(all) == 0 {
		return t
	}
	t.P50MS, t.P99MS, t.P9999MS, t.MaximumMS = ms(quantile(all, 0.5)), ms(quantile(all, 0.99)), ms(quantile(all, 0.9999)), ms(all[len(all)-1])
	t.Within30s = float64(within) / float64(len(all))
	return t
}

// quantile returns the smallest time that a share of sorted times do not exceed.
func quantile(sorted []time.Duration, share float64) time.Duration {
	i := int(share * float64(len(sorted)))
	if float64(i) == share*float64(len(sorted)) {
		i--
	}
	return sorted[min(max(i, 0), len(sorted)-1)]
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// barWidth is how many characters the longest column has.
const barWidth = 50

// print draws the columns.
func (t Times) print(w io.Writer, title string) {
	fmt.Fprintf(w, "%s: 50 %% within %.0f ms, 99 %% within %.0f ms, 99.99 %% within %.0f ms, all within %.0f ms; %.4f %% within 30 s\n",
		title, t.P50MS, t.P99MS, t.P9999MS, t.MaximumMS, 100*t.Within30s)
	most := 1
	for _, c := range t.Columns {
		most = max(most, c.Messages)
	}
	for _, c := range t.Columns {
		label := "<= " + c.UpTo
		if c.UpTo == "" {
			label = "more"
		}
		fmt.Fprintf(w, "  %10s %6d %s\n", label, c.Messages, strings.Repeat("#", (c.Messages*barWidth+most-1)/most))
	}
}
