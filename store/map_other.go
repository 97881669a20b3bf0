//go:build !unix || solaris || aix

package store

import "io"

// mapFile maps nothing here: the file is read.
func mapFile(io.ReaderAt, int64) (mapped []byte, unmap func()) { return nil, func() {} }

// mapSize is the size of the map that bbolt makes at opening. On Windows a file is as long as its map, so it is not more than
// for a small one; a write that needs more waits for the walk.
func mapSize(int64) int { return initialMap }
