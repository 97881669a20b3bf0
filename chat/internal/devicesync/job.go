package devicesync

import (
	"context"

	"libstatus1to1/chat/internal/ledger"
)

// begin runs a job beside the loop. Its result is a function that stores what came of it,
// in a turn; it is called again until it succeeds.
func (d *DeviceSync) begin(job func(ctx context.Context) func(*ledger.Turn) error) {
	d.working = true
	run := func(ctx context.Context) {
		end := job(ctx)
		d.mu.Lock()
		d.finished = end
		d.mu.Unlock()
		d.host.Wake()
	}
	if d.host.Stepped {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.pending = func() { run(context.Background()) }
		return
	}
	d.host.Beside(run)
}

// RunPending does the job that Work has begun, for a stepped client.
func (d *DeviceSync) RunPending() {
	d.mu.Lock()
	run := d.pending
	d.pending = nil
	d.mu.Unlock()
	if run != nil {
		run()
	}
}

// finish stores what came of a job.
func (d *DeviceSync) finish(t *ledger.Turn) (worked bool, err error) {
	d.mu.Lock()
	end := d.finished
	d.mu.Unlock()
	if end == nil {
		return false, nil
	}
	err = end(t)
	if err != nil && ledger.Passing(err) {
		return true, err
	}
	d.mu.Lock()
	d.finished = nil
	d.mu.Unlock()
	d.working = false
	return true, err
}
