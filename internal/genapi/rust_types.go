package main

import (
	"fmt"
	"reflect"
	"strings"

	"libstatus1to1/chat"
	"libstatus1to1/chat/api"
)

// types.rs of the Rust binding: the enums and structs.

// rustTypes are the enums and structs.
func (m *model) rustTypes(given map[reflect.Type]bool) string {
	var b strings.Builder
	b.WriteString("//! The configuration, parameters, results, data of events, and what is in them.\n\n" + rustMark)
	b.WriteString("use std::collections::BTreeMap;\n\nuse serde::{Deserialize, Serialize};\nuse serde_json::Value;\n\nuse crate::error::Error;\nuse crate::values::{Bytes, Nanoseconds, Secret};\n")
	m.rustEnums(&b)
	for _, o := range m.sortedObjects() {
		switch t := m.names[o.name]; {
		case t == reflect.TypeFor[api.Empty](), t == reflect.TypeFor[api.ErrorBody]():
		case given[t]:
			m.rustGivenType(&b, o)
		default:
			m.rustMadeType(&b, o)
		}
	}
	return b.String()
}

// rustEnums are the closed sets that fields are of, and the codes of errors.
func (m *model) rustEnums(b *strings.Builder) {
	used := map[string]bool{"ErrorCode": true, "ErrorCategory": true}
	for _, o := range m.objects {
		for _, f := range o.fields {
			if f.enum != nil {
				used[f.enum.name] = true
			}
		}
	}
	remedies := map[string]string{}
	for _, c := range chat.CodeTable {
		remedies[string(c.Code)] = c.Remedy
	}
	for _, e := range m.enums {
		if !used[e.name] {
			continue
		}
		var values []enumValue
		for _, v := range e.values {
			doc := sentence(v.doc)
			if doc == "" {
				doc = "`" + v.text + "`"
			}
			if e.name == "ErrorCode" {
				doc += " To do: " + remedies[v.text] + "."
			}
			values = append(values, enumValue{v.text, doc})
		}
		rustEnum(b, rustName(e.name), e.doc, values)
	}
}

// rustEnum writes an enum.
func rustEnum(b *strings.Builder, name, doc string, values []enumValue) {
	b.WriteString("\nopen_enum! {\n" + rustDoc(doc, 4) + "    " + name + " {\n")
	for _, v := range values {
		fmt.Fprintf(b, "%s        %s = %q,\n", rustDoc(v.doc, 8), rustVariant(v.text), v.text)
	}
	b.WriteString("    }\n}\n")
}

// rustMadeType writes a struct that the library makes.
func (m *model) rustMadeType(b *strings.Builder, o object) {
	b.WriteString("\n" + rustDoc(o.doc, 0))
	b.WriteString("#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]\n#[non_exhaustive]\n")
	fmt.Fprintf(b, "pub struct %s {\n", rustName(o.name))
	for _, f := range o.fields {
		typ, optional := m.rustType(f), f.Optional || f.Nullable
		if other, ok := rustFields[m.names[o.name].Name()+"."+f.GoName]; ok {
			typ = other
		}
		switch {
		case !optional:
			b.WriteString(rustFieldDoc(f))
		case absentIsEmpty(f):
			b.WriteString(rustFieldDoc(f) + "    #[serde(default)]\n")
		case f.Nullable:
			b.WriteString(rustFieldDoc(f))
			typ = "Option<" + typ + ">"
		default:
			b.WriteString(rustFieldDoc(f) + "    #[serde(skip_serializing_if = \"Option::is_none\")]\n")
			typ = "Option<" + typ + ">"
		}
		fmt.Fprintf(b, "    pub %s: %s,\n", rustField(f.Name), typ)
	}
	b.WriteString("}\n")
}

// absentIsEmpty reports whether an optional field of an answer is left out just because it is false
// or has nothing in it.
func absentIsEmpty(f member) bool {
	switch f.Type.Kind() {
	case reflect.Bool, reflect.Map:
		return f.Optional
	case reflect.Slice:
		return f.Optional && !isBytes(f.Type) && !isText(f.Type)
	}
	return false
}

// rustGivenType writes a struct that programs make, with its functions.
func (m *model) rustGivenType(b *strings.Builder, o object) {
	name := rustName(o.name)
	var required, optional []member
	for _, f := range o.fields {
		if f.Optional {
			optional = append(optional, f)
		} else {
			required = append(required, f)
		}
	}
	derives := "Clone, Debug, PartialEq, Serialize, Deserialize"
	if len(required) == 0 {
		derives = "Clone, Debug, Default, PartialEq, Serialize, Deserialize"
	}
	fmt.Fprintf(b, "\n%s#[derive(%s)]\n#[non_exhaustive]\npub struct %s {\n", rustDoc(o.doc, 0), derives, name)
	for _, f := range o.fields {
		b.WriteString(rustFieldDoc(f))
		typ := m.rustType(f)
		if f.Optional {
			b.WriteString("    #[serde(skip_serializing_if = \"Option::is_none\")]\n")
			typ = "Option<" + typ + ">"
		}
		fmt.Fprintf(b, "    pub %s: %s,\n", rustField(f.Name), typ)
	}
	fmt.Fprintf(b, "}\n\nimpl %s {\n", name)
	m.rustNew(b, o, required)
	for _, f := range optional {
		takes, value := m.rustArgument(f)
		signature := fmt.Sprintf("    pub fn %s(mut self, %s: %s) -> Self {", rustField(f.Name), rustField(f.Name), takes)
		fmt.Fprintf(b, "\n    /// Sets `%s`.\n%s", f.Name, rustSignature(signature))
		fmt.Fprintf(b, "        self.%s = Some(%s);\n        self\n    }\n", rustField(f.Name), value)
	}
	b.WriteString("}\n")
	m.rustConversions(b, name, required)
}

