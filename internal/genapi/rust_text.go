package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Names and comments of the Rust binding.

// rustWidth is the longest line (max_width in bindings/rust/rustfmt.toml).
const rustWidth = 110

// rustNames are the types that Rust calls something else: Sync is the name of one of its traits.
var rustNames = map[string]string{"Sync": "DeviceSync"}

// rustFields are the fields, by the Go names of type and field, whose type in Rust says more than that
// in Go.
var rustFields = map[string]string{"EnvelopeOutgoing.Timestamp": "Nanoseconds"}

// rustVariants are the values of enums that have another name than camel makes: Self is a keyword.
var rustVariants = map[string]string{"self": "OwnKey"}

// rustKeywords are the names of fields and methods that have to be written as r#name.
var rustKeywords = []string{"abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "do", "dyn",
	"else", "enum", "extern", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro", "match", "mod",
	"move", "mut", "override", "priv", "pub", "ref", "return", "static", "struct", "trait", "true", "try", "type", "typeof",
	"unsafe", "unsized", "use", "virtual", "where", "while", "yield"}

// rustName is the name of a type: KDFConfig is KdfConfig.
func rustName(name string) string {
	if other, ok := rustNames[name]; ok {
		return other
	}
	letters := []rune(name)
	for i := 1; i < len(letters); i++ {
		isUpper := func(j int) bool { return j < len(letters) && letters[j] >= 'A' && letters[j] <= 'Z' }
		before := name[i-1] >= 'A' && name[i-1] <= 'Z'
		if isUpper(i) && before && (i+1 == len(letters) || isUpper(i+1)) {
			letters[i] += 'a' - 'A'
		}
	}
	return string(letters)
}

// rustVariant is the name of a value of an enum.
func rustVariant(text string) string {
	if other, ok := rustVariants[text]; ok {
		return other
	}
	return camel(text)
}

// rustField is the name of a field, argument or function.
func rustField(name string) string {
	if slices.Contains(rustKeywords, name) {
		return "r#" + name
	}
	return name
}

// camel is a name of JSON as the name of a type or of a value of an enum.
func camel(name string) string {
	var b strings.Builder
	for _, word := range strings.FieldsFunc(name, func(r rune) bool { return r == '_' || r == '-' || r == '.' || r == ' ' || r == '/' }) {
		b.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return b.String()
}

// rustSignature is a line that begins a function, as rustfmt breaks it.
func rustSignature(line string) string {
	if len(line) <= rustWidth {
		return line + "\n"
	}
	open, shut := strings.Index(line, "("), strings.LastIndex(line, ") ->")
	indent := "        "
	arguments := strings.ReplaceAll(line[open+1:shut], ", ", ",\n"+indent)
	return line[:open+1] + "\n" + indent + arguments + ",\n    " + line[shut:] + "\n"
}

// rustFieldDoc is the comment of a field.
func rustFieldDoc(f member) string {
	doc := f.doc
	if doc == "" {
		doc = "`" + f.Name + "`"
	}
	if f.Bounds != nil {
		doc += fmt.Sprintf(" (%.10g to %.16g)", f.Bounds.Min, f.Bounds.Max)
	}
	return rustDoc(doc, 4)
}

// rustDoc is a doc comment, with nothing in it that rustdoc takes for a link or for HTML.
func rustDoc(text string, indent int) string {
	start := strings.Repeat(" ", indent) + "///"
	var b strings.Builder
	line := start
	for _, word := range strings.Fields(rustEscape(text)) {
		if len(line)+1+len(word) > rustWidth-8 && line != start {
			b.WriteString(line + "\n")
			line = start
		}
		line += " " + word
	}
	return b.String() + line + "\n"
}

// special are the parts of a comment that are code or that rustdoc would take for something else.
var special = regexp.MustCompile("`[^`]*`|https?://[^ ,;)]*[^ ,;).:]|[\\[\\]<>]")

// rustEscape is text in Markdown.
func rustEscape(text string) string {
	return special.ReplaceAllStringFunc(text, func(found string) string {
		switch {
		case strings.HasPrefix(found, "`"):
			return found
		case strings.HasPrefix(found, "http"):
			return "`" + found + "`"
		}
		return `\` + found
	})
}
