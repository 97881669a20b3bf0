package api

import (
	"maps"
	"slices"
	"strings"

	"libstatus1to1/chat"
	"libstatus1to1/chat/text"
)

// maxTypos is the number of letters by which a name may differ from a known one to
// count as mistyped.
const maxTypos = 3

// unknownMethod returns the error for an unknown method. It repeats the name, and
// suggests the method that was probably meant if the names differ by a few letters.
func unknownMethod(table map[string]Method, name string) *chat.Error {
	shown := text.Name(member("", strings.ToValidUTF8(name, "�")))
	err := chat.Errorf(chat.CodeUnknownMethod, "method", "there is no method %q", shown).With("method", shown)
	if near := nearest(slices.Sorted(maps.Keys(table)), name); near != "" {
		err.Message += "; perhaps " + near
		err = err.With("nearest", near)
	}
	return err
}

// nearest is the first of names that differ least from name, "" if none is near.
func nearest(names []string, name string) string {
	best, least := "", maxTypos+1
	for _, n := range names {
		if max(len(n), len(name))-min(len(n), len(name)) >= least {
			continue
		}
		if d := edits(n, strings.ToLower(name)); d < least {
			best, least = n, d
		}
	}
	return best
}

// edits is the Levenshtein distance of two short texts, in bytes.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
