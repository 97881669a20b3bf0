package port

import (
	"errors"
	"fmt"

	"libstatus1to1/chat/enum"
)

// Code names what went wrong. Codes are stable; the texts beside them may change.
type Code = enum.ErrorCode

// Error is the error type of every public call of the engine.
type Error struct {
	Code Code
	// Field is the parameter at fault ("text", "store.path", ...), or "".
	Field string
	// Message is for people. It never holds keys, phrases, passphrases or texts.
	Message string
	// Details are machine-readable extras, or nil.
	Details map[string]any
	cause   error
}

func (e *Error) Error() string {
	if e.Field != "" {
		return fmt.Sprintf("%s (%s): %s", e.Code, e.Field, e.Message)
	}
	return fmt.Sprintf("%s: %s", e.Code, e.Message)
}

// Unwrap is the error underneath, for errors.Is; it is not shown to callers of the C API.
func (e *Error) Unwrap() error { return e.cause }

// Errorf makes an Error about field ("" for none).
func Errorf(code Code, field, format string, args ...any) *Error {
	return &Error{Code: code, Field: field, Message: fmt.Sprintf(format, args...)}
}

// Because attaches the underlying error and returns e.
func (e *Error) Because(cause error) *Error { e.cause = cause; return e }

// With adds a detail and returns e.
func (e *Error) With(name string, value any) *Error {
	if e.Details == nil {
		e.Details = map[string]any{}
	}
	e.Details[name] = value
	return e
}

// CodeOf returns the code of err, or CodeInternal for an error that is not an *Error.
func CodeOf(err error) Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return CodeInternal
}
