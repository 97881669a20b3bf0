package waku

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
)

// This file has what requests to peers have in common, and those to service nodes by filter
// and by lightpush.

// exchange lets f use a stream to a connected peer for as long as a request to a service
// node may take.
func (r *run) exchange(ctx context.Context, id peer.ID, protocols []protocol.ID, f func(network.Stream) error) error {
	wait := r.owner.settings.timing.answer
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	return r.onStream(ctx, id, wait, protocols, f)
}

// onStream opens a stream to a connected peer, for the first of these protocols that it
// has, and lets f use it until wait is over, unless f sets another deadline, or ctx ends.
func (r *run) onStream(ctx context.Context, id peer.ID, wait time.Duration, protocols []protocol.ID, f func(network.Stream) error) (err error) {
	stream, err := r.host().NewStream(network.WithNoDial(ctx, "request"), id, protocols...)
	if err != nil {
		return err
	}
	defer func() { finish(stream, err) }()
	if err := stream.SetDeadline(time.Now().Add(wait)); err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { _ = stream.Reset() })()
	return f(stream)
}

// refusedError is the refusal of a service node.
type refusedError struct {
	status uint32
	text   string
}

func (e *refusedError) Error() string {
	return fmt.Sprintf("the service node answered %d (%.100q)", e.status, e.text)
}

// statusOf returns the status code of a refusal, 0 for any other error.
func statusOf(err error) uint32 {
	if refused := (*refusedError)(nil); errors.As(err, &refused) {
		return refused.status
	}
	return 0
}

// errOtherRequest is for an answer to another request.
var errOtherRequest = errors.New("the answer is to another request")

// newRequestID returns a request id that nobody can guess.
func newRequestID() string {
	var id [8]byte
	_, _ = rand.Read(id[:]) // it does not fail
	return hex.EncodeToString(id[:])
}

// isTimeout reports whether err says that a peer has not answered in time.
func isTimeout(err error) bool {
	timeout := net.Error(nil)
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout()
}
