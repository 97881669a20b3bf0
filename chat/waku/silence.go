package waku

import (
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// silence is a zap core that writes nothing. zap's own no-op core will not do: it
// claims that no level is enabled, and each logger that go-log derives from it with
// a level of its own prints a complaint about that to standard error.
type silence struct{ zapcore.Core }

// Enabled claims every level, so that a derived logger may ask for any.
func (silence) Enabled(zapcore.Level) bool { return true }

// Level is what go-waku sets all of go-log's loggers to: the one that hardly occurs,
// so that lines are given up before they are made.
func (silence) Level() zapcore.Level { return zapcore.FatalLevel }

func (s silence) With([]zapcore.Field) zapcore.Core { return s }

// Check takes no entry.
func (silence) Check(_ zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	return checked
}

// silentLogger is the logger for go-waku and everything below it.
func silentLogger() *zap.Logger { return zap.New(silence{zapcore.NewNopCore()}) }
