package rpc

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"libstatus1to1/chat/api"
)

// ErrOutput says that the host reads no more: writing to it has failed.
var ErrOutput = errors.New("the host has closed the output")

// Server serves one host.
type Server struct {
	registry *api.Registry
	in       *frames
	out      *writer
	log      *slog.Logger

	gate    *gate
	own     *lane          // of requests about no client
	running sync.WaitGroup // lanes, and calls that left them
	opening sync.WaitGroup // calls of open

	mu      sync.Mutex
	clients map[uint64]*clientState
	calls   map[string]*job // what can be cancelled, by id
	waiting int             // calls beside the lanes
	ending  bool            // no request is taken any more
	closing bool            // no client is opened any more
}

// clientState is an open client.
type clientState struct {
	handle uint64
	lane   *lane
	window *window
	fed    chan struct{} // closed when its last event was sent
}

// NewServer makes a server that opens clients with registry, reads from in and writes to out.
// It logs nothing that the host said but the names of methods.
func NewServer(registry *api.Registry, in io.Reader, out io.Writer, log *slog.Logger) *Server {
	s := &Server{registry: registry, in: newFrames(in), out: newWriter(out), log: log, gate: newGate(),
		clients: map[uint64]*clientState{}, calls: map[string]*job{}}
	s.own = newLane(&s.running, s.run)
	return s
}

// Serve answers requests until the input ends or ctx does. Then it finishes what it has read,
// closes all clients, and gives the host some time to read the rest. The goroutine that reads
// the input may stay behind.
func (s *Server) Serve(ctx context.Context) error {
	ended := make(chan error, 1)
	go func() { ended <- s.read() }()
	var err error
	select {
	case err = <-ended:
	case <-ctx.Done():
	case <-s.out.broken:
	}
	s.log.Info("ending", "cause", err)
	s.end()
	select {
	case <-s.out.broken:
		return ErrOutput
	default:
		return err
	}
}

// read takes requests until the input ends. Its error says that the host does not speak this
// protocol.
func (s *Server) read() error {
	kind, err := s.in.begin()
	s.out.framing = kind
	for err == nil {
		var text []byte
		if text, err = s.in.next(); err == nil {
			s.take(readMessage(text), len(text))
		} else if errors.Is(err, errTooLong) {
			err = nil
			bad := badJSON("the message is too long").With("max", MaxMessage)
			s.take(refused(failed(codeInvalidRequest, bad)), 0)
		}
	}
	if errors.Is(err, errFraming) {
		s.out.write(respond(null, nil, failed(codeParseError, badJSON(err.Error()))))
		return err
	}
	return nil
}

// take gives the requests of a message to their lanes.
func (s *Server) take(m message, size int) {
	answer := s.answer
	if m.batch {
		answer = newBatch(m.requests, s.answer).add
		size /= len(m.requests)
	}
	for _, r := range m.requests {
		j := &job{request: r, size: size}
		if r.id != nil {
			j.answer = answer
		}
		j.ctx, j.cancel = context.WithCancel(context.Background())
		if r.bad == nil && r.method == methodCancel {
			s.cancel(j) // at once: what it cancels may be in front of it in a lane
			continue
		}
		s.gate.enter(size)
		s.submit(j)
	}
}

// answer writes an answer, and does what follows it.
func (s *Server) answer(text []byte, after func()) {
	s.out.write(text)
	if after != nil {
		after()
	}
}

// submit puts a job into its lane: that of its client, or the server's own.
func (s *Server) submit(j *job) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ending {
		s.gate.leave(j.size)
		return
	}
	if j.id != nil {
		s.calls[string(j.id)] = j
	}
	if c := s.clients[j.client]; c != nil {
		c.lane.jobs <- j
	} else {
		s.own.jobs <- j
	}
}

// end finishes what was read, closes all clients, and waits for the host to read the rest.
func (s *Server) end() {
	s.mu.Lock()
	s.ending = true
	s.mu.Unlock()
	within(drainPatience, s.out.broken, func() { s.gate.idle(); s.opening.Wait() })
	s.mu.Lock()
	s.closing = true
	clients := slices.Collect(maps.Values(s.clients))
	s.mu.Unlock()
	var closing, reading sync.WaitGroup
	for _, c := range clients {
		closing.Go(func() { _ = s.closeEngine(c) })
		reading.Go(func() { <-c.fed })
	}
	closing.Wait()
	for _, c := range clients {
		s.forget(c)
	}
	close(s.own.jobs)
	within(flushPatience, s.out.broken, func() { reading.Wait(); s.running.Wait() })
}

// within waits until f has returned, at most for d, and not once broken is closed.
func within(d time.Duration, broken <-chan struct{}, f func()) {
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	select {
	case <-done:
	case <-broken:
	case <-time.After(d):
	}
}
