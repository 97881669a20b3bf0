package main

import (
	"fmt"
	"reflect"
	"slices"
	"sort"
	"strings"

	"libstatus1to1/chat"
	"libstatus1to1/chat/api"
)

// reached are the struct types behind some types, those first that others refer to.
func (m *model) reached(roots []reflect.Type) []reflect.Type {
	var all []reflect.Type
	var visit func(t reflect.Type)
	visit = func(t reflect.Type) {
		switch t.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Map:
			visit(t.Elem())
		case reflect.Struct:
			if isText(t) || slices.Contains(all, t) || t == reflect.TypeFor[api.Empty]() {
				return
			}
			for _, f := range m.objects[t].fields {
				visit(f.Type)
			}
			all = append(all, t)
		}
	}
	for _, t := range roots {
		visit(t)
	}
	return all
}

// requestTypes are the objects within parameters, and those of the configuration.
func (m *model) requestTypes() []reflect.Type {
	roots := []reflect.Type{reflect.TypeFor[api.Config]()}
	for _, method := range m.methods {
		for _, f := range m.objects[method.Params].fields {
			roots = append(roots, f.Type)
		}
	}
	return m.reached(roots)
}

// answerTypes are the objects of results, and those within events.
func (m *model) answerTypes() []reflect.Type {
	roots := []reflect.Type{reflect.TypeFor[api.Info](), reflect.TypeFor[chat.IdentityInfo]()}
	for _, method := range m.methods {
		roots = append(roots, method.Result)
	}
	for _, e := range m.events {
		for _, f := range m.objects[reflect.TypeOf(e)].fields {
			roots = append(roots, f.Type)
		}
	}
	return m.reached(roots)
}

// pythonTypes is the module of the objects.
func (m *model) pythonTypes() string {
	var enums, body strings.Builder
	var names []string
	names = append(names, m.pythonEnums(&enums)...)
	for _, t := range m.requestTypes() {
		names = append(names, m.objects[t].name)
		m.typedDict(&body, t)
	}
	for _, t := range m.answerTypes() {
		names = append(names, m.objects[t].name)
		m.pythonRecord(&body, t)
	}
	sort.Strings(names)
	return pythonHead + `"""The objects of parameters and results.

Those of parameters are dicts, with a type for type checkers. Those of results are dataclasses that
cannot be changed; fields that may be missing are None then, or False, or an empty tuple. Strings of
which there is a closed set have a Literal type. Later versions of the library may have further
ones: be ready for a value that you do not know.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, Literal, Optional, TypedDict, Union

from ._records import Record, each, from_base64, many, record

` + pythonAll(names) + `
#: A path: a string or any path-like object.
StrPath = Union[str, "os.PathLike[str]"]

` + enums.String() + body.String()
}

// pythonAll is the list of public names of a module.
func pythonAll(names []string) string {
	var b strings.Builder
	line := "__all__ = ["
	for _, name := range names {
		item := fmt.Sprintf("%q,", name)
		if len(line)+1+len(item) > pythonWidth {
			b.WriteString(line + "\n")
			line = "   "
		}
		if line != "__all__ = [" {
			line += " "
		}
		line += item
	}
	b.WriteString(line + "\n]\n")
	return b.String()
}

// typedDict writes the type of an object in a request. Which of its fields are required is told
// by a class of its own, as Python 3.9 has no other way.
func (m *model) typedDict(b *strings.Builder, t reflect.Type) {
	o := m.objects[t]
	var required, rest []member
	for _, f := range o.fields {
		if f.Optional {
			rest = append(rest, f)
		} else {
			required = append(required, f)
		}
	}
	switch {
	case len(required) == 0:
		m.typedDictPart(b, o.name, "TypedDict, total=False", o.doc, rest)
	case len(rest) == 0:
		m.typedDictPart(b, o.name, "TypedDict", o.doc, required)
	default:
		m.typedDictPart(b, "_"+o.name, "TypedDict", "The fields that "+o.name+" must have.", required)
		m.typedDictPart(b, o.name, "_"+o.name+", total=False", o.doc, rest)
	}
}

// typedDictPart writes one class. A field that is called like a keyword needs the other notation,
// in which bases cannot be named.
func (m *model) typedDictPart(b *strings.Builder, name, bases, doc string, fields []member) {
	keyword := slices.ContainsFunc(fields, func(f member) bool { return pythonName(f.Name) != f.Name })
	if !keyword {
		fmt.Fprintf(b, "\nclass %s(%s):\n%s\n", name, bases, pythonDocstring(doc, "    "))
		for _, f := range fields {
			fmt.Fprintf(b, "    %s: %s\n%s", f.Name, m.pythonType(f, true), pythonDocstring(pythonDoc(f), "    "))
		}
		b.WriteString("\n")
		return
	}
	fmt.Fprintf(b, "\n%s%s = TypedDict(%q, {\n", pythonComment(doc), name, name)
	for _, f := range fields {
		fmt.Fprintf(b, "    # %s\n    %q: %q,\n", strings.ReplaceAll(pythonText(pythonDoc(f), "", 6), "\n", "\n    # "), f.Name, m.pythonType(f, true))
	}
	b.WriteString("})\n\n")
}

