package soak

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"

	ma "github.com/multiformats/go-multiaddr"

	"libstatus1to1/chat/port"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/waku"
	"libstatus1to1/internal/soak/client"
)

// nodeOrder is the line that a node is started with.
type nodeOrder struct {
	Key   []byte   `json:"key"`
	Peers []string `json:"peers,omitempty"`
}

// nodeReady is what a node answers: the port that it listens on, another in each life.
type nodeReady struct {
	Port int `json:"port"`
}

// runNode is a node, in its own process, until its input ends.
func runNode(in io.Reader, out io.Writer) error {
	lines := bufio.NewScanner(in)
	if !lines.Scan() {
		return lines.Err()
	}
	var o nodeOrder
	if err := json.Unmarshal(lines.Bytes(), &o); err != nil {
		return err
	}
	k, err := key.ParsePrivate(o.Key)
	if err != nil {
		return err
	}
	n, err := waku.New(waku.Config{Listen: []string{"/ip4/127.0.0.1/tcp/0"}, Peers: o.Peers})
	if err != nil {
		return err
	}
	if err := n.Start(context.Background(), port.TransportHooks{
		NodeKey: k, Received: func(port.Envelope) {}, Changed: func(port.NetworkChange) {},
		Panicked: func(where string, value any, stack []byte) {
			fmt.Fprintf(os.Stderr, "%s: %v\n%s", where, value, stack)
			os.Exit(1)
		},
		Log: quiet{},
	}); err != nil {
		return err
	}
	address, err := ma.NewMultiaddr(n.Status().ListenAddresses[0])
	if err != nil {
		return err
	}
	text, err := address.ValueForProtocol(ma.P_TCP)
	if err != nil {
		return err
	}
	if err := json.NewEncoder(out).Encode(client.Line{ID: 1, Answer: json.RawMessage(`{"port":` + text + `}`)}); err != nil {
		return err
	}
	for lines.Scan() {
	}
	return n.Stop()
}

type quiet struct{}

func (quiet) Log(string, string, ...any) {}

// nodeKey is the key of a node, the same for the same seed.
func nodeKey(seed uint64, number int) key.Private {
	random := rand.New(rand.NewPCG(seed, uint64(number)+1))
	for {
		b := make([]byte, key.PrivateSize)
		for i := range b {
			b[i] = byte(random.UintN(256))
		}
		if k, err := key.ParsePrivate(b); err == nil {
			return k
		}
	}
}
