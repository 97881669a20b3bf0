package rpc

import (
	"encoding/json"
	"sync"

	"libstatus1to1/chat/api"
)

// discovered is the OpenRPC document of this server: that of the API, where each method has
// the parameter client, and the methods of the server itself.
var discovered = sync.OnceValue(func() any {
	var doc map[string]any
	if json.Unmarshal(api.Schema(), &doc) != nil {
		return api.Schema()
	}
	methods, _ := doc["methods"].([]any)
	for _, m := range methods {
		if m, ok := m.(map[string]any); ok {
			params, _ := m["params"].([]any)
			m["params"] = append([]any{clientParam}, params...)
		}
	}
	doc["methods"] = append(methods, ownMethods...)
	return doc
})

type object = map[string]any

var (
	clientParam = param("client", "The number that open returned.", object{"type": "integer", "minimum": 1, "maximum": api.MaxSafeInteger})
	ownMethods  = []any{
		ownMethod(methodOpen, "Opens a client. Its events come as notifications, event, after the answer.", "#/components/schemas/OpenResult",
			param("config", "The configuration of the client.", object{"$ref": "#/components/schemas/Config"})),
		ownMethod(methodClose, "Closes a client. Its last event, closed, comes before the answer.", "", clientParam),
		ownMethod(methodInfo, "Returns the version, the build and the implemented specifications.", "#/components/schemas/Info"),
		ownMethod(methodSchema, "Returns the OpenRPC document of the API, without the parameter client and the methods of this server.", ""),
		ownMethod(methodDiscover, "Returns this document.", ""),
	}
)

func param(name, description string, schema object) object {
	return object{"name": name, "description": description, "required": true, "schema": schema}
}

// ownMethod describes a method of the server; result refers to its type, "" is any.
func ownMethod(name, summary, result string, params ...any) object {
	schema := object{}
	if result != "" {
		schema["$ref"] = result
	}
	if params == nil {
		params = []any{}
	}
	return object{"name": name, "summary": summary, "paramStructure": "by-name", "params": params,
		"result": object{"name": "result", "schema": schema}}
}
