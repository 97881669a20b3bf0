package waku

import (
	"sync"

	golog "github.com/ipfs/go-log/v2"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// silence is a zap core that writes nothing. zap's own no-op core will not do: it
// claims that no level is enabled, and each logger that go-log derives from it with
// a level of its own prints a complaint about that to standard error.
type silence struct{ zapcore.Core }

// Enabled claims every level, so that a derived logger may ask for any.
func (silence) Enabled(zapcore.Level) bool { return true }

// Level is the level that silenceGoLog sets for all loggers: the rarest one, so that
// lines are dropped before they are formatted.
func (silence) Level() zapcore.Level { return zapcore.FatalLevel }

func (s silence) With([]zapcore.Field) zapcore.Core { return s }

// Check takes no entry.
func (silence) Check(_ zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	return checked
}

// silentLogger is the logger for go-waku and everything below it.
func silentLogger() *zap.Logger { return zap.New(silence{zapcore.NewNopCore()}) }

// silenceGoLog makes go-log, which libp2p and go-waku log with, write nothing at all in
// the whole process. It tells the loggers that are there already too.
var silenceGoLog = sync.OnceFunc(func() {
	quiet := silence{zapcore.NewNopCore()}
	golog.SetAllLoggers(golog.LogLevel(quiet.Level()))
	golog.SetPrimaryCore(quiet)
})
