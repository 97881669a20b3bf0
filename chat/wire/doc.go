// Package wire holds the protobuf messages that this library puts on the wire or in its
// store, and nothing else: the .proto files and the Go code generated from them. Field
// numbers are those of the deployed Status network. Fields of a message that are not
// named here stay in its unknown fields.
//
// The decoders that read these messages from strangers are in the packages of their
// specs, together with their limits.
package wire

//go:generate go run libstatus1to1/internal/genwire
