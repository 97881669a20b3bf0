//go:build unix

package port

import (
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// errnoName is the symbol of an errno, or its number where it has none.
func errnoName(errno syscall.Errno) string {
	if name := unix.ErrnoName(errno); name != "" {
		return name
	}
	return strconv.Itoa(int(errno))
}
