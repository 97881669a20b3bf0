//go:build !unix

package store

// noFollow is not to be had here.
const noFollow = 0
