//go:build !unix || solaris || aix

package store

import "io"

// mapFile maps nothing here: the file is read.
func mapFile(io.ReaderAt, int64) (mapped []byte, unmap func()) { return nil, func() {} }
