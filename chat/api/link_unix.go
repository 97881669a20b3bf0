//go:build unix

package api

import "syscall"

// warily makes opening a file follow no symbolic link and wait for no reader of a named
// pipe.
const warily = syscall.O_NONBLOCK | syscall.O_NOFOLLOW
