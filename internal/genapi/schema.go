package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"libstatus1to1/chat"
	"libstatus1to1/chat/api"
)

// The document of OpenRPC 1.3, as far as it is used here. What OpenRPC has no word for
// stands in extensions: x-sensitive, x-idempotent and the like.
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
		Errors  map[chat.Code]rpcError `json:"errors"`
		Schemas map[string]schema      `json:"schemas"`
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
	Deprecated     bool        `json:"deprecated,omitempty"`
	Params         []rpcParam  `json:"params"`
	Result         rpcResult   `json:"result"`
	Errors         []schema    `json:"errors"`
	Codes          []chat.Code `json:"x-errors"`
	MaxParams      int         `json:"x-max-params-bytes"`
	Since          string      `json:"x-since"`
	Instead        string      `json:"x-deprecated-by,omitempty"`
	Idempotent     bool        `json:"x-idempotent"`
	Retryable      bool        `json:"x-retryable"`
	RetryableWith  string      `json:"x-retryable-with,omitempty"`
	Waits          bool        `json:"x-waits,omitempty"`

	Examples []rpcExample `json:"examples"`
}

// rpcExample is an example pairing of OpenRPC.
type rpcExample struct {
	Name   string     `json:"name"`
	Params []rpcValue `json:"params"`
	Result rpcValue   `json:"result"`
}

type rpcValue struct {
	Name  string          `json:"name"`
	Value json.RawMessage `json:"value"`
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

// rpcError is an error object of OpenRPC. Its data is the beginning of a real one, which is an
// ErrorBody.
type rpcError struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
	Data    struct {
		Code chat.Code `json:"code"`
	} `json:"data"`
}

type rpcEvent struct {
	Name    string `json:"name"`
	Summary string `json:"summary"`
	Schema  schema `json:"schema"`
	// Examples are examples of the data.
	Examples []json.RawMessage `json:"examples"`
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
		doc.Events = append(doc.Events, rpcEvent{Name: e.Type(), Summary: m.ofEvent(e), Schema: ref(schemaName(reflect.TypeOf(e))), Examples: []json.RawMessage{m.examples.events[e.Type()]}})
	}
	doc.Components.Errors = map[chat.Code]rpcError{}
	for _, c := range chat.CodeTable {
		e := rpcError{Code: c.Number, Message: c.Meaning}
		e.Data.Code = c.Code
		doc.Components.Errors[c.Code] = e
	}
	var err error
	if doc.Components.Schemas, err = m.schemas(); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	err = e.Encode(doc)
	return margin.ReplaceAll(b.Bytes(), nil), err
}

// margin is the indentation of lines. Without it the document, which is in the library, is a
// third smaller, and changes are still seen line by line.
var margin = regexp.MustCompile(`(?m)^ +`)

