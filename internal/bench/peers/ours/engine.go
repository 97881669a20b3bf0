//go:build peers

package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"libstatus1to1/chat"
	"libstatus1to1/chat/enum"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/waku"
	"libstatus1to1/store"
)

// What one figure of the engine is of.
const (
	alone        = 200 // messages, one at a time
	answered     = 30  // messages, each sent when the one before is acknowledged
	batches      = 15  // of atOnce messages
	atOnce       = 64
	greetings    = 8 // messages in turn before anything is measured: after them the session is settled
	patience     = 60 * time.Second
	resend       = 200 * time.Millisecond
	ackDelay     = time.Millisecond // the least there is
	acksInResend = 8
	commitBytes  = 16384 // what a commit writes, about
)

// settings: the engine limits the envelopes that carry nothing but acknowledgements to acksInResend in
// resend, by default 8 in 27 s. Here as many come as are waited for, when pause is between two.
var settings = chat.Settings{ResendBase: resend, AckDelay: ackDelay}

const pause = resend / acksInResend

// setting is an engine in some surroundings.
type setting struct {
	name        string
	disk, relay bool
}

// engines measures two engines that write to each other, in three settings.
func engines(dir string) (figures []figure) {
	for _, s := range []setting{
		{name: "ours: engine, memory"},
		{name: "ours: engine, disk", disk: true},
		{name: "ours: engine, disk, relay", disk: true, relay: true},
	} {
		for _, size := range sizes {
			figures = append(figures, s.measure(dir, size)...)
		}
	}
	return figures
}

// syncs measures the disk: to write some pages and wait until they are there is most of a commit.
func syncs(dir string) []figure {
	file := must(os.CreateTemp(dir, "sync"))
	defer os.Remove(file.Name())
	var took []time.Duration
	pages := make([]byte, commitBytes)
	for range alone {
		begin := time.Now()
		must(file.WriteAt(pages, 0))
		done(file.Sync())
		took = append(took, time.Since(begin))
	}
	return []figure{of("ours: fsync alone", "fsync", commitBytes, 1, took)}
}

// person is a client whose events are read.
type person struct {
	*chat.Client
	key key.Public
	// heard and acknowledged have the times at which a message of the other one was there to be
	// read, and at which one of ours was known to be.
	heard, acknowledged chan time.Time
}

func (s setting) measure(dir string, size int) []figure {
	dir = must(os.MkdirTemp(dir, "stores"))
	defer os.RemoveAll(dir)
	var networks [2]chat.Transport
	if cable := memnet.New(memnet.Options{}); !s.relay {
		networks = [2]chat.Transport{cable.Join(), cable.Join()}
	} else {
		networks[0] = must(waku.New(waku.Config{Listen: []string{"/ip4/127.0.0.1/tcp/0"}}))
	}
	alice := s.open(filepath.Join(dir, "alice"), networks[0])
	defer alice.Close()
	if s.relay {
		networks[1] = must(waku.New(waku.Config{Listen: []string{"/ip4/127.0.0.1/tcp/0"}, Peers: alice.NetworkStatus().ListenAddresses[:1]}))
	}
	bob := s.open(filepath.Join(dir, "bob"), networks[1])
	defer bob.Close()
	for from, to, i := alice, bob, 0; i < greetings; from, to, i = to, from, i+1 {
		began := from.say(to, 1, "hello")
		passed(began, 1, to.heard)
		passed(began, 1, from.acknowledged)
	}
	return s.write(alice, bob, size)
}

// write measures what a message takes one at a time, each way in turn, when the next one waits for
// its acknowledgement, and many at once.
func (s setting) write(alice, bob *person, size int) []figure {
	text := textOf(size)
	var heard, turns, acknowledged, heardAll, acknowledgedAll []time.Duration
	for range alone {
		heard = append(heard, passed(alice.say(bob, 1, text), 1, bob.heard))
	}
	passed(time.Now(), alone, alice.acknowledged)
	for from, to := alice, bob; len(turns) < alone; from, to = to, from {
		turns = append(turns, passed(from.say(to, 1, text), 1, to.heard))
	}
	passed(time.Now(), alone/2, alice.acknowledged)
	passed(time.Now(), alone/2, bob.acknowledged)
	for range answered {
		time.Sleep(pause)
		began := alice.say(bob, 1, text)
		passed(began, 1, bob.heard)
		acknowledged = append(acknowledged, passed(began, 1, alice.acknowledged))
	}
	for range batches {
		time.Sleep(pause)
		began := alice.say(bob, atOnce, text)
		heardAll = append(heardAll, passed(began, atOnce, bob.heard))
		acknowledgedAll = append(acknowledgedAll, passed(began, atOnce, alice.acknowledged))
	}
	return []figure{
		of(s.name, "received", size, 1, heard),
		of(s.name, "received, ping-pong", size, 1, turns),
		of(s.name, "acknowledged", size, 1, acknowledged),
		of(s.name, "received, 64 at once", size, atOnce, heardAll),
		of(s.name, "acknowledged, 64 at once", size, atOnce, acknowledgedAll),
	}
}

func (s setting) open(path string, network chat.Transport) *person {
	kept := store.Memory()
	if s.disk {
		// Argon2 is not what is measured: the key is given.
		kept = must(store.Open(store.Options{Path: path, Key: make([]byte, 32)}))
	}
	client := must(chat.Open(context.Background(), chat.Options{Store: kept, Transport: network, Settings: settings}))
	private := must(key.Generate(rand.Reader))
	must(client.ImportIdentity(context.Background(), private, "somebody"))
	p := &person{Client: client, key: private.Public(), heard: make(chan time.Time, alone), acknowledged: make(chan time.Time, alone)}
	go p.listen()
	return p
}

// listen reads events until the client is closed, and acknowledges them when none waits, as a host does.
func (p *person) listen() {
	without, cancel := context.WithCancel(context.Background())
	cancel()
	for last := uint64(0); ; {
		e := must(p.NextEvent(without))
		if e == nil && last > 0 {
			done(p.AckEvents(last))
			last = 0
		}
		if e == nil {
			e = must(p.NextEvent(context.Background()))
		}
		now := time.Now()
		last = max(last, e.Seq)
		switch e.Type {
		case event.Closed{}.Type():
			return
		case event.MessageReceived{}.Type():
			p.heard <- now
		case event.MessageState{}.Type():
			var state event.MessageState
			done(json.Unmarshal(e.Data, &state))
			if state.State == enum.DeliveryDelivered {
				p.acknowledged <- now
			}
		}
	}
}

// say writes n messages to somebody, and returns when it began to.
func (p *person) say(to *person, n int, text string) (began time.Time) {
	requests := make([]chat.SendRequest, n)
	for i := range requests {
		requests[i] = chat.SendRequest{To: to.key, Text: text}
	}
	began = time.Now()
	if n == 1 {
		must(p.Send(context.Background(), requests[0]))
	} else {
		must(p.SendBatch(context.Background(), requests))
	}
	return began
}

// passed waits for n times, and returns how long after began the last one is.
func passed(began time.Time, n int, times <-chan time.Time) (last time.Duration) {
	for range n {
		select {
		case at := <-times:
			last = at.Sub(began)
		case <-time.After(patience):
			done(fmt.Errorf("a message did not come"))
		}
	}
	return last
}
