package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"

	"libstatus1to1/chat"
	"libstatus1to1/chat/api"
)

// The document of OpenRPC 1.3, as far as it is used here. Error codes are
// strings in this API, so they stand in extensions.
type openRPC struct {
	OpenRPC string `json:"openrpc"`
	Info    struct {
		Title   string `json:"title"`
		Version string `json:"version"`
		License struct {
			Name string `json:"name"`
		} `json:"license"`
	} `json:"info"`
	Methods    []rpcMethod `json:"methods"`
	Components struct {
		Schemas map[string]schema `json:"schemas"`
	} `json:"components"`
	Config       schema          `json:"x-config"`
	Events       []rpcEvent      `json:"x-events"`
	CommonErrors []chat.Code     `json:"x-common-errors"`
	ErrorCodes   []chat.CodeInfo `json:"x-error-codes"`
}

type rpcMethod struct {
	Name           string      `json:"name"`
	Summary        string      `json:"summary"`
	ParamStructure string      `json:"paramStructure"`
	Params         []rpcParam  `json:"params"`
	Result         rpcResult   `json:"result"`
	Errors         []chat.Code `json:"x-errors"`
	MaxParams      int         `json:"x-max-params-bytes"`
}

type rpcParam struct {
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	Required    bool   `json:"required"`
	Schema      schema `json:"schema"`
}

type rpcResult struct {
	Name   string `json:"name"`
	Schema schema `json:"schema"`
}

type rpcEvent struct {
	Name    string `json:"name"`
	Summary string `json:"summary"`
	Schema  schema `json:"schema"`
}

// schema is a JSON Schema; encoding/json sorts its names.
type schema map[string]any

// schema writes the whole document.
func (m *model) schema() ([]byte, error) {
	doc := openRPC{OpenRPC: "1.3.2", CommonErrors: api.CommonErrors, ErrorCodes: chat.CodeTable}
	doc.Info.Title, doc.Info.Version = "libstatus1to1", api.Version
	doc.Info.License.Name = "MIT OR Apache-2.0"
	doc.Config = ref("Config")
	for _, method := range m.methods {
		r, err := m.rpcMethod(method)
		if err != nil {
			return nil, err
		}
		doc.Methods = append(doc.Methods, r)
	}
	for _, e := range m.events {
		t := reflect.TypeOf(e)
		doc.Events = append(doc.Events, rpcEvent{Name: e.Type(), Summary: m.ofEvent(e), Schema: ref(schemaName(t))})
	}
	doc.Components.Schemas = map[string]schema{}
	for _, o := range m.sortedObjects() {
		s, err := m.objectSchema(o)
		if err != nil {
			return nil, err
		}
		doc.Components.Schemas[o.name] = s
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	err := e.Encode(doc)
	return b.Bytes(), err
}

// rpcMethod describes one method.
func (m *model) rpcMethod(method api.Method) (rpcMethod, error) {
	r := rpcMethod{Name: method.Name, Summary: method.Summary, ParamStructure: "by-name", Params: []rpcParam{}, Errors: method.Errors, MaxParams: method.MaxParams}
	if r.Errors == nil {
		r.Errors = []chat.Code{}
	}
	for _, f := range m.objects[method.Params].fields {
		s, err := m.fieldSchema(f)
		if err != nil {
			return rpcMethod{}, fmt.Errorf("%s: %w", method.Name, err)
		}
		delete(s, "description")
		r.Params = append(r.Params, rpcParam{Name: f.Name, Description: f.doc, Required: !f.Optional, Schema: s})
	}
	r.Result = rpcResult{Name: "result", Schema: ref(schemaName(method.Result))}
	return r, nil
}

// objectSchema describes a struct type.
func (m *model) objectSchema(o object) (schema, error) {
	properties := map[string]schema{}
	required := []string{}
	for _, f := range o.fields {
		s, err := m.fieldSchema(f)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", o.name, err)
		}
		properties[f.Name] = s
		if !f.Optional {
			required = append(required, f.Name)
		}
	}
	return schema{"type": "object", "description": o.doc, "properties": properties, "required": required}, nil
}

// fieldSchema describes a field with its bounds.
func (m *model) fieldSchema(f member) (schema, error) {
	s, err := m.typeSchema(f.Type)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Name, err)
	}
	if f.Nullable {
		s = nullable(s)
	}
	if f.Bounds != nil {
		s["minimum"], s["maximum"] = f.Bounds.Min, f.Bounds.Max
	}
	if f.doc != "" {
		s["description"] = f.doc
	}
	return s, nil
}

// typeSchema describes any type the API uses.
func (m *model) typeSchema(t reflect.Type) (schema, error) {
	if text, ok := texts[t]; ok {
		return schema{"type": "string", "pattern": text.pattern}, nil
	}
	if isBytes(t) {
		return schema{"type": "string", "contentEncoding": "base64"}, nil
	}
	switch t.Kind() {
	case reflect.Pointer:
		return m.typeSchema(t.Elem())
	case reflect.String:
		return schema{"type": "string"}, nil
	case reflect.Bool:
		return schema{"type": "boolean"}, nil
	case reflect.Int, reflect.Int32, reflect.Int64, reflect.Uint32, reflect.Uint64:
		return schema{"type": "integer"}, nil
	case reflect.Float64:
		return schema{"type": "number"}, nil
	case reflect.Interface:
		return schema{}, nil
	case reflect.Struct:
		return ref(schemaName(t)), nil
	case reflect.Slice:
		items, err := m.typeSchema(t.Elem())
		return schema{"type": "array", "items": items}, err
	case reflect.Map:
		values, err := m.typeSchema(t.Elem())
		return schema{"type": "object", "additionalProperties": values}, err
	}
	return nil, fmt.Errorf("no schema for a %s", t)
}

// nullable is s or null.
func nullable(s schema) schema {
	if s["type"] == nil { // a reference
		return schema{"anyOf": []schema{s, {"type": "null"}}}
	}
	s["type"] = []any{s["type"], "null"}
	return s
}

// ref points to a struct type of the document.
func ref(name string) schema { return schema{"$ref": "#/components/schemas/" + name} }
