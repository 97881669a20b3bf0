//go:build status1to1_asan

package main

// This build tag adds AddressSanitizer to the C side, for tests.

// #cgo CFLAGS: -fsanitize=address -fno-omit-frame-pointer
// #cgo LDFLAGS: -fsanitize=address
import "C"
