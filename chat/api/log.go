package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"

	"libstatus1to1/chat"
	"libstatus1to1/chat/enum"
	"libstatus1to1/chat/event"
)

// level orders the levels of diagnostic lines.
type level int

const (
	levelDebug level = iota
	levelInfo
	levelWarn
	levelError
)

var levelNames = []enum.LogLevel{levelDebug: enum.LogDebug, levelInfo: enum.LogInfo, levelWarn: enum.LogWarn, levelError: enum.LogError}

// levelOf reads the name of a level.
func levelOf(name enum.LogLevel) (level, bool) {
	for l, n := range levelNames {
		if n == name {
			return level(l), true
		}
	}
	return 0, false
}

// logFileMode lets only the owner read a log: it shows when somebody is online.
const logFileMode = 0o600

// logger writes lines to a file and hands them out as log events, as configured.
// Keys, phrases and texts cannot reach it: their types print as [redacted], and
// the engine logs no others.
type logger struct {
	least  level
	events *logQueue // nil: no log events

	mu   sync.Mutex
	file *os.File // nil: no file, or closed
}

// newLogger makes the logger of a client, or nil for a silent one.
func newLogger(c LogConfig) (*logger, error) {
	if c.File == "" && !c.Events {
		return nil, nil
	}
	l := &logger{}
	l.least, _ = levelOf(c.Level)
	if c.Events {
		l.events = &logQueue{}
	}
	if c.File != "" {
		f, err := openLog(c.File)
		if err != nil {
			return nil, chat.Errorf(chat.CodeBadConfig, "log.file", "cannot be opened for writing").BecauseOS(err)
		}
		l.file = f
	}
	return l, nil
}

// openLog opens a file for appending, or creates it. It follows no symbolic link:
// anybody who can put a link there would choose the file that is written to. It opens
// without blocking, so that a named pipe without a reader is an error and does not
// hang.
func openLog(name string) (*os.File, error) {
	const flag = os.O_APPEND | os.O_WRONLY | warily
	f, err := os.OpenFile(name, flag, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return os.OpenFile(name, flag|os.O_CREATE|os.O_EXCL, logFileMode)
	}
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && info.Mode().IsRegular() && info.Size() == 0 {
		err = f.Chmod(logFileMode) // made to reserve the name, for others to read perhaps
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

// chatLogger is l as the engine takes it: nil stays nil.
func (l *logger) chatLogger() chat.Logger {
	if l == nil {
		return nil
	}
	return l
}

// logLine is one line of the log file.
type logLine struct {
	At int64 `json:"at"`
	event.Log
}

// Log implements chat.Logger. fields are names and values in turn.
func (l *logger) Log(name, msg string, fields ...any) {
	if at, ok := levelOf(enum.LogLevel(name)); !ok || at < l.least {
		return
	}
	line := logLine{At: time.Now().UnixMilli(), Log: event.Log{Level: enum.LogLevel(name), Message: msg, Fields: fieldMap(fields)}}
	if l.events != nil {
		l.events.add(line)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil {
		return
	}
	if text, err := marshal(line); err == nil {
		// A full disk must not stop a messenger: a lost log line is a lost line.
		_, _ = l.file.WriteString(text + "\n")
	}
}

// close closes the file. Lines that come later are dropped.
func (l *logger) close() {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file != nil {
		_ = l.file.Close()
		l.file = nil
	}
}

// fieldMap pairs names with values. Values that are no plain number, flag or text
// are printed, so that a type which redacts itself does.
func fieldMap(fields []any) map[string]any {
	if len(fields) == 0 {
		return nil
	}
	m := map[string]any{}
	for i := 0; i < len(fields); i += 2 {
		if i+1 == len(fields) {
			m["extra"] = plain(fields[i])
			break
		}
		m[fmt.Sprint(fields[i])] = plain(fields[i+1])
	}
	return m
}

func plain(v any) any {
	switch v.(type) {
	case bool, string, int, int32, int64, uint16, uint32, uint64:
		return v
	}
	return fmt.Sprint(v)
}

// maxLogLines is the number of log events that may wait; a reader slower than that gets
// the newest.
const maxLogLines = 1000

// logQueue holds log events until somebody reads them. They are not stored.
type logQueue struct {
	mu      sync.Mutex
	lines   []logLine
	dropped int            // lines dropped since the last one was taken
	wakes   map[int]func() // called for every line; those who wait for one
	nextID  int            // the next key of wakes
	waiting func(bool)     // told whether lines wait
}

// add queues a line, dropping the oldest if there are too many.
func (q *logQueue) add(line logLine) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.lines) == maxLogLines {
		q.lines = q.lines[1:]
		q.dropped++
	}
	q.lines = append(q.lines, line)
	for _, wake := range q.wakes {
		wake()
	}
	q.report()
}

func (q *logQueue) len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.lines)
}

// take is the oldest line as an event, or nil.
func (q *logQueue) take() *chat.DeliveredEvent {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.lines) == 0 {
		return nil
	}
	line := q.lines[0]
	q.lines = q.lines[1:]
	q.report()
	if q.dropped > 0 {
		if line.Fields == nil {
			line.Fields = map[string]any{}
		}
		line.Fields["dropped_lines"] = q.dropped
		q.dropped = 0
	}
	data, err := json.Marshal(line.Log)
	if err != nil {
		data = []byte("{}")
	}
	return &chat.DeliveredEvent{Type: line.Type(), At: line.At, Data: data}
}

// onLine has wake called for every line that comes, and at once if one waits,
// until the returned function is called.
func (q *logQueue) onLine(wake func()) (forget func()) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.wakes == nil {
		q.wakes = map[int]func(){}
	}
	id := q.nextID
	q.nextID++
	q.wakes[id] = wake
	if len(q.lines) > 0 {
		wake()
	}
	return func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		delete(q.wakes, id)
	}
}

// onWaiting has f told whether lines wait, now and at every change.
func (q *logQueue) onWaiting(f func(waiting bool)) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = f
	q.report()
}

func (q *logQueue) report() {
	if q.waiting != nil {
		q.waiting(len(q.lines) > 0)
	}
}
