package rpc

import (
	"runtime/debug"
	"slices"
	"time"

	"libstatus1to1/chat"
)

// run runs a job in its lane. One that waits goes on beside it.
func (s *Server) run(j *job) {
	if j.bad != nil || !waits(j.method) {
		s.finish(j)
		s.gate.leave(j.size)
		return
	}
	s.gate.leave(j.size)
	if !s.enterWaiting() {
		j.bad = failureOf(chat.Errorf(chat.CodeTooMany, "", "%d calls wait already", maxWaiting).With("max", maxWaiting))
		s.finish(j)
		return
	}
	j.beside = true
	s.running.Go(func() { s.finish(j) })
}

// besides are the methods that leave their lane: they wait for the network or a peer, or read
// or write everything there is, while other calls have no reason to wait for them.
var besides = []string{methodOpen, "network.wait", "network.doctor", "store.check", "store.export", "store.import"}

func waits(method string) bool { return slices.Contains(besides, method) }

func (s *Server) enterWaiting() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.waiting >= maxWaiting {
		return false
	}
	s.waiting++
	return true
}

func (s *Server) leaveWaiting() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting--
}

// finish runs a job to its end, and answers it. What follows the answer, such as the first
// event of a client, comes after it.
func (s *Server) finish(j *job) {
	begun := time.Now()
	result, bad, after := s.perform(j)
	j.cancel()
	s.forgetCall(j)
	if j.beside {
		// Before the answer: a host that has it may begin another call. While the answer waits
		// to be read it counts among those in flight again.
		s.leaveWaiting()
		s.gate.enter(0)
		defer s.gate.leave(0)
	}
	code := chat.Code("")
	if bad != nil {
		code = bad.Data.Code
	}
	s.log.Info("call", "method", s.loggedName(j.method), "client", j.client, "ms", time.Since(begun).Milliseconds(), "code", code)
	if j.answer != nil {
		j.answer(respond(j.id, result, bad), after)
	} else if after != nil {
		after()
	}
}

// loggedName is a method's name for the log, and nothing if there is no such method: then it
// is the host's own words.
func (s *Server) loggedName(method string) string {
	if slices.Contains(serverMethods, method) || s.registry.CheckMethod(method) == nil {
		return method
	}
	return ""
}

// perform gives the answer to a request, and what is to be done after it was sent. No panic
// gets past.
func (s *Server) perform(j *job) (result any, bad *failure, after func()) {
	defer func() {
		if v := recover(); v != nil {
			s.log.Error("panic", "method", s.loggedName(j.method), "stack", string(debug.Stack()))
			result, after = nil, nil
			bad = failureOf(chat.Errorf(chat.CodeInternal, "", "a defect of the server"))
		}
	}()
	if j.bad != nil {
		return nil, j.bad, nil
	}
	if j.ctx.Err() != nil {
		return nil, cancelled(), nil
	}
	result, after, err := s.call(j)
	if err == nil {
		return result, nil, after
	}
	if chat.CodeOf(err) == chat.CodeCancelled && j.ctx.Err() != nil {
		return nil, cancelled(), nil
	}
	return nil, failureOf(err), after
}

// forgetCall takes a call off those that can be cancelled.
func (s *Server) forgetCall(j *job) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.calls[string(j.id)] == j {
		delete(s.calls, string(j.id))
	}
}
