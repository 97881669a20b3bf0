package chat

import (
	"context"
	"encoding/hex"
	"io"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"libstatus1to1/chat/enum"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/identity"
	"libstatus1to1/chat/internal/ledger"
)

// life holds the means to close a client.
type life struct {
	ctx      context.Context // ends when the client is to close
	cancel   context.CancelFunc
	loopDone chan struct{}
	closing  sync.Once
	closed   atomic.Bool
	done     chan struct{}
	reason   atomic.Pointer[enum.CloseReason] // of the closed event, when it is not "close"
	// destroyed gets the result when the store is to be destroyed at the end.
	destroyed atomic.Pointer[chan error]
	// beside counts what runs beside the loop.
	beside sync.WaitGroup
}

// begin starts a life that does not end with ctx, which is that of opening only.
func (l *life) begin(ctx context.Context) {
	l.ctx, l.cancel = context.WithCancel(context.WithoutCancel(ctx))
	l.loopDone, l.done = make(chan struct{}), make(chan struct{})
}

// checkOpen fails when the client is closed.
func (c *Client) checkOpen() error {
	if c.life.closed.Load() {
		return Errorf(CodeClosed, "", "the client is closed")
	}
	return nil
}

// Close stops everything and waits for it. Waiting readers of events get a closed
// event. Idempotent.
func (c *Client) Close() error {
	c.life.closing.Do(func() {
		defer close(c.life.done) // also after a panic, so that nobody waits for ever
		c.life.closed.Store(true)
		c.life.cancel()
		_ = c.net.Stop()
		<-c.life.loopDone
		c.catchUp.Close()
		c.life.beside.Wait()
		reason := enum.ClosedByProgram
		if r := c.life.reason.Load(); r != nil {
			reason = *r
		}
		c.ledger.Events.Close(reason, c.now().UnixMilli())
		c.endStore()
	})
	<-c.life.done
	return nil
}

// beside runs f on a goroutine of its own, which Close waits for; ctx ends then. In a
// simulation it runs at once.
func (c *Client) beside(where string, f func(ctx context.Context)) {
	if c.loop.stepped {
		f(c.life.ctx)
		return
	}
	c.life.beside.Go(func() {
		defer func() {
			if v := recover(); v != nil {
				c.Fail(where, v, debug.Stack())
			}
		}()
		f(c.life.ctx)
	})
}

// Done is closed when the client has closed, by Close or after a failure.
func (c *Client) Done() <-chan struct{} { return c.life.done }

// Fail closes the client because of a recovered panic. Readers of events get an
// internal_error with the report id it returns, then a closed event. The value
// and the stack go to the log only.
func (c *Client) Fail(where string, value any, stack []byte) (reportID string) {
	var id [8]byte
	_, _ = io.ReadFull(c.rand, id[:])
	reportID = hex.EncodeToString(id[:])
	c.log.Log("error", "panic", "report_id", reportID, "where", where, "type", typeName(value), "stack", string(ledger.WithoutArguments(stack)))
	c.ledger.Events.Push(event.InternalError{ReportID: reportID, Where: where}, c.now().UnixMilli())
	internal := enum.ClosedByDefect
	c.life.reason.CompareAndSwap(nil, &internal)
	go func() {
		defer func() { _ = recover() }() // a failure now could be reported to nobody
		_ = c.Close()
	}()
	return reportID
}

// typeName describes a panic value without its content, which may be secret.
func typeName(value any) string {
	if e, ok := value.(runtime.Error); ok {
		return e.Error()
	}
	if _, ok := value.(error); ok {
		return "error"
	}
	return "value"
}

// SuspendStore releases the store file. Nothing is sent or received until
// ResumeStore; what arrives meanwhile is fetched from store nodes then, or sent again by
// its sender.
func (c *Client) SuspendStore() error {
	if err := c.checkOpen(); err != nil {
		return err
	}
	t := c.beginTurn()
	defer t.End()
	if !c.loop.paused.Load() {
		_ = c.outbox.Close(t) // what it could not record it publishes again after a stop
	}
	c.loop.paused.Store(true)
	c.catchUp.Suspend()
	c.ledger.Events.Sleep(true)
	if err := c.ledger.Store.Suspend(); err != nil {
		c.loop.paused.Store(false)
		c.ledger.Events.Sleep(false)
		return err
	}
	return nil
}

// ResumeStore opens the store file again.
func (c *Client) ResumeStore() error {
	if err := c.checkOpen(); err != nil {
		return err
	}
	defer c.beginTurn().End()
	if err := c.ledger.Store.Resume(); err != nil {
		return err
	}
	err := c.ledger.View(func(tx Tx) error {
		if err := c.catchUp.Load(tx); err != nil {
			return err
		}
		return c.index.Load(tx)
	})
	if err != nil {
		_ = c.ledger.Store.Suspend()
		return err
	}
	c.sessions.peers.Purge()
	c.marks = markBook{}
	c.loop.paused.Store(false)
	c.ledger.Events.Sleep(false)
	c.kick()
	return nil
}

// StoreInfo describes the store.
func (c *Client) StoreInfo() StoreInfo { return c.ledger.Store.Info() }

// ChangePassphrase changes the passphrase of the store.
func (c *Client) ChangePassphrase(old, new string) error {
	if err := c.checkOpen(); err != nil {
		return err
	}
	return c.ledger.Store.ChangePassphrase(old, new)
}

// Credentials open the store: a passphrase, or the key it was made with. A memory
// store needs neither.
type Credentials struct {
	Passphrase string
	Key        []byte
}

// Phrase returns the seed phrase of the identity to a caller who can open the store. With
// forget it is erased from the store: this was the last time. CodeNotFound when the
// identity has none (an imported key), or it was erased.
func (c *Client) Phrase(by Credentials, forget bool) (identity.Phrase, error) {
	a, err := c.account()
	if err != nil {
		return identity.Phrase{}, err
	}
	if err := c.ledger.Store.Authenticate(by.Passphrase, by.Key); err != nil {
		return identity.Phrase{}, err
	}
	if a.phrase == "" {
		return identity.Phrase{}, Errorf(CodeNotFound, "", "the store holds no seed phrase of this identity")
	}
	phrase, err := identity.ParsePhrase(a.phrase)
	if err != nil {
		return identity.Phrase{}, Errorf(CodeStoreCorrupt, "", "the seed phrase does not read back")
	}
	if forget {
		err = c.changeAccount(func(a *account) { a.phrase = "" })
	}
	return phrase, err
}

// DeleteIdentity destroys the identity and all that is in the store, for a caller who can
// open it: the keys of the store are erased and its file is removed. The client is closed
// then. The last event is closed, with reason "deleted".
func (c *Client) DeleteIdentity(by Credentials) error {
	if _, err := c.account(); err != nil {
		return err
	}
	if err := c.ledger.Store.Authenticate(by.Passphrase, by.Key); err != nil {
		return err
	}
	reason := enum.ClosedByDeletion
	if !c.life.reason.CompareAndSwap(nil, &reason) {
		return Errorf(CodeClosed, "", "the client is closed")
	}
	destroyed := make(chan error, 1)
	c.life.destroyed.Store(&destroyed)
	_ = c.Close()
	select {
	case err := <-destroyed:
		return err
	default: // somebody else was closing it
		return Errorf(CodeClosed, "", "the client was closed before it could be deleted")
	}
}

// endStore closes the store, or destroys it after DeleteIdentity.
func (c *Client) endStore() {
	if result := c.life.destroyed.Load(); result != nil {
		*result <- c.ledger.Store.Destroy()
		return
	}
	_ = c.ledger.Store.Close()
}
