//go:build !unix

package port

import (
	"strconv"
	"syscall"
)

// errnoName is the number of an error of this system, which has no symbols.
func errnoName(errno syscall.Errno) string { return strconv.Itoa(int(errno)) }
