package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"strings"

	"libstatus1to1/chat"
	"libstatus1to1/chat/api"
)

// reference is the generated part of docs/c-api.md.
func (m *model) reference() string {
	var b strings.Builder
	b.WriteString("\n## Configuration\n\n")
	for _, t := range []reflect.Type{
		reflect.TypeFor[api.Config](), reflect.TypeFor[api.StoreConfig](), reflect.TypeFor[api.KDFConfig](),
		reflect.TypeFor[api.NetworkConfig](), reflect.TypeFor[api.MemoryNetworkConfig](),
		reflect.TypeFor[api.EngineConfig](), reflect.TypeFor[api.LogConfig](),
	} {
		m.section(&b, "###", t)
	}
	b.WriteString("## Methods\n\nEvery method can fail with " + codeList(api.CommonErrors) + "; the codes below are in addition.\n\n")
	for _, method := range m.methods {
		m.methodSection(&b, method)
	}
	b.WriteString("## Events\n\nThe `data` of each type:\n\n")
	for _, e := range m.events {
		t := reflect.TypeOf(e)
		fmt.Fprintf(&b, "### `%s`\n\n%s\n\n", e.Type(), m.ofEvent(e))
		m.table(&b, t, "always")
		fmt.Fprintf(&b, "```json\n%s\n```\n\n", shortened(m.examples.events[e.Type()]))
	}
	b.WriteString("## Objects\n\n")
	m.otherObjects(&b)
	m.sets(&b)
	codeTable(&b)
	return b.String()
}

// methodSection describes one method.
func (m *model) methodSection(b *strings.Builder, method api.Method) {
	fmt.Fprintf(b, "### `%s`\n\n%s\n\n", method.Name, method.Summary)
	if method.Params.NumField() == 0 {
		b.WriteString("No parameters.\n\n")
	} else {
		m.table(b, method.Params, "required")
	}
	if method.Result.NumField() == 0 {
		b.WriteString("The result is `{}`.")
	} else {
		fmt.Fprintf(b, "The result is %s.", link(method.Result))
	}
	if len(method.Errors) > 0 {
		b.WriteString(" Errors: " + codeList(method.Errors) + ".")
	}
	if method.MaxParams != api.MaxRequest {
		fmt.Fprintf(b, " The parameters may have up to %d bytes.", method.MaxParams)
	}
	b.WriteString(" " + factsOf(method) + "\n\n")
	e := m.examples.methods[method.Name]
	fmt.Fprintf(b, "```json\n%s\n%s\n```\n\n", shortened(e.Params), shortened(e.Result))
}

// factsOf tells what a caller may rely on.
func factsOf(method api.Method) string {
	facts := "A call whose answer was lost is not to be repeated: it would be done twice."
	switch {
	case method.Idempotent:
		facts = "It may be repeated: the state is that of one call."
	case method.Retryable:
		facts = "It may be repeated: nothing is done twice, but the answer may be an error which says that it was done."
	case method.RetryableWith != "":
		facts = "It may be repeated with the same `" + method.RetryableWith + "`, and is done twice without one."
	}
	if method.Waits {
		facts += " It waits, until `deadline_ms` at most."
	}
	if method.Deprecated != "" {
		facts += " Deprecated: " + method.Deprecated
	}
	return facts + " Since " + method.Since + "."
}

// longText is a string of an example that is longer than a reader needs.
var longText = regexp.MustCompile(`"([^"\\]{40})[^"\\]{40,}"`)

// shortened is an example on one line, with long strings cut.
func shortened(raw json.RawMessage) string {
	var b bytes.Buffer
	if err := json.Compact(&b, raw); err != nil {
		return string(raw)
	}
	return longText.ReplaceAllString(b.String(), `"$1..."`)
}

// sets describes every closed set but the codes of errors and the types of events, which
// have chapters of their own.
func (m *model) sets(b *strings.Builder) {
	b.WriteString("## Values\n\nStrings of closed sets. Answers and events of later versions may have further values.\n\n")
	for _, e := range m.enums {
		if e.name == "ErrorCode" || e.name == "EventType" {
			continue
		}
		fmt.Fprintf(b, "### %s\n\n%s\n\n%s\n", e.name, e.doc, valueList(e))
	}
}

