package main

import (
	"fmt"
	"reflect"
	"regexp"
	"strings"

	"libstatus1to1/chat"
	"libstatus1to1/chat/api"
)

// An entry describes one thing that the header and the man page explain: a method, an
// event, an object.
type entry struct {
	name  string
	text  string
	lists []fieldList
	notes []string // what is said after the fields, a line each
}

// A fieldList names fields under a heading; note stands in their place where there are none.
type fieldList struct {
	heading string
	note    string
	fields  []manualField
}

// A manualField reads as a sentence: name (kind) text.
type manualField struct{ name, kind, text string }

// A chapter is a heading with the entries below it.
type chapter struct {
	heading string
	intro   string
	entries []entry
}

// configuration describes Config and, in the order in which it refers to them, its parts.
func (m *model) configuration() chapter {
	c := chapter{heading: "CONFIGURATION", intro: "The JSON that status1to1_open takes is a Config. What is optional may be left out."}
	var visit func(t reflect.Type)
	visit = func(t reflect.Type) {
		if t = element(t); !isConfig(t.Name()) {
			return
		}
		c.entries = append(c.entries, m.objectEntry(m.objects[t], "optional"))
		for _, f := range m.objects[t].fields {
			visit(f.Type)
		}
	}
	visit(reflect.TypeFor[api.Config]())
	return c
}

func isConfig(name string) bool { return strings.HasSuffix(name, "Config") }

// methodChapters are the methods, a chapter for each noun.
func (m *model) methodChapters() []chapter {
	var all []chapter
	for _, method := range m.methods {
		noun, _, _ := strings.Cut(method.Name, ".")
		if len(all) == 0 || all[len(all)-1].heading != noun {
			all = append(all, chapter{heading: noun})
		}
		last := &all[len(all)-1]
		last.entries = append(last.entries, m.methodEntry(method))
	}
	return all
}

// methodEntry describes one method. The fields of a result that nothing else has stand with the
// method; objects met in several places are described once, under OBJECTS.
func (m *model) methodEntry(method api.Method) entry {
	e := entry{name: method.Name, text: method.Summary}
	params := fieldList{heading: "Parameters", note: "none", fields: m.manualFields(method.Params, "optional")}
	result := fieldList{heading: "Result", note: "{}"}
	switch {
	case m.uses()[method.Result] == 1:
		result.fields = m.manualFields(method.Result, "not always")
	case method.Result.NumField() > 0:
		result.note = schemaName(method.Result)
	}
	e.lists = []fieldList{params, result}
	e.notes = append(e.notes, methodFacts(method))
	if len(method.Errors) > 0 {
		e.notes = append(e.notes, "Errors: "+plainCodes(method.Errors))
	}
	if method.MaxParams != api.MaxRequest {
		e.notes = append(e.notes, fmt.Sprintf("The parameters may have up to %d bytes.", method.MaxParams))
	}
	return e
}

// methodFacts says what a caller may count on.
func methodFacts(method api.Method) string {
	facts := "Since " + method.Since
	switch {
	case method.RetryableWith != "":
		facts += "; may be repeated with the same " + method.RetryableWith
	case method.Idempotent:
		facts += "; may be repeated: that changes nothing more"
	case method.Retryable:
		facts += "; may be repeated if the answer was lost"
	}
	if method.Waits {
		facts += "; waits, at most until deadline_ms"
	}
	if method.Deprecated != "" {
		facts += "; deprecated: " + method.Deprecated
	}
	return facts
}

// eventChapter lists what the data of each type of event holds.
func (m *model) eventChapter() chapter {
	c := chapter{heading: "EVENT DATA", intro: "The fields are those of \"data\" in an event of that type."}
	for _, e := range m.events {
		c.entries = append(c.entries, entry{
			name: e.Type(), text: m.ofEvent(e),
			lists: []fieldList{{heading: "Data", note: "{}", fields: m.manualFields(reflect.TypeOf(e), "not always")}},
		})
	}
	return c
}