// rustNew writes the function that makes a struct of what is required.
func (m *model) rustNew(b *strings.Builder, o object, required []member) {
	if len(required) == 0 {
		b.WriteString("    /// With nothing set.\n    pub fn new() -> Self {\n        Self::default()\n    }\n")
		return
	}
	var takes, sets []string
	for _, f := range o.fields {
		if f.Optional {
			sets = append(sets, rustField(f.Name)+": None")
			continue
		}
		typ, value := m.rustArgument(f)
		takes = append(takes, rustField(f.Name)+": "+typ)
		if value == rustField(f.Name) {
			sets = append(sets, value)
		} else {
			sets = append(sets, rustField(f.Name)+": "+value)
		}
	}
	signature := fmt.Sprintf("    pub fn new(%s) -> Self {", strings.Join(takes, ", "))
	fmt.Fprintf(b, "    /// With what is required.\n%s", rustSignature(signature))
	line := "        Self { " + strings.Join(sets, ", ") + " }\n"
	if len(line) > rustWidth {
		line = "        Self {\n            " + strings.Join(sets, ",\n            ") + ",\n        }\n"
	}
	b.WriteString(line + "    }\n")
}

// rustConversions writes what may stand for the struct: its only required field, or () if there is
// none.
func (m *model) rustConversions(b *strings.Builder, name string, required []member) {
	if len(required) > 1 {
		return
	}
	from, pattern, value := "()", "()", name+"::new()"
	if len(required) == 1 {
		f := required[0]
		from, pattern, value = m.rustType(f), rustField(f.Name), name+"::new("+rustField(f.Name)+")"
		if strings.HasPrefix(from, "Vec<") {
			return
		}
		if from == "String" || from == "Secret" {
			from = "&str"
			fmt.Fprintf(b, "\nimpl From<String> for %s {\n    fn from(%s: String) -> Self {\n        %s\n    }\n}\n", name, pattern, value)
			fmt.Fprintf(b, "\nimpl From<&String> for %s {\n    fn from(%s: &String) -> Self {\n        %s\n    }\n}\n", name, pattern, strings.Replace(value, "("+pattern, "("+pattern+".as_str()", 1))
		}
	}
	fmt.Fprintf(b, "\nimpl From<%s> for %s {\n    fn from(%s: %s) -> Self {\n        %s\n    }\n}\n", from, name, pattern, from, value)
}

// rustType is the type of a field. What is optional is left to the caller.
func (m *model) rustType(f member) string {
	inner := m.rustBareType(f.Type)
	switch {
	case f.enum != nil:
		inner = strings.Replace(inner, "String", rustName(f.enum.name), 1)
	case inner == "i64" && f.Bounds != nil && f.Bounds.Min >= 0:
		inner = "u64"
	}
	switch {
	case !f.sensitive:
		return inner
	case inner == "String":
		return "Secret"
	}
	return "Secret<" + inner + ">"
}

// rustBareType is the type that t has in Rust, were it neither secret nor of a closed set.
func (m *model) rustBareType(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[api.Nanoseconds]():
		return "Nanoseconds"
	case isBytes(t), isText(t) && texts[t].hint == "base64":
		return "Bytes"
	case isText(t):
		return "String"
	case t == reflect.TypeFor[api.ErrorBody]():
		return "Error"
	}
	switch t.Kind() {
	case reflect.Pointer:
		return m.rustBareType(t.Elem())
	case reflect.Slice:
		return "Vec<" + m.rustBareType(t.Elem()) + ">"
	case reflect.Map:
		return "BTreeMap<String, " + m.rustBareType(t.Elem()) + ">"
	case reflect.Struct:
		return rustName(m.objects[t].name)
	case reflect.Interface:
		return "Value"
	case reflect.Float64:
		return "f64"
	case reflect.String:
		return "String"
	case reflect.Bool:
		return "bool"
	case reflect.Uint32:
		return "u32"
	case reflect.Int32:
		return "i32"
	case reflect.Uint64:
		return "u64"
	}
	return "i64"
}

// rustArgument is how a function takes the value of a field, and the value made of it.
func (m *model) rustArgument(f member) (takes, value string) {
	name, typ := rustField(f.Name), m.rustType(f)
	switch {
	case strings.HasPrefix(typ, "Vec<"):
		item := strings.TrimSuffix(strings.TrimPrefix(typ, "Vec<"), ">")
		return "impl IntoIterator<Item = impl Into<" + item + ">>", name + ".into_iter().map(Into::into).collect()"
	case typ == "bool", typ == "i64", typ == "u64", typ == "i32", typ == "u32", typ == "f64":
		return typ, name
	}
	return "impl Into<" + typ + ">", name + ".into()"
}
