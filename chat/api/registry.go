package api

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"runtime/debug"
	"sync"
	"time"

	"libstatus1to1/chat"
)

// Opener makes the store and the network a configuration names. The engine that
// is opened with them closes them.
type Opener func(ctx context.Context, c Config) (chat.Options, error)

// Registry holds the open clients of a process by handle. All methods may be
// called from any goroutine. Those that return a string return a response
// envelope, always.
type Registry struct {
	opener  Opener
	methods map[string]Method
	// strings returns the number of strings callers hold; see CountStrings.
	strings func() int64
	// patience is callbackPatience, but in tests.
	patience time.Duration

	mu      sync.Mutex
	first   uint64             // the first handle of this registry
	next    uint64             // the next to give out
	clients map[uint64]*client // open, or closing
	// unread holds, by handle, the last events of closed clients that nobody has read
	// yet. forgotten lists the handles of those clients in the order in which they
	// closed.
	unread    map[uint64]*leftovers
	forgotten []uint64
}

// maxUnread is the number of closed clients that may have unread events: a host that
// never reads them pays for this many, however many clients it opens.
const maxUnread = 64

// NewRegistry makes an empty registry that opens clients with opener.
func NewRegistry(opener Opener) *Registry {
	r := &Registry{opener: opener, patience: callbackPatience, methods: map[string]Method{}, clients: map[uint64]*client{}, unread: map[uint64]*leftovers{}}
	for _, m := range append(Methods(), forcedMethods...) {
		r.methods[m.Name] = m
	}
	r.first = randomStart()
	r.next = r.first
	return r
}

// CountStrings sets the function that knows the number of strings that callers of the C
// library have not freed. Call it before the registry is used.
func (r *Registry) CountStrings(held func() int64) { r.strings = held }

// counts returns the number of clients that are open or closing, the number of closed
// clients with unread events, and the number of strings callers hold.
func (r *Registry) counts() (open, unread int, held int64) {
	if r.strings != nil {
		held = r.strings()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.clients), len(r.unread), held
}

// randomStart returns the first handle: a random number from 2^32 below 2^52. A made-up
// handle or one of another process is then unlikely to be valid, and 2^52 more handles
// fit below 2^53.
func randomStart() uint64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	const low, high = 1 << 32, 1 << 52
	return low + binary.NativeEndian.Uint64(b[:])%(high-low)
}

// OpenResult is the result of status1to1_open.
type OpenResult struct {
	// Client is the handle of the client, below 2^53.
	Client uint64 `json:"client"`
	// Identity is the identity in the store, or null if there is none yet.
	Identity *chat.IdentityInfo `json:"identity"`
}

// Open opens a client. The handle is 0 when the response is an error.
func (r *Registry) Open(config string) (handle uint64, response string) {
	result, err := r.OpenClient(config)
	if err != nil {
		return 0, Failure(err)
	}
	return result.Client, Success(result)
}

// open does the work of Open.
func (r *Registry) open(text string) (*client, *chat.IdentityInfo, error) {
	config, err := ParseConfig(text)
	if err != nil {
		return nil, nil, err
	}
	log, err := newLogger(config.Log)
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	force := &forced{}
	engine, identity, err := r.start(ctx, config, log, force)
	if err != nil {
		cancel()
		log.close()
		return nil, nil, err
	}
	c := &client{registry: r, engine: engine, ctx: ctx, cancel: cancel, log: log, done: make(chan struct{}), left: &leftovers{}, force: force}
	r.mu.Lock()
	defer r.mu.Unlock()
	c.handle = r.next
	r.next++
	r.clients[c.handle] = c
	return c, identity, nil
}

// start opens the engine with what the opener makes, and returns its identity; nil if
// there is none yet.
func (r *Registry) start(ctx context.Context, config Config, log *logger, force *forced) (*chat.Client, *chat.IdentityInfo, error) {
	options, err := r.opener(ctx, config)
	if err != nil {
		return nil, nil, err
	}
	options.Logger = log.chatLogger()
	options.Settings = config.Engine.Settings()
	force.arm(&options)
	engine, err := chat.Open(ctx, options)
	if err != nil {
		return nil, nil, err
	}
	switch info, err := engine.Identity(); {
	case err == nil:
		return engine, &info, nil
	case chat.CodeOf(err) == chat.CodeNoIdentity:
		return engine, nil, nil
	default:
		_ = engine.Close()
		return nil, nil, err
	}
}

// Call runs a method. Empty params stand for {}.
func (r *Registry) Call(handle uint64, method, params string) string {
	c := r.find(handle)
	if c == nil {
		return Failure(badClient())
	}
	return r.guard(c, method, func() (any, error) {
		return dispatch(context.Background(), r.methods, c, method, params)
	})
}

// Close closes a client and waits for it, and for its callback no longer than
// callbackPatience. A second close of a handle is fine. In an event callback, of this
// client or another, inside is true: then it does not wait for callbacks.
func (r *Registry) Close(handle uint64, inside bool) string {
	c := r.find(handle)
	if c == nil {
		if r.issued(handle) {
			return Success(nil)
		}
		return Failure(badClient())
	}
	return r.guard(c, "close", func() (any, error) { return nil, r.shut(c, inside) })
}

// shut closes a client and takes it out.
func (r *Registry) shut(c *client, inside bool) error {
	err := c.shut(inside)
	r.forget(c)
	return err
}

// find is the client of an open handle, or nil.
func (r *Registry) find(handle uint64) *client {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.clients[handle]
}

// issued reports whether this registry ever gave out handle.
func (r *Registry) issued(handle uint64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return handle >= r.first && handle < r.next
}

// forget takes a closed client out.
func (r *Registry) forget(c *client) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.clients[c.handle] == nil {
		return
	}
	delete(r.clients, c.handle)
	if c.left.empty() {
		return
	}
	r.unread[c.handle] = c.left
	r.forgotten = append(r.forgotten, c.handle)
	if len(r.forgotten) > maxUnread {
		delete(r.unread, r.forgotten[0])
		r.forgotten = r.forgotten[1:]
	}
}

// guard runs an entry point of the library and answers for it: no panic gets
// past. The client it happened in is closed, the others go on.
func (r *Registry) guard(c *client, where string, f func() (any, error)) string {
	response, err := guarded(c, where, func() (string, error) { return respond(f()), nil })
	if err != nil {
		response = Failure(err)
	}
	if watch != nil {
		watch(where, response)
	}
	return response
}

// watch is called with every response and the method it is of. It is nil but in tests.
var watch func(method, response string)

// guarded is guard for an answer without an envelope.
func guarded[T any](c *client, where string, f func() (T, error)) (result T, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = internal(fail(c, where, v, debug.Stack()))
		}
	}()
	return f()
}

// fail closes the client of a panic and gives the report id. Without a client,
// or if closing it panics too, the id is made here.
func fail(c *client, where string, v any, stack []byte) (reportID string) {
	defer func() {
		if recover() != nil {
			reportID = newReportID()
		}
	}()
	if c == nil {
		return newReportID()
	}
	return c.engine.Fail(where, v, stack)
}

// newReportID is 8 random bytes in hex.
func newReportID() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

func internal(reportID string) error {
	return chat.Errorf(chat.CodeInternal, "", "a defect of the library; the client was closed").With("report_id", reportID)
}

func badClient() error {
	return chat.Errorf(chat.CodeBadClient, "client", "the handle is not of an open client")
}
