// Package noisepeer decides, for one identity we talk with over Noise, which handshake is run
// with each of its devices and which session carries a message: 37/WAKU2-NOISE-SESSIONS over
// the handshakes of 35/WAKU2-NOISE.
//
// A Peer is a value. Its methods return the next value and leave the old one as it was, so
// that nothing is changed by what does not authenticate: the caller commits the next value,
// or drops it. Store the next value before anything that came with it is published.
//
//	peer.go       a Peer, and the devices that it knows
//	knowledge.go  certificates and shared secrets
//	begin.go      handshakes of ours: what they are based on, and their first message
//	receive.go    what comes of a frame from the other side
//	frame.go      the bytes of handshake messages
//	link.go       one session, and which of several is used
//	messages.go   payloads in sessions: sealed, opened, ended
//	handover.go   sessions that go to another device of ours
//	tick.go       what is due by the clock
//	record.go     the form in the store
//	limits.go     all limits, with their reasons
package noisepeer