// schemas describes every object and set, and an event as a whole.
func (m *model) schemas() (map[string]schema, error) {
	all := map[string]schema{"Event": m.anyEvent()}
	add := func(name string, s schema) error {
		if all[name] != nil {
			return fmt.Errorf("two schemas are called %s", name)
		}
		all[name] = s
		return nil
	}
	for _, e := range m.enums {
		if err := add(e.name, enumSchema(e)); err != nil {
			return nil, err
		}
	}
	for _, o := range m.sortedObjects() {
		s, err := m.objectSchema(o)
		if err == nil {
			err = add(o.name, s)
		}
		if err != nil {
			return nil, err
		}
	}
	for _, e := range m.events {
		if err := add(envelopeName(reflect.TypeOf(e)), m.envelope(e.Type(), reflect.TypeOf(e))); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// envelopeName is the name of an event with its seq, type and time around its data.
func envelopeName(t reflect.Type) string { return t.Name() + "Envelope" }

// envelope is an event of one type as status1to1_next_event returns it.
func (m *model) envelope(name string, t reflect.Type) schema {
	return schema{"title": envelopeName(t), "type": "object", "description": "The event " + name + ".",
		"required": []string{"seq", "type", "at", "data"},
		"properties": map[string]schema{
			"seq":  {"type": "integer", "minimum": 0, "description": "The number for events.ack; 0 for an event that is not stored."},
			"type": {"type": "string", "const": name},
			"at":   {"type": "integer", "description": "When it was emitted, in ms since 1970."},
			"data": ref(schemaName(t)),
		}}
}

// anyEvent is an event of any type, told apart by type.
func (m *model) anyEvent() schema {
	var any []schema
	mapping := map[string]string{}
	for _, e := range m.events {
		s := ref(envelopeName(reflect.TypeOf(e)))
		any, mapping[e.Type()] = append(any, s), s["$ref"].(string)
	}
	return schema{"title": "Event", "description": "An event. Later versions may have further types: ignore those that are unknown.",
		"oneOf": any, "discriminator": schema{"propertyName": "type", "mapping": mapping}}
}

// enumSchema describes a closed set.
func enumSchema(e enumeration) schema {
	values, docs, said := make([]string, len(e.values)), make([]string, len(e.values)), false
	for i, v := range e.values {
		values[i], docs[i] = v.text, v.doc
		said = said || v.doc != ""
	}
	s := schema{"title": e.name, "type": "string", "description": e.doc, "enum": values}
	if said {
		s["x-enum-descriptions"] = docs
	}
	return s
}

// rpcMethod describes one method.
func (m *model) rpcMethod(method api.Method) (rpcMethod, error) {
	r := rpcMethod{
		Name: method.Name, Summary: method.Summary, ParamStructure: "by-name", Params: []rpcParam{}, Errors: []schema{},
		Codes: method.Errors, MaxParams: method.MaxParams, Since: method.Since, Deprecated: method.Deprecated != "", Instead: method.Deprecated,
		Idempotent: method.Idempotent, Retryable: method.Retryable, RetryableWith: method.RetryableWith, Waits: method.Waits,
	}
	if r.Codes == nil {
		r.Codes = []chat.Code{}
	}
	for _, code := range r.Codes {
		r.Errors = append(r.Errors, schema{"$ref": "#/components/errors/" + string(code)})
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
	e, err := m.pairing(method.Name, r.Params)
	if err != nil {
		return rpcMethod{}, fmt.Errorf("the example of %s: %w", method.Name, err)
	}
	r.Examples = []rpcExample{e}
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
	return schema{"title": o.name, "type": "object", "description": o.doc, "properties": properties, "required": required}, nil
}

// fieldSchema describes a field with its bounds, its default and whether it is secret.
func (m *model) fieldSchema(f member) (schema, error) {
	s, err := m.typeSchema(f.Type)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Name, err)
	}
	if s["$ref"] == nil {
		s["title"] = f.Name
	}
	if f.Nullable {
		s = nullable(s)
	}
	if f.Bounds != nil {
		s["minimum"], s["maximum"] = f.Bounds.Min, f.Bounds.Max
	}
	if value, given := defaultOf(f); given {
		s["default"] = value
	}
	if f.sensitive {
		s["x-sensitive"] = true
	}
	if f.doc != "" {
		s["description"] = f.doc
	}
	return s, nil
}

// defaultDoc is how a comment tells the default of a field.
var defaultDoc = regexp.MustCompile(`Default: ([0-9]+|true|false)\b`)

// defaultOf is the default of a parameter, if it is a number or a boolean, or one of a set.
func defaultOf(f member) (value any, given bool) {
	if !f.Optional {
		return nil, false
	}
	if f.enum != nil {
		for _, v := range f.enum.values {
			if strings.Contains(f.doc, `"`+v.text+`" (the default`) || strings.Contains(f.doc, `"`+v.text+`", the default`) || strings.Contains(f.doc, `Default: "`+v.text+`"`) {
				return v.text, true
			}
		}
		return nil, false
	}
	t := f.Type
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	found := defaultDoc.FindStringSubmatch(f.doc)
	switch {
	case found == nil:
		return nil, false
	case t.Kind() == reflect.Bool:
		return found[1] == "true", true
	case t.Kind() == reflect.Int || t.Kind() == reflect.Int64:
		n, err := strconv.Atoi(found[1])
		inside := f.Bounds == nil || float64(n) >= f.Bounds.Min && float64(n) <= f.Bounds.Max // "6 hours" is none of milliseconds
		return n, err == nil && inside
	}
	return nil, false
}

// typeSchema describes any type the API uses.
func (m *model) typeSchema(t reflect.Type) (schema, error) {
	if text, ok := texts[t]; ok {
		return schema{"type": "string", "pattern": text.pattern}, nil
	}
	if isBytes(t) {
		return schema{"type": "string", "contentEncoding": "base64"}, nil
	}
	if e := m.enumOf(t); e != nil && t.Kind() == reflect.String {
		return ref(e.name), nil
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

// ref points to a schema of the document.
func ref(name string) schema { return schema{"$ref": "#/components/schemas/" + name} }
