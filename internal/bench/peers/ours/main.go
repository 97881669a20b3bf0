//go:build peers

// Command ours measures what messages of this library take, for `make bench-peers`: in the protocol
// packages alone, and through two engines. It prints its figures as JSON: main.go DIRECTORY, where the
// stores on disk go. internal/bench/peers/README.md says what each figure is.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// sizes are the bytes of a text that are measured, in all programs the same: a line and a page.
var sizes = []int{100, 1024}

// figure is how long a message takes, as each program of the comparison tells it.
type figure struct {
	Subject string  `json:"subject"`
	Name    string  `json:"figure"`
	Size    int     `json:"size"`
	Samples int     `json:"samples"`
	Median  float64 `json:"median_ns"`
	P90     float64 `json:"p90_ns"`
	P99     float64 `json:"p99_ns"`
}

// of makes a figure of what runs of each messages took.
func of(subject, name string, size, each int, took []time.Duration) figure {
	slices.Sort(took)
	at := func(percent int) float64 { return float64(took[len(took)*percent/100]) / float64(each) }
	return figure{Subject: subject, Name: name, Size: size, Samples: len(took), Median: at(50), P90: at(90), P99: at(99)}
}

// must ends the program on an error: half a comparison is none.
func must[T any](v T, err error) T {
	if err != nil {
		fmt.Fprintln(os.Stderr, "ours:", err)
		os.Exit(1)
	}
	return v
}

// done is must for what returns only an error.
func done(err error) { must(struct{}{}, err) }

func textOf(size int) string { return strings.Repeat("m", size) }

func main() {
	if len(os.Args) != 2 {
		done(fmt.Errorf("usage: ours DIRECTORY"))
	}
	figures := sessions()
	figures = append(figures, layers()...)
	figures = append(figures, syncs(os.Args[1])...)
	figures = append(figures, engines(os.Args[1])...)
	done(json.NewEncoder(os.Stdout).Encode(figures))
}
