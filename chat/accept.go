package chat

import (
	"errors"
	"sync"

	"libstatus1to1/chat/event"
	"libstatus1to1/chat/internal/history"
)

// Messages of many callers are accepted together: who comes first while no transaction
// waits begins one, and takes along whoever comes until that runs. So the record of a
// chat, for one, is read and written once for all of them.

// acceptance is what one call wants to have accepted.
type acceptance struct {
	all   []*outgoing
	taken []*outgoing // whose client_ref another call was faster with
}

// bundle is what goes into one transaction.
type bundle struct {
	calls []*acceptance
	size  int // messages
	done  chan struct{}
	err   error // once done
}

// bundles has the bundle that is still open for others, if there is one.
type bundles struct {
	mu   sync.Mutex
	open *bundle
}

// join puts a call into the open bundle. If there is none, or no room in it, it opens
// one, which the caller has to run.
func (b *bundles) join(call *acceptance) (in *bundle, run bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.open == nil || b.open.size+len(call.all) > MaxSendBatch {
		b.open, run = &bundle{done: make(chan struct{})}, true
	}
	b.open.calls = append(b.open.calls, call)
	b.open.size += len(call.all)
	return b.open, run
}

// shut ends the joining of a bundle and gives what is in it.
func (b *bundles) shut(in *bundle) []*acceptance {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.open == in {
		b.open = nil
	}
	return in.calls
}

// acceptBundle runs the transaction of a bundle.
func (c *Client) acceptBundle(in *bundle) {
	in.err = Errorf(CodeInternal, "", "accepting messages panicked")
	defer close(in.done)
	defer c.bundles.shut(in) // if the transaction did not even begin
	in.err = c.update(func(t *txn) error { return t.acceptAll(c.bundles.shut(in)) })
}

// accept makes messages durable: from here on they are not lost.
func (c *Client) accept(all []*outgoing) error {
	if len(all) == 0 {
		return nil
	}
	call := &acceptance{all: all}
	in, run := c.bundles.join(call)
	if run {
		c.acceptBundle(in)
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
	for _, out := range all {
		out.result.Message = messageOf(out.record)
	}
	for _, out := range call.taken {
		out.result.Message, _, out.result.Err = c.sentBefore(out.request)
	}
	c.kick()
	return nil
}

func (t *txn) acceptAll(calls []*acceptance) error {
	for _, call := range calls {
		for _, out := range call.all {
			switch err := t.accept(out); {
			case errors.Is(err, history.ErrRefTaken):
				call.taken = append(call.taken, out)
			case err != nil:
				return err
			}
		}
	}
	return nil
}

// accept writes one message. After history.ErrRefTaken it has written nothing.
func (t *txn) accept(out *outgoing) error {
	if out.request.ClientRef != "" {
		if err := t.c.history.ClaimRef(t.Tx, out.record, out.request.To); err != nil {
			return err
		}
	}
	if err := t.addEncodedRow(out.request.To, out.row, out.rowBytes, out.body); err != nil {
		return err
	}
	out.record.Clock = out.clock // a transaction before may have moved it
	if _, err := t.c.history.AddEncoded(t.Tx, out.record, out.recordBytes); err != nil {
		return err
	}
	if err := t.wroteTo(out.request.To); err != nil {
		return err
	}
	if err := t.emitEncoded(event.MessageState{}.Type(), out.event); err != nil {
		return err
	}
	return t.toOwnDevices(out.row)
}
