// Package cputime measures what this process has cost, for tests and benchmarks.
package cputime

import (
	"time"

	"golang.org/x/sys/windows"
)

// tick is the unit of the times of a process.
const tick = 100 * time.Nanosecond

// Used is the user and system time of this process.
func Used() time.Duration {
	var created, ended, kernel, user windows.Filetime
	_ = windows.GetProcessTimes(windows.CurrentProcess(), &created, &ended, &kernel, &user) // cannot fail for the process itself
	return ticks(kernel) + ticks(user)
}

func ticks(t windows.Filetime) time.Duration {
	return time.Duration(int64(t.HighDateTime)<<32|int64(t.LowDateTime)) * tick
}
