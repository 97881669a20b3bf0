package rpc

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf8"

	"libstatus1to1/chat"
	"libstatus1to1/chat/api"
)

// request is one request or notification of the host.
type request struct {
	id     json.RawMessage // as it was written; nil: a notification, which is not answered
	method string
	params string // an object as it was written, without the member client
	client uint64 // that member; 0 if there was none
	// bad is the fault of the request, if there is one; it is the answer then.
	bad *failure
}

// message holds the requests of one message of the host: one, or those of a batch.
type message struct {
	requests []request
	batch    bool
}

// null is JSON's null: the id of an answer to something whose id cannot be read.
var null = json.RawMessage("null")

// readMessage takes a message apart. What is wrong with it is in the requests it returns.
func readMessage(text []byte) message {
	if !utf8.Valid(text) || !json.Valid(text) {
		return refused(failed(codeParseError, badJSON("the message is not one valid JSON value in UTF-8")))
	}
	text = bytes.TrimSpace(text)
	if text[0] != '[' {
		return message{requests: []request{readRequest(text)}}
	}
	items := itemsOf(text, MaxBatch)
	if len(items) == 0 || len(items) > MaxBatch {
		return refused(failed(codeInvalidRequest, badParams("", "a batch has 1 to %d requests", MaxBatch).With("max", MaxBatch)))
	}
	m := message{batch: true}
	for _, item := range items {
		m.requests = append(m.requests, readRequest(item))
	}
	return m
}

// refused is a message that is answered once with f.
func refused(f *failure) message { return message{requests: []request{{id: null, bad: f}}} }

// readRequest takes one request apart; text is valid JSON. Members other than those of
// JSON-RPC are for others on the way, such as traces, and are passed over.
func readRequest(text []byte) request {
	invalid := func(id json.RawMessage, format string, args ...any) request {
		return request{id: id, bad: failed(codeInvalidRequest, badParams("", format, args...))}
	}
	members, ok := membersOf(text)
	if !ok {
		return invalid(null, "a request is an object")
	}
	if len(members) > maxMembers {
		return invalid(null, "a request has at most %d members", maxMembers)
	}
	id, ok := idOf(members)
	if !ok {
		return invalid(null, "id must be a string, a number or null, of at most %d bytes", maxID)
	}
	given, method, params := map[string]bool{}, "", []byte(nil)
	for _, m := range members {
		if given[m.name] {
			return invalid(orNull(id), "a member stands twice")
		}
		given[m.name] = true
		switch m.name {
		case "jsonrpc":
			if string(m.value) != `"2.0"` {
				return invalid(orNull(id), `jsonrpc must be "2.0"`)
			}
		case "method":
			if m.value[0] != '"' || json.Unmarshal(m.value, &method) != nil {
				return invalid(orNull(id), "method must be a string")
			}
		case "params":
			params = m.value
		}
	}
	if !given["jsonrpc"] || !given["method"] {
		return invalid(orNull(id), `a request has jsonrpc ("2.0") and method`)
	}
	r := request{id: id, method: method}
	r.params, r.client, r.bad = readParams(params)
	return r
}

// idOf is the id of a request as it was written; nil if there is none. It is a copy: the
// message, which may have many megabytes, is not kept for as long as the call takes.
func idOf(members []member) (json.RawMessage, bool) {
	for _, m := range members {
		if m.name == "id" {
			return bytes.Clone(m.value), len(m.value) <= maxID && strings.IndexByte(`{[tf`, m.value[0]) < 0
		}
	}
	return nil, true
}

// orNull is the id of an error in a request: such errors are answered also if it may have
// been a notification.
func orNull(id json.RawMessage) json.RawMessage {
	if id == nil {
		return null
	}
	return id
}

// readParams takes the member client out of params. No params, null and [] are {}.
func readParams(text []byte) (params string, client uint64, bad *failure) {
	if len(text) == 0 || string(text) == "null" || text[0] == '[' && len(bytes.TrimSpace(text[1:len(text)-1])) == 0 {
		return "{}", 0, nil
	}
	members, ok := membersOf(text)
	if !ok {
		return "", 0, failureOf(badParams("", "params must be an object: parameters are passed by name"))
	}
	if len(members) > maxMembers {
		return "", 0, failureOf(badParams("", "there are more than %d parameters", maxMembers).With("max", maxMembers))
	}
	var b strings.Builder
	b.Grow(len(text))
	b.WriteByte('{')
	for _, m := range members {
		if m.name != "client" {
			if b.Len() > 1 {
				b.WriteByte(',')
			}
			b.Write(m.text)
			continue
		}
		if client != 0 {
			return "", 0, failureOf(chat.Errorf(chat.CodeUnknownField, "client", "the field stands twice"))
		}
		n, err := strconv.ParseUint(string(m.value), 10, 64)
		if err != nil || n == 0 || n > api.MaxSafeInteger {
			return "", 0, failureOf(badParams("client", "must be the number that open returned"))
		}
		client = n
	}
	b.WriteByte('}')
	return b.String(), client, nil
}
