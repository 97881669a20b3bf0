//go:build unix

// Package cputime measures what this process has cost, for tests and benchmarks.
package cputime

import (
	"syscall"
	"time"
)

// Used is the user and system time of this process.
func Used() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // cannot fail for the process itself
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
