package api

import (
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