// objectChapter describes what results, events and parameters refer to by name.
func (m *model) objectChapter() chapter {
	c := chapter{heading: "OBJECTS", intro: "Objects that parameters, results and events refer to by their names."}
	done := map[reflect.Type]bool{}
	for _, e := range m.events {
		done[reflect.TypeOf(e)] = true
	}
	for _, method := range m.methods {
		done[method.Params] = m.uses()[method.Params] == 1
		if m.uses()[method.Result] == 1 || method.Result.NumField() == 0 {
			done[method.Result] = true
		}
	}
	for _, o := range m.sortedObjects() {
		if t := m.names[o.name]; !done[t] && !isConfig(o.name) {
			mark := "not always"
			if strings.HasSuffix(o.name, "Params") {
				mark = "optional"
			}
			c.entries = append(c.entries, m.objectEntry(o, mark))
		}
	}
	return c
}

// valueChapter lists the closed sets of strings, but for the types of events and the error codes,
// which have chapters of their own.
func (m *model) valueChapter() chapter {
	c := chapter{heading: "VALUES", intro: "Strings of which there is a fixed number. " +
		"Later versions may add some to those of results and events."}
	for _, set := range m.enums {
		if set.name == "EventType" || set.name == "ErrorCode" {
			continue
		}
		list := fieldList{heading: "Values"}
		for _, v := range set.values {
			list.fields = append(list.fields, manualField{name: `"` + v.text + `"`, text: v.doc})
		}
		c.entries = append(c.entries, entry{name: set.name, text: set.doc, lists: []fieldList{list}})
	}
	return c
}

// errorChapter lists the error codes.
func errorChapter() chapter {
	c := chapter{heading: "ERROR CODES", intro: "Every method can fail with " + plainCodes(api.CommonErrors) +
		", and with those its description lists. Retryable is what may succeed later without a change."}
	for _, code := range chat.CodeTable {
		category := string(code.Category)
		if code.Retryable {
			category += ", retryable"
		}
		c.entries = append(c.entries, entry{
			name: string(code.Code),
			text: fmt.Sprintf("(%s) %s %s", category, sentence(code.Meaning), sentence(code.Remedy)),
		})
	}
	return c
}

// objectEntry describes an object; mark is put beside fields that may be absent.
func (m *model) objectEntry(o object, mark string) entry {
	return entry{name: o.name, text: o.doc, lists: []fieldList{{note: "{}", fields: m.manualFields(m.names[o.name], mark)}}}
}

func (m *model) manualFields(t reflect.Type, mark string) []manualField {
	var all []manualField
	for _, f := range m.objects[t].fields {
		kind := plainMarkup.Replace(links.ReplaceAllString(typeName(f), "$1"))
		if f.enum != nil {
			kind = strings.Replace(kind, "string", f.enum.name, 1)
		}
		if f.sensitive {
			kind += ", secret"
		}
		if f.Optional {
			kind += ", " + mark
		}
		all = append(all, manualField{f.Name, kind, f.doc})
	}
	return all
}

// links and plainMarkup undo the Markdown of docs/c-api.md.
var (
	links       = regexp.MustCompile(`\[([^\]]*)\]\(#[^)]*\)`)
	plainMarkup = strings.NewReplacer("`", "")
)

// said is the text of a field behind its name and kind: ": " and a sentence, or the rest of one
// that begins with the name.
func (f manualField) said() string {
	if f.kind == "" && f.text == "" {
		return ""
	}
	if rest, ok := strings.CutPrefix(f.text, f.name+" "); ok {
		return " " + rest
	}
	if f.text == "" {
		return ""
	}
	return ": " + f.text
}

// uses counts the places where each struct type is met: fields, parameters, results and events.
func (m *model) uses() map[reflect.Type]int {
	if m.counted != nil {
		return m.counted
	}
	m.counted = map[reflect.Type]int{}
	for _, o := range m.objects {
		for _, f := range o.fields {
			m.counted[element(f.Type)]++
		}
	}
	for _, method := range m.methods {
		m.counted[method.Params]++
		m.counted[method.Result]++
	}
	for _, e := range m.events {
		m.counted[reflect.TypeOf(e)]++
	}
	return m.counted
}

// element returns the type of the items of a list or map, or that behind a pointer.
func element(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
		t = t.Elem()
	}
	return t
}

func plainCodes(codes []chat.Code) string {
	return strings.ReplaceAll(codeList(codes), "`", "")
}

// sentence is text with a capital letter and a full stop.
func sentence(text string) string {
	if text == "" {
		return ""
	}
	text = strings.ToUpper(text[:1]) + text[1:]
	if !strings.HasSuffix(text, ".") {
		text += "."
	}
	return text
}
