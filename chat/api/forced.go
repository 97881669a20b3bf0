//go:build !status1to1_test

package api

import "libstatus1to1/chat"

// forced is what a test build can be made to do wrong (forced_build.go); a
// library that ships does nothing of the sort.
type forced struct{}

func (*forced) arm(*chat.Options) {}

// forcedMethods are the methods of a test build only.
var forcedMethods []Method
