package api

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"libstatus1to1/chat"
)

func TestLogFileAndEvents(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.log")
	r := newTestRegistry()
	h := openTest(t, r, strings.TrimSuffix(memoryConfig, "}")+fmt.Sprintf(`,"log":{"level":"warn","file":%q,"events":true}}`, path))
	c := r.find(h)
	waiting := make(chan chat.DeliveredEvent)
	go func() { waiting <- nextOf(t, r, h, "log") }()
	c.log.Log("info", "not this one")
	c.log.Log("warn", "look", "key", PrivateKey{}, "n", 3, "odd")
	if e := <-waiting; e.Seq != 0 || string(e.Data) != `{"level":"warn","message":"look","fields":{"extra":"odd","key":"[redacted]","n":3}}` {
		t.Errorf("event %+v: %s", e, e.Data)
	}
	c.log.Log("error", "again")
	nextOf(t, r, h, "log")
	must(t, r.Close(h, false))
	c.log.Log("error", "too late") // must not write to a closed file
	raw, err := os.ReadFile(path)
	lines := strings.Split(strings.TrimSpace(string(raw)), "\n")
	if err != nil || len(lines) != 2 || !strings.Contains(lines[0], `"message":"look"`) || !json.Valid([]byte(lines[0])) {
		t.Errorf("the file has %q (%v)", raw, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != logFileMode {
		t.Errorf("mode %v (%v)", info.Mode(), err)
	}
	_, response := r.Open(strings.TrimSuffix(memoryConfig, "}") + `,"log":{"file":"/nowhere/at/all"}}`)
	mustFail(t, response, chat.CodeBadConfig, "log.file")
}

func TestLogQueueKeepsTheNewest(t *testing.T) {
	var q logQueue
	for i := range maxLogLines + 5 {
		q.add(logLine{At: int64(i)})
	}
	if e := q.take(); e.At != 5 || !strings.Contains(string(e.Data), `"dropped_lines":5`) {
		t.Errorf("%+v %s", e, e.Data)
	}
	for range maxLogLines - 1 {
		q.take()
	}
	if q.take() != nil {
		t.Error("more lines than the limit")
	}
}
