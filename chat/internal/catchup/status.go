package catchup

import (
	"context"
	"errors"
	"time"

	"libstatus1to1/chat/enum"
	"libstatus1to1/chat/event"
)

// The states of event.CatchUp, and the causes of its failure.
const (
	stateWaiting = enum.CatchUpWaiting
	stateRunning = enum.CatchUpRunning
	stateDone    = enum.CatchUpDone
	stateFailed  = enum.CatchUpFailed

	causeNodes = enum.CatchUpByStoreNodes
	causeStore = enum.CatchUpByStore
)

// subject is that of the events about the state.
const subject = "catch_up"

// status is the result of Status, and when it was last reported. CatchUp.mu guards it.
type status struct {
	event.CatchUp
	reported time.Time
}

// Status describes the latest round.
func (c *CatchUp) Status() event.CatchUp {
	c.mu.Lock()
	s := c.status.CatchUp
	c.mu.Unlock()
	s.Nodes = c.nodes.list()
	return s
}

// Enabled reports whether there is a network that may have store nodes.
func (c *CatchUp) Enabled() bool { return c.Archive != nil }

// update sets the counts of the status by a round; c.mu is held.
func (c *CatchUp) update(r *round, state enum.CatchUpState) {
	s := &c.status.CatchUp
	s.State, s.Cause, s.TopicsDone, s.TopicsTotal = state, "", r.topicsDone(), r.total
	s.Fetched, s.From, s.To = r.fetched.Load(), r.from, r.target
}

// quiet reports whether a round is reported only once it finds something.
func (r *round) quiet() bool { return r.background || r.begunOnly }

// began reports that a run begins.
func (c *CatchUp) began(r *round) {
	if r.quiet() {
		return
	}
	c.mu.Lock()
	fresh := c.status.State != stateFailed // the next try after a failure is no news either
	c.mu.Unlock()
	if fresh {
		c.report(r, stateRunning, "")
	}
}

// progress reports how far a round is, from time to time.
func (c *CatchUp) progress(r *round) {
	c.mu.Lock()
	due := r.fetched.Load() > 0 && !c.Now().Before(c.status.reported.Add(progressEvery)) || c.Now().Before(c.status.reported)
	if !due && !r.quiet() {
		c.update(r, stateRunning)
	}
	c.mu.Unlock()
	if due {
		c.report(r, stateRunning, "")
	}
}

// ended reports the end of a run.
func (c *CatchUp) ended(r *round, err error) {
	var store errStore
	c.mu.Lock()
	was := c.status.State
	c.mu.Unlock()
	switch {
	case errors.Is(err, errShare):
	case errors.Is(err, context.Canceled):
		c.mu.Lock()
		c.update(r, stateWaiting)
		c.mu.Unlock()
	case err == nil && r.quiet() && r.fetched.Load() == 0 && was == stateDone:
		c.mu.Lock()
		c.update(r, stateDone)
		c.mu.Unlock()
	case err == nil:
		c.report(r, stateDone, "")
	case errors.As(err, &store):
		c.Log.Log("error", "storing what store nodes had failed", "error", err.Error())
		c.report(r, stateFailed, causeStore)
	case was != stateFailed:
		c.Log.Log("info", "catching up has failed", "error", err.Error())
		c.report(r, stateFailed, causeNodes)
	}
}

// report emits the status.
func (c *CatchUp) report(r *round, state enum.CatchUpState, cause enum.CatchUpFailure) {
	c.mu.Lock()
	c.update(r, state)
	c.status.Cause = cause
	c.status.reported = c.Now()
	c.mu.Unlock()
	c.Emit(subject, event.CatchUpChanged{CatchUp: c.Status()})
}
