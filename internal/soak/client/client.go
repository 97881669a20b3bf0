// Package client is the program that `make soak` kills: one client of the library behind
// its JSON methods, driven by lines of JSON on standard input and output, as a program in
// C drives it by calls. It opens what library/host opens, so its configuration is that of
// the library.
package client

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"sync"

	"libstatus1to1/chat"
	"libstatus1to1/chat/api"
	"libstatus1to1/library/host"
)

// Request is one line to the client.
type Request struct {
	ID     int             `json:"id"`
	Method string          `json:"method"` // "open", "trap", or a method of the library
	Params json.RawMessage `json:"params,omitempty"`
}

// Line is one line from the client: the answer to a request, an event, or the last word
// before it kills itself.
type Line struct {
	ID      int             `json:"id,omitempty"`
	Answer  json.RawMessage `json:"answer,omitempty"` // a response envelope
	Event   json.RawMessage `json:"event,omitempty"`  // a response envelope
	Trapped string          `json:"trapped,omitempty"`
}

// Trap are the parameters of the request "trap": the client kills itself when the engine
// comes to a point of chat.ProbePoints for the Nth time from now on.
type Trap struct {
	Point string `json:"point"`
	Nth   int    `json:"nth"`
}

// maxLine bounds a line to a client: a message of the largest size with room around it.
const maxLine = 1 << 20

// Client serves requests until its input ends.
type Client struct {
	out      io.Writer
	writing  sync.Mutex
	registry *api.Registry
	handle   uint64
	kill     func()

	mu   sync.Mutex
	trap Trap
}

// New returns a client that writes to out, and calls kill where it is to kill itself.
// kill does not return.
func New(out io.Writer, kill func()) *Client {
	c := &Client{out: out, kill: kill}
	c.registry = api.NewRegistry(func(ctx context.Context, config api.Config) (chat.Options, error) {
		o, err := host.Open(ctx, config)
		o.Probe = c.probe
		return o, err
	})
	return c
}

// say writes one line with one system call: a killed process leaves none in half.
func (c *Client) say(l Line) {
	b, err := json.Marshal(l)
	if err != nil {
		panic(err)
	}
	c.writing.Lock()
	defer c.writing.Unlock()
	_, _ = c.out.Write(append(b, '\n'))
}

// probe springs the trap.
func (c *Client) probe(point string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if point != c.trap.Point {
		return
	}
	if c.trap.Nth--; c.trap.Nth <= 0 {
		c.say(Line{Trapped: point})
		c.kill()
	}
}

// Serve answers requests, one after the other, until in ends; then it closes the client.
func (c *Client) Serve(in io.Reader) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		var r Request
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			return fmt.Errorf("client: the line is no request: %w", err)
		}
		if err := c.serve(r); err != nil {
			return err
		}
	}
	if c.handle != 0 {
		c.registry.Close(c.handle, false)
	}
	return lines.Err()
}

func (c *Client) serve(r Request) error {
	switch r.Method {
	case "open":
		handle, answer := c.registry.Open(string(r.Params))
		c.handle = handle
		c.say(Line{ID: r.ID, Answer: json.RawMessage(answer)})
		if handle != 0 {
			c.registry.SetCallback(handle, func(response string) { c.say(Line{Event: json.RawMessage(response)}) }, false)
		}
	case "trap":
		var t Trap
		if err := json.Unmarshal(r.Params, &t); err != nil {
			return fmt.Errorf("client: the parameters are no trap: %w", err)
		}
		c.mu.Lock()
		c.trap = t
		c.mu.Unlock()
	default:
		c.say(Line{ID: r.ID, Answer: json.RawMessage(c.registry.Call(c.handle, r.Method, string(r.Params)))})
	}
	return nil
}
