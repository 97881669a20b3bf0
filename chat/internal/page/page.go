// Package page cuts lists into pages.
package page

import (
	"regexp"
	"slices"

	"libstatus1to1/chat/port"
)

// Default and Max bound one answer of a list: a page is read in one transaction and must
// fit comfortably into one JSON text.
const (
	Default = 50
	Max     = 200
)

// Request asks for part of a list. Cursor is "" for the first page, else the Next of
// the page before. Limit is 1..Max; 0 means Default.
type Request struct {
	Cursor string
	Limit  int
}

// Page is part of a list; Next is "" on the last one.
type Page[T any] struct {
	Items []T
	Next  string
}

// Size returns how many items the page may have: CodeBadParams if the limit is out of
// bounds.
func (r Request) Size() (int, error) {
	switch {
	case r.Limit == 0:
		return Default, nil
	case r.Limit < 1 || r.Limit > Max:
		return 0, port.Errorf(port.CodeBadParams, "limit", "limit must be 1 to %d", Max).With("max", Max)
	}
	return r.Limit, nil
}

// After cuts the page after the item whose name is the cursor out of a sorted list. The
// item itself may be gone: the cursor marks a place. form is the form that all cursors of
// the list have.
func After[T any](all []T, r Request, form *regexp.Regexp, name func(T) string) (Page[T], error) {
	p := Page[T]{Items: []T{}}
	limit, err := r.Size()
	if err != nil {
		return p, err
	}
	if r.Cursor != "" {
		if !form.MatchString(r.Cursor) {
			return p, BadCursor()
		}
		i := slices.IndexFunc(all, func(e T) bool { return name(e) > r.Cursor })
		if i < 0 {
			i = len(all)
		}
		all = all[i:]
	}
	p.Items = append(p.Items, all[:min(limit, len(all))]...)
	if len(all) > limit {
		p.Next = name(p.Items[limit-1])
	}
	return p, nil
}

// BadCursor is the error about a cursor that the list has never handed out.
func BadCursor() *port.Error {
	return port.Errorf(port.CodeBadCursor, "cursor", "this is no cursor of this list")
}
