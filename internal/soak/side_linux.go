package soak

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"libstatus1to1/chat/api"
	"libstatus1to1/chat/event"
	"libstatus1to1/internal/soak/client"
)

// side is one of the two who write to each other, over all its lives.
type side struct {
	number     int
	name       string
	key        string // its chat key
	books      books  // of what it sends
	process    *process
	light      bool          // in this life
	ready      bool          // open was answered, and the key is known, in this life
	open       bool          // the client does its work in this life
	dying      bool          // it was killed, and may still be heard
	befriended bool          // the other is a contact
	starts     time.Duration // of the run, when it is to start again, if it is dead
	resumes    time.Duration // if it is stopped
	trap       time.Duration // when a trap that it has not come to becomes a kill; 0 without one
	fault      fault         // why it is dead, or will be

	asked    map[int]func(json.RawMessage, *string) // by request: what to do with the result
	last     int                                    // request
	sending  bool                                   // messages.send has not been answered
	seen     uint64                                 // seq of the newest event
	handed   uint64                                 // seq of the newest event of this life
	acked    uint64                                 // seq up to which this life was told
	outbox   int
	fetched  tally // envelopes from store nodes
	resent   tally // messages published again
	again    int   // events that came again after a crash
	lives    int
	history  []entry
	finished bool // the history and the check of the store are there
}

func (s *side) child() *process {
	if s == nil {
		return nil
	}
	return s.process
}

// alive reports whether the process runs and answers.
func (s *side) alive() bool { return s.process != nil && !s.process.stopped }

// up reports whether the client does its work.
func (s *side) up() bool { return s.alive() && s.open }

// tally adds up a counter that begins again in each life. What a life did after it was
// last looked at is not in it.
type tally struct{ before, life int }

func (t *tally) died()     { t.before, t.life = t.before+t.life, 0 }
func (t tally) total() int { return t.before + t.life }

// start begins a life.
func (s *side) start(errors io.Writer, said chan<- spoken) error {
	p, err := start(roleClient, errors, said)
	if err != nil {
		return err
	}
	s.process, s.ready, s.open, s.dying, s.sending, s.asked = p, false, false, false, false, map[int]func(json.RawMessage, *string){}
	s.handed, s.acked = 0, 0
	s.lives++
	return nil
}

// ask sends a request. then gets the result; or the error's code, with a text.
func (s *side) ask(method string, params any, then func(json.RawMessage, *string)) {
	b, err := json.Marshal(params)
	if err != nil {
		panic(err)
	}
	s.last++
	s.asked[s.last] = then
	s.process.tell(client.Request{ID: s.last, Method: method, Params: b})
}

// answered hands an answer to whoever asked.
func (s *side) answered(l *client.Line) {
	then := s.asked[l.ID]
	delete(s.asked, l.ID)
	if then == nil {
		return
	}
	var envelope struct {
		OK     bool
		Result json.RawMessage
		Error  struct{ Code, Message string }
	}
	if err := json.Unmarshal(l.Answer, &envelope); err != nil {
		panic(err)
	}
	if !envelope.OK {
		failure := envelope.Error.Code + ": " + envelope.Error.Message
		then(nil, &failure)
		return
	}
	then(envelope.Result, nil)
}

// config is the configuration of the client in its next life.
func (r *run) config(s *side) any {
	var peers []string
	for i, n := range r.nodes {
		peers = append(peers, n.multiaddress(r.links[linkOf(s.number, i)].proxy.Port()))
	}
	network := map[string]any{"peers": peers}
	if s.light = r.Light && r.modes.IntN(2) == 0; s.light {
		network["mode"] = "light"
		r.counts["lives in light mode"]++
	}
	return map[string]any{
		"store":   map[string]any{"path": filepath.Join(r.directory, s.name+".db"), "key": storeKey},
		"network": network,
		"engine":  r.engine(),
		"log":     map[string]any{"file": filepath.Join(r.directory, s.name+".log"), "level": "info"},
	}
}

// storeKey encrypts the stores of a run. A passphrase would cost a derivation each life.
var storeKey = base64.StdEncoding.EncodeToString([]byte("a key for the stores of the soak"))

// engine are the settings of the engines of a run.
func (o Options) engine() map[string]any {
	return map[string]any{"resend_base_ms": o.Resend.Milliseconds(), "ack_delay_ms": 20, "contact_code_every_ms": 10_000}
}

// opened goes on after open: the identity is there or is made, and the other is a contact.
func (r *run) opened(s *side, result json.RawMessage, failure *string) {
	if failure != nil {
		r.fail("%s cannot be opened: %s", s.name, *failure)
		return
	}
	var o struct {
		Identity *struct {
			ChatKey string `json:"chat_key"`
		}
	}
	r.read(result, &o)
	if o.Identity != nil {
		s.key, s.ready = o.Identity.ChatKey, true
		r.befriend()
		return
	}
	s.ask("identity.create", map[string]any{"display_name": s.name}, func(result json.RawMessage, failure *string) {
		var made struct {
			Identity struct {
				ChatKey string `json:"chat_key"`
			}
		}
		if failure != nil {
			r.fail("%s has no identity: %s", s.name, *failure)
			return
		}
		r.read(result, &made)
		s.key, s.ready = made.Identity.ChatKey, true
		r.befriend()
	})
}

