package crashtest

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"libstatus1to1/internal/freeport"
)

// side is one of the two, over all its lives, as the parent sees it.
type side struct {
	t          *testing.T
	name, path string
	port       int
	key        string
	address    string

	accepted map[int]string // message ids by number, over all lives
	outbox   int
	messages uint64
	online   bool
	history  []line
	problems []string

	process *exec.Cmd
	orders  io.WriteCloser
	lines   chan line // of the running life; closed when it ends
	died    bool      // before the first life, too
	ready   bool
	lives   int
	points  int // deaths at a named point
}

func newSide(t *testing.T, name string) *side {
	port, err := freeport.Take()
	if err != nil {
		t.Fatal(err)
	}
	return &side{t: t, name: name, path: filepath.Join(t.TempDir(), name+".db"), port: port, accepted: map[int]string{}, died: true}
}

// start begins a life, unless the last one goes on. other may be nil.
func (s *side) start(other *side) {
	s.t.Helper()
	if !s.died {
		return
	}
	o := orders{Name: s.name, Path: s.path, Port: s.port, From: len(s.accepted) + 1}
	if other != nil {
		o.Peer, o.To = other.address, other.key
	}
	text, err := json.Marshal(o)
	if err != nil {
		s.t.Fatal(err)
	}
	s.process = exec.Command(os.Args[0])
	s.process.Env = append(os.Environ(), childEnv+"="+string(text))
	stderr := &strings.Builder{}
	s.process.Stderr = stderr
	out, err := s.process.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if s.orders, err = s.process.StdinPipe(); err != nil {
		s.t.Fatal(err)
	}
	if err := s.process.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.lines, s.died, s.ready, s.outbox, s.messages, s.online = make(chan line, 1<<16), false, false, -1, 0, false
	s.lives++
	go read(s.process, out, s.lines, stderr)
	s.follow("its start", func() bool { return s.died || s.ready })
}

// tell gives an order; one that has just died does not hear it.
func (s *side) tell(o order) {
	text, err := json.Marshal(o)
	if err != nil {
		s.t.Fatal(err)
	}
	_, _ = s.orders.Write(append(text, '\n'))
}

// read passes on what a child prints until it ends.
func read(p *exec.Cmd, out io.Reader, lines chan<- line, stderr *strings.Builder) {
	defer close(lines)
	for in := bufio.NewScanner(out); in.Scan(); {
		var l line
		if err := json.Unmarshal(in.Bytes(), &l); err != nil {
			l = line{Kind: "failed", Text: "it printed " + in.Text()}
		}
		lines <- l
	}
	if err := p.Wait(); stderr.Len() > 0 {
		lines <- line{Kind: "failed", Text: fmt.Sprintf("%v: %s", err, stderr)}
	}
}

// take notes one line.
func (s *side) take(l line) {
	s.t.Helper()
	switch l.Kind {
	case "ready":
		s.key, s.address, s.ready = l.Key, l.Address, true
	case "accepted":
		if id := s.accepted[l.N]; id != "" && id != l.ID {
			s.t.Fatalf("%s: number %d was accepted as %s and as %s", s.name, l.N, id, l.ID)
		}
		s.accepted[l.N] = l.ID
	case "point":
		s.points++
	case "status":
		s.outbox, s.messages, s.online = l.Outbox, l.Messages, l.Online
	case "history":
		s.history = append(s.history, l)
	case "problem":
		s.problems = append(s.problems, l.Text)
	case "checked":
		s.history = append(s.history, l)
	case "failed":
		s.t.Fatalf("%s: %s", s.name, l.Text)
	}
}

// patience is how long the parent waits for what must come.
const patience = 60 * time.Second

// follow takes lines until done, or the end of this life if done allows that.
func (s *side) follow(what string, done func() bool) {
	s.t.Helper()
	timeout := time.After(patience)
	for !done() {
		select {
		case l, ok := <-s.lines:
			if !ok {
				s.died, s.lines = true, nil
				continue
			}
			s.take(l)
		case <-timeout:
			s.t.Fatalf("%s: waited in vain for %s (outbox %d, %d messages, %d accepted)", s.name, what, s.outbox, s.messages, len(s.accepted))
		}
	}
}

// followFor takes lines for a while, or until the life ends.
func (s *side) followFor(d time.Duration) {
	timeout := time.After(d)
	for !s.died {
		select {
		case l, ok := <-s.lines:
			if !ok {
				s.died, s.lines = true, nil
				return
			}
			s.take(l)
		case <-timeout:
			return
		}
	}
}

// kill ends the life with SIGKILL and takes what it still printed.
func (s *side) kill() {
	if s.died {
		return
	}
	_ = s.process.Process.Kill()
	s.follow("its end", func() bool { return s.died })
}

func both(a, b *side, f func(*side)) {
	var wg sync.WaitGroup
	for _, s := range []*side{a, b} {
		wg.Go(func() { f(s) })
	}
	wg.Wait()
}