// valueList is a table of the values of a set, or one line if they say everything by their names.
func valueList(e enumeration) string {
	var names []string
	var rows strings.Builder
	documented := false
	for _, v := range e.values {
		names = append(names, "`"+v.text+"`")
		fmt.Fprintf(&rows, "| `%s` | %s |\n", v.text, strings.ReplaceAll(v.doc, "|", `\|`))
		documented = documented || v.doc != ""
	}
	if !documented {
		return strings.Join(names, ", ") + "\n"
	}
	return "| Value | |\n|---|---|\n" + rows.String()
}

// section describes an object under a heading.
func (m *model) section(b *strings.Builder, heading string, t reflect.Type) {
	fmt.Fprintf(b, "%s %s\n\n%s\n\n", heading, schemaName(t), m.docs.ofType(t))
	m.table(b, t, "required")
}

// table lists the fields of t; mark heads the column of those that are not optional.
func (m *model) table(b *strings.Builder, t reflect.Type, mark string) {
	fmt.Fprintf(b, "| Field | Type | %s | |\n|---|---|---|---|\n", mark)
	for _, f := range m.objects[t].fields {
		yes := "yes"
		if f.Optional {
			yes = ""
		}
		fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", f.Name, typeName(f), yes, strings.ReplaceAll(f.doc, "|", `\|`))
	}
	b.WriteString("\n")
}

// otherObjects describes what results and events refer to.
func (m *model) otherObjects(b *strings.Builder) {
	done := map[reflect.Type]bool{reflect.TypeFor[api.Empty](): true}
	for _, e := range m.events {
		done[reflect.TypeOf(e)] = true
	}
	for _, method := range m.methods {
		done[method.Params] = true
	}
	for _, o := range m.sortedObjects() {
		t := m.names[o.name]
		if !done[t] && !strings.HasSuffix(o.name, "Config") {
			fmt.Fprintf(b, "### %s\n\n%s\n\n", o.name, o.doc)
			m.table(b, t, "always")
		}
	}
}

// codeTable lists every error code.
func codeTable(b *strings.Builder) {
	b.WriteString("## Error codes\n\nThe number is the code of the error in JSON-RPC.\n\n| Code | Number | Category | Retryable | Meaning | Remedy |\n|---|---|---|---|---|---|\n")
	for _, c := range chat.CodeTable {
		retry := ""
		if c.Retryable {
			retry = "yes"
		}
		fmt.Fprintf(b, "| `%s` | %d | %s | %s | %s | %s |\n", c.Code, c.Number, c.Category, retry, c.Meaning, c.Remedy)
	}
	b.WriteString("\n")
}

// typeName is the type of a field for people, with its bounds.
func typeName(f member) string {
	name := plainType(f.Type)
	if f.enum != nil {
		name = strings.Replace(name, "string", fmt.Sprintf("[%s](#%s)", f.enum.name, strings.ToLower(f.enum.name)), 1)
	}
	if f.Nullable {
		name += " or null"
	}
	if f.Bounds != nil {
		name += fmt.Sprintf(", %.10g..%.16g", f.Bounds.Min, f.Bounds.Max)
	}
	return name
}

func plainType(t reflect.Type) string {
	if text, ok := texts[t]; ok {
		return text.hint
	}
	if isBytes(t) {
		return "base64"
	}
	switch t.Kind() {
	case reflect.Pointer:
		return plainType(t.Elem())
	case reflect.Slice:
		return "list of " + plainType(t.Elem())
	case reflect.Map:
		return "object of " + plainType(t.Elem())
	case reflect.Struct:
		return link(t)
	case reflect.Interface:
		return "any"
	case reflect.Float64:
		return "number"
	case reflect.String:
		return "string"
	case reflect.Bool:
		return "boolean"
	}
	return "integer"
}

func link(t reflect.Type) string {
	return fmt.Sprintf("[%s](#%s)", schemaName(t), strings.ToLower(schemaName(t)))
}

func codeList(codes []chat.Code) string {
	quoted := make([]string, len(codes))
	for i, c := range codes {
		quoted[i] = "`" + string(c) + "`"
	}
	return strings.Join(quoted, ", ")
}
