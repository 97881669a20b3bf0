package main

import "testing"

func TestSameNames(t *testing.T) {
	want := []string{"a", "b"}
	for _, got := range [][]string{{"a"}, {"a", "b", "c"}, nil} {
		if sameNames(got, want) == nil {
			t.Errorf("%q passed for %q", got, want)
		}
	}
	if err := sameNames([]string{"b", "a"}, want); err != nil {
		t.Error(err)
	}
}

func TestOnlyOf(t *testing.T) {
	if err := onlyOf("library", []string{"libc.so.6"}, elfLibraries); err != nil {
		t.Error(err)
	}
	if onlyOf("library", []string{"libz.so.1"}, elfLibraries) == nil {
		t.Error("a library that systems need not have was allowed")
	}
}
