package api

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"libstatus1to1/chat"
)

// Opening a log must not wait for somebody to read it.
func TestLogFileIsAPipeNobodyReads(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, logFileMode); err != nil {
		t.Fatal(err)
	}
	answered := make(chan string, 1)
	go func() {
		_, response := newTestRegistry().Open(strings.TrimSuffix(memoryConfig, "}") + `,"log":{"file":"` + path + `"}}`)
		answered <- response
	}()
	select {
	case response := <-answered:
		mustFail(t, response, chat.CodeBadConfig, "log.file")
	case <-time.After(patience):
		t.Fatal("opening waits")
	}
}

// openLogged opens a client that logs to path, and gives the error of it.
func openLogged(t *testing.T, path string) (failed ErrorBody) {
	t.Helper()
	r := newTestRegistry()
	name, err := json.Marshal(path)
	if err != nil {
		t.Fatal(err)
	}
	h, response := r.Open(strings.TrimSuffix(memoryConfig, "}") + `,"log":{"file":` + string(name) + `}}`)
	var answer struct {
		OK    bool
		Error ErrorBody
	}
	if err := json.Unmarshal([]byte(response), &answer); err != nil {
		t.Fatal(err)
	}
	if answer.OK {
		must(t, r.Close(h, false))
	}
	return answer.Error
}

// A link where the log should be leads to something that somebody else chose.
func TestLogFileIsALink(t *testing.T) {
	dir := t.TempDir()
	victim, link := filepath.Join(dir, "victim"), filepath.Join(dir, "x.log")
	if err := os.WriteFile(victim, []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, target := range []string{victim, filepath.Join(dir, "not there")} {
		if err := os.Symlink(target, link); err != nil {
			t.Fatal(err)
		}
		e := openLogged(t, link)
		if e.Code != chat.CodeBadConfig || e.Field != "log.file" || e.Details["errno"] != "ELOOP" {
			t.Errorf("%s: %+v", target, e)
		}
		if err := os.Remove(link); err != nil {
			t.Fatal(err)
		}
	}
	if raw, err := os.ReadFile(victim); err != nil || string(raw) != "mine" {
		t.Errorf("the link was followed: %q, %v", raw, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "not there")); err == nil {
		t.Error("a file was made through the link")
	}
}

// An empty file that was there is made the owner's; one with lines in it is as its
// owner wants it.
func TestLogFileThatWasThere(t *testing.T) {
	dir := t.TempDir()
	for content, want := range map[string]os.FileMode{"": logFileMode, "{}\n": 0o644} {
		path := filepath.Join(dir, "x.log")
		_ = os.Remove(path)
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		if e := openLogged(t, path); e.Code != "" {
			t.Fatalf("%+v", e)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("with %q in it: %v, %v", content, info.Mode(), err)
		}
	}
}

func TestLogFileErrorsNameTheirCause(t *testing.T) {
	dir := t.TempDir()
	for path, want := range map[string]string{
		filepath.Join(dir, "no", "x.log"):            "ENOENT",
		filepath.Join(dir, strings.Repeat("n", 300)): "ENAMETOOLONG",
		dir: "EISDIR",
	} {
		if e := openLogged(t, path); e.Code != chat.CodeBadConfig || e.Details["errno"] != want {
			t.Errorf("%.50s: %+v, want %s", path, e, want)
		}
	}
}
