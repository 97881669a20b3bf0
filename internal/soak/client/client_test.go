package client

import (
	"bufio"
	"encoding/json"
	"io"
	"testing"
	"time"

	"libstatus1to1/chat"
)

// conversation is a client in this process with both ends of its pipes.
type conversation struct {
	t     *testing.T
	in    io.WriteCloser
	lines chan Line
	ended chan error
}

func talk(t *testing.T, kill func()) *conversation {
	t.Helper()
	inRead, in := io.Pipe()
	outRead, out := io.Pipe()
	c := &conversation{t: t, in: in, lines: make(chan Line, 1000), ended: make(chan error, 1)}
	go func() {
		c.ended <- New(out, kill).Serve(inRead)
		out.Close()
	}()
	go func() {
		defer close(c.lines)
		for s := bufio.NewScanner(outRead); s.Scan(); {
			var l Line
			if err := json.Unmarshal(s.Bytes(), &l); err != nil {
				t.Errorf("%q is no line: %v", s.Text(), err)
			}
			c.lines <- l
		}
	}()
	t.Cleanup(func() { in.Close() })
	return c
}

func (c *conversation) ask(id int, method, params string) {
	c.t.Helper()
	b, err := json.Marshal(Request{ID: id, Method: method, Params: json.RawMessage(params)})
	if err != nil {
		c.t.Fatal(err)
	}
	if _, err := c.in.Write(append(b, '\n')); err != nil {
		c.t.Fatal(err)
	}
}

func (c *conversation) until(what string, found func(Line) bool) Line {
	c.t.Helper()
	timeout := time.After(20 * time.Second)
	for {
		select {
		case l, ok := <-c.lines:
			if !ok {
				c.t.Fatal("it ended while waiting for ", what)
			}
			if found(l) {
				return l
			}
		case <-timeout:
			c.t.Fatal("waited in vain for ", what)
		}
	}
}

func (c *conversation) answer(id int) (ok bool) {
	c.t.Helper()
	l := c.until("an answer", func(l Line) bool { return l.ID == id })
	var envelope struct{ OK bool }
	if err := json.Unmarshal(l.Answer, &envelope); err != nil {
		c.t.Fatal(err)
	}
	return envelope.OK
}

func TestClientAnswersAndTellsEvents(t *testing.T) {
	c := talk(t, nil)
	c.ask(1, "open", `{"store":{"kind":"memory"},"network":{"kind":"memory"}}`)
	if !c.answer(1) {
		t.Fatal("it was not opened")
	}
	c.ask(2, "identity.create", `{}`)
	c.ask(3, "no.such_method", `{}`)
	if !c.answer(2) || c.answer(3) {
		t.Fatal("a wrong answer")
	}
	c.in.Close()
	c.until("the last event", func(l Line) bool { return l.Event != nil })
	if err := <-c.ended; err != nil {
		t.Fatal(err)
	}
}

func TestClientEndsAtBadLines(t *testing.T) {
	for _, line := range []string{"nonsense\n", `{"id":1,"method":"trap","params":7}` + "\n"} {
		c := talk(t, nil)
		if _, err := c.in.Write([]byte(line)); err != nil {
			t.Fatal(err)
		}
		if err := <-c.ended; err == nil {
			t.Fatalf("%q was taken", line)
		}
	}
}

func TestClientTrap(t *testing.T) {
	killed := make(chan struct{}, 1)
	c := talk(t, func() {
		select {
		case killed <- struct{}{}:
		default:
		}
	})
	c.ask(1, "open", `{"store":{"kind":"memory"},"network":{"kind":"memory"}}`)
	c.ask(0, "trap", `{"point":"`+chat.ProbeBeforeCommit+`","nth":1}`)
	c.ask(2, "identity.create", `{}`)
	c.until("the trap", func(l Line) bool { return l.Trapped == chat.ProbeBeforeCommit })
	<-killed
	c.in.Close()
	<-c.ended
}
