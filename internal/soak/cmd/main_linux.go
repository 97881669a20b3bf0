package main

import (
	"flag"
	"fmt"
	"os"
	"time"

	"libstatus1to1/internal/soak"
)

// What a whole run has; a shorter one has its share of messages and kills.
const (
	whole    = 10 * time.Minute
	messages = 10_000
	kills    = 200
)

func main() {
	soak.Child()
	length := flag.Duration("for", whole, "how long it takes")
	seed := flag.Uint64("seed", uint64(time.Now().UnixNano()), "of the plan of faults")
	light := flag.Bool("light", true, "half of the lives of clients are in light mode")
	resend := flag.Duration("resend", 27*time.Second, "the engines' resend_base_ms")
	out := flag.String("out", "", "write the report as JSON to this file")
	flag.Parse()
	share := float64(*length) / float64(whole)
	fmt.Printf("soak: %s, seed %d\n", *length, *seed)
	report, err := soak.Run(soak.Options{
		Duration: *length, Seed: *seed, Light: *light, Resend: *resend, Log: os.Stdout,
		Messages: int(share * messages), Kills: int(share * kills),
	})
	if report != nil {
		report.Print(os.Stdout)
		if *out != "" {
			if err := report.Save(*out); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	if err != nil || !report.OK {
		os.Exit(1)
	}
}
