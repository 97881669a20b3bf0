package port

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
	"testing"
)

// Each errno that the table knows is named, and said in words of its own.
func TestBecauseOS(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range osCauses {
		cause := fmt.Errorf("writing: %w", &fs.PathError{Op: "write", Path: "/secret/place", Err: c.errno})
		e := Errorf(CodeStoreIO, "", "it failed").BecauseOS(cause)
		if e.Message != "it failed: "+c.meaning || seen[c.meaning] {
			t.Errorf("%v: %q", c.errno, e.Message)
		}
		seen[c.meaning] = true
		if e.Details["errno"] != errnoName(c.errno) || !errors.Is(e, c.errno) {
			t.Errorf("%v: details %v", c.errno, e.Details)
		}
		// what bbolt makes of an error when it grows the file
		text := Errorf(CodeStoreIO, "", "it failed").BecauseOS(fmt.Errorf("file resize error: %s", cause))
		if text.Message != e.Message || text.Details["errno"] != e.Details["errno"] {
			t.Errorf("%v as text: %q %v", c.errno, text.Message, text.Details)
		}
	}
	if e := Errorf(CodeStoreIO, "", "it failed").BecauseOS(syscall.ENOSPC); e.Details["errno"] != "ENOSPC" {
		t.Errorf("a full disk is called %v", e.Details)
	}
	if e := Errorf(CodeStoreIO, "", "it failed").BecauseOS(syscall.EXDEV); e.Details["errno"] != "EXDEV" || !strings.Contains(e.Message, syscall.EXDEV.Error()) {
		t.Errorf("outside the table: %q %v", e.Message, e.Details)
	}
	for _, cause := range []error{nil, errors.New("no errno")} {
		if e := Errorf(CodeStoreIO, "", "it failed").BecauseOS(cause); e.Message != "it failed" || e.Details != nil || e.Unwrap() != cause {
			t.Errorf("%v: %q %v", cause, e.Message, e.Details)
		}
	}
}
