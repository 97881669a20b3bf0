// Package wire holds the protobuf messages this library puts on the wire or in
// its store, and nothing else: the .proto files here and the Go generated from
// them. Field numbers are those of the deployed Status network; what a message
// carries beyond the fields named here stays in its unknown fields.
//
// Every decoder that reads these from a stranger lives in the package of its
// spec, which also holds the limits.
package wire

//go:generate go run libstatus1to1/internal/genwire
