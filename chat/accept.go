package chat

import (
	"errors"
	"sync"
)

// Calls that come at the same time are accepted as one batch: who comes first while no
// transaction waits begins one, and takes along whoever comes until that runs. So the
// record of a chat, for one, is read and written once for all of them.

// acceptance is what one call wants to have accepted.
type acceptance struct {
	all   []*textMessage
	taken []*textMessage // whose client_ref another call was faster with
}

// batch is what goes into one transaction.
type batch struct {
	calls []*acceptance
	size  int // messages
	done  chan struct{}
	err   error // once done
}

// batches has the batch that is still open for others, if there is one.
type batches struct {
	mu   sync.Mutex
	open *batch
}

// join puts a call into the open batch. If there is none, or no room in it, it opens
// one, which the caller has to run.
func (b *batches) join(call *acceptance) (in *batch, run bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.open == nil || b.open.size+len(call.all) > MaxSendBatch {
		b.open, run = &batch{done: make(chan struct{})}, true
	}
	b.open.calls = append(b.open.calls, call)
	b.open.size += len(call.all)
	return b.open, run
}

// shut ends the joining of a batch and gives what is in it.
func (b *batches) shut(in *batch) []*acceptance {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.open == in {
		b.open = nil
	}
	return in.calls
}

// acceptBatch runs the transaction of a batch.
func (c *Client) acceptBatch(in *batch) {
	in.err = Errorf(CodeInternal, "", "accepting messages panicked")
	defer close(in.done)
	defer c.batches.shut(in) // if the transaction did not even begin
	in.err = c.update(func(t *txn) error { return t.acceptAll(c.batches.shut(in)) })
}

// accept makes texts durable: from here on they are not lost.
func (c *Client) accept(all []*textMessage) error {
	if len(all) == 0 {
		return nil
	}
	call := &acceptance{all: all}
	in, run := c.batches.join(call)
	if run {
		c.acceptBatch(in)
	}
	<-in.done
	err := in.err
	if err != nil && !passing(err) && len(in.calls) > 1 { // what is wrong with one must not hold up the others
		call.taken = nil
		err = c.update(func(t *txn) error { return t.acceptAll([]*acceptance{call}) })
	}
	if err != nil {
		return err
	}
	for _, m := range all {
		m.result.Message = messageOf(m.record)
	}
	for _, m := range call.taken {
		m.result.Message, _, m.result.Err = c.sentBefore(m.request)
	}
	return nil
}

func (t *txn) acceptAll(calls []*acceptance) error {
	for _, call := range calls {
		for _, m := range call.all {
			switch err := t.accept(m); {
			case errors.Is(err, errRefTaken):
				call.taken = append(call.taken, m)
			case err != nil:
				return err
			}
		}
	}
	return nil
}

// accept writes one text. After errRefTaken it has written nothing.
func (t *txn) accept(m *textMessage) error {
	if ref := m.request.ClientRef; ref != "" {
		if err := t.claimRef(ref, m); err != nil {
			return err
		}
	}
	if err := t.enqueue(m.outgoing); err != nil {
		return err
	}
	return t.wroteTo(m.to)
}