// befriend makes the other a contact as soon as both keys are known. A stranger could
// leave few messages only. Then the client is up.
func (r *run) befriend() {
	for _, who := range r.sides {
		with := r.other(who)
		switch {
		case !who.alive() || !who.ready || who.dying || who.open || with.key == "":
		case who.befriended:
			who.open = true
			r.presence()
		default:
			who.ask("contacts.add", map[string]any{"key": with.key}, func(_ json.RawMessage, failure *string) {
				if failure != nil {
					r.fail("%s: contacts.add: %s", who.name, *failure)
				}
				who.befriended, who.open = true, !who.dying
				r.presence()
			})
		}
	}
}

// send sends the next message that is due, one at a time.
func (r *run) send(s *side) {
	n := len(s.books.messages) + 1
	if !s.up() || s.sending || n > r.due {
		return
	}
	s.sending = true
	s.ask("messages.send", map[string]any{"to": r.other(s).key, "text": s.books.text(n), "client_ref": s.books.ref(n)},
		func(result json.RawMessage, failure *string) {
			s.sending = false
			if failure != nil {
				r.fail("%s: messages.send: %s", s.name, *failure)
				return
			}
			var m event.Message
			r.read(result, &m)
			s.books.accept(n, m.ID, r.now, &r.together)
			r.send(s)
		})
}

// heard takes an event.
func (r *run) heard(s *side, raw json.RawMessage) {
	var envelope struct{ Result *event.Delivered }
	r.read(raw, &envelope)
	e := envelope.Result
	if e == nil {
		return
	}
	s.handed = max(s.handed, e.Seq)
	switch {
	case e.Seq != 0 && e.Seq <= s.seen:
		s.again++ // it was not acknowledged before the crash
		return
	case e.Seq != 0:
		s.seen = e.Seq
	}
	switch e.Type {
	case "message_received":
		var m event.MessageReceived
		r.read(e.Data, &m)
		r.other(s).books.receive(m.Message.Text, m.Message.ID, r.now, &r.together)
	case "message_state":
		var m event.MessageState
		r.read(e.Data, &m)
		s.books.changed(m.ClientRef, string(m.State), string(m.Failure))
	case "internal_error", "overflow", "events_withheld":
		s.books.fault("event %s: %s", e.Type, e.Data)
	}
}

// acknowledge acknowledges the events that were taken. After a crash they come again first:
// a client that was not handed an event refuses to have it acknowledged.
func (r *run) acknowledge(s *side) {
	if !s.up() || s.acked == s.handed {
		return
	}
	s.acked = s.handed
	s.ask("events.ack", map[string]any{"up_to": s.handed}, func(_ json.RawMessage, failure *string) {
		if failure != nil {
			r.fail("%s: events.ack: %s", s.name, *failure)
		}
	})
}

// look asks how much waits.
func (r *run) look(s *side) {
	if !s.up() {
		return
	}
	s.ask("diagnostics.get", struct{}{}, func(result json.RawMessage, failure *string) {
		var d api.Diagnostics
		if failure != nil {
			r.fail("%s: diagnostics.get: %s", s.name, *failure)
			return
		}
		r.read(result, &d)
		s.outbox = d.Outbox
		s.resent.life = int(d.Resent)
		if d.CatchUp != nil {
			s.fetched.life = int(d.CatchUp.Fetched)
		}
	})
}

// finish reads the whole history, and then has the store checked.
func (r *run) finish(s *side, cursor string) {
	s.ask("messages.list", map[string]any{"key": r.other(s).key, "cursor": cursor, "limit": 200}, func(result json.RawMessage, failure *string) {
		if failure != nil {
			r.fail("%s: messages.list: %s", s.name, *failure)
			return
		}
		var page struct {
			Items []event.Message
			Next  string
		}
		r.read(result, &page)
		for _, m := range page.Items {
			s.history = append(s.history, entry{m.ID, m.Text, string(m.State)})
		}
		if page.Next != "" {
			r.finish(s, page.Next)
			return
		}
		s.ask("store.check", struct{}{}, func(result json.RawMessage, failure *string) {
			var check struct{ Problems []string }
			if failure != nil {
				check.Problems = []string{*failure}
			} else {
				r.read(result, &check)
			}
			for _, problem := range check.Problems {
				s.books.fault("store.check: %s", problem)
			}
			s.finished = true
		})
	})
}

func (r *run) other(s *side) *side { return r.sides[1-s.number] }

// read decodes what a child said.
func (r *run) read(raw json.RawMessage, into any) {
	if err := json.Unmarshal(raw, into); err != nil {
		r.fail("a child said %s: %v", raw, err)
	}
}

func (r *run) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("soak: "+format, args...)
	}
}
