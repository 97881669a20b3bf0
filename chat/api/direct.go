package api

import (
	"context"

	"libstatus1to1/chat"
)

// These are the entry points of a Registry without the response envelope, for front ends
// that answer in another form. Like the others they let no panic past.

// OpenClient opens a client like Open.
func (r *Registry) OpenClient(config string) (OpenResult, error) {
	return guarded(nil, "open", func() (OpenResult, error) {
		c, identity, err := r.open(config)
		if err != nil {
			return OpenResult{}, err
		}
		return OpenResult{Client: c.handle, Identity: identity}, nil
	})
}

// CheckMethod is the error of a method that is not in the table.
func (r *Registry) CheckMethod(name string) error {
	if _, ok := r.methods[name]; !ok {
		return unknownMethod(r.methods, name)
	}
	return nil
}

// CallClient runs a method like Call. A method that waits ends when ctx does.
func (r *Registry) CallClient(ctx context.Context, handle uint64, method, params string) (any, error) {
	c := r.find(handle)
	if c == nil {
		return nil, badClient()
	}
	return guarded(c, method, func() (any, error) {
		return dispatch(ctx, r.methods, c, method, params)
	})
}

// CloseClient closes a client like Close, outside of event callbacks.
func (r *Registry) CloseClient(handle uint64) error {
	c := r.find(handle)
	if c == nil {
		if r.issued(handle) {
			return nil
		}
		return badClient()
	}
	_, err := guarded(c, "close", func() (any, error) { return nil, r.shut(c, false) })
	return err
}

// WaitEvent waits for the next event until ctx ends; then it is nil. After a client was
// closed it gives the events that were left, and then the error CodeBadClient.
func (r *Registry) WaitEvent(ctx context.Context, handle uint64) (*chat.DeliveredEvent, error) {
	c := r.find(handle)
	if c == nil {
		return r.takeLeft(handle)
	}
	return guarded(c, "next_event", func() (*chat.DeliveredEvent, error) { return c.next(ctx) })
}

// ErrorOf describes an error as a response does.
func ErrorOf(err error) ErrorBody { return errorBody(err) }

// Cancelled is the error of a call that its caller has cancelled.
func Cancelled() error { return chat.Errorf(chat.CodeCancelled, "", "the call was cancelled") }
