package rpc

import (
	"encoding/json"

	"libstatus1to1/chat"
	"libstatus1to1/chat/api"
)

// The error numbers of JSON-RPC 2.0, and that of a cancelled request from the Language Server
// Protocol. All others are in chat.CodeTable.
const (
	codeParseError     = -32700
	codeInvalidRequest = -32600
	codeMethodNotFound = -32601
	codeInvalidParams  = -32602
	codeInternalError  = -32603
	codeCancelled      = -32800
)

// failure is an error object of JSON-RPC. Data is the error as the C API has it.
type failure struct {
	Code    int           `json:"code"`
	Message string        `json:"message"`
	Data    api.ErrorBody `json:"data"`
}

// numbers are the error numbers by code.
var numbers = func() map[chat.Code]int {
	m := map[chat.Code]int{}
	for _, c := range chat.CodeTable {
		m[c.Code] = c.Number
	}
	return m
}()

// failureOf is the error object of an error of the engine.
func failureOf(err error) *failure {
	body := api.ErrorOf(err)
	return &failure{numbers[body.Code], body.Message, body}
}

// failed is an error object with a number of JSON-RPC's own.
func failed(number int, err error) *failure {
	body := api.ErrorOf(err)
	return &failure{number, body.Message, body}
}

func badJSON(text string) *chat.Error { return chat.Errorf(chat.CodeBadJSON, "", "%s", text) }

func badParams(field, format string, args ...any) *chat.Error {
	return chat.Errorf(chat.CodeBadParams, field, format, args...)
}

// response is the answer to one request: a result, or an error.
type response struct {
	JSONRPC string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Result  any             `json:"result,omitempty"`
	Error   *failure        `json:"error,omitempty"`
}

// respond writes the answer to a request.
func respond(id json.RawMessage, result any, bad *failure) []byte {
	r := response{JSONRPC: "2.0", ID: id, Error: bad}
	if r.Result = result; result == nil && bad == nil {
		r.Result = null
	}
	text, err := encode(r)
	if err != nil {
		r.Result, r.Error = nil, failureOf(chat.Errorf(chat.CodeInternal, "", "the result cannot be written as JSON").Because(err))
		text, _ = encode(r)
	}
	return text
}

// notification is an event of a client, as it is sent.
type notification struct {
	JSONRPC string      `json:"jsonrpc"`
	Method  string      `json:"method"`
	Params  eventParams `json:"params"`
}

// eventParams are an event and whose it is.
type eventParams struct {
	Client uint64 `json:"client"`
	chat.DeliveredEvent
}
