package main

import (
	"fmt"
	"strings"
)

// wrappers is a C function a method.
func (m *model) wrappers() string {
	var b strings.Builder
	for _, method := range m.methods {
		fmt.Fprintf(&b, "\n%s", comment(fmt.Sprintf("%s: %s", method.Name, method.Summary)))
		fmt.Fprintf(&b, "static inline char *status1to1_%s(status1to1_client client, const char *params_json)\n",
			strings.ReplaceAll(method.Name, ".", "_"))
		fmt.Fprintf(&b, "{\n    return status1to1_call(client, %q, params_json);\n}\n", method.Name)
	}
	return b.String() + "\n"
}

// comment is a C comment of lines that are not too long.
func comment(text string) string {
	const width = 88
	line := "/*"
	var b strings.Builder
	for _, word := range strings.Fields(text) {
		if len(line)+1+len(word) > width {
			b.WriteString(line + "\n")
			line = " *"
		}
		line += " " + word
	}
	return b.String() + line + " */\n"
}
