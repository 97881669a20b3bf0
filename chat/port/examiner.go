package port

import (
	"context"

	"libstatus1to1/chat/enum"
)

// Examiner is implemented by a Transport that can say what is wrong with it.
type Examiner interface {
	// Examine runs the checks of the transport itself, in the order in which a person would
	// look at them. It may take until ctx ends.
	Examine(ctx context.Context) []Check
}

// CheckResult is the result of a check.
type CheckResult = enum.CheckResult

// The results of a check.
const (
	CheckPassed  = enum.CheckPassed
	CheckWarning = enum.CheckWarning
	CheckFailed  = enum.CheckFailed
	CheckSkipped = enum.CheckSkipped
)

// Check is one check of the network's health.
type Check struct {
	Name   string           `json:"name"`
	Result enum.CheckResult `json:"result"`
	// Cause says what was found, in one sentence.
	Cause string `json:"cause"`
	// Remedy says what can be done about it. Left out for most checks that have passed.
	Remedy string `json:"remedy,omitempty"`
	// Details are numbers and names for programs.
	Details map[string]any `json:"details,omitempty"`
}
