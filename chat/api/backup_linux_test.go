package api

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"libstatus1to1/chat"
)

// TestBackupFiles: what is written is whole or not there, nothing but an earlier backup is
// replaced, and each path that cannot be says why.
func TestBackupFiles(t *testing.T) {
	r := newTestRegistry()
	open := func() uint64 {
		h, response := r.Open(memoryConfig)
		if h == 0 {
			t.Fatal(response)
		}
		t.Cleanup(func() { r.Close(h, false) })
		return h
	}
	h := open()
	dir := t.TempDir()
	call := func(h uint64, name string, params map[string]any) answerOf {
		b, err := json.Marshal(params)
		if err != nil {
			t.Fatal(err)
		}
		return decodeAnswer(t, r.Call(h, name, string(b)))
	}
	wanted := func(what string, a answerOf, code chat.Code, errno string) {
		t.Helper()
		if got, _ := a.Error.Details["errno"].(string); a.OK || a.Error.Code != code || got != errno {
			t.Errorf("%s: %+v", what, a)
		}
	}
	path, diary, fifo := filepath.Join(dir, "backup"), filepath.Join(dir, "diary"), filepath.Join(dir, "pipe")
	if err := os.WriteFile(diary, []byte("dear diary"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	wanted("nobody", call(h, "store.export", map[string]any{"path": path, "passphrase": "p"}), chat.CodeNoIdentity, "")
	r.Call(h, "identity.create", "")
	for what, c := range map[string]struct {
		path, errno string
		replace     bool
	}{
		"a folder that is not there": {filepath.Join(dir, "no", "backup"), "ENOENT", false},
		"a folder":                   {dir, "EEXIST", false},
		"a folder to replace":        {dir, "", true},
		"another file":               {diary, "EEXIST", false},
		"another file to replace":    {diary, "", true},
		"a pipe to replace":          {fifo, "", true},
	} {
		wanted(what, call(h, "store.export", map[string]any{"path": c.path, "passphrase": "p", "replace": c.replace}), chat.CodeFileIO, c.errno)
	}
	wanted("no path", call(h, "store.export", map[string]any{"path": "", "passphrase": "p"}), chat.CodeBadParams, "")
	wanted("no passphrase", call(h, "store.export", map[string]any{"path": path, "passphrase": ""}), chat.CodeBadParams, "")
	if _, err := os.Stat(path + ".part"); err == nil {
		t.Error("what was not written is left")
	}
	if a := call(h, "store.export", map[string]any{"path": path, "passphrase": "p"}); !a.OK {
		t.Fatalf("%+v", a)
	}
	first, err := os.ReadFile(path)
	if info, statErr := os.Stat(path); err != nil || statErr != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file has mode %v, %v", info.Mode(), err)
	}
	wanted("a second time", call(h, "store.export", map[string]any{"path": path, "passphrase": "p"}), chat.CodeFileIO, "EEXIST")
	if a := call(h, "store.export", map[string]any{"path": path, "passphrase": "p", "replace": true}); !a.OK {
		t.Fatalf("%+v", a)
	}
	if second, err := os.ReadFile(path); err != nil || bytes.Equal(first, second) {
		t.Errorf("it was not replaced: %v", err)
	}

	o := open()
	for what, c := range map[string]struct {
		path, passphrase, errno string
		code                    chat.Code
	}{
		"nothing there":      {filepath.Join(dir, "no"), "p", "ENOENT", chat.CodeFileIO},
		"a folder":           {dir, "p", "", chat.CodeFileIO},
		"a pipe":             {fifo, "p", "", chat.CodeFileIO},
		"another file":       {diary, "p", "", chat.CodeBadArchive},
		"another passphrase": {path, "q", "", chat.CodeWrongPassphrase},
		"no path":            {"", "p", "", chat.CodeBadParams},
	} {
		wanted(what, call(o, "store.import", map[string]any{"path": c.path, "passphrase": c.passphrase}), c.code, c.errno)
	}
	if a := call(o, "store.import", map[string]any{"path": path, "passphrase": "p"}); !a.OK {
		t.Errorf("%+v", a)
	}
	if left, err := filepath.Glob(filepath.Join(dir, "*.part")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if b, err := os.ReadFile(diary); err != nil || string(b) != "dear diary" {
		t.Errorf("the diary is %q, %v", b, err)
	}
}
