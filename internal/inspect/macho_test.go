package main

import (
	"slices"
	"testing"
)

func TestTrieNames(t *testing.T) {
	// Two names that share their beginning: "_a" (exported, too) and "_ab".
	trie := []byte{
		0, 1, '_', 'a', 0, 6, // 0: the root, an edge to 6
		2, 0, 0x10, 1, 'b', 0, 13, // 6: exported, an edge to 13
		2, 0, 0x20, 0, // 13: exported, no edge
	}
	got, err := trieNames(trie)
	if want := []string{"_a", "_ab"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
}

func TestTrieThatCannotBeRead(t *testing.T) {
	for name, trie := range map[string][]byte{
		"empty":               {},
		"edge outside":        {0, 1, 'a', 0, 99},
		"edge without an end": {0, 1, 'a'},
		"edge to itself":      {0, 1, 'a', 0, 0},
		"exported bytes lack": {9, 0},
		"length without end":  {0x80},
		"offset without end":  {0, 1, 'a', 0, 0x80},
	} {
		if names, err := trieNames(trie); err == nil {
			t.Errorf("%s: read as %q", name, names)
		}
	}
}
