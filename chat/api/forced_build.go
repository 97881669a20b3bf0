//go:build status1to1_test

package api

import (
	"context"
	"slices"
	"sync/atomic"

	"libstatus1to1/chat"
)

// This file is compiled only into build/test/, the library the C tests of
// panics run with: a program can ask it to panic. The tag status1to1_test is
// never set for the library that ships, whose test refuses the method's name.

// forced makes the engine of a client panic the next time it passes a point of
// chat.ProbePoints.
type forced struct{ at atomic.Pointer[string] }

func (f *forced) arm(o *chat.Options) {
	o.Probe = func(point string) {
		if at := f.at.Load(); at != nil && *at == point && f.at.CompareAndSwap(at, nil) {
			panic(forcedPanic)
		}
	}
}

// forcedPanic is a value that must not get out.
const forcedPanic = "forced, with a secret in it"

// PanicParams are the parameters of test.panic.
type PanicParams struct {
	// Where is "method" or one of chat.ProbePoints.
	Where string `json:"where"`
}

var forcedMethods = []Method{clientMethod("test.panic", "Panics.", nil, forcePanic)}

func forcePanic(_ context.Context, c *client, p PanicParams) (Empty, error) {
	if p.Where == "method" {
		panic(forcedPanic)
	}
	if !slices.Contains(chat.ProbePoints, p.Where) {
		return Empty{}, chat.Errorf(chat.CodeBadParams, "where", "there is no such point")
	}
	c.force.at.Store(&p.Where)
	return Empty{}, nil
}
