//go:build unix && !solaris && !aix

package store

import (
	"io"
	"os"
	"syscall"
)

// mapFile maps a file for reading, which saves copying all of it. It returns nil if f
// is not a regular file or cannot be mapped; the caller then reads it.
func mapFile(f io.ReaderAt, size int64) (mapped []byte, unmap func()) {
	file, ok := f.(*os.File)
	if !ok || int64(int(size)) != size {
		return nil, func() {}
	}
	mapped, err := syscall.Mmap(int(file.Fd()), 0, int(size), syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		return nil, func() {}
	}
	return mapped, func() { _ = syscall.Munmap(mapped) }
}

// mapSize is the address space that bbolt maps of a large file: what may be added while the
// walk runs, too, for bbolt cannot map more of it before the walk has ended.
func mapSize(size int64) int { return int(size + earlyBytes + maxBatchBytes) }
