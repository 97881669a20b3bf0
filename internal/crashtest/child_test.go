package crashtest

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"libstatus1to1/chat"
	"libstatus1to1/chat/identity"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/waku"
	"libstatus1to1/store"
)

// The child side: this test binary run again, as one client.

const childEnv = "CRASHTEST_CHILD"

// orders are what a child is started with, as JSON in childEnv.
type orders struct {
	Name, Path string
	Port       int
	Peer       string // multiaddress of the other node, "" when it is not known yet
	To         string // chat key of the other one, "" when it is not known yet
	From       int    // number of the first text to send
}

// order is one line on a child's standard input, as JSON.
type order struct {
	UpTo    int    // go on sending up to this number
	Point   string // kill yourself when you come here for the Nth time from now on
	Nth     int
	History bool // print the conversation and what store.check finds
}

// line is what a child prints: one JSON text a line.
type line struct {
	Kind     string // "ready", "accepted", "point", "status", "history", "problem", "checked", "failed"
	Key      string `json:",omitempty"`
	Address  string `json:",omitempty"`
	N        int    `json:",omitempty"`
	ID       string `json:",omitempty"`
	Outbox   int    `json:",omitempty"`
	Online   bool   `json:",omitempty"`
	Messages uint64 `json:",omitempty"`
	Text     string `json:",omitempty"`
}

func TestMain(m *testing.M) {
	if text := os.Getenv(childEnv); text != "" {
		if err := runChild(text); err != nil {
			say(line{Kind: "failed", Text: err.Error()})
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

var saying sync.Mutex

// say prints one line with one system call: a killed process leaves none in half.
func say(l line) {
	b, err := json.Marshal(l)
	if err != nil {
		panic(err)
	}
	saying.Lock()
	defer saying.Unlock()
	_, _ = os.Stdout.Write(append(b, '\n'))
}

func runChild(text string) error {
	var o orders
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		return err
	}
	c, err := o.open()
	if err != nil {
		return err
	}
	me, err := c.Identity()
	if err != nil {
		if _, _, err := c.CreateIdentity(context.Background(), 12, o.Name); err != nil {
			return err
		}
		if me, err = c.Identity(); err != nil {
			return err
		}
	}
	say(line{Kind: "ready", Key: me.ChatKey, Address: c.NetworkStatus().ListenAddresses[0]})
	if o.To != "" {
		to, err := identity.ParseChatKey(o.To)
		if err != nil {
			return err
		}
		go report(c, to)
		numbers := make(chan int, 1<<16)
		go o.send(c, to, numbers)
		return o.obey(c, to, numbers)
	}
	return o.obey(c, key.Public{}, nil)
}

func (o orders) open() (*chat.Client, error) {
	config := waku.Config{Listen: []string{fmt.Sprintf("/ip4/127.0.0.1/tcp/%d", o.Port)}}
	if o.Peer != "" {
		config.Peers = []string{o.Peer}
	}
	node, err := waku.New(config)
	if err != nil {
		return nil, err
	}
	s, err := store.Open(store.Options{Path: o.Path, Passphrase: "a passphrase", KDF: store.Argon2Params{Time: 1, MemoryKiB: 64, Threads: 1}})
	if err != nil {
		return nil, err
	}
	return chat.Open(context.Background(), chat.Options{
		Store: s, Transport: node, Probe: spring,
		Settings: chat.Settings{ResendBase: 300 * time.Millisecond, AckDelay: 20 * time.Millisecond},
	})
}

// trap is the point at which the process is to kill itself, as a power cut would.
var trap struct {
	sync.Mutex
	point string
	left  int
}

func spring(point string) {
	trap.Lock()
	defer trap.Unlock()
	if point != trap.point {
		return
	}
	if trap.left--; trap.left == 0 {
		say(line{Kind: "point", Text: point})
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
}

// pace is the wait between two messages: some 200 a second.
const pace = 5 * time.Millisecond

// send sends each number once: with its client_ref a number that was accepted
// before a crash gives the same message again.
func (o orders) send(c *chat.Client, to key.Public, numbers <-chan int) {
	for n := range numbers {
		m, err := c.Send(context.Background(), chat.SendRequest{
			To: to, Text: fmt.Sprintf("%s %d", o.Name, n), ClientRef: fmt.Sprintf("%s-%d", o.Name, n),
		})
		if err != nil {
			say(line{Kind: "failed", Text: err.Error()})
			return
		}
		say(line{Kind: "accepted", N: n, ID: m.ID})
		time.Sleep(pace)
	}
}

// report tells every now and then how far things are.
func report(c *chat.Client, with key.Public) {
	for ; ; time.Sleep(100 * time.Millisecond) {
		d, err := c.Diagnostics()
		if err != nil {
			return
		}
		conversation, err := c.Chat(with)
		if err != nil {
			return
		}
		say(line{
			Kind: "status", Outbox: d.Outbox, Messages: conversation.Messages,
			Online: c.NetworkStatus().State == chat.NetworkOnline,
		})
	}
}

// obey does what comes on standard input until it ends.
func (o orders) obey(c *chat.Client, to key.Public, numbers chan<- int) error {
	next := o.From
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		var do order
		if err := json.Unmarshal(in.Bytes(), &do); err != nil {
			return err
		}
		if do.Point != "" {
			trap.Lock()
			trap.point, trap.left = do.Point, do.Nth
			trap.Unlock()
		}
		for ; next <= do.UpTo; next++ {
			numbers <- next
		}
		if do.History {
			if err := tellHistory(c, to); err != nil {
				return err
			}
		}
	}
	return c.Close()
}

// tellHistory prints the conversation, newest first, and what store.check finds.
func tellHistory(c *chat.Client, to key.Public) error {
	for cursor := ""; ; {
		page, err := c.Messages(to, chat.PageRequest{Cursor: cursor, Limit: chat.MaxPage})
		if err != nil {
			return err
		}
		for _, m := range page.Items {
			say(line{Kind: "history", ID: m.ID, Text: m.Text})
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	check, err := c.CheckStore(context.Background())
	if err != nil {
		return err
	}
	for _, problem := range check.Problems {
		say(line{Kind: "problem", Text: problem})
	}
	say(line{Kind: "checked", N: check.Records})
	return nil
}
