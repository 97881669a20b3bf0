package chat

import (
	"context"
	"fmt"

	"libstatus1to1/chat/internal/doctor"
	"libstatus1to1/chat/port"
)

// Health is the result of network.doctor. Nobody signs most of what the checks go by, and nothing is
// decided by them.
type Health struct {
	// Healthy is true if no check has failed.
	Healthy bool `json:"healthy"`
	// Summary is the name and cause of the first check that failed, or else of the first
	// warning, or says that there is none.
	Summary string `json:"summary"`
	// Checks are the checks, in the order in which a person would look at them. Names that a
	// program does not know are to be shown like others.
	Checks []port.Check `json:"checks"`
}

// newDoctor makes the doctor; the clock must be set.
func (c *Client) newDoctor() *doctor.Doctor {
	return doctor.New(doctor.Options{
		Net: c.net, Now: c.now, Rand: c.rand, Wait: c.clock.Wait,
		Panicked: func(where string, value any, stack []byte) { c.Fail(where, value, stack) },
	})
}

// Examine finds out what is wrong with this client and its network. It publishes a small
// envelope, at most once a minute, and reads it back from the store nodes. What is not done
// when ctx ends is skipped.
func (c *Client) Examine(ctx context.Context) (Health, error) {
	if err := c.checkOpen(); err != nil {
		return Health{}, err
	}
	checks := c.counters.doctor.Examine(ctx,
		doctor.Part{Names: []string{"identity"}, Make: func(context.Context) []port.Check { return []port.Check{c.examineIdentity()} }},
		doctor.Part{Names: []string{"store"}, Make: func(context.Context) []port.Check { return []port.Check{c.examineStore()} }},
		doctor.Part{Names: []string{"outbox"}, Make: func(context.Context) []port.Check { return []port.Check{c.examineOutbox()} }},
	)
	h := Health{Healthy: true, Summary: "no check has found anything wrong", Checks: checks}
	if ctx.Err() != nil {
		h.Summary = "the deadline came before all checks were done; no other has found anything wrong"
	}
	if worst, found := doctor.Worst(checks); found {
		h.Healthy = worst.Result != port.CheckFailed
		h.Summary = fmt.Sprintf("%s: %s", worst.Name, worst.Cause)
	}
	return h, nil
}

// examineIdentity checks that there is somebody to receive messages.
func (c *Client) examineIdentity() port.Check {
	check := port.Check{Name: "identity", Result: port.CheckPassed, Cause: "there is an identity"}
	if _, err := c.account(); err != nil {
		check.Result, check.Cause = port.CheckFailed, "there is no identity in this store: nothing is sent or received"
		check.Remedy = "call identity.create, identity.restore or identity.import"
	}
	return check
}

// examineStore checks that the store of this client can be read.
func (c *Client) examineStore() port.Check {
	info := c.ledger.Store.Info()
	check := port.Check{Name: "store", Result: port.CheckPassed, Cause: "the store can be read",
		Details: map[string]any{"kind": info.Kind, "size_bytes": info.SizeBytes, "schema_version": info.SchemaVersion}}
	if c.loop.paused.Load() {
		check.Result, check.Cause = port.CheckFailed, "the store is suspended: nothing is sent or received"
		check.Remedy = "call store.resume"
		return check
	}
	err := c.ledger.View(func(tx Tx) error { _, err := tx.Get(tableMeta, metaNodeKey); return err })
	if err != nil {
		check.Result, check.Cause = port.CheckFailed, "the store cannot be read: "+err.Error()
		check.Remedy = "call store.check, and see the remedy of the code in details"
		check.Details["code"] = CodeOf(err)
	}
	return check
}

// examineOutbox counts the messages that wait.
func (c *Client) examineOutbox() port.Check {
	waiting := c.outbox.Len()
	return port.Check{Name: "outbox", Result: port.CheckPassed, Cause: fmt.Sprintf("%d messages wait for publishing or an acknowledgement", waiting),
		Details: map[string]any{"waiting": waiting}}
}