// pythonRecord writes the class of an object in an answer.
func (m *model) pythonRecord(b *strings.Builder, t reflect.Type) {
	o := m.objects[t]
	fmt.Fprintf(b, "\n@record\nclass %s(Record):\n%s", o.name, pythonDocstring(o.doc, "    "))
	m.pythonFields(b, o.fields)
	b.WriteString("\n")
}

// pythonFields writes the fields of a record, and how they are read.
func (m *model) pythonFields(b *strings.Builder, fields []member) {
	var renamed, readers, sensitive []string
	for _, f := range fields {
		fmt.Fprintf(b, "\n    %s: %s\n", pythonName(f.Name), m.pythonDefault(f))
		if f.doc != "" {
			b.WriteString(pythonDocstring(pythonDoc(f), "    "))
		}
		if pythonName(f.Name) != f.Name {
			renamed = append(renamed, fmt.Sprintf("%q: %q", f.Name, pythonName(f.Name)))
		}
		if reader := m.pythonReader(f.Type); reader != "" {
			readers = append(readers, fmt.Sprintf("%q: %s", f.Name, reader))
		}
		if f.sensitive {
			sensitive = append(sensitive, fmt.Sprintf("%q", pythonName(f.Name)))
		}
	}
	for _, part := range []struct {
		name, open, end string
		items           []string
	}{{"_renamed", "{", "}", renamed}, {"_readers", "{", "}", readers}, {"_sensitive", "frozenset({", "})", sensitive}} {
		if len(part.items) > 0 {
			fmt.Fprintf(b, "\n    %s = %s\n        %s,\n    %s\n", part.name, part.open, strings.Join(part.items, ",\n        "), part.end)
		}
	}
}

// pythonDefault is the type of a field of an answer and, if it may be missing, what it is then.
func (m *model) pythonDefault(f member) string {
	name := m.pythonType(f, false)
	switch {
	case !f.Optional && f.Nullable:
		return "Optional[" + name + "]"
	case !f.Optional:
		return name
	case name == "bool":
		return "bool = False"
	case strings.HasPrefix(name, "tuple["):
		return name + " = ()"
	}
	return "Optional[" + name + "] = None"
}

// pythonEvents is the module of the events.
func (m *model) pythonEvents() string {
	var b, table strings.Builder
	names := []string{"Event", "read_event"}
	used := map[string]bool{"EventType": true}
	var use func(t reflect.Type)
	use = func(t reflect.Type) {
		switch {
		case t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map:
			use(t.Elem())
		case t.Kind() == reflect.Struct && !isText(t):
			used[m.objects[t].name] = true
		}
	}
	for _, e := range m.events {
		t := reflect.TypeOf(e)
		names = append(names, t.Name())
		fmt.Fprintf(&table, "    %q: %s,\n", e.Type(), t.Name())
		fmt.Fprintf(&b, "\n@record\nclass %s(Event):\n%s\n    type: Literal[%q]\n", t.Name(), pythonDocstring(m.ofEvent(e), "    "), e.Type())
		m.pythonFields(&b, m.objects[t].fields)
		b.WriteString("\n")
		for _, f := range m.objects[t].fields {
			use(f.Type)
			if f.enum != nil {
				used[f.enum.name] = true
			}
		}
	}
	imports := make([]string, 0, len(used))
	for name := range used {
		imports = append(imports, name)
	}
	sort.Strings(imports)
	return pythonHead + `"""What happens, as client.events() and client.next_event() tell it.

Each type of event has a class, with the fields of its data. An event of a type that this version
does not know is a plain Event.
"""

from __future__ import annotations

import dataclasses
from typing import Any, Literal, Optional

from ._records import Record, from_base64, many, record
from .types import (
    ` + strings.ReplaceAll(pythonText(strings.Join(imports, ", "), "    ", 0), "\n", "\n") + `,
)

` + pythonAll(names) + pythonEventBase + b.String() + "\n_CLASSES: dict[str, type[Event]] = {\n" + table.String() + `}


def read_event(event: dict[str, Any]) -> Event:
    """Reads an event, as the library tells it."""
    data = event["data"]
    found = _CLASSES.get(event["type"], Event)._read(data)
    found.__dict__.update(seq=event["seq"], type=event["type"], at=event["at"], data=data)
    return found
`
}

// pythonEventBase is the class of all events.
const pythonEventBase = `

@record
class Event(Record):
    """Something that happened."""

    seq: int
    """Its number, for client.events.ack(); 0 if it cannot be acknowledged."""

    type: EventType
    """What it is, such as "message_received"."""

    at: int
    """When it happened, in ms since 1970."""

    data: dict[str, Any] = dataclasses.field(repr=False, compare=False)
    """What the library tells of it, as it came: the fields of the class, and others that this
    version does not know."""

`
