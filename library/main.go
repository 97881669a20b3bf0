// Command library is the C library: built with -buildmode=c-shared, it provides the
// functions of include/status1to1.h. It has no logic. The C shim (shim.c) makes the
// checks that must come before Go is entered, and calls the functions in this file,
// which convert between C strings and Go strings.
package main

// #cgo CFLAGS: -std=gnu11 -Wall -Wextra -I${SRCDIR}/../include
// #include "shim.h"
import "C"

import (
	"unsafe"

	"libstatus1to1/chat/api"
	"libstatus1to1/library/host"
)

// registry holds the clients of this process.
var registry = newRegistry()

func newRegistry() *api.Registry {
	r := host.NewRegistry()
	r.CountStrings(func() int64 { return int64(C.s1_held()) })
	return r
}

func main() {}

// text copies a C string; NULL becomes "". One that is too long is cut one byte past
// the limit, so that it is refused as too long without being copied whole.
func text(s *C.char) string {
	if s == nil {
		return ""
	}
	return C.GoStringN(s, C.int(C.s1_length(s, api.MaxLargeRequest+1)))
}

// answer copies a response to the C heap, for status1to1_free.
func answer(response string) *C.char {
	return C.s1_counted(C.CString(response), C.size_t(len(response)))
}

//export s1_go_info
func s1_go_info() *C.char { return answer(api.InfoResponse(int64(C.s1_held()))) }

//export s1_go_schema
func s1_go_schema() *C.char { return answer(api.SchemaResponse()) }

//export s1_go_open
func s1_go_open(config *C.char, out *C.status1to1_client) *C.char {
	handle, response := registry.Open(text(config))
	*out = C.status1to1_client(handle)
	return answer(response)
}

//export s1_go_call
func s1_go_call(client C.status1to1_client, method, params *C.char) *C.char {
	return answer(registry.Call(uint64(client), text(method), text(params)))
}

//export s1_go_next_event
func s1_go_next_event(client C.status1to1_client, timeoutMS C.int32_t) *C.char {
	return answer(registry.NextEvent(uint64(client), int32(timeoutMS)))
}

//export s1_go_event_fd
func s1_go_event_fd(client C.status1to1_client) C.int {
	return C.int(registry.EventFD(uint64(client)))
}

//export s1_go_set_event_callback
func s1_go_set_event_callback(client C.status1to1_client, fn C.status1to1_event_fn, userData unsafe.Pointer, inside C.int) *C.char {
	if fn == nil {
		return answer(registry.SetCallback(uint64(client), nil, inside != 0))
	}
	call := func(response string) {
		s := C.CString(response)
		defer C.free(unsafe.Pointer(s))
		C.s1_call_back(fn, client, s, C.size_t(len(response)), userData)
	}
	return answer(registry.SetCallback(uint64(client), call, inside != 0))
}

//export s1_go_close
func s1_go_close(client C.status1to1_client, inside C.int) *C.char {
	return answer(registry.Close(uint64(client), inside != 0))
}
