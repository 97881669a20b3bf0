package api

import (
	"bytes"
	"encoding/json"
	"errors"

	"libstatus1to1/chat"
	"libstatus1to1/chat/enum"
)

// ErrorBody is the error of a response.
type ErrorBody struct {
	// Code identifies the error. Codes are stable; the schema lists them.
	Code chat.Code `json:"code"`
	// Category is the group of the code: "request", "identity", "contact", "message",
	// "pairing", "store", "network" or "internal".
	Category enum.ErrorCategory `json:"category"`
	// Message is a text for people. It may change between versions.
	Message string `json:"message"`
	// Retryable is true if the same call may succeed later without a change.
	Retryable bool `json:"retryable"`
	// Field is the path of the field at fault, such as "network.peers[0]", or "".
	Field string `json:"field"`
	// Details are additional values that a program may use, by name.
	Details map[string]any `json:"details"`
}

// codes holds the entries of chat.CodeTable by code.
var codes = func() map[chat.Code]chat.CodeInfo {
	m := map[chat.Code]chat.CodeInfo{}
	for _, c := range chat.CodeTable {
		m[c.Code] = c
	}
	return m
}()

// Success returns the envelope of a result, which must be of a type that JSON can
// represent.
func Success(result any) string {
	text, err := marshal(struct {
		OK     bool `json:"ok"`
		Result any  `json:"result"`
	}{true, result})
	if err != nil {
		return Failure(chat.Errorf(chat.CodeInternal, "", "the result cannot be written as JSON").Because(err))
	}
	return text
}

// errorBody describes an error. An error that is not a *chat.Error becomes CodeInternal
// without its text, which is for logs and may hold what a caller must not see.
func errorBody(err error) ErrorBody {
	var e *chat.Error
	if !errors.As(err, &e) {
		e = chat.Errorf(chat.CodeInternal, "", "an unexpected error inside the library")
	}
	info := codes[e.Code]
	body := ErrorBody{Code: e.Code, Category: info.Category, Message: e.Message, Retryable: info.Retryable, Field: e.Field, Details: e.Details}
	if body.Details == nil {
		body.Details = map[string]any{}
	}
	return body
}

// Failure returns the envelope of an error.
func Failure(err error) string {
	body := errorBody(err)
	type envelope struct {
		OK    bool      `json:"ok"`
		Error ErrorBody `json:"error"`
	}
	text, bad := marshal(envelope{false, body})
	if bad != nil { // only Details can fail
		body.Details = map[string]any{}
		text, _ = marshal(envelope{false, body})
	}
	return text
}

// respond returns the envelope of the error if there is one, else that of the result.
func respond(result any, err error) string {
	if err != nil {
		return Failure(err)
	}
	return Success(result)
}

// marshal writes compact JSON without HTML escapes, and without the newline that
// json.Encoder adds.
func marshal(v any) (string, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return "", err
	}
	return string(bytes.TrimSuffix(b.Bytes(), []byte("\n"))), nil
}
