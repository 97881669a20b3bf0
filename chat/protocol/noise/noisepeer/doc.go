// Package noisepeer decides, for one identity we talk with over Noise, which handshake is run
// with each of its devices and which session carries a message: 37/WAKU2-NOISE-SESSIONS over
// the handshakes of 35/WAKU2-NOISE.
//
// A Peer is a value. Its methods return the next value and leave the old one as it was, so
// that nothing is changed by what does not authenticate: the caller commits the next value,
// or drops it. Store the next value before anything that came with it is published.
package noisepeer
