// Package rpc serves the JSON API as JSON-RPC 2.0 over a pair of byte streams: the same
// dispatcher as the C library's, for programs that should not load that library. docs/rpc.md
// is the protocol.
//
// A Server reads messages (framing.go), takes them apart (request.go) and gives each request
// to the lane of its client (lane.go), which runs one after the other. Calls that wait leave
// their lane. The events of each client are sent by a feed of its own (feed.go), only so far
// ahead of the host's acknowledgements. All write to one stream (writer.go), which blocks
// while the host does not read; so nothing piles up here.
package rpc
