package main

import (
	"fmt"
	"strings"
)

// Widths of the header's comments, and how far what continues a line is moved in.
const (
	headerWidth = 100
	hanging     = "    "
)

// wrappers is the generated part of the header: a C function a method, described, and in comments
// what their JSON holds.
func (m *model) wrappers() string {
	var b strings.Builder
	writeChapter(&b, m.configuration())
	for _, c := range m.methodChapters() {
		fmt.Fprintf(&b, "\n/* ---- %s ---- */\n", c.heading)
		for _, e := range c.entries {
			b.WriteString("\n" + e.comment())
			fmt.Fprintf(&b, "static inline char *%s(status1to1_client client, const char *params_json)\n", wrapperName(e.name))
			fmt.Fprintf(&b, "{\n    return status1to1_call(client, %q, params_json);\n}\n", e.name)
		}
	}
	for _, c := range []chapter{m.eventChapter(), m.objectChapter(), m.valueChapter(), errorChapter()} {
		writeChapter(&b, c)
	}
	return b.String() + "\n"
}

// wrapperName is the C function of a method.
func wrapperName(method string) string { return "status1to1_" + strings.ReplaceAll(method, ".", "_") }

// writeChapter writes a chapter that is comments only: its heading, then one for each entry.
func writeChapter(b *strings.Builder, c chapter) {
	fmt.Fprintf(b, "\n%s", comment(c.heading+" - "+c.intro))
	for _, e := range c.entries {
		b.WriteString("\n" + e.comment())
	}
}

// comment is the entry as a C comment.
func (e entry) comment() string {
	text := e.text
	if !strings.HasPrefix(text, e.name+" ") {
		text = e.name + ": " + text
	}
	lines := wrap(text, "", headerWidth-len(" * "))
	for _, l := range e.lists {
		lines = append(lines, l.lines()...)
	}
	for _, n := range e.notes {
		lines = append(lines, wrap(n, hanging, headerWidth-len(" * "))...)
	}
	return framed(lines)
}

// lines are the heading and the fields below it.
func (l fieldList) lines() []string {
	if len(l.fields) == 0 {
		if l.heading == "" {
			return nil
		}
		return []string{l.heading + ": " + l.note}
	}
	var lines []string
	if l.heading != "" {
		lines = []string{l.heading + ":"}
	}
	for _, f := range l.fields {
		text := f.name + f.said()
		if f.kind != "" {
			text = fmt.Sprintf("%s (%s)%s", f.name, f.kind, f.said())
		}
		for _, line := range wrap(text, hanging, headerWidth-len(" *   ")) {
			lines = append(lines, "  "+line)
		}
	}
	return lines
}

// comment is text as a C comment of lines that are not too long.
func comment(text string) string { return framed(wrap(text, "", headerWidth-len(" * "))) }

// framed are lines as a C comment. What would end or begin one inside it is taken apart.
func framed(lines []string) string {
	text := strings.NewReplacer("*/", "* /", "/*", "/ *").Replace(strings.Join(lines, "\n * "))
	return "/* " + text + " */\n"
}

// wrap breaks text into lines of at most width bytes, where there are spaces; those after the first
// begin with indent.
func wrap(text, indent string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		switch {
		case line == "":
			line = word
		case len(line)+1+len(word) > width:
			lines = append(lines, line)
			line = indent + word
		default:
			line += " " + word
		}
	}
	return append(lines, line)
}
