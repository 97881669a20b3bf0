package api

import (
	"context"
	"errors"
	"reflect"

	"libstatus1to1/chat"
)

// Method is one entry of the method table: a name, parameters, a result, and the
// function that runs.
type Method struct {
	Name    string // noun.verb, the noun in the plural
	Summary string // one sentence for people
	// Errors are the codes this method can fail with in addition to CommonErrors.
	Errors []chat.Code
	// Params and Result are the struct types of the parameters and the result.
	Params reflect.Type
	Result reflect.Type
	// MaxParams is the largest size of the parameters' JSON text in bytes.
	MaxParams int
	// Since is the version of the library that has it first. Deprecated says what to use
	// instead; "" for a method that stays.
	Since, Deprecated string
	// Idempotent: a repeated call leaves the state of one call, and answers the same way.
	Idempotent bool
	// Retryable: a call whose answer was lost may be repeated. Nothing happens twice, but the
	// second answer may be an error which says that it was done. RetryableWith is the
	// parameter with which that holds, "" if none is needed or helps.
	Retryable     bool
	RetryableWith string
	// Waits: the call may block, until deadline_ms at most.
	Waits bool

	call func(ctx context.Context, c *client, params string) (any, error)
}

// CommonErrors are the codes every method can fail with.
var CommonErrors = []chat.Code{
	chat.CodeBadJSON, chat.CodeUnknownMethod, chat.CodeUnknownField, chat.CodeBadParams,
	chat.CodeBadClient, chat.CodeClosed, chat.CodeForked, chat.CodeInternal,
}

// storeErrors are the codes of every method that reads or writes the store.
var storeErrors = []chat.Code{chat.CodeStoreIO, chat.CodeStoreCorrupt, chat.CodeStoreSuspended}

// stored returns storeErrors with more codes in front.
func stored(more ...chat.Code) []chat.Code { return append(more, storeErrors...) }

// Empty is the parameter or result type of a method that takes or gives nothing.
type Empty struct{}

// method makes a table entry of a typed function of the engine.
func method[P, R any](name, summary string, errs []chat.Code, f func(context.Context, *chat.Client, P) (R, error)) Method {
	return clientMethod(name, summary, errs, func(ctx context.Context, c *client, p P) (R, error) {
		return f(ctx, c.engine, p)
	})
}

// largeMethod makes a table entry like method, for a method whose field "data" holds
// the bytes of a transfer. Its parameters may have MaxLargeRequest bytes; larger
// parameters can only mean more data than a transfer may have, which is the error they
// get.
func largeMethod[P, R any](name, summary string, errs []chat.Code, f func(context.Context, *chat.Client, P) (R, error)) Method {
	m := limitedMethod(name, summary, errs, MaxLargeRequest, func(ctx context.Context, c *client, p P) (R, error) {
		return f(ctx, c.engine, p)
	})
	read := m.call
	m.call = func(ctx context.Context, c *client, params string) (any, error) {
		if len(params) > MaxLargeRequest {
			return nil, chat.Errorf(chat.CodeTransferTooLarge, "data", "there are more than %d bytes", chat.MaxTransferBytes).
				With("max", chat.MaxTransferBytes)
		}
		return read(ctx, c, params)
	}
	return m
}

// clientMethod makes a table entry of a typed function that needs more than the
// engine.
func clientMethod[P, R any](name, summary string, errs []chat.Code, f func(context.Context, *client, P) (R, error)) Method {
	return limitedMethod(name, summary, errs, MaxRequest, f)
}

// limitedMethod makes a table entry like clientMethod, with its own limit on the size
// of the parameters.
func limitedMethod[P, R any](name, summary string, errs []chat.Code, limit int, f func(context.Context, *client, P) (R, error)) Method {
	return Method{
		Name: name, Summary: summary, Errors: errs,
		Params: reflect.TypeFor[P](), Result: reflect.TypeFor[R](), MaxParams: limit,
		call: func(ctx context.Context, c *client, params string) (any, error) {
			var p P
			if err := decodeUpTo(params, limit, &p, chat.CodeBadParams); err != nil {
				return nil, err
			}
			return f(ctx, c, p)
		},
	}
}

// Methods returns the method table, in the order of the documentation.
func Methods() []Method {
	var all []Method
	for _, group := range [][]Method{
		identityMethods, profileMethods, presenceMethods, contactMethods, cardMethods, requestMethods, chatMethods, expiryMethods, messageMethods, actionMethods, searchMethods,
		attachmentMethods, sessionMethods, deviceMethods, pairingMethods, pictureMethods, networkMethods, externalMethods, storeMethods,
	} {
		for _, m := range group {
			all = append(all, withFacts(m))
		}
	}
	return all
}

// dispatch runs the method called name of table on c. A call that waits ends when the
// client is closed, or when ctx ends.
func dispatch(ctx context.Context, table map[string]Method, c *client, name, params string) (any, error) {
	m, ok := table[name]
	if !ok {
		return nil, unknownMethod(table, name)
	}
	call, cancel := context.WithCancel(c.ctx)
	defer cancel()
	defer context.AfterFunc(ctx, cancel)()
	result, err := m.call(call, c, params)
	if err != nil && interrupted(err) {
		switch {
		case c.ctx.Err() != nil:
			return nil, chat.Errorf(chat.CodeClosed, "", "the client was closed while the call ran")
		case ctx.Err() != nil:
			return nil, Cancelled()
		}
	}
	return result, err
}

// interrupted reports whether a call that failed with err may have been waiting when its
// context ended. dispatch asks this only after that.
func interrupted(err error) bool {
	return errors.Is(err, context.Canceled) || chat.CodeOf(err) == chat.CodeTimeout
}
