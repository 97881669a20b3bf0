// Package freeport finds ports for tests that listen on one, stop, and listen on it again.
//
// A port that the system chose (port 0) is also one that it gives to outgoing connections: while
// the test has stopped, a program that runs beside it may get it.
package freeport

import (
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
	"sync/atomic"
)

// Below what systems give to outgoing connections: Linux begins at 32768, others at 49152.
const (
	first = 20_000
	many  = 12_000
)

// Programs that run side by side begin somewhere else; within one, none is given twice.
var given = func() *atomic.Int64 {
	n := new(atomic.Int64)
	n.Store(rand.Int64N(many))
	return n
}()

var errNone = errors.New("freeport: no port is free")

// Take returns a TCP port of 127.0.0.1 that nobody listens on.
func Take() (int, error) {
	for range many {
		port := first + int(given.Add(1)%many)
		l, err := net.Listen("tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			continue
		}
		return port, l.Close()
	}
	return 0, errNone
}
