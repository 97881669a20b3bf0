package main

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"libstatus1to1/chat/api"
)

// pythonKind is how methods are called: at once, or by an event loop.
type pythonKind struct {
	doc    string
	def    string // before the name of a method
	wait   string // before what is called
	client string // what a group has, and its module
}

var (
	pythonSync  = pythonKind{"Every method of the library, in groups, as attributes of Client.", "def", "", "Client"}
	pythonAsync = pythonKind{"Every method of the library, in groups, as attributes of AsyncClient.", "async def", "await ", "AsyncClient"}
)

// pythonLong are methods that take long with a large store. As those that wait for the network,
// they leave the main thread free for Ctrl-C, and the threads of an event loop for others.
var pythonLong = []string{"store.check", "store.export", "store.import"}

// pythonMethods is a module with a class for each group of methods, and one that has the groups.
func (m *model) pythonMethods(kind pythonKind) string {
	var groups []string
	bodies := map[string]*strings.Builder{}
	var waiting []string
	for _, method := range m.methods {
		group, _ := splitMethod(method.Name)
		if bodies[group] == nil {
			groups = append(groups, group)
			bodies[group] = &strings.Builder{}
		}
		m.pythonMethod(bodies[group], method, kind)
		if method.Waits || slices.Contains(pythonLong, method.Name) {
			waiting = append(waiting, fmt.Sprintf("%q", method.Name))
		}
	}
	sort.Strings(waiting)
	var b strings.Builder
	fmt.Fprintf(&b, "%s\"\"\"%s\"\"\"\n\n%s", pythonHead, kind.doc, pythonMethodImports)
	if kind == pythonSync {
		fmt.Fprintf(&b, "\n#: Methods that may take long: they wait for the network, or go through the whole store.\nWAITING = frozenset({%s})\n", strings.Join(waiting, ", "))
	}
	fmt.Fprintf(&b, pythonGroupBase, kind.def, kind.def, kind.wait)
	for _, group := range groups {
		fmt.Fprintf(&b, "\n\nclass %s(_Group):\n    \"\"\"The methods called %s.*\"\"\"\n%s", groupClass(group), group, bodies[group])
	}
	fmt.Fprintf(&b, "\n\nclass Methods:\n    \"\"\"The groups of methods.\"\"\"\n\n    %s _call(self, method: str, params: dict[str, Any]) -> dict[str, Any]:\n        raise NotImplementedError\n", kind.def)
	for _, group := range groups {
		fmt.Fprintf(&b, "\n    @property\n    def %s(self) -> %s:\n        return %s(self)\n", group, groupClass(group), groupClass(group))
	}
	return b.String()
}

// groupClass is the name of the class of a group of methods.
func groupClass(group string) string { return strings.ToUpper(group[:1]) + group[1:] }

const pythonMethodImports = `from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Optional

from . import types
`

// pythonGroupBase is the class of all groups.
const pythonGroupBase = `

class _Group:
    __slots__ = ("_client",)

    def __init__(self, client: Methods) -> None:
        self._client = client

    %s _call(self, method: str, **params: Any) -> dict[str, Any]:
        return %[3]sself._client._call(method, {name: value for name, value in params.items() if value is not None})
`

// pythonMethod writes one method.
func (m *model) pythonMethod(b *strings.Builder, method api.Method, kind pythonKind) {
	_, verb := splitMethod(method.Name)
	fields := m.objects[method.Params].fields
	var required, rest, given []string
	for _, f := range fields {
		name, typ := pythonName(f.Name), qualified(m.pythonType(f, true))
		if f.Optional {
			rest = append(rest, fmt.Sprintf("%s: Optional[%s] = None", name, typ))
		} else {
			required = append(required, fmt.Sprintf("%s: %s", name, typ))
		}
		if name == f.Name {
			given = append(given, name+"="+name)
		} else {
			given = append(given, fmt.Sprintf("**{%q: %s}", f.Name, name))
		}
	}
	parameters := append([]string{"self"}, required...)
	if len(rest) > 0 {
		parameters = append(append(parameters, "*"), rest...)
	}
	result := "None"
	if method.Result.NumField() > 0 {
		result = "types." + m.objects[method.Result].name
	}
	b.WriteString("\n" + pythonList("    "+kind.def+" "+pythonName(verb)+"(", parameters, ") -> "+result+":"))
	m.methodDocstring(b, method)
	call := pythonList("        "+kind.wait+"self._call(", append([]string{fmt.Sprintf("%q", method.Name)}, given...), ")")
	if result != "None" {
		call = pythonList("        return "+result+"._read("+kind.wait+"self._call(", append([]string{fmt.Sprintf("%q", method.Name)}, given...), "))")
	}
	b.WriteString(call)
}

// pythonList is a list in brackets, in one line or, where that is too long, an item a line.
func pythonList(open string, items []string, end string) string {
	if line := open + strings.Join(items, ", ") + end; len(line) <= pythonWidth {
		return line + "\n"
	}
	indent := open[:len(open)-len(strings.TrimLeft(open, " "))]
	var b strings.Builder
	b.WriteString(open + "\n")
	for _, item := range items {
		b.WriteString(indent + "    " + item + ",\n")
	}
	return b.String() + indent + end + "\n"
}

// qualified is a type of module types as other modules name it.
func qualified(name string) string {
	for _, plain := range []string{"str", "bytes", "bool", "int", "float", "Any"} {
		if name == plain {
			return name
		}
	}
	if inner, ok := strings.CutPrefix(name, "Sequence["); ok {
		return "Sequence[" + qualified(strings.TrimSuffix(inner, "]")) + "]"
	}
	return "types." + name
}

// methodDocstring writes what a method does, what it takes and how it fails.
func (m *model) methodDocstring(b *strings.Builder, method api.Method) {
	const indent = "        "
	b.WriteString(indent + `"""` + pythonText(method.Summary, indent, 3) + "\n")
	if fields := m.objects[method.Params].fields; len(fields) > 0 {
		b.WriteString("\n" + indent + "Args:\n")
		for _, f := range fields {
			name := pythonName(f.Name)
			fmt.Fprintf(b, "%s    %s: %s\n", indent, name, pythonText(pythonDoc(f), indent+"        ", len(name)-2))
		}
	}
	if len(method.Errors) > 0 {
		codes := make([]string, len(method.Errors))
		for i, code := range method.Errors {
			codes[i] = string(code)
		}
		fmt.Fprintf(b, "\n%sRaises:\n%s    Error: with the code %s.\n", indent, indent, pythonText(orList(codes), indent+"        ", 12))
	}
	b.WriteString(indent + "\"\"\"\n")
}

// orList is "a", "a or b", "a, b or c".
func orList(items []string) string {
	last := len(items) - 1
	if last == 0 {
		return items[0]
	}
	return strings.Join(items[:last], ", ") + " or " + items[last]
}
