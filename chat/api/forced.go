//go:build !status1to1_test

package api

import "libstatus1to1/chat"

// forced holds the faults that a test build can be made to have (forced_build.go); a
// released library has none.
type forced struct{}

func (*forced) arm(*chat.Options) {}

// forcedMethods are the methods of a test build only.
var forcedMethods []Method
