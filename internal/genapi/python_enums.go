package main

import (
	"fmt"
	"strings"
)

// pythonEnums writes the closed sets as types, and gives their names.
func (m *model) pythonEnums(b *strings.Builder) []string {
	var names []string
	for _, e := range m.enums {
		names = append(names, e.name)
		fmt.Fprintf(b, "\n%s%s = Literal[\n", pythonComment(e.doc), e.name)
		for _, v := range e.values {
			line := fmt.Sprintf("    %q,", v.text)
			if comment := "  # " + v.doc; v.doc != "" && len(line+comment) <= pythonWidth {
				line += comment
			} else if v.doc != "" {
				line = "    # " + strings.ReplaceAll(pythonText(v.doc, "", 6), "\n", "\n    # ") + "\n" + line
			}
			b.WriteString(line + "\n")
		}
		b.WriteString("]\n")
	}
	return names
}

// pythonComment is a comment for what stands below it.
func pythonComment(text string) string {
	return "#: " + strings.ReplaceAll(pythonText(text, "", 3), "\n", "\n#: ") + "\n"
}
