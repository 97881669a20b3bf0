package main

import (
	"errors"
	"regexp"
	"strings"
)

// A header is the hand-written part of include/status1to1.h, taken apart.
type header struct {
	sections  []section
	types     []string
	functions []function
}

// A section of the comment at the top: its lines, with the indentation they have below its heading.
type section struct {
	heading string
	lines   []string
}

// A function as it is declared, with its comment.
type function struct {
	name, result, text string
	params             []string
}

var (
	sectionHeading = regexp.MustCompile(`^[A-Z]{2,}$`)
	typeDefinition = regexp.MustCompile(`(?m)^typedef (.*);$`)
	declaration    = regexp.MustCompile(`(?s)/\* ((?:[^*]|\*[^/])*) \*/\nSTATUS1TO1_API ([a-z0-9_]+ \*?)(status1to1_\w+)\((.*?)\);`)
	commentBreak   = regexp.MustCompile(`\n \* ?`)
)

// readHeader takes the header apart.
func readHeader(text string) (header, error) {
	var h header
	top, rest, found := strings.Cut(strings.TrimPrefix(text, "/*"), " */\n#ifndef STATUS1TO1_H")
	if !found {
		return h, errors.New("the header does not begin with its manual")
	}
	h.sections = []section{{heading: "DESCRIPTION"}}
	for _, line := range strings.Split(commentBreak.ReplaceAllString(top, "\n"), "\n")[1:] {
		if sectionHeading.MatchString(line) {
			h.sections = append(h.sections, section{heading: line})
			continue
		}
		last := &h.sections[len(h.sections)-1]
		if last.heading != "DESCRIPTION" {
			line = strings.TrimPrefix(line, "  ")
		}
		last.lines = append(last.lines, line)
	}
	for _, t := range typeDefinition.FindAllStringSubmatch(rest, -1) {
		h.types = append(h.types, "typedef "+t[1])
	}
	for _, d := range declaration.FindAllStringSubmatch(rest, -1) {
		f := function{name: d[3], result: strings.TrimSpace(d[2]), text: commentBreak.ReplaceAllString(d[1], " ")}
		if d[4] == "" {
			d[4] = "void"
		}
		f.params = strings.Split(d[4], ", ")
		h.functions = append(h.functions, f)
	}
	if len(h.sections) < 2 || len(h.types) == 0 || len(h.functions) == 0 {
		return h, errors.New("the header's sections, types or functions were not recognized")
	}
	return h, nil
}
